//! Reading a route: lookups by name, lists in file order.

use std::collections::BTreeMap;

use super::model::{Index, Parts};
use super::{
    Atom, Checklist, ChecklistId, Due, FactKind, FactSpec, FieldName, FieldType, Gate, Guard, HandoverArea, Item, ItemKind,
    ObligationKind, ObligationSpec, Outcome, OutcomeId, Question, QuestionId, Reopening, Role, RoleId, RoleSide, Route, RouteId,
    RouteVersion, Stage, StageId, Subject, SubjectId,
};

impl Route {
    /// Name of the route.
    pub fn id(&self) -> &RouteId {
        &self.id
    }

    /// Version of its text.
    pub fn version(&self) -> &RouteVersion {
        &self.version
    }

    /// For people.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The papers it was read from.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// SHA-256 of the bytes of the file.
    pub fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }

    /// Length of the file in bytes.
    pub fn text_len(&self) -> usize {
        self.text_len
    }

    /// Stages, in file order.
    pub fn stages(&self) -> &[Stage] {
        &self.parts.stages
    }

    /// Where a stage stands in file order, from 0.
    pub fn stage_index(&self, id: &StageId) -> Option<usize> {
        self.index.stages.get(id).copied()
    }

    /// A stage by name.
    pub fn stage(&self, id: &StageId) -> Option<&Stage> {
        self.stage_index(id).map(|i| &self.parts.stages[i])
    }

    /// The live stage.
    pub fn live(&self) -> &Stage {
        &self.parts.stages[self.live]
    }

    /// Where the live stage stands in file order, from 0.
    pub fn live_index(&self) -> usize {
        self.live
    }

    /// The last stage in file order whose entry holds: where a transition stands. None only when
    /// the transition is not registered.
    pub fn last_stage(&self, holds: &dyn Fn(&Atom) -> bool) -> Option<&Stage> {
        self.parts.stages.iter().rev().find(|stage| stage.entry.holds(holds))
    }

    /// Items, in file order.
    pub fn items(&self) -> &[Item] {
        &self.parts.items
    }

    /// An item by name.
    pub fn item(&self, id: &SubjectId) -> Option<&Item> {
        self.index.items.get(id).map(|&i| &self.parts.items[i])
    }

    /// Items of one kind, in file order.
    pub fn items_of(&self, kind: ItemKind) -> impl Iterator<Item = &Item> {
        self.parts.items.iter().filter(move |item| item.kind == kind)
    }

    /// Gates, in file order.
    pub fn gates(&self) -> &[Gate] {
        &self.parts.gates
    }

    /// A gate by name.
    pub fn gate(&self, id: &SubjectId) -> Option<&Gate> {
        self.index.gates.get(id).map(|&i| &self.parts.gates[i])
    }

    /// An item or a gate by name.
    pub fn subject(&self, id: &SubjectId) -> Option<Subject<'_>> {
        let item = self.item(id).map(Subject::Item);
        item.or_else(|| self.gate(id).map(Subject::Gate))
    }

    /// Title of an item or a gate; the name itself when the route has no such thing.
    pub fn title_of(&self, id: &SubjectId) -> String {
        self.subject(id).map_or_else(|| id.to_string(), |subject| subject.title().to_owned())
    }

    /// Checklists, in file order.
    pub fn checklists(&self) -> &[Checklist] {
        &self.parts.checklists
    }

    /// A checklist by name.
    pub fn checklist(&self, id: &ChecklistId) -> Option<&Checklist> {
        self.index.checklists.get(id).map(|&i| &self.parts.checklists[i])
    }

    /// Kinds of obligation, in file order.
    pub fn obligations(&self) -> &[ObligationSpec] {
        &self.parts.obligations
    }

    /// A kind of obligation by name.
    pub fn obligation(&self, kind: &ObligationKind) -> Option<&ObligationSpec> {
        self.parts.obligations.iter().find(|spec| spec.kind == *kind)
    }

    /// Ways back, in file order.
    pub fn reopenings(&self) -> &[Reopening] {
        &self.parts.reopenings
    }

    /// Handover areas, in file order.
    pub fn handover(&self) -> &[HandoverArea] {
        &self.parts.handover
    }

    /// Kinds of fact, in file order.
    pub fn facts(&self) -> &[FactSpec] {
        &self.parts.facts
    }

    /// A kind of fact by name.
    pub fn fact_spec(&self, kind: &FactKind) -> Option<&FactSpec> {
        self.index.facts.get(kind).map(|&i| &self.parts.facts[i])
    }

    /// Deadlines, in file order.
    pub fn dues(&self) -> &[Due] {
        &self.parts.dues
    }

    /// Roles, in file order.
    pub fn roles(&self) -> &[Role] {
        &self.parts.roles
    }

    /// The side a role acts for.
    pub fn role_side(&self, id: &RoleId) -> Option<RoleSide> {
        self.index.roles.get(id).map(|&i| self.parts.roles[i].side)
    }
}

impl Gate {
    /// A declared outcome by name.
    pub fn outcome(&self, id: &OutcomeId) -> Option<&Outcome> {
        self.outcomes.iter().find(|outcome| outcome.id == *id)
    }
}

impl Checklist {
    /// A question by name.
    pub fn question(&self, id: &QuestionId) -> Option<&Question> {
        self.questions.iter().find(|question| question.id == *id)
    }
}

impl FactSpec {
    /// Type of a field by name.
    pub fn field(&self, name: &FieldName) -> Option<FieldType> {
        self.fields.iter().find(|field| field.name == *name).map(|field| field.ty)
    }
}

impl<'r> Subject<'r> {
    /// Name.
    pub fn id(self) -> &'r SubjectId {
        match self {
            Self::Item(item) => &item.id,
            Self::Gate(gate) => &gate.id,
        }
    }

    /// For people.
    pub fn title(self) -> &'r str {
        match self {
            Self::Item(item) => &item.title,
            Self::Gate(gate) => &gate.title,
        }
    }

    /// The stage it belongs to.
    pub fn home(self) -> &'r StageId {
        match self {
            Self::Item(item) => &item.home,
            Self::Gate(gate) => &gate.home,
        }
    }

    /// What must be so first.
    pub fn needs(self) -> &'r Guard {
        match self {
            Self::Item(item) => &item.needs,
            Self::Gate(gate) => &gate.needs,
        }
    }

    /// The stage by which it is too late.
    pub fn until(self) -> Option<&'r StageId> {
        match self {
            Self::Item(item) => item.until.as_ref(),
            Self::Gate(gate) => gate.until.as_ref(),
        }
    }

    /// Who may act on it.
    pub fn by(self) -> &'r [RoleId] {
        match self {
            Self::Item(item) => &item.by,
            Self::Gate(gate) => &gate.by,
        }
    }

    /// Whether a reopening of its home or an earlier stage sets it aside. Gates always are.
    pub fn set_aside(self) -> bool {
        match self {
            Self::Item(item) => item.again,
            Self::Gate(_) => true,
        }
    }
}

impl Index {
    pub(super) fn of(parts: &Parts) -> Self {
        fn number<T, K: Ord>(list: &[T], key: impl Fn(&T) -> K) -> BTreeMap<K, usize> {
            list.iter().enumerate().map(|(i, part)| (key(part), i)).collect()
        }
        Self {
            stages: number(&parts.stages, |stage| stage.id.clone()),
            items: number(&parts.items, |item| item.id.clone()),
            gates: number(&parts.gates, |gate| gate.id.clone()),
            roles: number(&parts.roles, |role| role.id.clone()),
            checklists: number(&parts.checklists, |list| list.id.clone()),
            facts: number(&parts.facts, |fact| fact.kind.clone()),
        }
    }
}
