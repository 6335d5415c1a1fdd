//! What surrounds an event: who, when, on what evidence, and where it stands in the story.

use super::{Event, Standing};
use crate::values::{
    ActId, BodyRef, Evidence, FuzzyDate, OrganisationId, PersonId, Position, ProposalId, Revision, StreamId, Text,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The body and person that acted, as far as the source tells.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DoneBy {
    /// The organisation.
    pub organisation: Option<OrganisationId>,
    /// The body of it.
    pub body: Option<BodyRef>,
    /// The person, opaque.
    pub person: Option<PersonId>,
    /// The doer as printed, sealed because it may be a name.
    pub printed: Option<Text>,
}

/// An event with everything that was said about it, before it has a position.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// What the source is worth.
    pub standing: Standing,
    /// When it happened.
    pub occurred: FuzzyDate,
    /// Who did it.
    #[serde(default)]
    pub done_by: DoneBy,
    /// The act it belongs to, when one act served several streams.
    pub act: Option<ActId>,
    /// What it rests on. Shared, because many statements are taken from the same papers.
    #[serde(default)]
    pub evidence: Arc<[Evidence]>,
    /// Why an inferred statement is read so, and anything the source leaves uncertain.
    pub remark: Option<Text>,
    /// The event.
    #[serde(flatten)]
    pub event: Event,
}

impl Statement {
    /// The same said of another event.
    pub(crate) fn with(&self, event: Event) -> Self {
        // Part by part: a copy of the whole would copy the event that is not wanted.
        let Self { standing, occurred, done_by, act, evidence, remark, event: _ } = self;
        Self {
            standing: *standing,
            occurred: occurred.clone(),
            done_by: done_by.clone(),
            act: act.clone(),
            evidence: Arc::clone(evidence),
            remark: remark.clone(),
            event,
        }
    }
}

/// Where a statement is to stand in the story.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// At the end, for a live act; as late as certain dates allow, for a late entry.
    #[default]
    ByDates,
    /// Before every other statement but the registration.
    First,
    /// Directly after this revision.
    After(Revision),
}

/// Where a statement stands in the story. Stored, so that the story never depends on how places are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Placed {
    /// At the end.
    End,
    /// Before every other statement but the registration.
    First,
    /// Directly after this revision.
    After(Revision),
}

/// One thing a client asks to record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// The stream.
    pub stream: StreamId,
    /// Where it is to stand.
    #[serde(default)]
    pub place: Place,
    /// Whether it is a late entry: history recorded afterwards, by a records officer and a second person.
    #[serde(default)]
    pub late: bool,
    /// What is to be recorded.
    #[serde(flatten)]
    pub statement: Statement,
}

/// What a correction puts in place of the recorded value. Absent parts stay as they are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Correction {
    /// When it happened.
    pub occurred: Option<FuzzyDate>,
    /// What the source is worth.
    pub standing: Option<Standing>,
    /// Who did it.
    pub done_by: Option<DoneBy>,
    /// Another place in the story.
    pub place: Option<Placed>,
    /// The event with other values; its type may not change.
    pub event: Option<Box<Event>>,
}

/// Whether evidence shows that a rule was not met, or the sources are silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GapKind {
    /// Evidence shows that the rule was not met.
    Contrary,
    /// The sources are silent.
    NotEvidenced,
}

/// A rule that a late entry did not meet when it was accepted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gap {
    /// Contrary or not evidenced.
    pub kind: GapKind,
    /// The reject code the rule would have had.
    pub code: String,
    /// What is missing, in a sentence without private words.
    pub what: String,
}

/// An event as it stands in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// Its index in the log.
    pub position: Position,
    /// Its stream.
    pub stream: StreamId,
    /// Its index in the stream.
    pub revision: Revision,
    /// When the log took it, by the server's clock; never earlier than the event before it.
    pub recorded_at: jiff::Timestamp,
    /// The authenticated person who entered it.
    pub recorded_by: PersonId,
    /// The id of the request.
    pub command_id: uuid::Uuid,
    /// The proposal by whose approval it was recorded.
    pub approval: Option<ProposalId>,
    /// Where it stands in the story. Absent for events that are not statements.
    pub placed: Option<Placed>,
    /// Rules it did not meet when it was accepted.
    #[serde(default)]
    pub gaps: Vec<Gap>,
    /// What was recorded.
    #[serde(flatten)]
    pub statement: Statement,
}
