//! The agreement: signed by the two legal parties, in one version.

use super::{Context, subject};
use crate::event::{AgreementSigned, Statement};
use crate::unmet::Unmet;

pub(super) fn signed(cx: &Context<'_>, st: &Statement, e: &AgreementSigned) -> Vec<Unmet> {
    let mut unmet = subject::item(cx, st);
    let Some(registration) = cx.transition.registration() else { return unmet };
    if e.party != registration.sender && e.party != registration.receiver {
        unmet.push(Unmet::hard("WRONG_PARTY", "I28", format!("{} is neither the sender, {}, nor the receiver, {}", e.party, registration.sender, registration.receiver)));
    }
    let earlier = cx.facts.signatures.get(&e.subject);
    if let Some(other) = earlier.and_then(|all| all.last()).filter(|s| s.party != e.party && s.version != e.version) {
        unmet.push(Unmet::contrary("VERSION_MISMATCH", "I28", format!("the other party signed version {}, not {}", other.version, e.version)));
    }
    if earlier.is_some_and(|all| all.iter().any(|s| s.party == e.party && s.version == e.version)) {
        unmet.push(Unmet::contrary("ALREADY_DONE", "I28", format!("{} has signed version {} already", e.party, e.version)));
    }
    unmet
}

/// Rule I38: the new version of the agreement covers what passes.
pub(super) fn varied(cx: &Context<'_>, st: &Statement) -> Vec<Unmet> {
    let mut unmet = subject::item(cx, st);
    if let (crate::event::Event::AgreementVaried(e), Some(registration)) = (&st.event, cx.transition.registration()) {
        if !e.covers.is_empty() && !e.covers.contains(&registration.service) {
            unmet.push(Unmet::contrary("AGREEMENT_NOT_VARIED", "I38", format!("version {} does not cover {}", e.to_version, registration.service)));
        }
    }
    unmet
}
