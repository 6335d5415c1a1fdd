//! Files that people write: TOML or JSON, read into one kind of value.
//!
//! Nothing is understood here yet; [`crate::words`] makes messages of it.

use crate::exit::Failure;
use serde_json::{Map, Value};
use std::io::Read;
use std::path::Path;

/// The longest file read, in bytes. The largest shipped file is a tenth of it.
const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;

/// A file as read.
#[derive(Debug)]
pub(crate) struct Source {
    /// How to call it in sentences.
    pub(crate) name: String,
    /// Its bytes as text.
    pub(crate) text: String,
}

/// Reads a file; `-` is standard input.
///
/// # Errors
/// When it can not be read, is too long, or is not text.
pub(crate) fn read(path: &Path) -> Result<Source, Failure> {
    let name = path.display().to_string();
    let mut text = String::new();
    let read = if name == "-" {
        std::io::stdin().lock().take(MAX_FILE_BYTES + 1).read_to_string(&mut text)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_string(&mut text))
    };
    match read {
        Err(error) => Err(Failure::Usage(format!("failed to read {name}: {error}"))),
        Ok(length) if length as u64 > MAX_FILE_BYTES => {
            Err(Failure::Usage(format!("{name} is longer than {MAX_FILE_BYTES} bytes")))
        }
        Ok(_) => Ok(Source { name, text }),
    }
}

impl Source {
    /// The content: JSON when the name ends so, else TOML.
    ///
    /// # Errors
    /// When it is neither.
    pub(crate) fn parse(&self) -> Result<Map<String, Value>, Failure> {
        if Path::new(&self.name).extension().is_some_and(|e| e.eq_ignore_ascii_case("json")) {
            return serde_json::from_str(&self.text)
                .map_err(|error| Failure::Usage(format!("{} is not JSON: {error}", self.name)));
        }
        let table: toml::Table =
            toml::from_str(&self.text).map_err(|error| Failure::Usage(format!("{} is not TOML: {error}", self.name)))?;
        Ok(table.into_iter().map(|(key, value)| (key, json(value))).collect())
    }
}

/// TOML as JSON. Dates become the words they are written with.
fn json(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(flag) => flag.into(),
        toml::Value::Datetime(date) => Value::String(date.to_string()),
        toml::Value::Array(items) => items.into_iter().map(json).collect(),
        toml::Value::Table(table) => Value::Object(table.into_iter().map(|(key, value)| (key, json(value))).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn toml_and_json_say_the_same() {
        let toml = Source { name: "a.toml".into(), text: "dated = 2017-09-07\nrevisions = [1]\n[x]\ny = true".into() };
        let json_file = Source { name: "a.JSON".into(), text: r#"{"dated":"2017-09-07","revisions":[1],"x":{"y":true}}"#.into() };
        assert_eq!(toml.parse().expect("toml"), json_file.parse().expect("json"));
        assert_eq!(toml.parse().expect("toml")["dated"], json!("2017-09-07"));
    }

    #[test]
    fn file_that_is_neither_says_where() {
        let source = Source { name: "a.toml".into(), text: "a = 1\nb = ".into() };
        assert!(source.parse().expect_err("not TOML").to_string().contains("line 2"));
    }
}
