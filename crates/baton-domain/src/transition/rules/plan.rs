//! Plans: what is said to come must be something that can come.

use super::Context;
use crate::event::{Event, EventType, Planned};
use crate::unmet::Unmet;

pub(super) fn planned(cx: &Context<'_>, e: &Planned) -> Vec<Unmet> {
    let mut unmet = Vec::new();
    unmet.extend(key(cx, e.event, &e.key));
    for dependency in &e.depends_on {
        unmet.extend(key(cx, dependency.event, &dependency.key));
        unmet.extend(outcome(cx, dependency));
    }
    if let Some(replaced) = e.replaces {
        let is_plan =
            cx.transition.story.entry(replaced).is_some_and(|entry| matches!(entry.statement().event, Event::Planned(_)));
        if !is_plan {
            unmet.push(Unmet::hard("TARGET_MISMATCH", "", format!("revision {replaced} is no plan of this transition")));
        }
        if e.reason.is_none() {
            unmet.push(Unmet::silent("REASON_REQUIRED", "", "a plan that supersedes another says why"));
        }
    }
    unmet
}

/// A key of an item, gate or fact must be of the route.
fn key(cx: &Context<'_>, event: EventType, key: &str) -> Option<Unmet> {
    if key.is_empty() {
        return None;
    }
    let known = match event {
        EventType::GateDecided => key.parse().is_ok_and(|id| cx.route.gate(&id).is_some()),
        EventType::FactRecorded => key.parse().is_ok_and(|kind| cx.route.fact_spec(&kind).is_some()),
        EventType::ItemCompleted
        | EventType::AssessmentSubmitted
        | EventType::ExpressionOfInterestSubmitted
        | EventType::DueDiligenceStageCompleted
        | EventType::AgreementSigned
        | EventType::DelegationCommenced => key.parse().is_ok_and(|id| cx.route.item(&id).is_some()),
        _ => true,
    };
    (!known).then(|| Unmet::hard("UNKNOWN_SUBJECT", "I25", format!("the route has no {key:?} for a planned {event}")))
}

fn outcome(cx: &Context<'_>, dependency: &crate::event::Dependency) -> Option<Unmet> {
    let outcome = dependency.outcome.as_ref()?;
    let known = dependency.key.parse().ok().and_then(|id| cx.route.gate(&id)).is_some_and(|gate| gate.outcome(outcome).is_some());
    (!known).then(|| Unmet::hard("UNKNOWN_OUTCOME", "I25", format!("{} has no outcome {outcome} to wait for", dependency.key)))
}
