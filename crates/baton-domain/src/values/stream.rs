//! Streams: the histories an event can belong to.

use super::MeetingId;
use super::{InvalidValue, OrganisationId, ProposalId, TransitionId, WaveId};
use crate::route::RouteId;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// One stream of events. Written `kind/id`; `log` and `audit` stand alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StreamId {
    /// The log itself: its opening, its forks and keys, and the roles of the installation.
    Log,
    /// What was refused and to whom, what was erased, what was given to whom.
    Audit,
    /// A programme.
    Wave(WaveId),
    /// The versions of a route.
    Route(RouteId),
    /// An organisation with its bodies and roles.
    Organisation(OrganisationId),
    /// One service passing to one receiver in one wave.
    Transition(TransitionId),
    /// One meeting of one body.
    Meeting(MeetingId),
    /// Commands that wait for a second person.
    Proposal(ProposalId),
}

/// The kind of a stream, without its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StreamKind {
    /// See [`StreamId::Log`].
    Log,
    /// See [`StreamId::Audit`].
    Audit,
    /// See [`StreamId::Wave`].
    Wave,
    /// See [`StreamId::Route`].
    Route,
    /// See [`StreamId::Organisation`].
    Organisation,
    /// See [`StreamId::Transition`].
    Transition,
    /// See [`StreamId::Meeting`].
    Meeting,
    /// See [`StreamId::Proposal`].
    Proposal,
}

impl StreamId {
    /// The kind of this stream.
    pub fn kind(&self) -> StreamKind {
        match self {
            Self::Log => StreamKind::Log,
            Self::Audit => StreamKind::Audit,
            Self::Wave(_) => StreamKind::Wave,
            Self::Route(_) => StreamKind::Route,
            Self::Organisation(_) => StreamKind::Organisation,
            Self::Transition(_) => StreamKind::Transition,
            Self::Meeting(_) => StreamKind::Meeting,
            Self::Proposal(_) => StreamKind::Proposal,
        }
    }

    /// The id within its kind; the streams `log` and `audit` have none.
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Log | Self::Audit => None,
            Self::Wave(id) => Some(id.as_str()),
            Self::Route(id) => Some(id.as_str()),
            Self::Organisation(id) => Some(id.as_str()),
            Self::Transition(id) => Some(id.as_str()),
            Self::Meeting(id) => Some(id.as_str()),
            Self::Proposal(id) => Some(id.as_str()),
        }
    }

    /// Whether `text` is how this stream is written. Looked at for every event that is read, so nothing
    /// is written for it.
    pub fn is_written(&self, text: &str) -> bool {
        let rest = text.strip_prefix(self.kind().as_str());
        match self.id() {
            Some(id) => rest.and_then(|rest| rest.strip_prefix('/')) == Some(id),
            None => rest == Some(""),
        }
    }

    /// The transition whose stream this is, if it is one.
    pub fn transition(&self) -> Option<&TransitionId> {
        match self {
            Self::Transition(id) => Some(id),
            _ => None,
        }
    }
}

impl StreamKind {
    /// The kind as written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Audit => "audit",
            Self::Wave => "wave",
            Self::Route => "route",
            Self::Organisation => "organisation",
            Self::Transition => "transition",
            Self::Meeting => "meeting",
            Self::Proposal => "proposal",
        }
    }
}

impl fmt::Display for StreamKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind().as_str())?;
        match self.id() {
            Some(id) => write!(f, "/{id}"),
            None => Ok(()),
        }
    }
}

impl FromStr for StreamId {
    type Err = InvalidValue;
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        match text.split_once('/') {
            None if text == "log" => Ok(Self::Log),
            None if text == "audit" => Ok(Self::Audit),
            Some(("wave", id)) => id.parse().map(Self::Wave),
            Some(("route", id)) => id.parse().map(Self::Route).map_err(|e| InvalidValue::new(e.to_string())),
            Some(("organisation", id)) => id.parse().map(Self::Organisation),
            Some(("transition", id)) => id.parse().map(Self::Transition),
            Some(("meeting", id)) => id.parse().map(Self::Meeting),
            Some(("proposal", id)) => id.parse().map(Self::Proposal),
            _ => Err(InvalidValue::new(
                "a stream is log, audit, or one of wave/ID, route/ID, organisation/ID, transition/ID, meeting/ID, proposal/ID",
            )),
        }
    }
}

impl TryFrom<String> for StreamId {
    type Error = InvalidValue;
    fn try_from(text: String) -> Result<Self, InvalidValue> {
        text.parse()
    }
}

impl From<StreamId> for String {
    fn from(id: StreamId) -> String {
        id.to_string()
    }
}

impl Serialize for StreamId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for StreamId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        super::written::read(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stream_is_written_as_it_is_read_and_as_no_other_is() {
        let all = [
            "log",
            "audit",
            "wave/POD-2021",
            "route/pod-2021",
            "organisation/QUY",
            "transition/QUY.DENT.POD-2021",
            "meeting/QUY",
            "proposal/QUY",
        ];
        for text in all {
            let stream: StreamId = text.parse().expect("a stream");
            assert_eq!(stream.to_string(), text);
            for other in all {
                assert_eq!(stream.is_written(other), text == other, "{text} and {other}");
            }
            assert!(!stream.is_written(&format!("{text}X")) && !stream.is_written(&text[..text.len() - 1]));
        }
    }
}
