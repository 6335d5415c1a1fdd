//! The reader: typed values out of TOML, with the place of everything it meets.
//!
//! A function that returns None has already reported why.

use std::{collections::BTreeMap, fmt::Display, ops::Range, str::FromStr};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::MAX_TEXT_CHARS;
use crate::route::{ChecklistId, FactKind, FieldName, OutcomeId, RoleId, RouteError, StageId, SubjectId};

/// A place in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::route) struct Place {
    pub(in crate::route) line: usize,
    pub(in crate::route) column: usize,
}

impl Place {
    pub(in crate::route) const START: Self = Self { line: 1, column: 1 };
}

/// A name used at a place, to be resolved when everything is read.
#[derive(Debug, Clone)]
pub(in crate::route) struct Reference {
    pub(in crate::route) target: Target,
    pub(in crate::route) key: String,
    pub(in crate::route) place: Place,
}

/// What a name stands for.
#[derive(Debug, Clone)]
pub(in crate::route) enum Target {
    Stage(StageId),
    Item(SubjectId),
    Verified(SubjectId),
    Subject(SubjectId),
    Outcome(SubjectId, OutcomeId),
    Role(RoleId),
    Checklist(ChecklistId),
    Corroborated(ChecklistId),
    Fact(FactKind),
    Field(SubjectId, FieldName, FieldName),
    Handover,
}

/// A value with its place.
pub(super) type Value<'v, 'i> = &'v Spanned<DeValue<'i>>;

/// A table with its place and its path of keys.
pub(super) struct Table<'v, 'i> {
    pub(super) path: String,
    pub(super) at: usize,
    table: &'v DeTable<'i>,
}

/// Reads values and collects what is wrong with them.
pub(super) struct Reader<'t> {
    text: &'t str,
    line_starts: Vec<usize>,
    pub(super) errors: Vec<RouteError>,
    pub(super) references: Vec<Reference>,
    pub(super) places: BTreeMap<String, Place>,
    /// A part was left out because it could not be understood.
    pub(super) lost: bool,
}

impl<'v, 'i> Table<'v, 'i> {
    pub(super) fn new(path: impl Into<String>, at: usize, table: &'v DeTable<'i>) -> Self {
        Self { path: path.into(), at, table }
    }

    pub(super) fn key(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    pub(super) fn get(&self, key: &str) -> Option<Value<'v, 'i>> {
        self.table.get(key)
    }

    /// Entries in file order (the TOML table itself sorts by key).
    pub(super) fn entries(&self) -> Vec<(&'v str, Range<usize>, Value<'v, 'i>)> {
        let mut all: Vec<_> = self.table.iter().map(|(k, v)| (k.get_ref().as_ref(), k.span(), v)).collect();
        all.sort_by_key(|(_, span, _)| span.start);
        all
    }
}

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let line_starts = std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect();
        Self { text, line_starts, errors: Vec::new(), references: Vec::new(), places: BTreeMap::new(), lost: false }
    }

    pub(super) fn place(&self, at: usize) -> Place {
        let line = self.line_starts.partition_point(|start| *start <= at);
        let start = self.line_starts[line - 1];
        let before = self.text.get(start..at).unwrap_or_default();
        Place { line, column: before.chars().count() + 1 }
    }

    /// Reports a problem that loses nothing.
    pub(super) fn wrong(&mut self, at: usize, key: impl Into<String>, rule: &'static str, message: impl Into<String>) {
        let Place { line, column } = self.place(at);
        let (key, message) = (key.into(), message.into());
        self.errors.push(RouteError { line, column, key, rule, message });
    }

    /// Reports a problem because of which a part is left out.
    pub(super) fn lose<T>(&mut self, at: usize, key: impl Into<String>, message: impl Into<String>) -> Option<T> {
        self.lost = true;
        self.wrong(at, key, "P001", message);
        None
    }

    /// Notes where a key stands, for later messages.
    pub(super) fn mark(&mut self, key: impl Into<String>, at: usize) {
        let place = self.place(at);
        self.places.insert(key.into(), place);
    }

    pub(super) fn refer(&mut self, target: Target, key: &str, at: usize) {
        let place = self.place(at);
        self.references.push(Reference { target, key: key.to_owned(), place });
    }

    /// Refuses keys that have no effect.
    pub(super) fn only(&mut self, table: &Table<'_, '_>, known: &[&str]) {
        for (name, span, value) in table.entries() {
            let key = table.key(name);
            if known.contains(&name) {
                self.mark(key, value.span().start);
            } else {
                let message = format!("unknown key; known here: {}", known.join(", "));
                self.wrong(span.start, key, "P001", message);
            }
        }
    }

    /// A key that must be there.
    pub(super) fn must<'v, 'i, T>(
        &mut self,
        table: &Table<'v, 'i>,
        key: &str,
        read: impl FnOnce(&mut Self, &str, Value<'v, 'i>) -> Option<T>,
    ) -> Option<T> {
        match table.get(key) {
            Some(value) => read(self, &table.key(key), value),
            None => self.lose(table.at, table.key(key), "is missing"),
        }
    }

    /// A key that may be left out.
    pub(super) fn may<'v, 'i, T>(
        &mut self,
        table: &Table<'v, 'i>,
        key: &str,
        read: impl FnOnce(&mut Self, &str, Value<'v, 'i>) -> Option<T>,
    ) -> Option<T> {
        table.get(key).and_then(|value| read(self, &table.key(key), value))
    }

    pub(super) fn table<'v, 'i>(&mut self, key: &str, value: Value<'v, 'i>) -> Option<Table<'v, 'i>> {
        let at = value.span().start;
        match value.get_ref() {
            DeValue::Table(table) => Some(Table::new(key, at, table)),
            other => self.unlike(at, key, "a table", other),
        }
    }

    pub(super) fn array<'v, 'i>(&mut self, key: &str, value: Value<'v, 'i>) -> Option<&'v [Spanned<DeValue<'i>>]> {
        match value.get_ref() {
            DeValue::Array(array) => Some(array),
            other => self.unlike(value.span().start, key, "a list", other),
        }
    }

    pub(super) fn word<'v>(&mut self, key: &str, value: Value<'v, '_>) -> Option<&'v str> {
        match value.get_ref() {
            DeValue::String(text) => Some(text.as_ref()),
            other => self.unlike(value.span().start, key, "text", other),
        }
    }

    /// Text for people: not empty, bounded, on one line.
    pub(super) fn text(&mut self, key: &str, value: Value<'_, '_>) -> Option<String> {
        let text = self.word(key, value)?;
        let at = value.span().start;
        if text.trim().is_empty() {
            return self.lose(at, key, "must not be empty");
        }
        if text.chars().count() > MAX_TEXT_CHARS {
            return self.lose(at, key, format!("is longer than {MAX_TEXT_CHARS} characters"));
        }
        if text.chars().any(char::is_control) {
            return self.lose(at, key, "must be on one line, without control characters");
        }
        Some(text.to_owned())
    }

    pub(super) fn yes(&mut self, key: &str, value: Value<'_, '_>) -> Option<bool> {
        match value.get_ref() {
            DeValue::Boolean(yes) => Some(*yes),
            other => self.unlike(value.span().start, key, "true or false", other),
        }
    }

    /// A whole number within bounds.
    pub(super) fn number(&mut self, key: &str, value: Value<'_, '_>, bounds: Range<i32>) -> Option<i32> {
        let at = value.span().start;
        let DeValue::Integer(digits) = value.get_ref() else {
            return self.unlike(at, key, "a whole number", value.get_ref());
        };
        match i32::from_str_radix(digits.as_str(), digits.radix()) {
            Ok(number) if bounds.contains(&number) => Some(number),
            _ => {
                let message = format!("must be from {} to {}", bounds.start, bounds.end - 1);
                self.lose(at, key, message)
            }
        }
    }

    /// A name or a word of a closed list.
    pub(super) fn name<T>(&mut self, key: &str, value: Value<'_, '_>) -> Option<T>
    where
        T: FromStr<Err: Display>,
    {
        let at = value.span().start;
        match self.word(key, value)?.parse() {
            Ok(name) => Some(name),
            Err(error) => self.lose(at, key, error.to_string()),
        }
    }

    /// A list of different names, at least one.
    pub(super) fn names<T>(&mut self, key: &str, value: Value<'_, '_>) -> Option<Vec<(T, usize)>>
    where
        T: FromStr<Err: Display> + PartialEq + Display,
    {
        let mut all: Vec<(T, usize)> = Vec::new();
        for element in self.array(key, value)? {
            let at = element.span().start;
            let Some(name) = self.name::<T>(key, element) else {
                continue;
            };
            if all.iter().any(|(other, _)| *other == name) {
                self.wrong(at, key, "P001", format!("\"{name}\" is listed twice"));
            } else {
                all.push((name, at));
            }
        }
        if all.is_empty() {
            return self.lose(value.span().start, key, "must name at least one");
        }
        Some(all)
    }

    pub(super) fn stage(&mut self, key: &str, value: Value<'_, '_>) -> Option<StageId> {
        let id: StageId = self.name(key, value)?;
        self.refer(Target::Stage(id.clone()), key, value.span().start);
        Some(id)
    }

    pub(super) fn stages(&mut self, key: &str, value: Value<'_, '_>) -> Option<Vec<StageId>> {
        self.referring(key, value, Target::Stage)
    }

    pub(super) fn roles(&mut self, key: &str, value: Value<'_, '_>) -> Option<Vec<RoleId>> {
        self.referring(key, value, Target::Role)
    }

    pub(super) fn subjects(&mut self, key: &str, value: Value<'_, '_>) -> Option<Vec<SubjectId>> {
        self.referring(key, value, Target::Subject)
    }

    fn referring<T>(&mut self, key: &str, value: Value<'_, '_>, target: fn(T) -> Target) -> Option<Vec<T>>
    where
        T: FromStr<Err: Display> + PartialEq + Display + Clone,
    {
        let all = self.names::<T>(key, value)?;
        for (name, at) in &all {
            self.refer(target(name.clone()), key, *at);
        }
        Some(all.into_iter().map(|(name, _)| name).collect())
    }

    fn unlike<T>(&mut self, at: usize, key: &str, want: &str, found: &DeValue<'_>) -> Option<T> {
        self.lose(at, key, format!("must be {want}, but is {}", kind(found)))
    }
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
