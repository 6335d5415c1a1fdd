//! The route as the rules code reads it.
//!
//! A [`Route`] comes only from [`Route::parse`], so its references resolve and its lists are in
//! the order of the file, which is meaning: the stage of a transition is the last stage whose entry
//! holds.

use std::collections::BTreeMap;

use super::{
    AreaId, BodyKind, ChecklistId, FactKind, FieldName, FieldType, Guard, ItemKind, ObligationKind, OutcomeId, QuestionId,
    RoleId, RoleSide, RouteId, RouteVersion, StageId, SubjectId, WaveDate, YesNo,
};

/// A checked route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    pub(super) id: RouteId,
    pub(super) version: RouteVersion,
    pub(super) title: String,
    pub(super) source: String,
    pub(super) sha256: [u8; 32],
    pub(super) text_len: usize,
    pub(super) live: usize,
    pub(super) parts: Parts,
    pub(super) index: Index,
}

/// The lists of a route, each in file order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) roles: Vec<Role>,
    pub(super) stages: Vec<Stage>,
    pub(super) items: Vec<Item>,
    pub(super) gates: Vec<Gate>,
    pub(super) checklists: Vec<Checklist>,
    pub(super) obligations: Vec<ObligationSpec>,
    pub(super) reopenings: Vec<Reopening>,
    pub(super) handover: Vec<HandoverArea>,
    pub(super) facts: Vec<FactSpec>,
    pub(super) dues: Vec<Due>,
}

/// Where each name stands in its list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Index {
    pub(super) stages: BTreeMap<StageId, usize>,
    pub(super) items: BTreeMap<SubjectId, usize>,
    pub(super) gates: BTreeMap<SubjectId, usize>,
    pub(super) roles: BTreeMap<RoleId, usize>,
    pub(super) checklists: BTreeMap<ChecklistId, usize>,
    pub(super) facts: BTreeMap<FactKind, usize>,
}

/// A role and the side it acts for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Name.
    pub id: RoleId,
    /// Side.
    pub side: RoleSide,
}

/// A stage of a transition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// Name.
    pub id: StageId,
    /// For people; made from the name when the file gives none.
    pub title: String,
    /// When a transition has come this far.
    pub entry: Guard,
    /// A closed stage refuses everything but reopening, truth and the tail.
    pub closed: bool,
    /// The stage in which the receiver holds the service; exactly one is so.
    pub live: bool,
    /// Off the main path, such as a deferral: a transition further on is not missing it.
    pub aside: bool,
}

/// Something to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Name, shared with gates.
    pub id: SubjectId,
    /// For people.
    pub title: String,
    /// What kind of act completes it.
    pub kind: ItemKind,
    /// The stage it belongs to. Reopening that stage or an earlier one asks for it anew when
    /// `again` is set. When it may be done is said by `needs` and `until`.
    pub home: StageId,
    /// Who may do it; an agreement is done when each side has signed.
    pub by: Vec<RoleId>,
    /// Who may verify it, another person than the doer; empty when nobody does.
    pub verify: Vec<RoleId>,
    /// What must be so first.
    pub needs: Guard,
    /// It may be done only while the stage stands before this one in file order. An item at home
    /// before the live stage ends there by default, unless its kind outlasts it.
    pub until: Option<StageId>,
    /// Set aside by a reopening of its home or an earlier stage.
    pub again: bool,
    /// How many pieces of evidence it takes.
    pub evidence: u32,
    /// The checklist handed in; given exactly for assessments.
    pub checklist: Option<ChecklistId>,
}

/// Something to be decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gate {
    /// Name, shared with items.
    pub id: SubjectId,
    /// For people.
    pub title: String,
    /// The stage it belongs to; reopening that stage or an earlier one sets the decision aside.
    pub home: StageId,
    /// Who may decide, or speak for the body that did.
    pub by: Vec<RoleId>,
    /// The kinds of body of which one must have decided; empty when any may.
    pub bodies: Vec<BodyKind>,
    /// What must be so before any outcome.
    pub needs: Guard,
    /// As for items.
    pub until: Option<StageId>,
    /// Fewest persons deciding.
    pub quorum: Option<u32>,
    /// Who did any of these may not decide.
    pub separation: Vec<SubjectId>,
    /// What the decision rests on, frozen with it.
    pub basis: Vec<SubjectId>,
    /// May be decided again without a reopening; the latest decision counts.
    pub repeats: bool,
    /// The outcomes, at least two. `unknown` always exists besides and moves nothing.
    pub outcomes: Vec<Outcome>,
}

/// One way a gate may be decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Name.
    pub id: OutcomeId,
    /// What must be so for this outcome, besides the needs of the gate.
    pub needs: Guard,
    /// The outcome raises at least one obligation.
    pub raises: bool,
    /// A reason must be given.
    pub reason: bool,
}

/// Questions answered by one side and checked by the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checklist {
    /// Name.
    pub id: ChecklistId,
    /// For people.
    pub title: String,
    /// Who may answer.
    pub answer: Vec<RoleId>,
    /// Who may corroborate; empty when nobody does.
    pub corroborate: Vec<RoleId>,
    /// Answers may change only while the stage stands before this one; the live stage by default,
    /// so a parsed route always has it.
    pub until: Option<StageId>,
    /// The questions.
    pub questions: Vec<Question>,
}

/// A yes or no question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Name, such as `3A`.
    pub id: QuestionId,
    /// The question, in our words.
    pub text: String,
    /// The answer that needs no further work.
    pub compliant: YesNo,
}

/// A kind of obligation that may be raised at run time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObligationSpec {
    /// Kind.
    pub kind: ObligationKind,
    /// For people.
    pub title: String,
    /// Who may raise one.
    pub raise: Vec<RoleId>,
    /// Who may discharge one.
    pub discharge: Vec<RoleId>,
    /// Both sides must agree to it by name.
    pub both_sides: bool,
}

/// A way back to an earlier stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reopening {
    /// Stages that may be reopened.
    pub to: Vec<StageId>,
    /// Stages from which; all stages before the live one by default.
    pub from: Vec<StageId>,
    /// Who may ask.
    pub by: Vec<RoleId>,
    /// Who must agree.
    pub agreed_by: Vec<RoleId>,
}

/// An area of work to be handed over, with what is usually in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandoverArea {
    /// Name.
    pub area: AreaId,
    /// Things to think of.
    pub items: Vec<String>,
}

/// A kind of fact that may be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactSpec {
    /// Kind.
    pub kind: FactKind,
    /// For people; made from the kind when the file gives none.
    pub title: String,
    /// Its fields. Each may be left out of a fact: unknown is a value.
    pub fields: Vec<FieldSpec>,
}

/// A field of a fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldSpec {
    /// Name.
    pub name: FieldName,
    /// Type.
    pub ty: FieldType,
}

/// A deadline. It is shown in views and never moves a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// What is due.
    pub subject: SubjectId,
    /// Where the count begins.
    pub after: DueFrom,
    /// Days to count; negative counts backwards.
    pub offset_days: i32,
    /// Count working days only.
    pub working_days: bool,
    /// Who hears when it is late.
    pub escalate: Vec<RoleId>,
}

/// Where a deadline is counted from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DueFrom {
    /// A date of the wave.
    Wave(WaveDate),
    /// The day an item was done or a gate decided.
    Subject(SubjectId),
}

/// An item or a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject<'r> {
    /// An item.
    Item(&'r Item),
    /// A gate.
    Gate(&'r Gate),
}
