//! What may be done next, and what stands in the way: the same rules over every subject.

use super::Transition;
use super::audit::nobody;
use super::rules::{Context, gate_open, holders, item_open, outcome_open};
use crate::event::EventType;
use crate::route::{ItemKind, OutcomeId, Reopening, RoleId, RoleSide};
use crate::unmet::Unmet;
use crate::values::{Day, PersonId};
use crate::world::World;
use std::collections::BTreeSet;

/// What an action is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ActionKind {
    /// An item to do.
    Item,
    /// An item to verify.
    Verification,
    /// A gate to decide, with one outcome.
    Gate,
    /// A question to answer.
    Answer,
    /// An answer to corroborate.
    Corroboration,
    /// An obligation to discharge.
    Obligation,
    /// A handover item to send or to answer.
    Handover,
    /// A way back.
    Reopening,
    /// A proposal to approve or decline.
    Proposal,
}

/// One thing that may be done now, or what it still lacks.
#[derive(Debug, Clone)]
pub struct Action {
    /// What it is about.
    pub kind: ActionKind,
    /// The item, gate, question, obligation, handover item or stage.
    pub subject: String,
    /// For people.
    pub title: String,
    /// The event that would record it.
    pub event: EventType,
    /// The outcome, for a gate.
    pub outcome: Option<OutcomeId>,
    /// What it lacks; empty when it may be done now.
    pub unmet: Vec<Unmet>,
    /// The roles that may do it; empty when the route asks for a side only.
    pub roles: Vec<RoleId>,
    /// The persons who hold one of them today.
    pub people: BTreeSet<PersonId>,
    /// Whether it was done before in this round.
    pub done: bool,
}

impl Action {
    /// Whether it may be done now.
    pub fn allowed(&self) -> bool {
        self.unmet.is_empty()
    }
}

impl Transition {
    /// Every action the route knows, in file order, with what each lacks on `today`.
    pub fn explain(&self, world: &World, today: Day) -> Vec<Action> {
        let Some(route) = self.route(world) else { return Vec::new() };
        let facts = self.facts(route);
        let recorder = nobody();
        let cx = Context { transition: self, route, facts: &facts, world, today, recorder: &recorder, late: false };
        let closed = facts.standpoint(route).filter(|at| at.stage.closed).map(|at| at.stage.id.clone());
        let mut actions = Vec::new();
        items(&cx, &mut actions);
        gates(&cx, &mut actions);
        checklists(&cx, &mut actions);
        owed(&cx, &mut actions);
        if let Some(stage) = closed {
            for action in actions.iter_mut().filter(|a| {
                !matches!(
                    a.event,
                    EventType::TransferredByStatute | EventType::TransitionSucceeded | EventType::ObligationDischarged
                )
            }) {
                action.unmet.insert(0, Unmet::contrary("STAGE_CLOSED", "", format!("stage {stage} is closed")));
            }
        }
        reopenings(&cx, &mut actions);
        if facts.registered.is_none() {
            for action in &mut actions {
                action.unmet.insert(0, Unmet::hard("NOT_REGISTERED", "", format!("the registration of {} is voided", self.id)));
            }
        }
        actions
    }
}

fn action(
    cx: &Context<'_>,
    kind: ActionKind,
    subject: String,
    title: &str,
    event: EventType,
    roles: &[RoleId],
    unmet: Vec<Unmet>,
) -> Action {
    let people = holders(cx, roles, cx.today);
    Action { kind, subject, title: title.to_owned(), event, outcome: None, unmet, roles: roles.to_vec(), people, done: false }
}

fn items(cx: &Context<'_>, actions: &mut Vec<Action>) {
    for item in cx.route.items() {
        let done = cx.facts.items.get(&item.id);
        let mut next =
            action(cx, ActionKind::Item, item.id.to_string(), &item.title, event_of(item.kind), &item.by, item_open(cx, item));
        next.done = done.is_some();
        actions.push(next);
        if let Some(done) = done.filter(|d| !item.verify.is_empty() && d.verified.is_none()) {
            let mut verify = action(
                cx,
                ActionKind::Verification,
                item.id.to_string(),
                &item.title,
                EventType::ItemVerified,
                &item.verify,
                Vec::new(),
            );
            verify.people.retain(|p| !done.persons.contains(p));
            actions.push(verify);
        }
    }
}

fn gates(cx: &Context<'_>, actions: &mut Vec<Action>) {
    for gate in cx.route.gates() {
        let open = gate_open(cx, gate);
        for outcome in &gate.outcomes {
            let mut unmet = open.clone();
            unmet.extend(outcome_open(cx, gate, &outcome.id));
            let mut next =
                action(cx, ActionKind::Gate, gate.id.to_string(), &gate.title, EventType::GateDecided, &gate.by, unmet);
            next.outcome = Some(outcome.id.clone());
            next.done = cx.facts.gates.contains_key(&gate.id);
            actions.push(next);
        }
    }
}

fn checklists(cx: &Context<'_>, actions: &mut Vec<Action>) {
    for list in cx.route.checklists() {
        let open = super::rules::checklist_open(cx, list);
        for question in &list.questions {
            let given = cx.facts.questions.get(&(list.id.clone(), question.id.clone()));
            let subject = format!("{}:{}", list.id, question.id);
            let mut answer = action(
                cx,
                ActionKind::Answer,
                subject.clone(),
                &question.text,
                EventType::ChecklistAnswered,
                &list.answer,
                open.clone(),
            );
            answer.done = given.is_some_and(|q| q.latest().is_some());
            actions.push(answer);
            if !list.corroborate.is_empty() {
                let mut unmet = open.clone();
                if given.and_then(|q| q.latest()).is_none() {
                    unmet.push(Unmet::silent("NOTHING_TO_CORROBORATE", "I11", format!("{} has no answer yet", question.id)));
                }
                let mut check = action(
                    cx,
                    ActionKind::Corroboration,
                    subject,
                    &question.text,
                    EventType::ChecklistCorroborated,
                    &list.corroborate,
                    unmet,
                );
                check.done = given.is_some_and(|q| q.corroboration().is_some());
                actions.push(check);
            }
        }
    }
}

fn owed(cx: &Context<'_>, actions: &mut Vec<Action>) {
    for (id, obligation) in cx.facts.obligations.iter().filter(|(_, o)| o.discharged.is_none()) {
        let roles = cx.route.obligation(&obligation.kind).map(|spec| spec.discharge.clone()).unwrap_or_default();
        let title = format!("{} owed under {}", obligation.kind, obligation.about);
        actions.push(action(
            cx,
            ActionKind::Obligation,
            id.to_string(),
            &title,
            EventType::ObligationDischarged,
            &roles,
            Vec::new(),
        ));
    }
    for (id, handover) in &cx.facts.handover {
        use super::HandoverState as S;
        let (event, side) = match handover.state {
            S::Listed | S::Returned(_) => (EventType::HandoverItemSent, RoleSide::Sender),
            S::Sent(_) => (EventType::HandoverItemAccepted, RoleSide::Receiver),
            S::Accepted(_) => continue,
        };
        let roles: Vec<RoleId> = cx.route.roles().iter().filter(|r| r.side == side).map(|r| r.id.clone()).collect();
        actions.push(action(cx, ActionKind::Handover, id.to_string(), &handover.area, event, &roles, Vec::new()));
    }
}

fn reopenings(cx: &Context<'_>, actions: &mut Vec<Action>) {
    let Some(at) = cx.facts.standpoint(cx.route) else { return };
    // A stage is named once, by the way that leads there from here if one does.
    for stage in cx.route.stages().iter().take(at.index + 1).map(|s| &s.id) {
        let from_here = |way: &&Reopening| way.to.contains(stage) && way.from.contains(&at.stage.id);
        let ways = cx.route.reopenings();
        let title = format!("open a new round at {stage}");
        let open = |by: &[RoleId], unmet| {
            action(cx, ActionKind::Reopening, stage.to_string(), &title, EventType::RoundOpened, by, unmet)
        };
        if let Some(way) = ways.iter().find(from_here) {
            actions.push(open(&way.by, Vec::new()));
        } else if let Some(way) = ways.iter().find(|way| way.to.contains(stage)) {
            let none = format!("the route has no way back from {} to {stage}", at.stage.id);
            actions.push(open(&way.by, vec![Unmet::contrary("NO_WAY_BACK", "", none)]));
        }
    }
}

/// The event that completes an item of this kind.
fn event_of(kind: ItemKind) -> EventType {
    match kind {
        ItemKind::Step => EventType::ItemCompleted,
        ItemKind::ExpressionOfInterest => EventType::ExpressionOfInterestSubmitted,
        ItemKind::Endorsement => EventType::ExpressionOfInterestEndorsed,
        ItemKind::Withdrawal => EventType::ExpressionOfInterestWithdrawn,
        ItemKind::Assessment => EventType::AssessmentSubmitted,
        ItemKind::DueDiligence => EventType::DueDiligenceStageCompleted,
        ItemKind::DecisionPack => EventType::DecisionPackFrozen,
        ItemKind::Agreement => EventType::AgreementSigned,
        ItemKind::Variation => EventType::AgreementVaried,
        ItemKind::FunctionAllocation => EventType::FunctionAllocated,
        ItemKind::Pairing => EventType::SenderReceiverPaired,
        ItemKind::Commencement => EventType::DelegationCommenced,
        ItemKind::Assurance => EventType::AssuranceRated,
        ItemKind::Notice => EventType::TerminationNoticeServed,
        ItemKind::Ending => EventType::DelegationEnded,
        ItemKind::Statutory => EventType::TransferredByStatute,
        ItemKind::Succession => EventType::TransitionSucceeded,
    }
}
