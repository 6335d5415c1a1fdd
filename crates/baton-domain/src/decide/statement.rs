//! Statements about transitions: live acts are refused where rules are unmet, late entries keep gaps.

use super::{Draft, is_register};
use crate::event::{Basis, Command, Event, Placed, Statement, TransitionRegistered};
use crate::transition::rules::{self, Context};
use crate::transition::{Facts, Transition};
use crate::unmet::Unmet;
use crate::values::{Position, Revision, TransitionId};

impl Draft<'_> {
    pub(super) fn take_statement(&mut self, index: usize, id: &TransitionId, command: &Command) -> Vec<Unmet> {
        let existing = self.state.transition(id);
        match (&command.statement.event, existing) {
            (Event::TransitionRegistered(e), None) => self.register(id, command, e),
            (Event::TransitionRegistered(_), Some(_)) => {
                vec![Unmet::hard("ALREADY_REGISTERED", "", format!("{id} is registered already"))]
            }
            (_, None) => vec![Unmet::hard("NOT_REGISTERED", "", format!("{id} is not registered; register it first"))],
            (_, Some(transition)) => self.record(index, &transition, command),
        }
    }

    fn register(&mut self, id: &TransitionId, command: &Command, e: &TransitionRegistered) -> Vec<Unmet> {
        let st = &command.statement;
        let (mut unmet, route) = rules::registration(&self.state.world, id, st, e);
        unmet.extend(rules::future(st, self.today()));
        unmet.extend(rules::evidence(st, command.late));
        unmet.extend(self.administrator(command));
        let mut pinned = e.clone();
        if let Some(published) = route {
            pinned.route = Some(published.route.id().clone());
            pinned.route_version = Some(published.route.version().clone());
            pinned.route_sha256 = Some(published.sha256.clone());
        }
        self.settle(command, unmet, Event::from(pinned), Some(Placed::End))
    }

    fn record(&mut self, index: usize, transition: &Transition, command: &Command) -> Vec<Unmet> {
        let st = &command.statement;
        let Some(route) = transition.route(&self.state.world).cloned() else {
            return vec![Unmet::hard("UNKNOWN_ROUTE", "", "the route this transition pins is not in the log")];
        };
        let placed = match self.place(&transition.story, command) {
            Ok(placed) => placed,
            Err(unmet) => return vec![unmet],
        };
        // A late entry is judged on the story before its place.
        let before = transition.story.index_of(placed).unwrap_or(usize::MAX);
        let facts = Facts::read(transition.story.entries().take(before).filter(|e| e.in_force()), &route);
        let cx = Context {
            transition,
            route: &route,
            facts: &facts,
            world: &self.state.world,
            today: self.today(),
            recorder: &self.request.person,
            late: command.late,
        };
        let mut unmet = rules::check(&cx, st);
        if is_register(st.event.event_type()) {
            unmet.extend(self.administrator(command));
        }
        let warnings = rules::warnings(&cx, st);
        let event = filled(&cx, st, self.state.size);
        let unmet = self.settle(command, unmet, event, Some(placed));
        if unmet.is_empty() {
            for (code, what) in warnings {
                self.warn(index, code, what);
            }
        }
        unmet
    }

    /// Takes the command if its unmet rules allow: all of them for a live act, the ones that can not be
    /// waived for a late entry; the others become gaps. Invariants are checked on the state that results.
    pub(super) fn settle(
        &mut self,
        command: &Command,
        mut unmet: Vec<Unmet>,
        event: Event,
        placed: Option<Placed>,
    ) -> Vec<Unmet> {
        if command.late && unmet.iter().any(|u| !u.waivable) {
            unmet.retain(|u| !u.waivable);
            return unmet;
        }
        if !command.late && !unmet.is_empty() {
            return unmet;
        }
        let mut gaps: Vec<_> = unmet.iter().map(Unmet::gap).collect();
        gaps.sort();
        gaps.dedup();
        self.push(command.stream.clone(), command.statement.with(event), placed, gaps);
        self.broken_invariants(command)
    }

    /// Rules I02 and I32, on the state after the command; and of a correction, that what it makes of its
    /// target could have been recorded at all.
    fn broken_invariants(&self, command: &Command) -> Vec<Unmet> {
        let Some(transition) = command.stream.transition().and_then(|id| self.state.transition(id)) else {
            return Vec::new();
        };
        let world = &self.state.world;
        let receiver = transition.id.receiver();
        let others = self.state.of_receiver(&receiver).map(AsRef::as_ref);
        let mut broken: Vec<Unmet> = rules::duplicates(world, &transition, others).into_iter().collect();
        // The whole story is read for this one rule: only where something is allocated at all.
        let allocates = transition.story.in_force().any(|e| matches!(e.statement().event, Event::FunctionAllocated(_)));
        if let Some(route) = transition.route(world).filter(|_| allocates) {
            broken.extend(rules::two_holders(&transition.facts(route)));
        }
        if let Event::StatementCorrected(e) = &command.statement.event {
            let target = transition.audit(world).findings.into_iter().filter(|finding| finding.revision == e.target);
            broken.extend(target.flat_map(|finding| finding.unmet).filter(|u| !u.waivable));
        }
        broken
    }
}

/// The event with what only the engine knows filled in.
fn filled(cx: &Context<'_>, st: &Statement, size: u64) -> Event {
    let newest = Position(size.saturating_sub(1));
    match &st.event {
        Event::RoundOpened(e) => {
            let mut round = e.clone();
            round.set_aside = rules::set_aside(cx.facts, cx.route, &e.stage);
            Event::RoundOpened(round)
        }
        Event::GateDecided(e) => {
            let mut gate = e.clone();
            gate.basis = Some(Basis { position: newest, statements: basis(cx, &gate) });
            Event::GateDecided(gate)
        }
        Event::DecisionPackFrozen(e) => {
            let mut pack = e.clone();
            pack.as_of = Some(newest);
            Event::DecisionPackFrozen(pack)
        }
        other => other.clone(),
    }
}

/// The statements a decision rested on: those of the basis the route names, and those that made its needs hold.
fn basis(cx: &Context<'_>, e: &crate::event::GateDecided) -> Vec<Revision> {
    let Some(gate) = cx.route.gate(&e.subject) else { return Vec::new() };
    let named = gate.basis.iter().filter_map(|id| cx.facts.items.get(id)).map(|done| done.by.revision);
    let outcome = gate.outcome(&e.outcome).map(|o| o.needs.needs()).unwrap_or_default();
    let needs = gate.needs.needs().into_iter().chain(outcome);
    let rested = needs.filter_map(|need| cx.facts.holds(&need.atom, cx.route)).flatten().map(|s| s.revision);
    let mut all: Vec<Revision> = named.chain(rested).collect();
    all.sort_unstable();
    all.dedup();
    all
}
