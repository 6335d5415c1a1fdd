//! Facts: what a story adds up to under a route. Read in story order, so that the facts of any prefix
//! are the facts as they stood then.

mod ask;
mod fold;
mod parts;

pub(crate) use fold::item_kind;
pub use parts::{
    Allocation, AnswerVersion, Completion, Decision, Finding, Handover, HandoverState, Obligation, Pair, Question, Signature,
    Support,
};

use crate::event::Gap;
use crate::route::{ChecklistId, FactKind, QuestionId, Route, SubjectId};
use crate::story::Entry;
use crate::values::{
    FindingId, FunctionCode, FuzzyDate, HandoverItemId, MeetingId, ObligationId, OrganisationId, PairId, PersonId, Revision,
    ServiceCode,
};
use std::collections::{BTreeMap, BTreeSet};

/// What the story adds up to.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The registration.
    pub registered: Option<Support>,
    /// Items done in this round.
    pub items: BTreeMap<SubjectId, Completion>,
    /// Gates decided in this round.
    pub gates: BTreeMap<SubjectId, Decision>,
    /// Answers, by checklist and question.
    pub questions: BTreeMap<(ChecklistId, QuestionId), Question>,
    /// Obligations.
    pub obligations: BTreeMap<ObligationId, Obligation>,
    /// Findings.
    pub findings: BTreeMap<FindingId, Finding>,
    /// Handover items.
    pub handover: BTreeMap<HandoverItemId, Handover>,
    /// Sender-receiver pairs.
    pub pairs: BTreeMap<PairId, Pair>,
    /// Signatures, by agreement.
    pub signatures: BTreeMap<SubjectId, Vec<Signature>>,
    /// Functions.
    pub functions: BTreeMap<FunctionCode, Vec<Allocation>>,
    /// Facts of the tail, by kind.
    pub recorded: BTreeMap<FactKind, Vec<Support>>,
    /// Services an agreement was varied to cover.
    pub covered: BTreeSet<ServiceCode>,
    /// Persons who left or were excluded for an interest declared in this stream, by meeting; with the
    /// gate concerned, or none for the whole meeting.
    pub conflicted: BTreeSet<(MeetingId, Option<SubjectId>, PersonId)>,
    /// When the receiver is to begin, by the latest plan.
    pub planned_start: Option<FuzzyDate>,
    /// When the receiver began, in law where that is said.
    pub live_on: Option<FuzzyDate>,
    /// Who has taken the receiver's place, in whole or in part.
    pub successors: BTreeSet<OrganisationId>,
    /// The round, from 1.
    pub round: u32,
    /// Statements set aside by reopenings.
    pub set_aside: BTreeSet<Revision>,
    /// Gaps of the statements in force.
    pub gaps: Vec<(Revision, Gap)>,
    /// How many statements were read.
    read: usize,
}

impl Facts {
    /// What no statement adds up to: the first round, and nothing in it.
    pub fn none() -> Self {
        Self { round: 1, ..Self::default() }
    }

    /// Reads statements in the order given.
    pub fn read<'s>(entries: impl Iterator<Item = &'s Entry>, route: &Route) -> Self {
        let mut facts = Self::none();
        for entry in entries {
            facts.apply(entry, route);
        }
        facts
    }
}
