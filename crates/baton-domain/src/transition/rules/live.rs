//! Commencement, assurance, notice and succession.

use super::{Context, subject, who};
use crate::event::{
    AssuranceRated, DelegationCommenced, OrganisationKind, Part, RatingKind, Statement, TerminationNoticeServed,
    TransitionSucceeded,
};
use crate::route::{ItemKind, RoleSide};
use crate::unmet::Unmet;
use crate::world::Openness;

pub(super) fn commenced(cx: &Context<'_>, st: &Statement, e: &DelegationCommenced) -> Vec<Unmet> {
    let mut unmet = subject::item(cx, st);
    let signatures = cx.route.items_of(ItemKind::Agreement).flat_map(|i| cx.facts.in_force(&i.id));
    for signature in signatures {
        if let (Some(effective), Some(signed)) = (e.effective_on, signature.occurred.earliest())
            && signed > effective
        {
            unmet.push(Unmet::contrary(
                "AGREEMENT_NOT_IN_FORCE",
                "I29",
                format!("{} signed on {signed}, after the effective date {effective}", signature.party),
            ));
        }
        if let Some(version) = e.agreement_version.as_ref().filter(|v| **v != signature.version) {
            unmet.push(Unmet::contrary(
                "VERSION_MISMATCH",
                "I29",
                format!("it rests on version {version}, and {} signed version {}", signature.party, signature.version),
            ));
        }
    }
    unmet.extend(not_established(cx, st, e));
    unmet
}

/// Rule I30: the receiver is established on the effective date.
fn not_established(cx: &Context<'_>, st: &Statement, e: &DelegationCommenced) -> Option<Unmet> {
    let receiver = &cx.transition.registration()?.receiver;
    let organisation = cx.world.organisation(receiver)?;
    let openness = e.effective_on.map_or_else(|| organisation.openness(&st.occurred), |day| organisation.openness_on(day));
    (openness != Openness::Open).then(|| {
        Unmet::contrary("RECEIVER_NOT_ESTABLISHED", "I30", format!("{receiver} is not established on the effective date"))
    })
}

/// Rule I31: another day than 1 April is worth a reason and never refused.
pub(super) fn off_cycle(e: &DelegationCommenced) -> Option<(&'static str, String)> {
    let day = e.effective_on.filter(|day| (day.month(), day.day()) != (4, 1))?;
    e.off_cycle_reason
        .is_none()
        .then(|| ("OFF_CYCLE_REASON_REQUIRED", format!("{day} is not 1 April: give the reason in off_cycle_reason")))
}

/// A regional rating moves the stage, so only the sender gives one.
pub(super) fn rated(cx: &Context<'_>, st: &Statement, e: &AssuranceRated) -> Vec<Unmet> {
    let mut unmet = subject::item(cx, st);
    if e.kind == RatingKind::Regional {
        unmet.extend(who::of_side(cx, st, RoleSide::Sender, "WRONG_SIDE", ""));
    }
    unmet
}

/// Rule I39, for agreements with clinical commissioning groups: notice by 30 September for the 1 April after it.
pub(super) fn notice(cx: &Context<'_>, st: &Statement, e: &TerminationNoticeServed) -> Vec<Unmet> {
    let mut unmet = subject::item(cx, st);
    let receiver = cx.transition.registration().and_then(|r| cx.world.organisation(&r.receiver));
    if receiver.is_some_and(|o| o.kind == OrganisationKind::Ccg) {
        let last = jiff::civil::Date::new(e.effective_on.year() - 1, 9, 30).ok();
        let first_of_april = (e.effective_on.month(), e.effective_on.day()) == (4, 1);
        if !first_of_april || matches!((st.occurred.earliest(), last), (Some(served), Some(last)) if served > last) {
            unmet.push(Unmet::contrary("NOTICE_TOO_LATE", "I39", "notice is given by 30 September for the following 1 April"));
        }
    }
    unmet
}

/// Rule I40: the successor is open on the date and the register says that it succeeds the receiver in that measure.
pub(super) fn succeeded(cx: &Context<'_>, st: &Statement, e: &TransitionSucceeded) -> Vec<Unmet> {
    let mut unmet = subject::item(cx, st);
    let Some(registration) = cx.transition.registration() else { return unmet };
    if cx.world.organisation(&e.successor).is_none_or(|o| o.openness_on(e.effective_on) != Openness::Open) {
        unmet.push(Unmet::contrary("SUCCESSOR_NOT_OPEN", "I40", format!("{} is not open on {}", e.successor, e.effective_on)));
    }
    let lineage =
        cx.world.organisation(&registration.receiver).and_then(|o| o.successors.iter().find(|s| s.organisation == e.successor));
    match lineage {
        None => unmet.push(Unmet::contrary(
            "SPLIT_NOT_COVERED",
            "I40",
            format!("the register does not say that {} succeeds {}", e.successor, registration.receiver),
        )),
        Some(lineage) if lineage.part != e.part => {
            let measure = if lineage.part == Part::Part { "in part" } else { "in whole" };
            unmet.push(Unmet::contrary(
                "SPLIT_NOT_COVERED",
                "I40",
                format!("{} succeeds {} {measure}", e.successor, registration.receiver),
            ));
        }
        Some(_) => {}
    }
    if cx.facts.successors.contains(&e.successor) {
        unmet.push(Unmet::contrary(
            "ALREADY_DONE",
            "I40",
            format!("that {} takes the receiver's place is on record already", e.successor),
        ));
    }
    unmet
}
