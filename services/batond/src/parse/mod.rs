//! From messages to domain values: what comes out of here has nothing left to validate.
//!
//! Every mistake of a request is found in one pass and named by the path of its field. What is
//! checked is form alone: bounds, ids, dates, closed sets of words, patient data in free text,
//! and whether an event may stand in its stream. Rules that need to know what is on record are the
//! domain's, and are not repeated here.

pub mod bounds;
mod command;
mod common;
mod decision;
mod directory;
mod handover;
mod keeping;
mod meeting;
mod reads;
#[cfg(test)]
mod tests;
mod transition;
mod truth;
mod values;
mod violations;
mod words;

pub use command::command;
pub use reads::*;
pub use violations::{At, FieldViolation, Violations};
pub use words::{Sent, Word};

use baton_domain::event::Command;
use baton_domain::values::{Revision, StreamId};
use baton_proto::v1 as proto;
use bounds::MAX_COMMANDS;
use uuid::Uuid;
use values::{as_sent, every, fields, id, mark, required, revision};

/// A request to record, checked for form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedRecord {
    /// The id of the request; never nil.
    pub command_id: Uuid,
    /// What the client expects of streams, each stream at most once, in the order given.
    pub expected: Vec<ExpectedRevision>,
    /// What to record, 1 to 128, in the order given.
    pub commands: Vec<Command>,
    /// Whether to decide only.
    pub validate_only: bool,
}

/// What a client expects of one stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedRevision {
    /// The stream.
    pub stream: StreamId,
    /// What is expected of it.
    pub expected: Expected,
}

/// What a client expects of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Its newest revision is this one.
    Exact(Revision),
    /// It has no event yet.
    NoStream,
    /// Anything is accepted.
    Any,
}

/// Parses a request to record.
///
/// # Errors
/// Every violation of form, in the order of the fields.
pub fn record_request(sent: &proto::RecordRequest) -> Result<ParsedRecord, Vec<FieldViolation>> {
    let violations = Violations::default();
    let parsed = parsed_record(sent, &violations.root());
    violations.finish(parsed)
}

fn parsed_record(sent: &proto::RecordRequest, at: &At<'_>) -> Option<ParsedRecord> {
    fields!(sent, at => ParsedRecord {
        command_id: command_id,
        expected: expected_revisions,
        commands: commands,
        validate_only: as_sent,
    })
}

fn commands(sent: &[proto::Command], at: &At<'_>) -> Option<Vec<Command>> {
    truth::commands(sent, at, command)
}

/// One spelling for one id, so that the same id is never taken for another.
fn command_id(sent: &str, at: &At<'_>) -> Option<Uuid> {
    match Uuid::try_parse(sent) {
        Ok(id) if !id.is_nil() && id.hyphenated().to_string().eq_ignore_ascii_case(sent) => Some(id),
        _ if sent.is_empty() => at.refuse("is required: a UUID chosen by the client"),
        _ => at.refuse("is not a UUID of 36 characters that is not nil"),
    }
}

fn expected_revisions(sent: &[proto::ExpectedRevision], at: &At<'_>) -> Option<Vec<ExpectedRevision>> {
    if sent.len() > MAX_COMMANDS {
        return at.refuse(format_args!("holds at most {MAX_COMMANDS} elements, this one has {}", sent.len()));
    }
    let expected = every(sent, at, |sent, at| {
        let expected = required(&sent.expected, at, expected);
        fields!(sent, at => ExpectedRevision { stream: id } filled { expected: expected? })
    })?;
    for (index, one) in expected.iter().enumerate() {
        if expected[..index].iter().any(|earlier| earlier.stream == one.stream) {
            return at.index(index).field("stream").refuse("is named twice");
        }
    }
    Some(expected)
}

fn expected(sent: &proto::expected_revision::Expected, at: &At<'_>) -> Option<Expected> {
    use proto::expected_revision::Expected as Sent;
    match sent {
        Sent::Exact(exact) => revision(exact, &at.field("exact")).map(Expected::Exact),
        Sent::NoStream(set) => mark(*set, &at.field("no_stream")).map(|()| Expected::NoStream),
        Sent::Any(set) => mark(*set, &at.field("any")).map(|()| Expected::Any),
    }
}
