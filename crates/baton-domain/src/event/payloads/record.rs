//! The record: facts and evidence, corrections and voids, conflicts, proposals, meetings, refusals.

use crate::event::EventType;
use crate::event::envelope::{Command, Correction};
use crate::event::words::InterestAction;
use crate::route::{FactKind, SubjectId, YesNo};
use crate::values::{
    BodyRef, ConflictId, FuzzyDate, MeetingId, Money, OrganisationId, PersonId, Position, Revision, StreamId, Text,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

payloads! {
    /// A record without a rule: the route declares its kind and fields.
    FactRecorded {
        /// The kind.
        kind: FactKind,
        /// Typed fields.
        #[serde(default)]
        fields: BTreeMap<String, FieldValue>,
        /// What is recorded, in words.
        note: Option<Text>,
    }
    /// A document is added to an earlier statement.
    EvidenceAttached {
        /// The statement; absent means the stream as a whole.
        about: Option<Revision>,
        /// What it shows, in words.
        note: Option<Text>,
    }
    /// The value, date, standing or place of a statement is put right (two persons, rule I46).
    StatementCorrected {
        /// The statement.
        target: Revision,
        /// The revision whose value is corrected: the target, or its latest correction.
        was: Revision,
        /// What is put right.
        to: Correction,
        /// Why.
        reason: Option<Text>,
    }
    /// A statement is taken out of the story (two persons). It stays readable.
    StatementVoided {
        /// The statement.
        target: Revision,
        /// Why.
        reason: Option<Text>,
    }
    /// Sources disagree.
    ConflictFlagged {
        /// The conflict.
        conflict: ConflictId,
        /// Statements concerned; empty when the disagreement lies within one document.
        #[serde(default)]
        statements: Vec<Revision>,
        /// What disagrees, in words.
        description: Option<Text>,
        /// By how much, in words.
        size: Option<Text>,
        /// How the record deals with it, in words.
        handling: Option<Text>,
    }
    /// A reading is chosen.
    ConflictSettled {
        /// The conflict.
        conflict: ConflictId,
        /// The reading, in words.
        reading: Option<Text>,
    }
    /// Commands wait for a second person. They have no effect yet.
    Proposed {
        /// The commands, decided in order when approved.
        commands: Vec<Command>,
        /// Why.
        reason: Option<Text>,
    }
    /// A second person approves a proposal.
    Approved {
        /// Digest of what the approver saw: gaps, consequences and places.
        digest: String,
        /// A remark.
        note: Option<Text>,
    }
    /// A proposal is declined; nothing of it takes effect.
    Declined {
        /// Why.
        reason: Option<Text>,
    }
    /// A body is asked something. Asked is not decided.
    ItemTabled {
        /// The body.
        body: Option<BodyRef>,
        /// The body as printed.
        body_name: String,
        /// The verbs of the ask, as printed: note, endorse, approve, consider.
        #[serde(default)]
        asks: Vec<String>,
        /// The meeting.
        meeting: Option<MeetingId>,
        /// What is asked, in words.
        note: Option<Text>,
    }
    /// A meeting is held.
    MeetingHeld {
        /// The body.
        body: Option<BodyRef>,
        /// The body as printed.
        body_name: String,
        /// The meeting.
        meeting: Option<MeetingId>,
        /// Whether it was quorate.
        quorate: Option<bool>,
        /// What else the source says.
        note: Option<Text>,
    }
    /// What the record of a meeting says of an item.
    ItemMinuted {
        /// The body.
        body: Option<BodyRef>,
        /// The body as printed.
        body_name: String,
        /// The verb as printed. It passes no gate.
        verb: String,
        /// The meeting.
        meeting: Option<MeetingId>,
        /// What else the source says.
        note: Option<Text>,
    }
    /// A person declares an interest (rule I21).
    InterestDeclared {
        /// The meeting.
        meeting: MeetingId,
        /// The person.
        person: PersonId,
        /// The gate concerned; absent means the whole meeting.
        subject: Option<SubjectId>,
        /// What was done about it.
        action: InterestAction,
        /// The interest, in words.
        note: Option<Text>,
    }
    /// What a body will see is frozen (rule I18).
    DecisionPackFrozen {
        /// The item of the route.
        subject: SubjectId,
        /// The meeting for which it is frozen.
        meeting: Option<MeetingId>,
        /// The newest position of the log it shows; filled by the engine.
        as_of: Option<Position>,
        /// What else the source says.
        note: Option<Text>,
    }
    /// A command was refused. Recorded outside the stream it was meant for.
    CommandRefused {
        /// The stream it was meant for.
        stream: StreamId,
        /// The event it would have recorded.
        event: EventType,
        /// The reject codes of every unmet rule.
        codes: Vec<String>,
    }
}

/// A typed field of a recorded fact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldValue {
    /// Words, sealed where stored.
    Text(Text),
    /// A whole number.
    Integer(i64),
    /// An amount.
    Money(Money),
    /// A date.
    Date(FuzzyDate),
    /// Yes or no.
    YesNo(YesNo),
    /// A plain code of 1 to 60 characters.
    Code(String),
    /// An organisation.
    Ods(OrganisationId),
}
