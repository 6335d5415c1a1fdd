//! Statuses: what a refusal, a failure or a defect is on the wire. One table, one test per reason.
//!
//! Every error carries `google.rpc.ErrorInfo` with a stable reason and the domain `baton`; field
//! violations, unmet rules and retry advice come as the standard details. A client's mistake is never
//! INTERNAL.

use crate::parse::FieldViolation;
use baton_domain::decide::Refusal;
use baton_domain::values::Position;
use baton_engine::{ReadError, SubmitError};
use std::collections::HashMap;
use std::time::Duration;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// The domain of every reason.
pub const DOMAIN: &str = "baton";

/// Details travel in a header; at most this many bytes of them, so that every client takes them.
const MAX_DETAILS: usize = 5_000;

/// Longest sentence in an answer, in characters. The message travels in a header as well, and what a
/// sentence quotes may be as long as the caller likes: a header over 16 KiB ends the caller's connection.
const MAX_SENTENCE: usize = 400;

/// Why a call was not answered as asked. The names are stable: programs may rely on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Fields break their form; all of them are listed.
    InvalidFields,
    /// Rules are not met; all of them are listed.
    RulesNotMet,
    /// A stream moved on since it was read.
    StaleRevision,
    /// The request id was used for another content.
    RequestIdReused,
    /// Nobody, or nobody known, asks.
    Unauthenticated,
    /// There is no such thing.
    NotFound,
    /// The position asked for was not reached in time.
    NotYetAtPosition,
    /// A page token of another query, or of a state no longer kept.
    PageTokenExpired,
    /// Too many requests wait.
    QueueFull,
    /// The disk is full; reads go on, writes resume by themselves.
    DiskFull,
    /// A request or an event is larger than a bound.
    TooLarge,
    /// Writes stopped after a failure; reads go on.
    WritesStopped,
    /// Nobody can know whether it was recorded: ask again with the same id.
    OutcomeUnknown,
    /// The server is stopping.
    Stopping,
    /// The disk did not give what was asked for.
    ReadFailed,
    /// Stored bytes are damaged.
    Damaged,
    /// A defect of the server.
    Defect,
}

impl Reason {
    /// Every reason, for documentation and tests.
    pub const ALL: [Self; 17] = [
        Self::InvalidFields,
        Self::RulesNotMet,
        Self::StaleRevision,
        Self::RequestIdReused,
        Self::Unauthenticated,
        Self::NotFound,
        Self::NotYetAtPosition,
        Self::PageTokenExpired,
        Self::QueueFull,
        Self::DiskFull,
        Self::TooLarge,
        Self::WritesStopped,
        Self::OutcomeUnknown,
        Self::Stopping,
        Self::ReadFailed,
        Self::Damaged,
        Self::Defect,
    ];

    /// Its stable name and its code.
    pub fn name_and_code(self) -> (&'static str, Code) {
        match self {
            Self::InvalidFields => ("INVALID_FIELDS", Code::InvalidArgument),
            Self::RulesNotMet => ("RULES_NOT_MET", Code::FailedPrecondition),
            Self::StaleRevision => ("STALE_REVISION", Code::Aborted),
            Self::RequestIdReused => ("REQUEST_ID_REUSED", Code::AlreadyExists),
            Self::Unauthenticated => ("UNAUTHENTICATED", Code::Unauthenticated),
            Self::NotFound => ("NOT_FOUND", Code::NotFound),
            Self::NotYetAtPosition => ("NOT_YET_AT_POSITION", Code::DeadlineExceeded),
            Self::PageTokenExpired => ("PAGE_TOKEN_EXPIRED", Code::Aborted),
            Self::QueueFull => ("QUEUE_FULL", Code::ResourceExhausted),
            Self::DiskFull => ("DISK_FULL", Code::ResourceExhausted),
            Self::TooLarge => ("TOO_LARGE", Code::InvalidArgument),
            Self::WritesStopped => ("WRITES_STOPPED", Code::Unavailable),
            Self::OutcomeUnknown => ("OUTCOME_UNKNOWN", Code::Unavailable),
            Self::Stopping => ("STOPPING", Code::Unavailable),
            Self::ReadFailed => ("READ_FAILED", Code::Unavailable),
            Self::Damaged => ("DAMAGED", Code::DataLoss),
            Self::Defect => ("DEFECT", Code::Internal),
        }
    }

    /// After how long the same call may be tried again, where that makes sense.
    fn retry(self) -> Option<Duration> {
        match self {
            Self::QueueFull | Self::OutcomeUnknown | Self::NotYetAtPosition => Some(Duration::from_millis(200)),
            Self::DiskFull | Self::WritesStopped | Self::Stopping | Self::ReadFailed => Some(Duration::from_secs(5)),
            _ => None,
        }
    }
}

fn details(reason: Reason, metadata: &[(&str, String)]) -> ErrorDetails {
    let (name, _) = reason.name_and_code();
    let metadata: HashMap<String, String> = metadata.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect();
    let mut details = ErrorDetails::new();
    details.set_error_info(name, DOMAIN, metadata);
    if let Some(delay) = reason.retry() {
        details.set_retry_info(Some(delay));
    }
    details
}

fn status(reason: Reason, message: &str, details: ErrorDetails) -> Status {
    Status::with_error_details(reason.name_and_code().1, clipped(message), details)
}

/// At most [`MAX_SENTENCE`] characters of a sentence.
fn clipped(sentence: &str) -> String {
    match sentence.char_indices().nth(MAX_SENTENCE) {
        Some((end, _)) => format!("{}…", &sentence[..end]),
        None => sentence.to_owned(),
    }
}

/// A status with a reason and nothing else to list.
pub(crate) fn with_reason(reason: Reason, message: &str, metadata: &[(&str, String)]) -> Status {
    status(reason, message, details(reason, metadata))
}

/// Fields that break their form, all of them as far as a header can carry them.
pub(crate) fn invalid(violations: Vec<FieldViolation>) -> Status {
    let reason = Reason::InvalidFields;
    let mut details = details(reason, &[("violations", violations.len().to_string())]);
    let mut room = MAX_DETAILS;
    let mut listed = 0;
    for violation in &violations {
        let description = clipped(&violation.description);
        let size = violation.field.len() + description.len() + 8;
        if size > room {
            break;
        }
        room -= size;
        listed += 1;
        details.add_bad_request_violation(&violation.field, description);
    }
    let first = violations.first().map_or_else(String::new, |v| format!(": {} {}", v.field, v.description));
    let more = if listed < violations.len() { format!(" ({listed} of {} listed)", violations.len()) } else { String::new() };
    status(reason, &format!("{}{more}{first}", counted(violations.len(), "field is not valid", "fields are not valid")), details)
}

/// A thing that is not there.
pub(crate) fn not_found(what: &str, id: &impl ToString) -> Status {
    with_reason(Reason::NotFound, &format!("there is no {what} {}", id.to_string()), &[("id", id.to_string())])
}

fn counted(n: usize, one: &str, many: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {many}") }
}

/// Every unmet rule, by command, as far as a header can carry them.
fn rules(unmet: &[(usize, baton_domain::Unmet)], position: Position) -> Status {
    let reason = Reason::RulesNotMet;
    let mut codes: Vec<&str> = unmet.iter().map(|(_, u)| u.code.as_str()).collect();
    codes.dedup();
    let metadata = [("codes", codes.join(",")), ("position", position.to_string())];
    let mut details = details(reason, &metadata);
    let mut room = MAX_DETAILS;
    let mut listed = 0;
    for (index, rule) in unmet {
        let subject = format!("commands[{index}]");
        let what = clipped(&rule.what);
        let description = if rule.rule.is_empty() { what } else { format!("{what} (rule {})", rule.rule) };
        let size = subject.len() + description.len() + rule.code.len() + 12;
        if size > room {
            break;
        }
        room -= size;
        listed += 1;
        details.add_precondition_failure_violation(&rule.code, subject, description);
    }
    let first = unmet.first().map_or_else(String::new, |(_, u)| format!(": {} {}", u.code, u.what));
    let more = if listed < unmet.len() { format!(" ({listed} of {} listed)", unmet.len()) } else { String::new() };
    status(reason, &format!("{}{more}{first}", counted(unmet.len(), "rule is not met", "rules are not met")), details)
}

/// What became of a submission that was not taken.
pub(crate) fn submit(error: &SubmitError) -> Status {
    match error {
        SubmitError::Refused(Refusal::Rules(unmet), position) => rules(unmet, *position),
        SubmitError::Refused(Refusal::StaleRevision { stream, expected, actual }, _) => {
            let actual = actual.map_or_else(|| "no stream".to_owned(), |r| format!("revision {r}"));
            with_reason(
                Reason::StaleRevision,
                &format!(
                    "CONCURRENT_CHANGE: {stream} was expected at {expected} and is at {actual}; read it again and decide anew"
                ),
                &[("stream", stream.to_string()), ("expected", expected.clone()), ("actual", actual)],
            )
        }
        SubmitError::RequestReused { first } => with_reason(
            Reason::RequestIdReused,
            &format!("this command id was used for another content, recorded from position {first} on; take a new id"),
            &[("position", first.to_string())],
        ),
        SubmitError::NoCommands | SubmitError::TooManyCommands { .. } | SubmitError::TooLarge { .. } => {
            with_reason(Reason::TooLarge, &error.to_string(), &[])
        }
        SubmitError::QueueFull => with_reason(Reason::QueueFull, &error.to_string(), &[]),
        SubmitError::Full => with_reason(Reason::DiskFull, &error.to_string(), &[]),
        SubmitError::Poisoned { .. } | SubmitError::NotWritten { .. } => {
            with_reason(Reason::WritesStopped, &error.to_string(), &[])
        }
        SubmitError::OutcomeUnknown => with_reason(Reason::OutcomeUnknown, &error.to_string(), &[]),
        SubmitError::Closed => with_reason(Reason::Stopping, &error.to_string(), &[]),
        SubmitError::Damaged { .. } => with_reason(Reason::Damaged, &error.to_string(), &[]),
        SubmitError::Defect { .. } => {
            tracing::error!(%error, "defect while deciding");
            with_reason(Reason::Defect, &error.to_string(), &[])
        }
    }
}

/// What became of a read that failed.
pub(crate) fn read(error: &ReadError) -> Status {
    match error {
        ReadError::Damaged { .. } => {
            tracing::error!(%error, "damage found while reading");
            with_reason(Reason::Damaged, &error.to_string(), &[])
        }
        ReadError::Newer { .. } | ReadError::Failed { .. } => with_reason(Reason::ReadFailed, &error.to_string(), &[]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use baton_domain::Unmet;
    use std::collections::BTreeSet;

    fn info(status: &Status) -> tonic_types::ErrorInfo {
        status.get_error_details().error_info().cloned().expect("every error carries its reason")
    }

    #[test]
    fn every_reason_has_a_name_of_its_own_and_carries_it() {
        let names: BTreeSet<_> = Reason::ALL.iter().map(|r| r.name_and_code().0).collect();
        assert_eq!(names.len(), Reason::ALL.len());
        for reason in Reason::ALL {
            let status = with_reason(reason, "why", &[("key", "value".to_owned())]);
            let (name, code) = reason.name_and_code();
            assert_eq!((info(&status).reason.as_str(), info(&status).domain.as_str(), status.code()), (name, DOMAIN, code));
        }
    }

    #[test]
    fn sentence_that_quotes_a_lot_still_fits_into_a_header() {
        let violation = FieldViolation { field: "event_types[0]".to_owned(), description: "ß".repeat(60_000) };
        let status = invalid(vec![violation]);
        assert_eq!(status.get_error_details().bad_request().expect("listed").field_violations.len(), 1);
        // A character of the message may take six bytes on its way, one of the details four thirds.
        assert!(status.message().len() * 3 + status.details().len() * 4 / 3 < 12_000);
    }

    #[test]
    fn only_a_defect_is_internal() {
        let internal: Vec<_> = Reason::ALL.iter().filter(|r| r.name_and_code().1 == Code::Internal).collect();
        assert_eq!(internal, [&Reason::Defect]);
    }

    #[test]
    fn reasons_that_pass_say_when_to_try_again() {
        for reason in [Reason::QueueFull, Reason::DiskFull, Reason::OutcomeUnknown, Reason::Stopping, Reason::WritesStopped] {
            let status = with_reason(reason, "why", &[]);
            assert!(status.get_error_details().retry_info().is_some(), "{reason:?}");
        }
        assert!(with_reason(Reason::RequestIdReused, "why", &[]).get_error_details().retry_info().is_none());
    }

    #[test]
    fn invalid_fields_are_listed_until_the_header_is_full_and_the_rest_is_counted() {
        let violation =
            |n: usize| FieldViolation { field: format!("commands[{n}].stream"), description: "is required".repeat(5) };
        let few = invalid((0..3).map(violation).collect());
        assert_eq!(few.get_error_details().bad_request().expect("listed").field_violations.len(), 3);
        let many = invalid((0..5_000).map(violation).collect());
        let listed = many.get_error_details().bad_request().expect("listed").field_violations.len();
        assert!(listed > 20 && many.message().contains(&format!("{listed} of 5000 listed")));
        assert!(many.details().len() < 7_000, "{} bytes of details", many.details().len());
    }

    #[test]
    fn unmet_rules_are_all_listed_by_command() {
        let unmet = vec![
            (0, Unmet::silent("NO_ALLOCATION", "I19", "needed first: an allocation")),
            (2, Unmet::hard("FUTURE_FACT", "I42", "later")),
        ];
        let status = submit(&SubmitError::Refused(Refusal::Rules(unmet), Position(7)));
        assert_eq!(status.code(), Code::FailedPrecondition);
        let details = status.get_error_details();
        let violations = &details.precondition_failure().expect("listed").violations;
        let listed: Vec<_> = violations.iter().map(|v| (v.r#type.as_str(), v.subject.as_str())).collect();
        assert_eq!(listed, [("NO_ALLOCATION", "commands[0]"), ("FUTURE_FACT", "commands[2]")]);
        assert_eq!(info(&status).metadata["position"], "7");
    }

    #[test]
    fn submissions_that_are_not_taken_map_to_the_documented_codes() {
        let stream = "log".parse().expect("stream");
        let stale = Refusal::StaleRevision { stream, expected: "revision 3".to_owned(), actual: None };
        let cases = [
            (SubmitError::Refused(stale, Position(1)), Code::Aborted),
            (SubmitError::RequestReused { first: Position(1) }, Code::AlreadyExists),
            (SubmitError::NoCommands, Code::InvalidArgument),
            (SubmitError::TooManyCommands { count: 129, bound: 128 }, Code::InvalidArgument),
            (SubmitError::TooLarge { command: Some(0), what: "the leaf", size: 2, bound: 1 }, Code::InvalidArgument),
            (SubmitError::QueueFull, Code::ResourceExhausted),
            (SubmitError::Full, Code::ResourceExhausted),
            (SubmitError::Poisoned { why: "x".to_owned() }, Code::Unavailable),
            (SubmitError::NotWritten { why: "x".to_owned() }, Code::Unavailable),
            (SubmitError::OutcomeUnknown, Code::Unavailable),
            (SubmitError::Closed, Code::Unavailable),
            (SubmitError::Damaged { position: None, why: "x".to_owned() }, Code::DataLoss),
            (SubmitError::Defect { why: "x".to_owned() }, Code::Internal),
        ];
        for (error, code) in cases {
            assert_eq!(submit(&error).code(), code, "{error}");
        }
    }

    #[test]
    fn reads_that_fail_map_to_the_documented_codes() {
        let damaged = ReadError::Damaged { position: Position(3), why: "hash".to_owned() };
        let failed = ReadError::Failed { position: Position(3), source: std::io::Error::other("disk") };
        assert_eq!((read(&damaged).code(), read(&failed).code()), (Code::DataLoss, Code::Unavailable));
    }
}
