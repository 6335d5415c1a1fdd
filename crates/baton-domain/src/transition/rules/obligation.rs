//! Obligations: raised, moved, discharged.

use super::{Context, who};
use crate::event::{ObligationChanged, ObligationDischarged, ObligationRaised, Statement};
use crate::unmet::Unmet;
use crate::values::{Day, FuzzyDate, ObligationId};

pub(super) fn raised(cx: &Context<'_>, st: &Statement, e: &ObligationRaised) -> Vec<Unmet> {
    let mut unmet = Vec::new();
    if cx.facts.obligations.contains_key(&e.obligation) {
        unmet.push(Unmet::hard("ALREADY_RAISED", "", format!("obligation {} is raised already", e.obligation)));
    }
    let Some(spec) = cx.route.obligation(&e.kind) else {
        let known: Vec<_> = cx.route.obligations().iter().map(|o| o.kind.as_str()).collect();
        unmet.push(Unmet::hard(
            "UNKNOWN_OBLIGATION_KIND",
            "",
            format!("the route has no obligation of kind {}; it has {}", e.kind, known.join(", ")),
        ));
        return unmet;
    };
    if !is_about_something(cx, &e.about) {
        unmet.push(Unmet::hard(
            "UNKNOWN_SUBJECT",
            "",
            format!("{:?} is no item, gate, or CHECKLIST:QUESTION of the route", e.about),
        ));
    }
    unmet.extend(who::role(cx, st, &spec.raise, "ROLE_NOT_HELD", ""));
    if spec.both_sides {
        if !(e.receiver_agreed && e.sender_agreed) {
            unmet.push(Unmet::contrary("ONE_SIDED_AGREEMENT", "I17", "both sides must agree to it"));
        }
        let due = e.due.as_ref().and_then(FuzzyDate::latest);
        match (due, target_day(cx)) {
            (Some(due), Some(target)) if due >= target => {
                unmet.push(Unmet::contrary(
                    "RESOLVES_TOO_LATE",
                    "I17",
                    format!("due on {due}, not before the planned start on {target}"),
                ));
            }
            (None, Some(_)) => unmet.push(Unmet::silent("RESOLVES_TOO_LATE", "I17", "it names no day by which it is resolved")),
            _ => {}
        }
    }
    unmet
}

fn is_about_something(cx: &Context<'_>, about: &str) -> bool {
    if let Some((list, question)) = about.split_once(':') {
        let list = list.parse().ok().and_then(|id| cx.route.checklist(&id));
        return question.parse().ok().zip(list).is_some_and(|(id, list)| list.question(&id).is_some());
    }
    about.parse().is_ok_and(|id| cx.route.subject(&id).is_some())
}

/// The day on which the receiver is to begin: by the latest plan of it, or by the wave.
fn target_day(cx: &Context<'_>) -> Option<Day> {
    cx.facts.planned_start.as_ref().and_then(FuzzyDate::earliest).or_else(|| {
        let wave = cx.world.wave(&cx.transition.registration()?.wave)?;
        wave.dates.get("will_by").and_then(FuzzyDate::latest)
    })
}

fn open(cx: &Context<'_>, id: &ObligationId) -> Result<crate::route::ObligationKind, Unmet> {
    match cx.facts.obligations.get(id) {
        None => Err(Unmet::hard("UNKNOWN_OBLIGATION", "", format!("obligation {id} was not raised here"))),
        Some(o) if o.discharged.is_some() => {
            Err(Unmet::contrary("ALREADY_DONE", "", format!("obligation {id} is discharged already")))
        }
        Some(o) => Ok(o.kind.clone()),
    }
}

/// Who may raise an obligation may move it; who owes it may not.
pub(super) fn changed(cx: &Context<'_>, st: &Statement, e: &ObligationChanged) -> Vec<Unmet> {
    let mut unmet = Vec::new();
    match open(cx, &e.obligation) {
        Err(closed) => unmet.push(closed),
        Ok(kind) => {
            let roles = cx.route.obligation(&kind).map(|spec| spec.raise.as_slice()).unwrap_or_default();
            unmet.extend(who::role(cx, st, roles, "ROLE_NOT_HELD", ""));
        }
    }
    if e.reason.is_none() {
        unmet.push(Unmet::silent("REASON_REQUIRED", "", "another date needs a reason"));
    }
    unmet
}

pub(super) fn discharged(cx: &Context<'_>, st: &Statement, e: &ObligationDischarged) -> Vec<Unmet> {
    match open(cx, &e.obligation) {
        Err(unmet) => vec![unmet],
        Ok(kind) => {
            let roles = cx.route.obligation(&kind).map(|spec| spec.discharge.as_slice()).unwrap_or_default();
            who::role(cx, st, roles, "ROLE_NOT_HELD", "").into_iter().collect()
        }
    }
}
