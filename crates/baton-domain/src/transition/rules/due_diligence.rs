//! Due diligence: stages signed off, findings raised and closed.

use super::{Context, subject, who};
use crate::event::{DueDiligenceStageCompleted, FindingClosed, FindingRaised, Statement};
use crate::route::ItemKind;
use crate::unmet::Unmet;

/// The severity of a finding that only a qualified sign-off may leave open (rule I22).
const CRITICAL: u8 = 5;

pub(super) fn completed(cx: &Context<'_>, st: &Statement, e: &DueDiligenceStageCompleted) -> Vec<Unmet> {
    let mut unmet = subject::item(cx, st);
    let of_stage = |f: &&crate::transition::Finding| f.subject.as_ref().is_none_or(|s| *s == e.subject);
    let open_critical = cx
        .facts
        .findings
        .iter()
        .filter(|(_, f)| of_stage(f) && f.closed.is_none() && f.severity == Some(CRITICAL))
        .map(|(id, _)| id);
    if !e.qualified {
        unmet.extend(open_critical.map(|id| {
            Unmet::contrary(
                "OPEN_CRITICAL_FINDING",
                "I22",
                format!("finding {id} of severity {CRITICAL} is open: close it or sign off qualified"),
            )
        }));
    }
    if e.qualified && e.qualification.is_none() {
        unmet.push(Unmet::silent("REASON_REQUIRED", "I22", "a qualified sign-off says what it is qualified by"));
    }
    let raised_it = |person| cx.facts.findings.values().filter(|f| of_stage(f)).any(|f| f.persons.contains(person));
    if who::acting(cx, st).is_some_and(raised_it) {
        unmet.push(Unmet::contrary("SELF_SIGN_OFF", "I23", "who raised a finding of this stage may not sign it off"));
    }
    unmet
}

pub(super) fn raised(cx: &Context<'_>, e: &FindingRaised) -> Vec<Unmet> {
    let mut unmet = Vec::new();
    if e.severity.is_some_and(|s| !(1..=CRITICAL).contains(&s)) {
        unmet.push(Unmet::hard("BAD_SEVERITY", "", "a severity lies between 1 and 5"));
    }
    if cx.facts.findings.contains_key(&e.finding) {
        unmet.push(Unmet::hard("ALREADY_RAISED", "", format!("finding {} is raised already", e.finding)));
    }
    if let Some(id) = &e.subject {
        unmet.extend(subject::find(cx, id, ItemKind::DueDiligence).err());
    }
    unmet
}

pub(super) fn closed(cx: &Context<'_>, e: &FindingClosed) -> Vec<Unmet> {
    let mut unmet = Vec::new();
    match cx.facts.findings.get(&e.finding) {
        None => unmet.push(Unmet::hard("UNKNOWN_FINDING", "", format!("finding {} was not raised here", e.finding))),
        Some(f) if f.closed.is_some() => {
            unmet.push(Unmet::contrary("ALREADY_DONE", "", format!("finding {} is closed already", e.finding)))
        }
        Some(_) => {}
    }
    if e.reason.is_none() {
        unmet.push(Unmet::silent("REASON_REQUIRED", "", "closing a finding needs a reason"));
    }
    unmet
}
