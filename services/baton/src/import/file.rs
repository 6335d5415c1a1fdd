//! Import files as they lie on disk or in the program.

use crate::exit::Failure;
use crate::files::{self, Source};
use crate::words::{self, Resolve};
use baton_proto::v1;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// The file that says in which order the files of a directory are imported.
const INDEX: &str = "index.toml";

/// An import file, read and found well formed.
#[derive(Debug)]
pub(crate) struct ImportFile {
    /// How to call it in sentences.
    pub(crate) name: String,
    /// Its name without folder and ending.
    pub(crate) stem: String,
    /// SHA-256 of its text, lower-case hexadecimal.
    pub(crate) sha256: String,
    /// Its rows, in order.
    pub(crate) rows: Vec<Row>,
}

/// One row: a command for one or more streams.
#[derive(Debug)]
pub(crate) struct Row {
    /// Its label, unique in each stream.
    pub(crate) label: String,
    /// The streams it is written to.
    pub(crate) streams: Vec<String>,
    /// The command, keys as in the proto, without the stream.
    pub(crate) command: Map<String, Value>,
    /// Labels of the rows it names.
    pub(crate) names: Vec<String>,
}

/// The shipped histories.
#[derive(rust_embed::RustEmbed)]
#[folder = "data/"]
#[include = "*.toml"]
struct Shipped;

/// The files of the shipped histories, in order.
///
/// # Errors
/// When one is not as it must be, which a test rules out.
pub(crate) fn embedded() -> Result<Vec<ImportFile>, Failure> {
    let source = |name: &str| -> Result<Source, Failure> {
        let file = Shipped::get(name).ok_or_else(|| Failure::Usage(format!("the program holds no file {name}")))?;
        let text = String::from_utf8(file.data.into_owned()).map_err(|_| Failure::Usage(format!("{name} is not text")))?;
        Ok(Source { name: name.to_owned(), text })
    };
    let index = source(INDEX)?;
    in_order(&index)?.iter().map(|name| ImportFile::parse(&source(name)?)).collect()
}

/// The files named on the command line; a directory stands for its files in the order of its index.
///
/// # Errors
/// Every mistake of the first file that has any.
pub(crate) fn from_paths(paths: &[PathBuf]) -> Result<Vec<ImportFile>, Failure> {
    let mut all = Vec::new();
    for path in paths {
        let files = if path.is_dir() { of_directory(path)? } else { vec![path.clone()] };
        if files.is_empty() {
            return Err(Failure::Usage(format!("{} holds no import files", path.display())));
        }
        for file in files {
            all.push(ImportFile::parse(&files::read(&file)?)?);
        }
    }
    Ok(all)
}

/// The files beside those on the command line that the index of their directory names, for rows that
/// were imported by an earlier run.
///
/// # Errors
/// As [`from_paths`].
pub(crate) fn siblings(paths: &[PathBuf]) -> Result<Vec<ImportFile>, Failure> {
    let mut all = Vec::new();
    for directory in paths.iter().filter(|path| !path.is_dir()).filter_map(|path| path.parent()) {
        let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
        if directory.join(INDEX).is_file() {
            for file in of_directory(directory)? {
                if !paths.contains(&file) {
                    all.push(ImportFile::parse(&files::read(&file)?)?);
                }
            }
        }
    }
    Ok(all)
}

fn of_directory(directory: &Path) -> Result<Vec<PathBuf>, Failure> {
    let index = directory.join(INDEX);
    if index.is_file() {
        return Ok(in_order(&files::read(&index)?)?.iter().map(|name| directory.join(name)).collect());
    }
    let entries =
        std::fs::read_dir(directory).map_err(|e| Failure::Usage(format!("failed to read {}: {e}", directory.display())))?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "toml"))
        .collect();
    files.sort();
    Ok(files)
}

fn in_order(index: &Source) -> Result<Vec<String>, Failure> {
    let content = index.parse()?;
    let names = content
        .get("files")
        .and_then(Value::as_array)
        .map(|names| names.iter().filter_map(Value::as_str).map(str::to_owned).collect());
    names.ok_or_else(|| Failure::Usage(format!("{} names no files", index.name)))
}

impl ImportFile {
    /// Reads the rows and checks their form, so that nothing is sent of a file that has a mistake.
    ///
    /// # Errors
    /// Every mistake, with the label of its row.
    pub(crate) fn parse(source: &Source) -> Result<Self, Failure> {
        let mut content = source.parse()?;
        let mut mistakes = Vec::new();
        let rows = match content.remove("command") {
            Some(Value::Array(rows)) if !rows.is_empty() => rows,
            _ => return Err(Failure::Usage(format!("{} holds no [[command]]", source.name))),
        };
        let rows: Vec<Row> = rows.into_iter().enumerate().filter_map(|(index, value)| row(index, value, &mut mistakes)).collect();
        content.remove("title");
        content.remove("note");
        mistakes
            .extend(content.keys().map(|key| format!("{key:?} is no key of an import file, which has title, note and command")));
        mistakes.extend(twice(&rows));
        if !mistakes.is_empty() {
            return Err(Failure::Usage(format!("{} can not be imported:\n  - {}", source.name, mistakes.join("\n  - "))));
        }
        let stem =
            Path::new(&source.name).file_stem().map_or_else(|| source.name.clone(), |stem| stem.to_string_lossy().into_owned());
        Ok(Self { name: source.name.clone(), stem, sha256: words::hex(&Sha256::digest(source.text.as_bytes())), rows })
    }
}

impl Row {
    /// The command for one of its streams.
    ///
    /// # Errors
    /// Why a row it names can not be resolved.
    pub(crate) fn command(&self, stream: &str, resolve: Resolve<'_>) -> Result<v1::Command, String> {
        let mut command = self.command.clone();
        command.insert("stream".to_owned(), stream.into());
        words::message("Command", Value::Object(command), resolve)
            .map_err(|mistakes| mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
    }
}

fn row(index: usize, value: Value, mistakes: &mut Vec<String>) -> Option<Row> {
    let Value::Object(mut command) = value else {
        mistakes.push(format!("command {index} is no table"));
        return None;
    };
    let label = match command.remove("row") {
        Some(Value::String(label)) if !label.is_empty() => label,
        _ => {
            mistakes.push(format!("command {index} has no row label"));
            return None;
        }
    };
    let streams: Vec<String> = match (command.remove("stream"), command.remove("streams")) {
        (Some(Value::String(stream)), None) => vec![stream],
        (None, Some(Value::Array(streams))) => streams.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    if streams.is_empty() {
        mistakes.push(format!("row {label}: names one stream or several streams, and not both"));
    }
    if let Some(place) = command.remove("place")
        && let Err(what) = put_place(&mut command, &place)
    {
        mistakes.push(format!("row {label}: place: {what}"));
    }
    command.entry("late").or_insert(Value::Bool(true));

    let names = std::cell::RefCell::new(Vec::new());
    let any_row = |label: &str| {
        names.borrow_mut().push(label.to_owned());
        Ok(1)
    };
    if let Err(found) = words::message::<v1::Command>("Command", Value::Object(command.clone()), &any_row) {
        mistakes.extend(found.iter().map(|mistake| format!("row {label}: {mistake}")));
    }
    Some(Row { label, streams, command, names: names.into_inner() })
}

/// A place as people write it, "first", "row:LABEL", a revision, or a table, in the fields of the proto.
fn put_place(command: &mut Map<String, Value>, place: &Value) -> Result<(), &'static str> {
    const FORMS: &str = "is \"first\", or names the row or revision to stand after";
    let after = match place {
        Value::String(word) if word == "first" => {
            command.insert("first".to_owned(), true.into());
            return Ok(());
        }
        Value::Object(table) if table.len() == 1 => match table.iter().next() {
            Some((key, Value::Bool(true))) if key == "first" => {
                command.insert("first".to_owned(), true.into());
                return Ok(());
            }
            Some((key, after)) if key == "after" || key == "after_revision" => after,
            _ => return Err(FORMS),
        },
        other => other,
    };
    match after {
        Value::Number(_) => {}
        Value::String(text) if text.starts_with(words::ROW) => {}
        _ => return Err(FORMS),
    }
    command.insert("after_revision".to_owned(), after.clone());
    Ok(())
}

/// Labels that stand twice in one stream of the file: a reference to them would be ambiguous.
fn twice(rows: &[Row]) -> Vec<String> {
    let mut seen = std::collections::BTreeSet::new();
    let all = rows.iter().flat_map(|row| row.streams.iter().map(move |stream| (row, stream)));
    all.filter(|(row, stream)| !seen.insert((row.label.as_str(), stream.as_str())))
        .map(|(row, stream)| format!("row {}: stands twice in {stream}", row.label))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<ImportFile, Failure> {
        ImportFile::parse(&Source { name: "10-a.toml".into(), text: text.into() })
    }

    #[test]
    fn shipped_histories_are_well_formed() {
        let files = embedded().unwrap_or_else(|failure| panic!("{failure}"));
        assert!(files.len() >= 12);
        assert!(files.iter().any(|file| file.rows.iter().any(|row| !row.names.is_empty())));
    }

    #[test]
    fn every_mistake_of_a_file_names_its_row() {
        let text = r#"
[[command]]
row = "a:1"
stream = "wave/X"
standing = "sure"
[[command]]
row = "a:2"
[command.planned]
event = "GateDecided"
when = 2
[[command]]
row = "a:3"
stream = "wave/X"
place = "last"
[[command]]
row = "a:3"
stream = "wave/X"
"#;
        let said = parse(text).expect_err("mistakes").to_string();
        for part in [
            "10-a.toml can not be imported",
            "row a:1: standing: \"sure\" is none of",
            "row a:2: names one stream",
            "row a:2: planned.when: \"when\" is no field",
            "row a:3: place: is \"first\"",
            "row a:3: stands twice in wave/X",
        ] {
            assert!(said.contains(part), "{part} in {said}");
        }
    }

    #[test]
    fn places_are_read_as_people_write_them() {
        let text = r#"
[[command]]
row = "a"
stream = "wave/X"
place = "first"
[command.conflict_flagged]
[[command]]
row = "b"
streams = ["wave/X", "wave/Y"]
place = { after = "row:a" }
[command.conflict_flagged]
statements = ["row:a"]
"#;
        let file = parse(text).expect("well formed");
        let first = file.rows[0].command("wave/X", &words::no_rows).expect("a command");
        assert_eq!(first.place, Some(v1::command::Place::First(true)));
        assert!(first.late && file.rows[0].names.is_empty() && file.rows[1].names == ["a", "a"]);
        let second =
            file.rows[1].command("wave/Y", &|label| if label == "a" { Ok(4) } else { Err("no".into()) }).expect("a command");
        assert_eq!((second.place, second.stream.as_str()), (Some(v1::command::Place::AfterRevision(4)), "wave/Y"));
        assert!(
            file.rows[1]
                .command("wave/X", &|_| Err("is not recorded".into()))
                .expect_err("unresolved")
                .contains("is not recorded")
        );
    }
}
