//! What the server said no to, as a list that people can read.
//!
//! The reasons stand in the `google.rpc` details of an answer: violated fields and unmet rules, each
//! with the command it concerns. Nothing of them is dropped, and nothing is printed as a structure.

use baton_proto::v1::Unmet;
use std::fmt;
use std::time::Duration;
use tonic::{Code, Status};
use tonic_types::StatusExt;

/// An answer that says no.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    /// The kind of answer.
    pub(crate) code: Code,
    /// The sentence.
    pub(crate) message: String,
    /// The stable reason, such as `STALE_REVISION`. Empty when none is given.
    pub(crate) reason: String,
    /// Everything that stands in the way.
    pub(crate) points: Vec<Point>,
    /// When it is worth trying again, if the server says so.
    pub(crate) retry_after: Option<Duration>,
}

/// One thing that stands in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Point {
    /// The field or command concerned, such as `commands[2].gate_decided.outcome`, or the label of a row. May be empty.
    pub(crate) at: String,
    /// The reject code. May be empty.
    pub(crate) code: String,
    /// What is wrong, in words.
    pub(crate) what: String,
}

impl From<&Status> for Refusal {
    fn from(status: &Status) -> Self {
        let details = status.get_error_details();
        let mut points = Vec::new();
        for violation in details.bad_request().map(|b| b.field_violations.as_slice()).unwrap_or_default() {
            points.push(Point { at: violation.field.clone(), code: String::new(), what: violation.description.clone() });
        }
        for violation in details.precondition_failure().map(|p| p.violations.as_slice()).unwrap_or_default() {
            points.push(Point {
                at: violation.subject.clone(),
                code: violation.r#type.clone(),
                what: violation.description.clone(),
            });
        }
        // A message may repeat the first point, for callers that read no details.
        let message = match points.first() {
            Some(first) => {
                let repeated =
                    if first.code.is_empty() { format!(": {} {}", first.at, first.what) } else { format!(": {} ", first.code) };
                status.message().split_once(&repeated).map_or(status.message(), |(before, _)| before)
            }
            None => status.message(),
        };
        Self {
            code: status.code(),
            message: message.to_owned(),
            reason: details.error_info().map(|info| info.reason.clone()).unwrap_or_default(),
            points,
            retry_after: details.retry_info().and_then(|info| info.retry_delay),
        }
    }
}

impl Refusal {
    /// A refusal found by ourselves, in one sentence.
    pub(crate) fn own(message: impl Into<String>) -> Self {
        Self {
            code: Code::FailedPrecondition,
            message: message.into(),
            reason: String::new(),
            points: Vec::new(),
            retry_after: None,
        }
    }

    /// Rules that stand in the way, as a view lists them.
    pub(crate) fn unmet(message: impl Into<String>, unmet: &[Unmet]) -> Self {
        let points = unmet.iter().map(|u| Point { at: u.rule.clone(), code: u.code.clone(), what: u.what.clone() });
        Self { points: points.collect(), ..Self::own(message) }
    }

    /// Whether this stable code is the reason or among the points.
    pub(crate) fn names(&self, code: &str) -> bool {
        self.reason == code || self.points.iter().any(|p| p.code == code || p.what.starts_with(code))
    }

    /// Says which row each point concerns, where the point names the index of a command.
    pub(crate) fn with_rows(mut self, labels: &[&str]) -> Self {
        for point in &mut self.points {
            let in_words = index_after(&point.what, "")
                .map(|(index, length)| (index, point.what[length..].trim_start_matches([':', ' ']).to_owned()));
            if let Some((index, what)) = in_words {
                if let Some(label) = labels.get(index) {
                    point.at = format!("row {label}");
                    point.what = what;
                }
            } else if let Some((index, length)) = index_after(&point.at, "commands[0].proposed.")
                && let Some(label) = labels.get(index)
            {
                let rest = point.at[length..].trim_start_matches('.').to_owned();
                point.at = if rest.is_empty() { format!("row {label}") } else { format!("row {label}, {rest}") };
            }
        }
        self
    }
}

/// The index in `PREFIXcommands[INDEX]` at the beginning of a text, and where it ends.
fn index_after(text: &str, prefix: &str) -> Option<(usize, usize)> {
    let rest = text.strip_prefix(prefix)?.strip_prefix("commands[")?;
    let end = rest.find(']')?;
    let index = rest[..end].parse().ok()?;
    Some((index, text.len() - rest.len() + end + 1))
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.at.is_empty() {
            write!(f, "{}: ", self.at)?;
        }
        if !self.code.is_empty() && !self.what.starts_with(&self.code) {
            write!(f, "{}: ", self.code)?;
        }
        f.write_str(&self.what)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.message.is_empty(), self.reason.is_empty()) {
            (false, true) => f.write_str(&self.message)?,
            (false, false) if self.message.contains(&self.reason) => f.write_str(&self.message)?,
            (false, false) => write!(f, "{} ({})", self.message, self.reason)?,
            (true, false) => f.write_str(&self.reason)?,
            (true, true) => f.write_str(self.code.description())?,
        }
        for point in &self.points {
            write!(f, "\n  - {point}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic_types::{ErrorDetails, PreconditionViolation};

    #[test]
    fn every_unmet_rule_is_listed_and_nothing_twice() {
        let details = ErrorDetails::with_precondition_failure(vec![
            PreconditionViolation::new("QUORUM_NOT_MET", "commands[0]", "3 of 5 were present"),
            PreconditionViolation::new("EVIDENCE_REQUIRED", "commands[0]", "EVIDENCE_REQUIRED: nothing is attached"),
        ]);
        let status = Status::with_error_details(
            Code::FailedPrecondition,
            "2 rules are not met: QUORUM_NOT_MET 3 of 5 were present",
            details,
        );
        assert_eq!(
            Refusal::from(&status).to_string(),
            "2 rules are not met\n  - commands[0]: QUORUM_NOT_MET: 3 of 5 were present\n  - commands[0]: EVIDENCE_REQUIRED: nothing is attached"
        );
    }

    #[test]
    fn field_violation_names_the_row() {
        let details = ErrorDetails::with_bad_request_violation("commands[0].proposed.commands[1].planned.event", "is required");
        let status = Status::with_error_details(Code::InvalidArgument, "1 field is not as it must be", details);
        let refusal = Refusal::from(&status).with_rows(&["a", "b"]);
        assert_eq!(refusal.points[0].to_string(), "row b, planned.event: is required");
    }

    #[test]
    fn unmet_rule_inside_a_proposal_names_the_row() {
        let mut refusal = Refusal::own("refused");
        refusal.points.push(Point {
            at: "commands[0]".into(),
            code: "UNKNOWN_STAGE".into(),
            what: "commands[1]: no such stage".into(),
        });
        assert_eq!(refusal.with_rows(&["a", "b"]).points[0].to_string(), "row b: UNKNOWN_STAGE: no such stage");
    }
}
