//! Readers of single fields: each takes what was sent and where, and gives the value or notes why not.
//!
//! `None` means refused and noted. A field that may be absent is read by an `optional_` reader,
//! which gives `Some(None)` for an absent one; an empty string is absent.

use super::bounds::{MAX_LIST, MAX_NAME, YEARS};
use super::violations::At;
use super::words::{Sent, Word};
use baton_domain::values::{Day, OrganisationId, Position, Revision, Text, TextError};
use std::fmt::Display;
use std::str::FromStr;

/// Reads every field of a message into the struct of the same field names, noting every mistake
/// before giving up. `filled` are the fields that the engine fills in.
macro_rules! fields {
    (
        $sent:expr, $at:expr => $target:ident { $($field:ident: $read:expr),* $(,)? }
        $(filled { $($later:ident: $value:expr),* $(,)? })?
    ) => {{
        $(let $field = $read(&$sent.$field, &$at.field(stringify!($field)));)*
        Some($target { $($field: $field?,)* $($($later: $value,)*)? })
    }};
}
pub(super) use fields;

/// Takes the value as it was sent: nothing about it can be wrong.
pub(super) fn as_sent<T: Copy>(sent: &T, _: &At<'_>) -> Option<T> {
    Some(*sent)
}

/// An id or another short text that parses itself.
pub(super) fn id<T: FromStr<Err: Display>>(sent: &str, at: &At<'_>) -> Option<T> {
    match optional_id(sent, at)? {
        Some(id) => Some(id),
        None => at.refuse("is required"),
    }
}

pub(super) fn optional_id<T: FromStr<Err: Display>>(sent: &str, at: &At<'_>) -> Option<Option<T>> {
    if sent.is_empty() {
        return Some(None);
    }
    sent.parse().map_or_else(|error| at.refuse(error), |id| Some(Some(id)))
}

pub(super) fn ids<T: FromStr<Err: Display> + PartialEq>(sent: &[String], at: &At<'_>) -> Option<Vec<T>> {
    distinct(list(sent, at, |text, at| id(text, at))?, at)
}

/// The id of an organisation; a code that cannot be one is refused under rule I03.
pub(super) fn organisation(sent: &str, at: &At<'_>) -> Option<OrganisationId> {
    match optional_organisation(sent, at)? {
        Some(organisation) => Some(organisation),
        None => at.refuse("is required"),
    }
}

pub(super) fn optional_organisation(sent: &str, at: &At<'_>) -> Option<Option<OrganisationId>> {
    if sent.is_empty() {
        return Some(None);
    }
    sent.parse().map_or_else(|error| at.refuse(format_args!("UNKNOWN_ODS_CODE: {error}")), |id| Some(Some(id)))
}

pub(super) fn organisations(sent: &[String], at: &At<'_>) -> Option<Vec<OrganisationId>> {
    distinct(list(sent, at, |text, at| organisation(text, at))?, at)
}

/// A name or other plain wording of 1 to [`MAX_NAME`] characters.
pub(super) fn name(sent: &str, at: &At<'_>) -> Option<String> {
    wording::<MAX_NAME>(sent, at)
}

/// A name, or nothing.
pub(super) fn optional_name(sent: &str, at: &At<'_>) -> Option<Option<String>> {
    name_or_empty(sent, at).map(|name| Some(name).filter(|name| !name.is_empty()))
}

/// A name, or an empty string.
pub(super) fn name_or_empty(sent: &str, at: &At<'_>) -> Option<String> {
    wording_or_empty::<MAX_NAME>(sent, at)
}

pub(super) fn names(sent: &[String], at: &At<'_>) -> Option<Vec<String>> {
    list(sent, at, |text, at| name(text, at))
}

/// Plain wording of 1 to `MAX` characters on one line.
pub(super) fn wording<const MAX: usize>(sent: &str, at: &At<'_>) -> Option<String> {
    match wording_or_empty::<MAX>(sent, at)? {
        words if words.is_empty() => at.refuse(format_args!("is required: 1 to {MAX} characters")),
        words => Some(words),
    }
}

/// Plain wording of at most `MAX` characters on one line. It is stored where nothing can be erased,
/// so it is screened for patient data as a text is.
pub(super) fn wording_or_empty<const MAX: usize>(sent: &str, at: &At<'_>) -> Option<String> {
    let length = sent.trim().chars().count();
    if length > MAX {
        return at.refuse(format_args!("holds at most {MAX} characters, this one has {length}"));
    }
    if sent.trim().chars().any(char::is_control) {
        return at.refuse("holds no control characters, line feeds included");
    }
    text(sent, at).map(|text| text.as_ref().and_then(Text::words).unwrap_or_default().to_owned())
}

/// Free text or a person's name, which can be erased where it is stored.
pub(super) fn text(sent: &str, at: &At<'_>) -> Option<Option<Text>> {
    match Text::parse(sent) {
        Ok(text) => Some(text),
        Err(error @ TextError::PatientData) => at.refuse(format_args!("PATIENT_DATA_REFUSED: {error}")),
        Err(error) => at.refuse(error),
    }
}

pub(super) fn required_text(sent: &str, at: &At<'_>) -> Option<Text> {
    match text(sent, at)? {
        Some(text) => Some(text),
        None => at.refuse("is required"),
    }
}

pub(super) fn day(sent: &str, at: &At<'_>) -> Option<Day> {
    match optional_day(sent, at)? {
        Some(day) => Some(day),
        None => at.refuse("is required: a day written YYYY-MM-DD"),
    }
}

pub(super) fn optional_day(sent: &str, at: &At<'_>) -> Option<Option<Day>> {
    if sent.is_empty() {
        return Some(None);
    }
    // The library reads other forms too, times among them; a day has one form only.
    match sent.parse::<Day>() {
        Ok(day) if day.to_string() != sent => at.refuse("is not a day written YYYY-MM-DD"),
        Ok(day) if !YEARS.contains(&day.year()) => {
            at.refuse(format_args!("lies outside the years {} to {}", YEARS.start(), YEARS.end()))
        }
        Ok(day) => Some(Some(day)),
        Err(_) => at.refuse("is not a day written YYYY-MM-DD"),
    }
}

/// A revision, from 1.
pub(super) fn revision(sent: &u64, at: &At<'_>) -> Option<Revision> {
    if *sent == 0 { at.refuse("is required: a revision, counted from 1") } else { Some(Revision(*sent)) }
}

pub(super) fn optional_revision(sent: &Option<u64>, at: &At<'_>) -> Option<Option<Revision>> {
    optional(sent, at, revision)
}

pub(super) fn revisions(sent: &[u64], at: &At<'_>) -> Option<Vec<Revision>> {
    distinct(list(sent, at, revision)?, at)
}

/// A position. Every number is one.
pub(super) fn position(sent: &u64, _: &At<'_>) -> Option<Position> {
    Some(Position(*sent))
}

pub(super) fn positions(sent: &[u64], at: &At<'_>) -> Option<Vec<Position>> {
    distinct(list(sent, at, position)?, at)
}

pub(super) fn optional_position(sent: &Option<u64>, _: &At<'_>) -> Option<Option<Position>> {
    Some(sent.map(Position))
}

/// A word of a closed set. Numbers this version does not know are refused: nothing is guessed.
pub(super) fn word<W: Word>(sent: &i32, at: &At<'_>) -> Option<W> {
    match optional_word(sent, at)? {
        Some(word) => Some(word),
        None => at.refuse(format_args!("is required: one of {}", W::names().join(", "))),
    }
}

pub(super) fn optional_word<W: Word>(sent: &i32, at: &At<'_>) -> Option<Option<W>> {
    match W::sent(*sent) {
        Sent::Absent => Some(None),
        Sent::Word(word) => Some(Some(word)),
        Sent::Unknown => at.refuse(format_args!("{sent} is not one of {}", W::names().join(", "))),
    }
}

pub(super) fn words<W: Word>(sent: &[i32], at: &At<'_>) -> Option<Vec<W>> {
    distinct(list(sent, at, word)?, at)
}

/// A mark that means something only when it is set; a member of a oneof.
pub(super) fn mark(sent: bool, at: &At<'_>) -> Option<()> {
    if sent { Some(()) } else { at.refuse("is true when given; leave it out instead") }
}

/// A message or scalar that may be absent.
pub(super) fn optional<S, T>(sent: &Option<S>, at: &At<'_>, read: impl Fn(&S, &At<'_>) -> Option<T>) -> Option<Option<T>> {
    match sent {
        None => Some(None),
        Some(sent) => read(sent, at).map(Some),
    }
}

/// A message that may not be absent.
pub(super) fn required<S, T>(sent: &Option<S>, at: &At<'_>, read: impl Fn(&S, &At<'_>) -> Option<T>) -> Option<T> {
    match sent {
        None => at.refuse("is required"),
        Some(sent) => read(sent, at),
    }
}

/// A list of at most [`MAX_LIST`] elements. Every element is read, also after a bad one.
pub(super) fn list<S, T>(sent: &[S], at: &At<'_>, read: impl Fn(&S, &At<'_>) -> Option<T>) -> Option<Vec<T>> {
    within_list(sent.len(), at)?;
    every(sent, at, read)
}

/// Refuses more than [`MAX_LIST`] elements.
pub(super) fn within_list(length: usize, at: &At<'_>) -> Option<()> {
    if length > MAX_LIST { at.refuse(format_args!("holds at most {MAX_LIST} elements, this one has {length}")) } else { Some(()) }
}

/// Every element, without a bound of its own.
pub(super) fn every<S, T>(sent: &[S], at: &At<'_>, read: impl Fn(&S, &At<'_>) -> Option<T>) -> Option<Vec<T>> {
    let read: Vec<Option<T>> = sent.iter().enumerate().map(|(index, element)| read(element, &at.index(index))).collect();
    read.into_iter().collect()
}

/// A list is a set: naming something twice is a mistake, and counting it twice would be one of ours.
fn distinct<T: PartialEq>(list: Vec<T>, at: &At<'_>) -> Option<Vec<T>> {
    let twice: Vec<usize> = (1..list.len()).filter(|index| list[..*index].contains(&list[*index])).collect();
    for index in &twice {
        let _: Option<()> = at.index(*index).refuse("is named twice");
    }
    if twice.is_empty() { Some(list) } else { None }
}
