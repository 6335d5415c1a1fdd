//! The agreement: signed by the two legal parties, in one version.

use super::{Context, subject, who};
use crate::event::{AgreementSigned, AgreementVaried, Statement};
use crate::route::{RoleId, RoleSide};
use crate::unmet::Unmet;

pub(super) fn signed(cx: &Context<'_>, st: &Statement, e: &AgreementSigned) -> Vec<Unmet> {
    let mut unmet = subject::item(cx, st);
    let Some(registration) = cx.transition.registration() else { return unmet };
    if e.party != registration.sender && e.party != registration.receiver {
        unmet.push(Unmet::hard(
            "WRONG_PARTY",
            "I28",
            format!("{} is neither the sender, {}, nor the receiver, {}", e.party, registration.sender, registration.receiver),
        ));
    }
    let earlier = cx.facts.signatures.get(&e.subject);
    let newest_of_other = earlier.and_then(|all| all.iter().rev().find(|s| s.party != e.party));
    if let Some(other) = newest_of_other.filter(|s| s.version != e.version) {
        unmet.push(Unmet::contrary(
            "VERSION_MISMATCH",
            "I28",
            format!("the other party signed version {}, not {}", other.version, e.version),
        ));
    }
    if earlier.is_some_and(|all| all.iter().any(|s| s.party == e.party && s.version == e.version)) {
        unmet.push(Unmet::contrary("ALREADY_DONE", "I28", format!("{} has signed version {} already", e.party, e.version)));
    }
    unmet.extend(signatory(cx, st, e));
    unmet
}

/// Who signs for a party holds one of the roles of its side: nobody signs for both.
fn signatory(cx: &Context<'_>, st: &Statement, e: &AgreementSigned) -> Option<Unmet> {
    let side = who::side_of(cx, &e.party)?;
    let person = e.signatory.as_ref().or_else(|| who::acting(cx, st))?;
    let may = |role: &&RoleId| cx.route.role_side(role).is_some_and(|s| s == side || s == RoleSide::Any);
    let roles: Vec<RoleId> = cx.route.item(&e.subject)?.by.iter().filter(may).cloned().collect();
    let held = who::holds_role(cx, person, &roles, who::acting_day(cx, st));
    (!held).then(|| Unmet::contrary("ROLE_NOT_HELD", "I28", format!("{person} may not sign for the {side}, {}", e.party)))
}

/// Rule I38: a variation before the start is made to cover what passes. Later ones may be about anything.
pub(super) fn varied(cx: &Context<'_>, st: &Statement, e: &AgreementVaried) -> Vec<Unmet> {
    let mut unmet = subject::item(cx, st);
    let home = cx.route.item(&e.subject).and_then(|item| cx.route.stage_index(&item.home));
    let Some(registration) = cx.transition.registration() else { return unmet };
    let service = &registration.service;
    if home.is_some_and(|index| index < cx.route.live_index()) && !e.covers.contains(service) {
        unmet.push(if e.covers.is_empty() {
            Unmet::silent("AGREEMENT_NOT_VARIED", "I38", format!("it is not said that version {} covers {service}", e.to_version))
        } else {
            Unmet::contrary("AGREEMENT_NOT_VARIED", "I38", format!("version {} does not cover {service}", e.to_version))
        });
    }
    unmet
}
