//! Between files and messages, by the descriptors: no message has a line of its own here.
//!
//! Keys are the field names of the protos. A word of a closed set is written as people write it,
//! `reported` or `by-day`, and read in any of the spellings `by-day`, `by_day` and
//! `PRECISION_BY_DAY`. Every mistake is reported with its field, all of them at once.

use prost::Message;
use prost_reflect::{
    DynamicMessage, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, ReflectMessage, Value as Reflected,
};
use serde_json::{Map, Value};
use std::fmt;

/// One mistake in a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mistake {
    /// The field, such as `gate_decided.outcome`. Empty for the whole.
    pub(crate) field: String,
    /// What is wrong.
    pub(crate) what: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.is_empty() { f.write_str(&self.what) } else { write!(f, "{}: {}", self.field, self.what) }
    }
}

/// Turns the label in `row:LABEL` into a revision.
pub(crate) type Resolve<'r> = &'r dyn Fn(&str) -> Result<u64, String>;

/// For values in which no row may be named.
pub(crate) fn no_rows(_: &str) -> Result<u64, String> {
    Err("rows can be named in import files only; write the revision".to_owned())
}

/// The beginning of a reference to a row, where a revision is expected.
pub(crate) const ROW: &str = "row:";

/// Reads a message of package `baton.v1`.
///
/// # Errors
/// Every mistake.
pub(crate) fn message<M: Message + Default>(name: &str, mut value: Value, resolve: Resolve<'_>) -> Result<M, Vec<Mistake>> {
    let descriptor = descriptor(name);
    let mut walk = Walk { resolve, mistakes: Vec::new() };
    walk.message(&mut value, &descriptor, "");
    if !walk.mistakes.is_empty() {
        return Err(walk.mistakes);
    }
    let whole = |what: String| vec![Mistake { field: String::new(), what }];
    let dynamic = DynamicMessage::deserialize(descriptor, value).map_err(|error| whole(error.to_string()))?;
    dynamic.transcode_to().map_err(|error| whole(error.to_string()))
}

/// A message as JSON: the keys of the protos, words of closed sets as people write them, `null`
/// where nothing is given, times and days in ISO form.
pub(crate) fn json<M: Message>(name: &str, message: &M) -> Value {
    let mut dynamic = DynamicMessage::new(descriptor(name));
    match dynamic.transcode_from(message) {
        Ok(()) => shown(&dynamic),
        Err(_) => Value::Null, // A message has the form of its own descriptor.
    }
}

/// Declares the short words of closed sets by the name of the set.
macro_rules! words {
    ($($function:ident: $set:ident),+ $(,)?) => {$(
        #[doc = concat!("The short word of a [`", stringify!($set), "`](baton_proto::v1::", stringify!($set), "), empty when none is given.")]
        pub(crate) fn $function(number: i32) -> String {
            let set = descriptor_of_set(stringify!($set));
            word_of(&set, number)
        }
    )+};
}

words! {
    standing: Standing,
    precision: Precision,
    plan_status: PlanStatus,
    obligation_status: ObligationStatus,
    handover_status: HandoverStatus,
    handover_kind: HandoverKind,
    gap_kind: GapKind,
    answer: Answer,
    starting_position: StartingPosition,
}

fn descriptor(name: &str) -> MessageDescriptor {
    baton_proto::descriptor_pool().get_message_by_name(&format!("baton.v1.{name}")).expect("the protos hold this message")
}

fn descriptor_of_set(name: &str) -> EnumDescriptor {
    baton_proto::descriptor_pool().get_enum_by_name(&format!("baton.v1.{name}")).expect("the protos hold this set")
}

/// What every name of a set begins with, such as `PRECISION_`.
fn prefix(set: &EnumDescriptor) -> String {
    set.default_value().name().trim_end_matches("UNSPECIFIED").to_owned()
}

fn word_of(set: &EnumDescriptor, number: i32) -> String {
    match set.get_value(number) {
        Some(_) if number == 0 => String::new(),
        Some(value) => short(value.name(), set),
        None => number.to_string(),
    }
}

/// A name of a set as people write it. Precisions are stored with hyphens, every other word with underscores.
fn short(name: &str, set: &EnumDescriptor) -> String {
    let word = name.strip_prefix(&prefix(set)).unwrap_or(name).to_ascii_lowercase();
    if set.name() == "Precision" { word.replace('_', "-") } else { word }
}

struct Walk<'r> {
    resolve: Resolve<'r>,
    mistakes: Vec<Mistake>,
}

impl Walk<'_> {
    fn mistake(&mut self, field: &str, what: impl Into<String>) {
        self.mistakes.push(Mistake { field: field.to_owned(), what: what.into() });
    }

    fn message(&mut self, value: &mut Value, descriptor: &MessageDescriptor, at: &str) {
        if !descriptor.full_name().starts_with("baton.") {
            return; // Well-known types have forms of their own.
        }
        let Some(object) = value.as_object_mut() else {
            return self
                .mistake(at, format!("is {}, and a table with the fields of {} is expected", kind_of(value), descriptor.name()));
        };
        let mut chosen: Vec<(String, String)> = Vec::new();
        for (key, inner) in object.iter_mut() {
            let path = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
            let Some(field) = descriptor.get_field_by_name(key).or_else(|| descriptor.get_field_by_json_name(key)) else {
                self.mistake(&path, unknown_field(key, descriptor));
                continue;
            };
            if inner.is_null() {
                continue;
            }
            if let Some(choice) = field.containing_oneof().filter(|choice| !choice.is_synthetic()) {
                if let Some((_, other)) = chosen.iter().find(|(name, _)| name == choice.name()) {
                    self.mistake(&path, format!("{key} and {other} exclude each other"));
                }
                chosen.push((choice.name().to_owned(), key.clone()));
            }
            self.field(inner, &field, &path);
        }
    }

    fn field(&mut self, value: &mut Value, field: &FieldDescriptor, at: &str) {
        if field.is_map() {
            let Kind::Message(entry) = field.kind() else { return };
            let inner = entry.map_entry_value_field();
            match value.as_object_mut() {
                Some(object) => {
                    for (key, item) in object {
                        self.single(item, &inner, &format!("{at}[{key:?}]"));
                    }
                }
                None => self.mistake(at, format!("is {}, and a table is expected", kind_of(value))),
            }
        } else if field.is_list() {
            match value.as_array_mut() {
                Some(items) => {
                    for (index, item) in items.iter_mut().enumerate() {
                        self.single(item, field, &format!("{at}[{index}]"));
                    }
                }
                None => self.mistake(at, format!("is {}, and a list is expected", kind_of(value))),
            }
        } else {
            self.single(value, field, at);
        }
    }

    fn single(&mut self, value: &mut Value, field: &FieldDescriptor, at: &str) {
        match field.kind() {
            Kind::Message(inner) => self.message(value, &inner, at),
            Kind::Enum(set) => self.enumerated(value, &set, at),
            Kind::String | Kind::Bytes if !value.is_string() => {
                self.mistake(at, format!("is {}, and words in quotes are expected", kind_of(value)))
            }
            Kind::Bool if !value.is_boolean() => {
                self.mistake(at, format!("is {}, and true or false is expected", kind_of(value)))
            }
            Kind::Uint64 if value.as_str().is_some_and(|text| text.starts_with(ROW)) => {
                let label = value.as_str().and_then(|text| text.strip_prefix(ROW)).unwrap_or_default();
                match (self.resolve)(label) {
                    Ok(revision) => *value = revision.into(),
                    Err(what) => self.mistake(at, what),
                }
            }
            Kind::Uint64 | Kind::Uint32 if value.as_u64().is_none() => {
                self.mistake(at, format!("is {}, and a whole number from 0 is expected", kind_of(value)))
            }
            Kind::Int64 | Kind::Int32 if value.as_i64().is_none() => {
                self.mistake(at, format!("is {}, and a whole number is expected", kind_of(value)))
            }
            _ => {}
        }
    }

    fn enumerated(&mut self, value: &mut Value, set: &EnumDescriptor, at: &str) {
        let Some(text) = value.as_str() else {
            return self.mistake(at, format!("is {}, and a word is expected: {}", kind_of(value), choices(set)));
        };
        let upper = text.to_ascii_uppercase().replace('-', "_");
        let full = if set.get_value_by_name(&upper).is_some() { upper } else { prefix(set) + &upper };
        match set.get_value_by_name(&full) {
            Some(known) if known.number() != 0 => *value = Value::String(full),
            _ => {
                let text = text.to_owned();
                self.mistake(at, format!("{text:?} is none of {}", choices(set)));
            }
        }
    }
}

fn choices(set: &EnumDescriptor) -> String {
    let words: Vec<String> = set.values().filter(|value| value.number() != 0).map(|value| short(value.name(), set)).collect();
    words.join(", ")
}

fn unknown_field(key: &str, descriptor: &MessageDescriptor) -> String {
    let names: Vec<String> = descriptor.fields().map(|field| field.name().to_owned()).collect();
    // A message of dozens of fields is not listed: the sentence would hide what is wrong.
    const LISTED: usize = 12;
    if names.len() <= LISTED {
        format!("{key:?} is no field of {}, which has {}", descriptor.name(), names.join(", "))
    } else {
        format!("{key:?} is no field of {}", descriptor.name())
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "words",
        Value::Array(_) => "a list",
        Value::Object(_) => "a table",
    }
}

fn shown(message: &DynamicMessage) -> Value {
    let descriptor = message.descriptor();
    if descriptor.full_name() == "google.protobuf.Timestamp" {
        return serde_json::to_value(message).unwrap_or(Value::Null);
    }
    let mut object = Map::new();
    for field in descriptor.fields() {
        let of_choice = field.containing_oneof().is_some_and(|choice| !choice.is_synthetic());
        let value = match message.has_field(&field) || !field.supports_presence() {
            true => shown_value(&message.get_field(&field), &field),
            false if of_choice => continue,
            false => Value::Null,
        };
        object.insert(field.name().to_owned(), value);
    }
    Value::Object(object)
}

fn shown_value(value: &Reflected, field: &FieldDescriptor) -> Value {
    match value {
        Reflected::Bool(flag) => (*flag).into(),
        Reflected::I32(number) => (*number).into(),
        Reflected::I64(number) => (*number).into(),
        Reflected::U32(number) => (*number).into(),
        Reflected::U64(number) => (*number).into(),
        Reflected::F32(number) => (*number).into(),
        Reflected::F64(number) => (*number).into(),
        Reflected::String(text) => text.clone().into(),
        Reflected::Bytes(bytes) => hex(bytes).into(),
        Reflected::EnumNumber(number) => match field.kind() {
            Kind::Enum(set) if *number != 0 => word_of(&set, *number).into(),
            _ => Value::Null,
        },
        Reflected::Message(inner) => shown(inner),
        Reflected::List(items) => items.iter().map(|item| shown_value(item, field)).collect(),
        Reflected::Map(entries) => {
            let inner = match field.kind() {
                Kind::Message(entry) => entry.map_entry_value_field(),
                _ => return Value::Null,
            };
            let key = |key: &prost_reflect::MapKey| match key {
                prost_reflect::MapKey::String(text) => text.clone(),
                other => serde_json::to_string(&format!("{other:?}")).unwrap_or_default(),
            };
            let mut sorted: Vec<_> = entries.iter().map(|(k, v)| (key(k), shown_value(v, &inner))).collect();
            sorted.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(sorted.into_iter().collect())
        }
    }
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use baton_proto::v1;
    use serde_json::json;

    #[test]
    fn words_are_read_in_every_spelling() {
        for (precision, kind) in
            [("by-day", "nhs_england"), ("by_day", "nhs-england"), ("PRECISION_BY_DAY", "ORGANISATION_KIND_NHS_ENGLAND")]
        {
            let value = json!({
                "stream": "organisation/own:nhs-england",
                "standing": "reported",
                "occurred": { "precision": precision, "latest": "2018-04-01" },
                "organisation_registered": { "name": "NHS England", "kind": kind },
            });
            let command: v1::Command = message("Command", value, &no_rows).expect("a command");
            assert_eq!(command.standing(), v1::Standing::Reported);
            assert_eq!(command.occurred.expect("given").precision(), v1::Precision::ByDay);
            let Some(v1::command::Event::OrganisationRegistered(event)) = command.event else { panic!("another event") };
            assert_eq!(event.kind(), v1::OrganisationKind::NhsEngland);
        }
    }

    #[test]
    fn word_that_begins_like_its_set_is_found() {
        let value = json!({ "successor": "QOX", "kind": "merger", "effective_on": "2022-07-01", "part": "part" });
        let event: v1::OrganisationSucceeded = message("OrganisationSucceeded", value, &no_rows).expect("an event");
        assert_eq!(event.part(), v1::Part::Part);
    }

    #[test]
    fn words_in_maps_and_lists_are_read_too() {
        let value = json!({ "kind": "x", "fields": { "held_on": { "date": { "precision": "month", "earliest": "2016-10-01", "latest": "2016-10-31" } } } });
        let fact: v1::FactRecorded = message("FactRecorded", value, &no_rows).expect("a fact");
        assert!(fact.fields.contains_key("held_on"));
        let value = json!({ "function": "PC-STRAT", "influence": ["sender", "host"] });
        let event: v1::FunctionAllocated = message("FunctionAllocated", value, &no_rows).expect("an event");
        assert_eq!(event.influence, [v1::Holder::Sender as i32, v1::Holder::Host as i32]);
    }

    #[test]
    fn every_mistake_names_its_field() {
        let value = json!({
            "stream": 5,
            "standing": "certain",
            "occurred": { "precision": "day", "day": "2018-04-01" },
            "evidence": [{ "title": "a", "sha256": "00", "cited_not_held": "looked" }],
            "planned": { "event": "GateDecided", "replaces": "two" },
        });
        let mistakes = message::<v1::Command>("Command", value, &no_rows).expect_err("full of mistakes");
        let mut fields: Vec<&str> = mistakes.iter().map(|m| m.field.as_str()).collect();
        fields.sort_unstable();
        // Of the two excluding each other the one that comes second is named.
        assert_eq!(fields.len(), 5, "{mistakes:?}");
        assert!(fields[0].starts_with("evidence[0]."));
        assert_eq!(fields[1..], ["occurred.day", "planned.replaces", "standing", "stream"]);
        assert!(mistakes.iter().any(|m| m.what == "\"certain\" is none of inferred, reported, stated"), "{mistakes:?}");
    }

    #[test]
    fn two_events_in_one_command_exclude_each_other() {
        let value = json!({ "stream": "log", "role_granted": { "role": "auditor" }, "role_ended": {} });
        let mistakes = message::<v1::Command>("Command", value, &no_rows).expect_err("two events");
        assert!(mistakes[0].what.ends_with(" exclude each other"), "{mistakes:?}");
    }

    #[test]
    fn row_is_resolved_only_where_a_revision_is_expected() {
        let resolve = |label: &str| if label == "a:1" { Ok(7) } else { Err(format!("no row {label}")) };
        let value = json!({ "conflict": "C1", "statements": ["row:a:1", 3], "description": "row:a:1 is not a reference here" });
        let event: v1::ConflictFlagged = message("ConflictFlagged", value, &resolve).expect("an event");
        assert_eq!(event.statements, [7, 3]);
        assert!(event.description.starts_with("row:"));
        let mistakes = message::<v1::ConflictFlagged>("ConflictFlagged", json!({ "statements": ["row:b"] }), &resolve)
            .expect_err("no such row");
        assert_eq!(mistakes[0].to_string(), "statements[0]: no row b");
    }

    #[test]
    fn message_is_shown_with_human_words() {
        let gap = v1::Gap { kind: v1::GapKind::NotEvidenced as i32, code: "X".into(), what: String::new() };
        assert_eq!(json("Gap", &gap), json!({ "kind": "not_evidenced", "code": "X", "what": "" }));
        let plan = v1::PlanView { status: v1::PlanStatus::FallenAway as i32, ..Default::default() };
        let shown = json("PlanView", &plan);
        assert_eq!(
            (&shown["status"], &shown["target"], &shown["actual_revision"]),
            (&json!("fallen_away"), &Value::Null, &Value::Null)
        );
        assert_eq!(precision(v1::Precision::ByDay as i32), "by-day");
    }
}
