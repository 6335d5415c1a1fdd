//! Decisions and what follows from them: gates, obligations, steps, agreements, functions.

use crate::event::words::{Holder, HowTaken};
use crate::route::{ObligationKind, OutcomeId, SubjectId};
use crate::values::{
    BodyRef, FunctionCode, FuzzyDate, MeetingId, ObligationId, OrganisationId, PersonId, Position, Revision, ServiceCode, Text,
};
use serde::{Deserialize, Serialize};

payloads! {
    /// A gate is decided.
    GateDecided {
        /// The gate of the route.
        subject: SubjectId,
        /// The outcome; `unknown` when the source does not tell it, and then it moves nothing.
        outcome: OutcomeId,
        /// The deciding body.
        body: Option<BodyRef>,
        /// How it was taken.
        taken: HowTaken,
        /// The meeting at which it was taken.
        meeting: Option<MeetingId>,
        /// Persons counted as deciding.
        #[serde(default)]
        deciders: Vec<PersonId>,
        /// Conditions of an approval; each becomes an obligation.
        #[serde(default)]
        conditions: Vec<Condition>,
        /// Votes, where it is a ballot.
        votes: Option<Votes>,
        /// Why.
        reason: Option<Text>,
        /// What the decision rested on; filled by the engine and frozen.
        basis: Option<Basis>,
    }
    /// One condition of an approval.
    Condition {
        /// The obligation it becomes.
        obligation: ObligationId,
        /// The condition, in words.
        text: Option<Text>,
        /// When it is due.
        due: Option<FuzzyDate>,
    }
    /// A count of votes (rule I24).
    Votes {
        /// For the question.
        in_favour: u32,
        /// Against it.
        against: u32,
        /// Spoiled papers.
        spoiled: u32,
        /// How many could vote.
        electorate: u32,
    }
    /// What a decision rested on.
    Basis {
        /// The newest position of the log when it was decided.
        position: Position,
        /// The statements of the transition on which the outcome's needs rested.
        #[serde(default)]
        statements: Vec<Revision>,
    }
    /// Something is owed.
    ObligationRaised {
        /// The obligation.
        obligation: ObligationId,
        /// Its kind, which the route names: condition, prospect, action, information.
        kind: ObligationKind,
        /// The gate, item or question (as `CHECKLIST:QUESTION`) it concerns.
        about: String,
        /// What is owed, in words.
        text: Option<Text>,
        /// When it is due.
        due: Option<FuzzyDate>,
        /// Whether the receiver agreed to it.
        #[serde(default)]
        receiver_agreed: bool,
        /// Whether the sender agreed to it.
        #[serde(default)]
        sender_agreed: bool,
    }
    /// An obligation gets another date.
    ObligationChanged {
        /// The obligation.
        obligation: ObligationId,
        /// The new date.
        due: FuzzyDate,
        /// Why.
        reason: Option<Text>,
    }
    /// An obligation is met, in whole or in part.
    ObligationDischarged {
        /// The obligation.
        obligation: ObligationId,
        /// Only in part: the obligation stays open.
        #[serde(default)]
        in_part: bool,
        /// What was done, in words.
        note: Option<Text>,
    }
    /// A step of the route is done.
    ItemCompleted {
        /// The item of the route.
        subject: SubjectId,
        /// What was done, in words.
        note: Option<Text>,
    }
    /// The other side verifies a step.
    ItemVerified {
        /// The item of the route.
        subject: SubjectId,
        /// The revision that was checked; the check counts while that completion is in force.
        checked: Revision,
        /// What was found, in words.
        note: Option<Text>,
    }
    /// One party signs an agreement (rule I28).
    AgreementSigned {
        /// The item of the route.
        subject: SubjectId,
        /// Version of the agreement.
        version: String,
        /// The party: the sender or the receiver.
        party: OrganisationId,
        /// The signatory.
        signatory: Option<PersonId>,
        /// What else the source says.
        note: Option<Text>,
    }
    /// An agreement is varied.
    AgreementVaried {
        /// The item of the route.
        subject: SubjectId,
        /// Version it had.
        from_version: Option<String>,
        /// Version it has now.
        to_version: String,
        /// Services or processes the new version covers.
        #[serde(default)]
        covers: Vec<ServiceCode>,
        /// What changes, in words.
        note: Option<Text>,
    }
    /// Who holds a function (rule I32). Responsible, accountable, liable and performed by are separate.
    FunctionAllocated {
        /// The function.
        function: FunctionCode,
        /// Who is responsible; absent when the source does not say.
        responsible: Option<Holder>,
        /// Who is accountable.
        accountable: Option<Holder>,
        /// Who is liable.
        liable: Option<Holder>,
        /// Who does the work.
        performed_by: Option<Holder>,
        /// Who has influence, which holds nothing.
        #[serde(default)]
        influence: Vec<Holder>,
        /// Whether the function is reserved to the sender.
        #[serde(default)]
        reserved: bool,
        /// From when.
        effective_on: Option<FuzzyDate>,
        /// What else the source says.
        note: Option<Text>,
    }
}
