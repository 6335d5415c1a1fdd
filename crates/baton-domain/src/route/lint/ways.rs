//! Ways out before the live stage and ways back from there (P016).

use super::Findings;
use crate::route::{Atom, Reopening, RoleId, RoleSide, Route, Stage, StageId, Subject};

pub(super) fn check(found: &mut Findings<'_>) {
    let route = &found.draft.route;
    if !route.stages()[..route.live_index()].iter().any(|stage| stage.closed) {
        let message = "no closed stage stands before the live one, so nobody can step back";
        found.report("P016", format!("stage.{}", route.live().id), message);
    }
    for (i, way) in route.reopenings().iter().enumerate() {
        let key = format!("reopen[{}]", i + 1);
        way_back(found, route, &key, way);
        if let Some((from, to)) = route.reopenings()[..i].iter().find_map(|one| same(one, way)) {
            let message = format!("another way back leads from \"{from}\" to \"{to}\" already");
            found.report("P016", format!("{key}.to"), message);
        }
    }
}

/// A pair of stages that both ways join. Who may ask and who must agree would then be two answers.
fn same<'r>(one: &'r Reopening, other: &Reopening) -> Option<(&'r StageId, &'r StageId)> {
    let from = one.from.iter().find(|stage| other.from.contains(stage))?;
    let to = one.to.iter().find(|stage| other.to.contains(stage))?;
    Some((from, to))
}

fn way_back(found: &mut Findings<'_>, route: &Route, key: &str, way: &Reopening) {
    if way.agreed_by.is_empty() {
        found.report("P016", format!("{key}.agreed_by"), "a reopening needs someone who agrees");
    }
    let sides = |roles: &[RoleId]| -> Vec<RoleSide> { roles.iter().filter_map(|role| route.role_side(role)).collect() };
    let (asking, agreeing) = (sides(&way.by), sides(&way.agreed_by));
    if let Some(side) = asking.iter().find(|side| agreeing.contains(side)) {
        let message = format!("the {side} side both asks and agrees; it takes one of each side");
        found.report("P016", format!("{key}.agreed_by"), message);
    }
    for to in way.to.iter().filter_map(|id| route.stage(id)) {
        let early = route.stage_index(&to.id) < Some(route.live_index());
        if to.closed || !early {
            let message = format!("\"{}\" is not an open stage before the live one", to.id);
            found.report("P016", format!("{key}.to"), message);
        } else if let Some(stage) = still_standing(route, way, &to.id) {
            let message = format!(
                "reopening \"{}\" would leave \"{}\" standing: something it rests on is at home \
                 earlier or is not done again",
                to.id, stage.id
            );
            found.report("P016", format!("{key}.to"), message);
        }
    }
}

/// A stage further on that may hold even after the reopening has set aside what it can.
///
/// All work is taken to be done. Decisions count only for the closed stages the way leads from: an
/// open stage that rests on an earlier decision, such as an approval, is left standing on purpose.
fn still_standing<'r>(route: &'r Route, way: &Reopening, to: &StageId) -> Option<&'r Stage> {
    let first = route.stage_index(to)? + 1;
    route.stages()[first..route.live_index()].iter().find(|stage| {
        let counted = !stage.closed || way.from.contains(&stage.id);
        counted && stage.entry.holds(&|atom| survives(route, atom, to, stage.closed))
    })
}

fn survives(route: &Route, atom: &Atom, to: &StageId, decided: bool) -> bool {
    let kept = |subject: Option<Subject<'_>>| {
        subject.is_some_and(|subject| !subject.set_aside() || route.stage_index(subject.home()) < route.stage_index(to))
    };
    match atom {
        Atom::Done(id) | Atom::Verified(id) | Atom::Field { item: id, .. } => kept(route.subject(id)),
        Atom::Decided { gate, .. } => decided && kept(route.subject(gate)),
        Atom::Registered | Atom::ObligationsClear(_) | Atom::Checklist { .. } | Atom::HandoverClear | Atom::FactRecorded(_) => {
            true
        }
    }
}
