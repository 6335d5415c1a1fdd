//! What a leaf says of itself: its place, and the words it commits to.

use super::report::Report;
use serde_json::Value;
use std::collections::HashMap;

/// The form of leaf that is understood, and its newest schema.
const FORMAT: &str = "baton/leaf/1";
const SCHEMA: u64 = 1;

/// How a commitment stands in a leaf: where this is not, there is none.
const SEAL: &[u8] = b"{\"$sealed\":\"";

/// A leaf, as far as verification reads it.
pub(super) struct Leaf {
    pub(super) position: u64,
    pub(super) stream: String,
    pub(super) revision: u64,
    value: Value,
}

impl Leaf {
    /// Reads a leaf.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        let mut value: Value = serde_json::from_slice(bytes).map_err(|error| format!("the leaf is not JSON: {error}"))?;
        if value["v"] != FORMAT {
            return Err(format!("the leaf does not say that it is {FORMAT}"));
        }
        let number = |name: &str| value[name].as_u64().ok_or_else(|| format!("the leaf has no {name}"));
        let schema = number("schema")?;
        if schema == 0 || schema > SCHEMA {
            return Err(format!("the leaf is of schema {schema} and this program knows up to {SCHEMA}; use a newer release"));
        }
        let (position, revision) = (number("position")?, number("revision")?);
        let Value::String(stream) = value["stream"].take() else { return Err("the leaf has no stream".to_owned()) };
        Ok(Self { position, stream, revision, value })
    }

    pub(super) fn is(&self, event: &str) -> bool {
        self.value["type"] == event
    }

    pub(super) fn payload(&self) -> &Value {
        &self.value["payload"]
    }

    /// The commitments, with their paths as JSON pointers.
    pub(super) fn commitments(&self, bytes: &[u8]) -> Vec<(String, String)> {
        let mut found = Vec::new();
        if bytes.windows(SEAL.len()).any(|window| window == SEAL) {
            collect(&self.value, &mut String::new(), &mut found);
        }
        found
    }
}

fn collect(value: &Value, path: &mut String, found: &mut Vec<(String, String)>) {
    let length = path.len();
    match value {
        Value::Object(fields) => {
            if let (1, Some(Value::String(commitment))) = (fields.len(), fields.get("$sealed")) {
                found.push((path.clone(), commitment.clone()));
                return;
            }
            for (key, field) in fields {
                path.push('/');
                match key.contains(['~', '/']) {
                    true => path.push_str(&key.replace('~', "~0").replace('/', "~1")),
                    false => path.push_str(key),
                }
                collect(field, path, found);
                path.truncate(length);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                path.push_str(&format!("/{index}"));
                collect(item, path, found);
                path.truncate(length);
            }
        }
        _ => {}
    }
}

/// The place of every leaf: its own position, and the revisions of each stream from 1 without a gap.
#[derive(Default)]
pub(super) struct Places {
    newest: HashMap<String, u64>,
    /// The origin the leaves speak of, since the newest that names one.
    pub(super) origin: Option<String>,
}

impl Places {
    /// Takes the leaf found at `index`; what does not fit goes into the report.
    pub(super) fn take(&mut self, index: u64, leaf: &Leaf, report: &mut Report) {
        if leaf.position != index {
            report.fail(Some(index), format!("the leaf says that its position is {}", leaf.position));
        }
        let due = match self.newest.get_mut(&leaf.stream) {
            Some(newest) => {
                *newest += 1;
                *newest
            }
            None => *self.newest.entry(leaf.stream.clone()).or_insert(1),
        };
        if leaf.revision != due {
            report.fail(
                Some(index),
                format!("the leaf is revision {} of stream {} where {due} is due", leaf.revision, leaf.stream),
            );
            self.newest.insert(leaf.stream.clone(), leaf.revision);
        }
        let named = match () {
            () if leaf.is("LogOpened") => &leaf.payload()["origin"],
            () if leaf.is("LogForked") => &leaf.payload()["new_origin"],
            () => return,
        };
        self.origin = named.as_str().map(str::to_owned);
    }

    /// How many streams there are.
    pub(super) fn streams(&self) -> usize {
        self.newest.len()
    }

    /// The newest revision of a stream.
    pub(super) fn revision(&self, stream: &str) -> u64 {
        self.newest.get(stream).copied().unwrap_or_default()
    }
}
