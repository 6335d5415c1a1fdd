//! Expression of interest: submission, endorsement, withdrawal; and how late an assessment is.

use super::{Context, subject};
use crate::event::{ExpressionOfInterestEndorsed, ExpressionOfInterestSubmitted, ExpressionOfInterestWithdrawn, Statement};
use crate::route::ItemKind;
use crate::unmet::Unmet;

pub(super) fn submitted(cx: &Context<'_>, st: &Statement, e: &ExpressionOfInterestSubmitted) -> Vec<Unmet> {
    let mut unmet = subject::item(cx, st);
    if let Some(wave) = cx.transition.registration().and_then(|r| cx.world.wave(&r.wave)) {
        for service in e.services.iter().filter(|s| !wave.services.contains(s)) {
            unmet.push(Unmet::contrary("SERVICE_NOT_IN_WAVE", "I05", format!("service {service} is not in the wave")));
        }
    }
    unmet
}

pub(super) fn endorsed(cx: &Context<'_>, st: &Statement, e: &ExpressionOfInterestEndorsed) -> Vec<Unmet> {
    let mut unmet = subject::item(cx, st);
    let submission = cx.route.items_of(ItemKind::ExpressionOfInterest).filter_map(|item| cx.facts.items.get(&item.id)).next();
    if submission.is_some_and(|done| done.occurred.certainly_before(&st.occurred)) && !e.retrospective {
        unmet.push(Unmet::contrary(
            "RETROSPECTIVE_NOT_MARKED",
            "I07",
            "the endorsement comes after the submission: mark it retrospective",
        ));
    }
    unmet
}

pub(super) fn withdrawn(cx: &Context<'_>, st: &Statement, e: &ExpressionOfInterestWithdrawn) -> Vec<Unmet> {
    let mut unmet = subject::item(cx, st);
    if e.reason.is_none() {
        unmet.push(Unmet::silent("REASON_REQUIRED", "I06", "a withdrawal needs a reason in words"));
    }
    if cx.route.items_of(ItemKind::Agreement).any(|item| cx.facts.items.contains_key(&item.id)) {
        unmet.push(Unmet::contrary(
            "NO_RIGHT_TO_WITHDRAW",
            "I06",
            "the agreement is in force: what has been signed is ended by notice",
        ));
    }
    unmet
}

/// Rule I14: a late submission is taken, and how late it is is said.
pub(super) fn late_by(cx: &Context<'_>, st: &Statement) -> Option<(&'static str, String)> {
    let wave = cx.world.wave(&cx.transition.registration()?.wave)?;
    let due = wave.dates.get("assessment_due")?.latest()?;
    let handed_in = st.occurred.earliest().filter(|day| *day > due)?;
    let days = handed_in.since(due).map(|span| span.get_days()).unwrap_or_default();
    Some(("LATE_SUBMISSION", format!("handed in {days} days after it was due on {due}; the deadline stays as it is")))
}
