//! Handover: pairs, and items sent, accepted and returned.

use super::{Context, subject, who};
use crate::event::{
    HandoverItemAccepted, HandoverItemListed, HandoverItemReturned, HandoverItemSent, SenderReceiverPaired, Statement,
};
use crate::route::{ItemKind, RoleSide};
use crate::transition::{Handover, HandoverState};
use crate::unmet::Unmet;
use crate::values::HandoverItemId;

/// Rule I34: each person of a pair belongs to the side for which they stand.
pub(super) fn paired(cx: &Context<'_>, st: &Statement, e: &SenderReceiverPaired) -> Vec<Unmet> {
    let day = who::acting_day(cx, st);
    let mut unmet = subject::of_kind(cx, st, ItemKind::Pairing);
    for (person, side) in [(&e.sender_person, RoleSide::Sender), (&e.receiver_person, RoleSide::Receiver)] {
        match person {
            None => unmet.push(Unmet::silent("WRONG_SIDE", "I34", format!("the {side}'s person of the pair is not named"))),
            Some(person) if !who::on_side(cx, person, side, day) => {
                unmet.push(Unmet::contrary("WRONG_SIDE", "I34", format!("{person} holds no role of the {side} on {day}")));
            }
            Some(_) => {}
        }
    }
    unmet
}

pub(super) fn listed(cx: &Context<'_>, e: &HandoverItemListed) -> Vec<Unmet> {
    let mut unmet = Vec::new();
    if cx.facts.handover.contains_key(&e.item) {
        unmet.push(Unmet::hard("ALREADY_LISTED", "", format!("handover item {} is listed already", e.item)));
    }
    if let Some(pair) = e.pair.as_ref().filter(|p| !cx.facts.pairs.contains_key(*p)) {
        unmet.push(Unmet::hard("UNKNOWN_PAIR", "I34", format!("pair {pair} is not on record")));
    }
    unmet
}

fn find<'a>(cx: &'a Context<'_>, item: &HandoverItemId) -> Result<&'a Handover, Unmet> {
    cx.facts
        .handover
        .get(item)
        .ok_or_else(|| Unmet::hard("UNKNOWN_HANDOVER_ITEM", "", format!("handover item {item} is not listed here")))
}

pub(super) fn sent(cx: &Context<'_>, st: &Statement, e: &HandoverItemSent) -> Vec<Unmet> {
    let mut unmet: Vec<Unmet> = find(cx, &e.item).err().into_iter().collect();
    unmet.extend(who::of_side(cx, st, RoleSide::Sender, "NOT_SENDER", "I33"));
    unmet
}

pub(super) fn accepted(cx: &Context<'_>, st: &Statement, e: &HandoverItemAccepted) -> Vec<Unmet> {
    answer(cx, st, &e.item, &e.version)
}

pub(super) fn returned(cx: &Context<'_>, st: &Statement, e: &HandoverItemReturned) -> Vec<Unmet> {
    let mut unmet = answer(cx, st, &e.item, &e.version);
    if e.reason.is_none() {
        unmet.push(Unmet::silent("REASON_REQUIRED", "I33", "returning a handover item needs a reason"));
    }
    unmet
}

/// Rule I33: the receiver answers the version that was sent last.
fn answer(cx: &Context<'_>, st: &Statement, item: &HandoverItemId, version: &str) -> Vec<Unmet> {
    let mut unmet = Vec::new();
    match find(cx, item).map(|h| &h.state) {
        Err(unknown) => unmet.push(unknown),
        Ok(HandoverState::Sent(sent)) if sent == version => {}
        Ok(HandoverState::Sent(sent)) => {
            unmet.push(Unmet::contrary("VERSION_MISMATCH", "I33", format!("version {sent} was sent, not {version}")));
        }
        Ok(_) => unmet.push(Unmet::silent(
            "NOT_SENT",
            "I33",
            format!("handover item {item} is not waiting for an answer: send it first"),
        )),
    }
    unmet.extend(who::of_side(cx, st, RoleSide::Receiver, "NOT_RECEIVER", "I33"));
    unmet
}
