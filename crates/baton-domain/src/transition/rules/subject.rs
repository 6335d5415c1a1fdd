//! Items and gates of the route: whether one may be done now, and by whom.

use super::{Context, checklist, gate, who};
use crate::event::{GapKind, ItemVerified, RoundOpened, Statement};
use crate::route::{Atom, Gate, Guard, Item, ItemKind, StageId, SubjectId, Unmet as Lacking};
use crate::transition::facts::item_kind;
use crate::unmet::Unmet;

/// What a guard still lacks, as unmet rules. Of several ways that would do, the first is spelled out
/// with the others named beside it.
pub fn needs(cx: &Context<'_>, guard: &Guard) -> Vec<Unmet> {
    let holds = |atom: &Atom| cx.facts.holds(atom, cx.route).is_some();
    guard.evaluate(&holds).iter().map(|lacking| lacking_one(cx, lacking)).collect()
}

fn lacking_one(cx: &Context<'_>, lacking: &Lacking<'_>) -> Unmet {
    let needs = lacking.needs();
    let sentence = needs.iter().map(|need| need.atom.plain(cx.route)).collect::<Vec<_>>().join(", or ");
    let (code, rule) = needs.first().map_or(("NOT_MET", ""), |need| (need.code(), need.rule.as_deref().unwrap_or_default()));
    let decided_otherwise = needs.iter().any(|need| match &need.atom {
        Atom::Decided { gate, .. } => cx.facts.gates.contains_key(gate),
        _ => false,
    });
    let what = format!("needed first: {sentence}");
    if decided_otherwise { Unmet::contrary(code, rule, what) } else { Unmet::silent(code, rule, what) }
}

/// What a guard asks for that is on record and certainly happened after the statement (rule I24 among
/// others). The story holds a live act where it was recorded; its date may still say that it came first.
pub(super) fn only_later(cx: &Context<'_>, st: &Statement, guard: &Guard) -> Vec<Unmet> {
    let holds = |atom: &Atom| cx.facts.holds(atom, cx.route).is_some();
    let in_time = |atom: &Atom| holds(atom) && !cx.facts.dated(atom).is_some_and(|date| st.occurred.certainly_before(date));
    if !guard.holds(&holds) {
        return Vec::new(); // What is not on record at all is said by `needs`.
    }
    let later = guard.evaluate(&in_time);
    later
        .iter()
        .map(|lacking| lacking_one(cx, lacking))
        .map(|u| Unmet { kind: GapKind::Contrary, what: format!("{}, and that is dated later", u.what), ..u })
        .collect()
}

/// What stands between now and this item, whoever acts and whatever is said.
pub fn item_open(cx: &Context<'_>, item: &Item) -> Vec<Unmet> {
    let mut unmet: Vec<Unmet> = until(cx, item.until.as_ref(), &item.title).into_iter().collect();
    if !may_repeat(item.kind) && cx.facts.items.contains_key(&item.id) {
        let (code, rule) =
            if item.kind == ItemKind::ExpressionOfInterest { ("EOI_ALREADY_OPEN", "I04") } else { ("ALREADY_DONE", "") };
        unmet.push(Unmet::contrary(code, rule, format!("\"{}\" is done already in this round", item.title)));
    }
    unmet.extend(needs(cx, &item.needs));
    unmet.extend(checklist::changed_since_sign_off(cx, item));
    unmet
}

/// What stands between now and this gate, whatever the outcome.
pub fn gate_open(cx: &Context<'_>, gate: &Gate) -> Vec<Unmet> {
    let mut unmet: Vec<Unmet> = until(cx, gate.until.as_ref(), &gate.title).into_iter().collect();
    if !gate.repeats && cx.facts.gates.contains_key(&gate.id) {
        unmet.push(Unmet::contrary(
            "ALREADY_DECIDED",
            "",
            format!("\"{}\" is decided already in this round; a new round sets it aside", gate.title),
        ));
    }
    unmet.extend(needs(cx, &gate.needs));
    unmet.extend(gate::stale_pack(cx, gate));
    unmet
}

/// Kinds that happen more than once in a round: signatures, versions, ratings, packs.
fn may_repeat(kind: ItemKind) -> bool {
    matches!(
        kind,
        ItemKind::Agreement
            | ItemKind::Variation
            | ItemKind::Assurance
            | ItemKind::DecisionPack
            | ItemKind::Endorsement
            | ItemKind::FunctionAllocation
            | ItemKind::Pairing
            | ItemKind::Succession
    )
}

pub(super) fn until(cx: &Context<'_>, until: Option<&StageId>, title: &str) -> Option<Unmet> {
    let limit = cx.route.stage_index(until?)?;
    let at = cx.facts.standpoint(cx.route)?;
    (at.index >= limit).then(|| {
        Unmet::contrary(
            "TOO_LATE",
            "",
            format!("\"{title}\" ends when stage {} is reached; the stage is {}", cx.route.stages()[limit].id, at.stage.id),
        )
    })
}

/// A statement that completes an item: the item must be of the route and of the right kind, open, and
/// done by the right role with enough evidence.
pub(super) fn item(cx: &Context<'_>, st: &Statement) -> Vec<Unmet> {
    let Some((kind, subject)) = item_kind(&st.event) else { return Vec::new() };
    match find(cx, subject, kind) {
        Err(unmet) => vec![unmet],
        Ok(item) => {
            let mut unmet = item_open(cx, item);
            unmet.extend(only_later(cx, st, &item.needs));
            unmet.extend(who::role(cx, st, &item.by, "ROLE_NOT_HELD", ""));
            unmet.extend(enough_evidence(item, st));
            unmet
        }
    }
}

/// A statement of a kind for which the route has one item that says when and by whom it may be done.
pub(super) fn of_kind(cx: &Context<'_>, st: &Statement, kind: ItemKind) -> Vec<Unmet> {
    let Some(item) = cx.route.items_of(kind).next() else { return Vec::new() };
    let mut unmet = item_open(cx, item);
    unmet.extend(who::role(cx, st, &item.by, "ROLE_NOT_HELD", ""));
    unmet
}

/// The item of the route that a statement is about.
pub(super) fn find<'a>(cx: &Context<'a>, subject: &SubjectId, kind: ItemKind) -> Result<&'a Item, Unmet> {
    match cx.route.item(subject) {
        Some(item) if item.kind == kind => Ok(item),
        Some(item) => Err(unknown(cx, kind, &format!("{subject} is of kind {}", item.kind))),
        None => Err(unknown(cx, kind, &format!("the route has no item {subject}"))),
    }
}

fn unknown(cx: &Context<'_>, kind: ItemKind, why: &str) -> Unmet {
    let known: Vec<_> = cx.route.items_of(kind).map(|i| i.id.as_str()).collect();
    let advice = if known.is_empty() {
        format!("route {} has no item of kind {kind}", cx.route.id())
    } else {
        format!("of kind {kind} it has: {}", known.join(", "))
    };
    Unmet::hard("UNKNOWN_SUBJECT", "", format!("{why}; {advice}"))
}

fn enough_evidence(item: &Item, st: &Statement) -> Option<Unmet> {
    let given = st.evidence.len();
    (given < item.evidence as usize).then(|| {
        Unmet::silent(
            "NO_EVIDENCE",
            "I47",
            format!("\"{}\" takes {} pieces of evidence, {given} given", item.title, item.evidence),
        )
    })
}

/// Verifying a step: the route must ask for it, of the completion in force, by another person.
pub(super) fn verified(cx: &Context<'_>, st: &Statement, e: &ItemVerified) -> Vec<Unmet> {
    let Some(item) = cx.route.item(&e.subject) else {
        return vec![Unmet::hard("UNKNOWN_SUBJECT", "", format!("the route has no item {}", e.subject))];
    };
    if item.verify.is_empty() {
        return vec![Unmet::hard("NOT_TO_BE_VERIFIED", "", format!("the route asks nobody to verify \"{}\"", item.title))];
    }
    let Some(done) = cx.facts.items.get(&e.subject) else {
        return vec![Unmet::silent(
            "ITEM_NOT_DONE",
            "",
            format!("\"{}\" is not done, so there is nothing to verify", item.title),
        )];
    };
    let mut unmet = Vec::new();
    if done.by.revision != e.checked {
        unmet.push(Unmet::contrary(
            "STALE_VERIFICATION",
            "",
            format!("the completion in force is revision {}, not {}", done.by.revision, e.checked),
        ));
    }
    if who::acting(cx, st).is_some_and(|person| done.persons.contains(person)) {
        unmet.push(Unmet::contrary("SELF_VERIFIED", "", "who did it may not verify it"));
    }
    unmet.extend(who::role(cx, st, &item.verify, "ROLE_NOT_HELD", ""));
    unmet
}

/// Reopening: a way back of the route from here to there, asked for by one side and agreed by the other.
pub(super) fn reopened(cx: &Context<'_>, st: &Statement, e: &RoundOpened) -> Vec<Unmet> {
    if cx.route.stage(&e.stage).is_none() {
        return vec![Unmet::hard("UNKNOWN_SUBJECT", "", format!("the route has no stage {}", e.stage))];
    }
    let Some(at) = cx.facts.standpoint(cx.route) else { return Vec::new() };
    let Some(way) = cx.route.reopenings().iter().find(|r| r.to.contains(&e.stage) && r.from.contains(&at.stage.id)) else {
        return vec![Unmet::contrary(
            "NO_WAY_BACK",
            "",
            format!("the route has no way back from {} to {}", at.stage.id, e.stage),
        )];
    };
    let mut unmet: Vec<Unmet> = who::role(cx, st, &way.by, "ROLE_NOT_HELD", "").into_iter().collect();
    match &e.agreed_by {
        None => unmet.push(Unmet::silent("NOT_AGREED", "", "a reopening names the person who agreed to it")),
        Some(person) => {
            if who::acting(cx, st) == Some(person) {
                unmet.push(Unmet::contrary("SELF_APPROVAL", "", "a reopening is agreed by another person than the one who asks"));
            }
            if !who::holds_role(cx, person, &way.agreed_by, who::acting_day(cx, st)) {
                let wanted = way.agreed_by.iter().map(|r| r.as_str()).collect::<Vec<_>>().join(" or ");
                unmet.push(Unmet::contrary(
                    "ROLE_NOT_HELD",
                    "",
                    format!("{person} does not hold the role {wanted} that must agree"),
                ));
            }
        }
    }
    if e.reason.is_none() {
        unmet.push(Unmet::silent("REASON_REQUIRED", "", "a reopening needs a reason"));
    }
    unmet
}

/// The statements a reopening at `stage` sets aside: decisions, and items marked `again`, at home there or later.
pub(crate) fn set_aside(
    facts: &crate::transition::Facts,
    route: &crate::route::Route,
    stage: &StageId,
) -> Vec<crate::values::Revision> {
    let Some(from) = route.stage_index(stage) else { return Vec::new() };
    let later = |home: &StageId| route.stage_index(home).is_some_and(|index| index >= from);
    let gates = facts.gates.iter().filter(|(id, _)| route.gate(id).is_some_and(|g| later(&g.home))).map(|(_, d)| d.by.revision);
    let items = facts
        .items
        .iter()
        .filter(|(id, _)| route.item(id).is_some_and(|i| i.again && later(&i.home)))
        .map(|(_, done)| done.by.revision);
    let signatures = facts
        .signatures
        .iter()
        .filter(|(id, _)| route.item(id).is_some_and(|i| i.again && later(&i.home)))
        .flat_map(|(_, all)| all.iter().map(|s| s.by.revision));
    let mut aside: Vec<_> = gates.chain(items).chain(signatures).collect();
    aside.sort_unstable();
    aside.dedup();
    aside
}
