//! Checks of single parts: the first stage, the live one, gates, outcomes, verification, deadlines.

use super::Findings;
use crate::route::{Atom, DueFrom, Gate, Guard, Item, ItemKind, Need, Route, Stage};

pub(super) fn check(found: &mut Findings<'_>) {
    let route = &found.draft.route;
    first_stage(found, &route.stages()[0]);
    live_by_commencement(found, route);
    ends_after_live(found, route);
    for gate in route.gates() {
        outcomes(found, route, gate);
    }
    for item in route.items() {
        verification(found, item);
    }
    for (i, due) in route.dues().iter().enumerate() {
        if due.after == DueFrom::Subject(due.subject.clone()) {
            let message = format!("\"{}\" can not be due after itself", due.subject);
            found.report("P017", format!("due[{}].after", i + 1), message);
        }
    }
}

fn first_stage(found: &mut Findings<'_>, stage: &Stage) {
    let plain = matches!(&stage.entry, Guard::Is(Need { atom: Atom::Registered, .. }));
    if !plain || stage.closed || stage.live {
        let message = "the first stage must be open, not live, and entered by \"registered\" alone";
        found.report("P003", format!("stage.{}.entry", stage.id), message);
    }
}

fn live_by_commencement(found: &mut Findings<'_>, route: &Route) {
    let stage = route.live();
    if !stage.entry.requires(&done_of(route, |kind| kind == ItemKind::Commencement)) {
        let message = "the live stage must not be reached without an item of kind commencement";
        found.report("P006", format!("stage.{}.entry", stage.id), message);
    }
}

/// A stage after the live one hides it. An exit from before would therefore hide a life, which is
/// only right when the life has ended.
fn ends_after_live(found: &mut Findings<'_>, route: &Route) {
    for stage in &route.stages()[route.live_index() + 1..] {
        if stage.closed && !stage.entry.requires(&done_of(route, ItemKind::ends_a_life)) {
            let message = "a closed stage after the live one must rest on an ending, a transfer \
                           by law or a succession; an exit from before stands before it";
            found.report("P021", format!("stage.{}.entry", stage.id), message);
        }
    }
}

fn done_of(route: &Route, wanted: impl Fn(ItemKind) -> bool) -> impl Fn(&Atom) -> bool {
    move |atom| match atom {
        Atom::Done(id) | Atom::Verified(id) | Atom::Field { item: id, .. } => {
            route.item(id).is_some_and(|item| wanted(item.kind))
        }
        _ => false,
    }
}

fn outcomes(found: &mut Findings<'_>, route: &Route, gate: &Gate) {
    let key = format!("gate.{}.outcomes", gate.id);
    // `unknown` and repeated outcomes were reported while reading and are not in the list.
    if gate.outcomes.len() < 2 {
        found.report("P008", key.clone(), "a gate must have at least two outcomes");
    }
    for outcome in &gate.outcomes {
        if outcome.raises && route.obligations().is_empty() {
            let message = "the outcome raises obligations, but the route declares no kind of them";
            found.report("P015", format!("{key}.{}", outcome.id), message);
        }
    }
}

fn verification(found: &mut Findings<'_>, item: &Item) {
    if item.by.len() == 1 && item.by == item.verify {
        let message = format!("only \"{}\" does the work and verifies it", item.by[0]);
        found.report("P012", format!("item.{}.verify", item.id), message);
    }
}
