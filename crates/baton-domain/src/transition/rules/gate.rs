//! Gates: who decides, on what, with which outcome.

use super::{Context, subject, who};
use crate::event::{BodyPower, GateDecided, InterestAction, Statement, Votes};
use crate::route::{Gate, ItemKind, OutcomeId, SubjectId};
use crate::transition::Completion;
use crate::unmet::Unmet;
use crate::values::PersonId;
use std::collections::BTreeSet;

/// What this outcome of a gate lacks, beyond what the gate itself lacks.
pub fn outcome_open(cx: &Context<'_>, gate: &Gate, outcome: &OutcomeId) -> Vec<Unmet> {
    gate.outcome(outcome).map(|o| subject::needs(cx, &o.needs)).unwrap_or_default()
}

pub(super) fn decided(cx: &Context<'_>, st: &Statement, e: &GateDecided) -> Vec<Unmet> {
    let Some(gate) = cx.route.gate(&e.subject) else {
        let known: Vec<_> = cx.route.gates().iter().map(|g| g.id.as_str()).collect();
        return vec![Unmet::hard(
            "UNKNOWN_SUBJECT",
            "",
            format!("the route has no gate {}; it has {}", e.subject, known.join(", ")),
        )];
    };
    if e.outcome.is_unknown() {
        return Vec::new(); // It moves nothing, so nothing is asked of it.
    }
    let Some(outcome) = gate.outcome(&e.outcome) else {
        let known: Vec<_> = gate.outcomes.iter().map(|o| o.id.as_str()).collect();
        return vec![Unmet::hard(
            "UNKNOWN_OUTCOME",
            "",
            format!("gate {} has no outcome {}; it has {} and unknown", gate.id, e.outcome, known.join(", ")),
        )];
    };
    let mut unmet = subject::gate_open(cx, gate);
    unmet.extend(outcome_open(cx, gate, &e.outcome));
    unmet.extend(subject::only_later(cx, st, &gate.needs));
    unmet.extend(subject::only_later(cx, st, &outcome.needs));
    unmet.extend(other_meeting(cx, gate, e));
    unmet.extend(body(cx, gate, e));
    unmet.extend(who::role(cx, st, &gate.by, "ROLE_NOT_HELD", ""));
    unmet.extend(persons(cx, st, gate, e));
    if outcome.reason && e.reason.is_none() {
        unmet.push(Unmet::silent("REASON_REQUIRED", "", format!("outcome {} needs a reason", e.outcome)));
    }
    if outcome.raises && e.conditions.is_empty() {
        unmet.push(Unmet::silent("NO_CONDITIONS", "", format!("outcome {} names at least one condition", e.outcome)));
    }
    if !outcome.raises && !e.conditions.is_empty() {
        unmet.push(Unmet::hard("CONDITIONS_NOT_EXPECTED", "", format!("outcome {} raises no conditions", e.outcome)));
    }
    for condition in e.conditions.iter().filter(|c| cx.facts.obligations.contains_key(&c.obligation)) {
        unmet.push(Unmet::hard("ALREADY_RAISED", "", format!("obligation {} is raised already", condition.obligation)));
    }
    unmet.extend(e.votes.as_ref().and_then(bad_count));
    unmet
}

/// The decision pack on which a gate rests, when one is frozen.
fn pack<'a>(cx: &'a Context<'_>, gate: &Gate) -> Option<&'a Completion> {
    let is_pack = |id: &&SubjectId| cx.route.item(id).is_some_and(|i| i.kind == ItemKind::DecisionPack);
    gate.basis.iter().find(is_pack).and_then(|id| cx.facts.items.get(id))
}

/// Rule I18: the pack was frozen for the meeting that decides, where both are named.
fn other_meeting(cx: &Context<'_>, gate: &Gate, e: &GateDecided) -> Option<Unmet> {
    let frozen = pack(cx, gate)?.meeting.as_ref()?;
    let held = e.meeting.as_ref().filter(|held| *held != frozen)?;
    Some(Unmet::contrary("NO_DECISION_PACK", "I18", format!("the decision pack was frozen for meeting {frozen}, not for {held}")))
}

/// Rule I18: the pack must show the latest state of every stage of due diligence.
pub(super) fn stale_pack(cx: &Context<'_>, gate: &Gate) -> Option<Unmet> {
    let frozen = pack(cx, gate)?;
    let newest = cx.route.items_of(ItemKind::DueDiligence).filter_map(|i| cx.facts.items.get(&i.id)).map(|d| d.nth).max()?;
    (newest > frozen.nth).then(|| {
        Unmet::contrary("NO_DECISION_PACK", "I18", "due diligence went on after the decision pack was frozen: freeze a new one")
    })
}

/// Rule I20: the deciding body is of a kind the route names, may decide, and belongs to one of the sides.
fn body(cx: &Context<'_>, gate: &Gate, e: &GateDecided) -> Option<Unmet> {
    if gate.bodies.is_empty() && e.body.is_none() {
        return None;
    }
    let kinds = gate.bodies.iter().map(|k| k.as_str()).collect::<Vec<_>>().join(" or ");
    let Some(named) = &e.body else {
        return Some(Unmet::silent("WRONG_BODY", "I20", format!("the deciding body is not named; the route asks for a {kinds}")));
    };
    let Some(body) = cx.world.body(named) else {
        return Some(Unmet::hard("WRONG_BODY", "I20", format!("body {named} is not registered; register it first")));
    };
    if !gate.bodies.is_empty() && !gate.bodies.contains(&body.kind) {
        return Some(Unmet::contrary("WRONG_BODY", "I20", format!("{named} is a {}; the route asks for a {kinds}", body.kind)));
    }
    if !body.powers.is_empty() && !body.powers.contains(&BodyPower::Decide) {
        return Some(Unmet::contrary("WRONG_BODY", "I20", format!("{named} may not decide")));
    }
    who::side_of(cx, &named.organisation())
        .is_none()
        .then(|| Unmet::contrary("WRONG_BODY", "I20", format!("{named} belongs to neither side of this transition")))
}

/// Quorum, separation, and declared interests (rule I21).
fn persons(cx: &Context<'_>, st: &Statement, gate: &Gate, e: &GateDecided) -> Vec<Unmet> {
    let mut unmet = Vec::new();
    let deciders: BTreeSet<&PersonId> = e.deciders.iter().collect();
    if gate.quorum.is_some_and(|quorum| deciders.len() < quorum as usize) {
        let quorum = gate.quorum.unwrap_or_default();
        unmet.push(Unmet::silent(
            "NO_QUORUM",
            "",
            format!("{} persons named as deciding, the quorum is {quorum}", deciders.len()),
        ));
    }
    let acting = who::acting(cx, st);
    for subject in &gate.separation {
        let did = cx.facts.persons_of(subject);
        for person in deciders.iter().copied().chain(acting).filter(|p| did.contains(*p)) {
            unmet.push(Unmet::contrary(
                "NOT_SEPARATE",
                "",
                format!("{person} did \"{}\" and may not decide this gate", cx.route.title_of(subject)),
            ));
        }
    }
    if let Some(meeting) = &e.meeting {
        let out = |a: InterestAction| matches!(a, InterestAction::LeftRoom | InterestAction::Excluded);
        let left: BTreeSet<&PersonId> = cx
            .world
            .interests(meeting)
            .filter(|i| out(i.action) && i.subject.as_ref().is_none_or(|s| *s == gate.id))
            .map(|i| &i.person)
            .collect();
        for person in &deciders {
            let here = |subject| cx.facts.conflicted.contains(&(meeting.clone(), subject, (*person).clone()));
            if left.contains(person) || here(None) || here(Some(gate.id.clone())) {
                unmet.push(Unmet::contrary(
                    "CONFLICTED_DECIDER",
                    "I21",
                    format!("{person} left or was excluded for an interest and may not be counted as deciding"),
                ));
            }
        }
    }
    unmet
}

/// Rule I24.
fn bad_count(votes: &Votes) -> Option<Unmet> {
    let cast = u64::from(votes.in_favour) + u64::from(votes.against) + u64::from(votes.spoiled);
    (cast > u64::from(votes.electorate))
        .then(|| Unmet::hard("BAD_BALLOT_COUNT", "I24", format!("{cast} votes counted, {} could vote", votes.electorate)))
}
