//! Where the words of an event stand, and the event without them.
//!
//! Found by the serialised form, as the codec finds them, so that no text of a payload can be
//! forgotten. Nothing here reads what the words say.

use super::Recorded;
use crate::values::Position;
use serde::Serialize;
use serde_json::{Value, json};

/// Every text of an event that is not erased, as JSON pointers into its leaf, in no order that means anything.
pub fn sealed_fields(recorded: &Recorded) -> Vec<String> {
    pointers(recorded)
}

/// Whether a part of an event holds any text that is not erased.
pub(crate) fn holds_words(part: &impl Serialize) -> bool {
    !pointers(part).is_empty()
}

/// The same event, each of its texts erased by the event at position `by`.
pub fn without_words(recorded: &Recorded, by: Position) -> Recorded {
    let mut value = serde_json::to_value(recorded).unwrap_or_default();
    erase(&mut value, by);
    // What was serialised is read again; a test shows it for every event.
    serde_json::from_value(value).unwrap_or_else(|_| recorded.clone())
}

fn pointers(part: &impl Serialize) -> Vec<String> {
    let mut all = Vec::new();
    find(&serde_json::to_value(part).unwrap_or_default(), &mut String::new(), &mut all);
    all
}

fn find(value: &Value, path: &mut String, all: &mut Vec<String>) {
    let length = path.len();
    let mut step = |key: &str, inner: &Value| {
        path.push('/');
        path.push_str(&key.replace('~', "~0").replace('/', "~1"));
        find(inner, path, all);
        path.truncate(length);
    };
    match value {
        value if is_text(value) => all.push(path.clone()),
        Value::Object(fields) => fields.iter().for_each(|(key, inner)| step(key, inner)),
        Value::Array(items) => items.iter().enumerate().for_each(|(index, inner)| step(&index.to_string(), inner)),
        _ => {}
    }
}

fn erase(value: &mut Value, by: Position) {
    match value {
        value if is_text(value) => *value = json!({ "$erased": by }),
        Value::Object(fields) => fields.values_mut().for_each(|inner| erase(inner, by)),
        Value::Array(items) => items.iter_mut().for_each(|inner| erase(inner, by)),
        _ => {}
    }
}

/// Whether this is a text as [`Text`](crate::values::Text) is serialised, and not erased yet.
fn is_text(value: &Value) -> bool {
    value.as_object().is_some_and(|fields| fields.len() == 1 && (fields.contains_key("$open") || fields.contains_key("$sealed")))
}
