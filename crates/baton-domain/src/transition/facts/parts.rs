//! What facts are made of: each part names the statements it rests on.

use crate::event::{HandoverKind, Holder, Standing, YesNo};
use crate::route::{ObligationKind, OutcomeId, SubjectId};
use crate::values::{FuzzyDate, MeetingId, OrganisationId, PairId, PersonId, Revision, Text};
use std::collections::{BTreeMap, BTreeSet};

/// A statement on which a fact rests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Support {
    /// The statement.
    pub revision: Revision,
    /// What its source is worth.
    pub standing: Standing,
}

/// An item done in this round.
#[derive(Debug, Clone)]
pub struct Completion {
    /// The latest completion.
    pub by: Support,
    /// Its place among the statements read, to see what came later in the story.
    pub nth: usize,
    /// The revision that gave it its value: its own, or a correction of it.
    pub valued_by: Revision,
    /// When.
    pub occurred: FuzzyDate,
    /// The meeting it was made for, when it is a decision pack and the source says.
    pub meeting: Option<MeetingId>,
    /// The persons who did it.
    pub persons: BTreeSet<PersonId>,
    /// The fields a guard may ask about.
    pub fields: BTreeMap<&'static str, &'static str>,
    /// The check of this completion, if there is one.
    pub verified: Option<Support>,
}

/// A gate decided in this round.
#[derive(Debug, Clone)]
pub struct Decision {
    /// The decision.
    pub by: Support,
    /// Its place among the statements read, to see what came later in the story.
    pub nth: usize,
    /// Its outcome; never `unknown`.
    pub outcome: OutcomeId,
    /// When.
    pub occurred: FuzzyDate,
    /// The persons counted as deciding, and the one who spoke for them.
    pub persons: BTreeSet<PersonId>,
}

/// One version of an answer.
#[derive(Debug, Clone)]
pub struct AnswerVersion {
    /// The statement.
    pub by: Support,
    /// Its place among the statements read, to see what came later in the story.
    pub nth: usize,
    /// The revision that gave it its value: its own, or a correction of it.
    pub valued_by: Revision,
    /// The answer.
    pub answer: YesNo,
}

/// A question of a checklist: every version of its answer, and the check of the latest.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// Versions, the first is version 1.
    pub answers: Vec<AnswerVersion>,
    /// Checks: version, what was found, the statement.
    pub checks: Vec<(u32, YesNo, Support)>,
}

impl Question {
    /// The answer in force and its version.
    pub fn latest(&self) -> Option<(u32, &AnswerVersion)> {
        self.answers.last().map(|answer| (self.answers.len() as u32, answer))
    }

    /// The check of the answer in force. A check of an earlier version is left behind, and so is one
    /// recorded before a correction gave that version another value.
    pub fn corroboration(&self) -> Option<&(u32, YesNo, Support)> {
        let (version, answer) = self.latest()?;
        self.checks.iter().rev().find(|(checked, _, by)| *checked == version && by.revision > answer.valued_by)
    }
}

/// Something owed.
#[derive(Debug, Clone)]
pub struct Obligation {
    /// Its kind.
    pub kind: ObligationKind,
    /// The gate, item or question it concerns.
    pub about: String,
    /// What is owed.
    pub text: Option<Text>,
    /// When it is due now.
    pub due: Option<FuzzyDate>,
    /// Whether both sides agreed.
    pub agreed: bool,
    /// The statement that raised it.
    pub raised: Support,
    /// The statement that discharged it in full.
    pub discharged: Option<Support>,
    /// How often it was discharged in part.
    pub in_part: u32,
}

/// A finding of due diligence.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The item it belongs to.
    pub subject: Option<SubjectId>,
    /// From 1 to 5.
    pub severity: Option<u8>,
    /// The statement that raised it.
    pub raised: Support,
    /// Who raised it.
    pub persons: BTreeSet<PersonId>,
    /// The statement that closed it.
    pub closed: Option<Support>,
}

/// How far a handover item is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HandoverState {
    /// Listed only.
    Listed,
    /// Sent in this version.
    Sent(String),
    /// Accepted in this version.
    Accepted(String),
    /// Returned in this version.
    Returned(String),
}

/// Something to be handed over.
#[derive(Debug, Clone)]
pub struct Handover {
    /// Area of work.
    pub area: String,
    /// Kind.
    pub kind: HandoverKind,
    /// The pair that hands it over.
    pub pair: Option<PairId>,
    /// What it is.
    pub title: Option<Text>,
    /// How far it is.
    pub state: HandoverState,
    /// Points the receiver left open when accepting.
    pub open_points: bool,
    /// The latest statement about it.
    pub by: Support,
}

/// A sender-receiver pair.
#[derive(Debug, Clone)]
pub struct Pair {
    /// Area of work.
    pub area: String,
    /// The sender's person.
    pub sender: Option<PersonId>,
    /// The receiver's person.
    pub receiver: Option<PersonId>,
    /// The statement.
    pub by: Support,
}

/// A signature under an agreement.
#[derive(Debug, Clone)]
pub struct Signature {
    /// Version signed.
    pub version: String,
    /// For whom it was signed.
    pub party: OrganisationId,
    /// When.
    pub occurred: FuzzyDate,
    /// The persons who signed.
    pub persons: BTreeSet<PersonId>,
    /// The statement.
    pub by: Support,
}

/// Who holds a function.
#[derive(Debug, Clone)]
pub struct Allocation {
    /// Who is responsible.
    pub responsible: Option<Holder>,
    /// Who does the work.
    pub performed_by: Option<Holder>,
    /// From when.
    pub effective_on: Option<FuzzyDate>,
    /// Whether it is reserved to the sender.
    pub reserved: bool,
    /// The statement.
    pub by: Support,
}
