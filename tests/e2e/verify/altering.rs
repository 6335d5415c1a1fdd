//! Changes to the files of a bundle, each of which must change something.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a directory").flatten() {
        let to = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &to),
            false => drop(fs::copy(entry.path(), to).expect("copied")),
        }
    }
}

pub(crate) fn alter(path: PathBuf, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let before = bytes.clone();
    change(&mut bytes);
    assert!(bytes != before, "{} was to be altered", path.display());
    fs::write(path, bytes).expect("written");
}

pub(crate) fn alter_text(path: PathBuf, change: impl FnOnce(&str) -> String) {
    alter(path, |bytes| *bytes = change(std::str::from_utf8(bytes).expect("text")).into_bytes());
}

/// A line of a text, changed.
pub(super) fn line(text: &str, at: usize, change: impl FnOnce(&str) -> String) -> String {
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    lines[at] = change(&lines[at]);
    lines.join("\n")
}

/// The character at this place replaced by another that base64 and hexadecimal have as well.
pub(super) fn other_letter(text: &str, at: usize) -> String {
    let mut text = text.to_owned();
    let new = if &text[at..=at] == "a" { "b" } else { "a" };
    text.replace_range(at..=at, new);
    text
}

/// Where the entries of a bundle begin and end.
pub(crate) fn entries(bytes: &[u8]) -> Vec<std::ops::Range<usize>> {
    let (mut found, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let end = at + 2 + usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]));
        found.push(at..end);
        at = end;
    }
    found
}

/// The only file of this kind below a directory, such as the partial tile of a level.
pub(super) fn only(dir: PathBuf) -> PathBuf {
    let mut files = fs::read_dir(&dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display())).flatten();
    let file = files.next().expect("a file").path();
    assert!(files.next().is_none());
    file
}

/// The positions of the leaves in a bundle about a transition, in order.
pub(super) fn leaves(dir: &Path) -> Vec<u64> {
    let name = |entry: fs::DirEntry| entry.path().file_stem()?.to_str()?.parse().ok();
    let mut leaves: Vec<u64> = fs::read_dir(dir.join("leaves")).expect("leaves").flatten().filter_map(name).collect();
    leaves.sort_unstable();
    leaves
}

/// The older checkpoint of the smallest size.
pub(super) fn oldest(dir: &Path) -> PathBuf {
    let size = |entry: fs::DirEntry| entry.file_name().to_str()?.strip_suffix(".note")?.parse::<u64>().ok();
    let sizes = fs::read_dir(dir.join("checkpoints")).expect("checkpoints").flatten().filter_map(size);
    dir.join(format!("checkpoints/{}.note", sizes.min().expect("an older checkpoint")))
}

/// The words beside position 20, which is one of the facts with words.
pub(super) fn worded(dir: &Path) -> PathBuf {
    dir.join("disclosures/20.json")
}

pub(super) fn disclosure(dir: &Path, change: impl FnOnce(&str) -> String) {
    alter_text(worded(dir), change);
}

pub(super) fn manifest(dir: &Path, change: impl FnOnce(&mut Value)) {
    alter(dir.join("bundle.json"), |bytes| {
        let mut value: Value = serde_json::from_slice(bytes).expect("JSON");
        change(&mut value);
        *bytes = value.to_string().into_bytes();
    });
}
