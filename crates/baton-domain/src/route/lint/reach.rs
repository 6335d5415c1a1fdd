//! What can come about at all, as one least fixed point, and what nothing waits for.
//!
//! Guards are monotone, so it is enough to add what has become possible until nothing is added:
//! what is missing then can not happen in any order of events.

use std::collections::BTreeSet;

use super::Findings;
use crate::route::{Atom, Guard, OutcomeId, Route, StageId, Subject, SubjectId};

pub(super) fn check(found: &mut Findings<'_>) {
    let route = &found.draft.route;
    let reach = Reach::of(route);
    for (i, stage) in route.stages().iter().enumerate() {
        let key = format!("stage.{}.entry", stage.id);
        if !reach.stages.contains(&stage.id) {
            let rule = if stage.live { "P006" } else { "P004" };
            found.report(rule, key, format!("nothing can lead to the stage \"{}\"", stage.id));
        } else if i > 0 && stage.entry.holds(&Atom::holds_at_opening) {
            let message = format!("\"{}\" holds as soon as a transition is registered", stage.id);
            found.report("P019", key, message);
        }
    }
    for item in route.items() {
        subject(found, route, &reach, "item", Subject::Item(item));
    }
    let awaited = awaited(route);
    for gate in route.gates() {
        subject(found, route, &reach, "gate", Subject::Gate(gate));
        for outcome in gate.outcomes.iter().filter(|outcome| !outcome.raises && !outcome.reason) {
            if !awaited.contains(&(&gate.id, &outcome.id)) {
                let key = format!("gate.{}.outcomes.{}", gate.id, outcome.id);
                let message = "nothing waits for this outcome, so it must ask for a reason";
                found.report("P009", key, message);
            }
        }
        if !reach.possible(Subject::Gate(gate)) {
            continue;
        }
        for outcome in &gate.outcomes {
            if !reach.outcomes.contains(&(&gate.id, &outcome.id)) {
                let key = format!("gate.{}.outcomes.{}.needs", gate.id, outcome.id);
                found.report("P005", key, "what this outcome needs can never be so");
            }
        }
    }
}

fn subject(found: &mut Findings<'_>, route: &Route, reach: &Reach<'_>, part: &str, subject: Subject<'_>) {
    let key = format!("{part}.{}", subject.id());
    let at = |id: &StageId| route.stage_index(id);
    if subject.until().is_some_and(|until| at(until) <= at(subject.home())) {
        let message = "it belongs to a stage in which it may not be done any more";
        found.report("P005", format!("{key}.until"), message);
    }
    if reach.stages.contains(subject.home()) && !subject.needs().holds(&|atom| reach.holds(atom)) {
        found.report("P005", format!("{key}.needs"), "what it needs can never be so");
    }
}

/// The outcomes some stage, item, gate or outcome waits for.
fn awaited(route: &Route) -> BTreeSet<(&SubjectId, &OutcomeId)> {
    let stages = route.stages().iter().map(|stage| &stage.entry);
    let items = route.items().iter().map(|item| &item.needs);
    let gates = route
        .gates()
        .iter()
        .flat_map(|gate| std::iter::once(&gate.needs).chain(gate.outcomes.iter().map(|outcome| &outcome.needs)));
    let needs = stages.chain(items).chain(gates).flat_map(Guard::needs);
    needs
        .flat_map(|need| match &need.atom {
            Atom::Decided { gate, outcomes } => outcomes.iter().map(|o| (gate, o)).collect(),
            _ => Vec::new(),
        })
        .collect()
}

struct Reach<'r> {
    stages: BTreeSet<&'r StageId>,
    items: BTreeSet<&'r SubjectId>,
    outcomes: BTreeSet<(&'r SubjectId, &'r OutcomeId)>,
}

impl<'r> Reach<'r> {
    fn of(route: &'r Route) -> Self {
        let (stages, items, outcomes) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let mut reach = Self { stages, items, outcomes };
        while reach.grow(route) {}
        reach
    }

    /// Adds what is possible by now; false when nothing was added.
    fn grow(&mut self, route: &'r Route) -> bool {
        let before = self.size();
        for stage in route.stages() {
            if stage.entry.holds(&|atom| self.holds(atom)) {
                self.stages.insert(&stage.id);
            }
        }
        for item in route.items() {
            if self.possible(Subject::Item(item)) {
                self.items.insert(&item.id);
            }
        }
        for gate in route.gates() {
            if !self.possible(Subject::Gate(gate)) {
                continue;
            }
            for outcome in &gate.outcomes {
                if outcome.needs.holds(&|atom| self.holds(atom)) {
                    self.outcomes.insert((&gate.id, &outcome.id));
                }
            }
        }
        self.size() > before
    }

    fn size(&self) -> usize {
        self.stages.len() + self.items.len() + self.outcomes.len()
    }

    fn possible(&self, subject: Subject<'_>) -> bool {
        self.stages.contains(subject.home()) && subject.needs().holds(&|atom| self.holds(atom))
    }

    /// Whether the atom can be so. Facts, answers, discharges and handovers are always possible;
    /// that somebody may corroborate or verify was checked with the references.
    fn holds(&self, atom: &Atom) -> bool {
        match atom {
            Atom::Registered
            | Atom::ObligationsClear(_)
            | Atom::Checklist { .. }
            | Atom::HandoverClear
            | Atom::FactRecorded(_) => true,
            Atom::Done(id) | Atom::Verified(id) | Atom::Field { item: id, .. } => self.items.contains(id),
            Atom::Decided { gate, outcomes } => outcomes.iter().any(|outcome| self.outcomes.contains(&(gate, outcome))),
        }
    }
}
