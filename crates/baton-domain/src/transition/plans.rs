//! Plans: what was said to come, and what became of it. Never moves a stage.
//!
//! A plan is met or missed by the first matching statement that stands later in the story than the
//! plan. Where dates overlap so that nobody can say which, the status says that.

use crate::event::{Dependency, Event, EventType, Planned, Standing};
use crate::story::{Entry, Story};
use crate::values::{Day, FuzzyDate, Revision};

/// What became of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PlanStatus {
    /// Nothing yet, and its time is not past, or no time was given.
    Open,
    /// It happened, not after the latest planned day.
    Met,
    /// Nothing is on record, and the latest planned day is past.
    Late,
    /// It happened, after the latest planned day.
    Missed,
    /// It happened; the dates do not say whether in time.
    Undetermined,
    /// A newer plan stands in its place.
    Superseded,
    /// A gate it depended on was decided otherwise.
    FallenAway,
}

impl PlanStatus {
    /// The word shown to people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Met => "met",
            Self::Late => "late",
            Self::Missed => "missed",
            Self::Undetermined => "undetermined",
            Self::Superseded => "superseded",
            Self::FallenAway => "fallen away",
        }
    }
}

/// A plan and what became of it.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Its revision.
    pub revision: Revision,
    /// What is planned.
    pub planned: Planned,
    /// What the source of the plan is worth.
    pub standing: Standing,
    /// What became of it.
    pub status: PlanStatus,
    /// The statement that met or missed it, with its date.
    pub actual: Option<(Revision, FuzzyDate)>,
}

impl Story {
    /// Every plan in force, in the order of the story, judged on `today`.
    pub fn plans(&self, today: Day) -> Vec<Plan> {
        let entries: Vec<&Entry> = self.in_force().collect();
        let plans = entries.iter().enumerate().filter_map(|(index, entry)| match &entry.statement().event {
            Event::Planned(planned) => Some((index, entry, planned)),
            _ => None,
        });
        plans.map(|(index, entry, planned)| plan(&entries[index + 1..], entry, planned, today)).collect()
    }
}

fn plan(later: &[&Entry], entry: &Entry, planned: &Planned, today: Day) -> Plan {
    let actual = later.iter().find(|e| matches_key(&e.statement().event, planned.event, &planned.key));
    let superseded =
        later.iter().any(|e| matches!(&e.statement().event, Event::Planned(p) if p.replaces == Some(entry.revision())));
    let fallen = planned.depends_on.iter().any(|d| decided_otherwise(later, d));
    let status = match actual {
        _ if superseded => PlanStatus::Superseded,
        Some(actual) => timeliness(&actual.statement().occurred, &planned.target),
        None if fallen => PlanStatus::FallenAway,
        None if planned.target.latest().is_some_and(|latest| latest < today) => PlanStatus::Late,
        None => PlanStatus::Open,
    };
    Plan {
        revision: entry.revision(),
        planned: planned.clone(),
        standing: entry.statement().standing,
        status,
        actual: actual.map(|e| (e.revision(), e.statement().occurred.clone())),
    }
}

fn timeliness(actual: &FuzzyDate, target: &FuzzyDate) -> PlanStatus {
    match (target.latest(), actual.earliest(), actual.latest()) {
        (Some(due), _, Some(latest)) if latest <= due => PlanStatus::Met,
        (Some(due), Some(earliest), _) if earliest > due => PlanStatus::Missed,
        (None, _, _) => PlanStatus::Met, // No time was given, so it could not be missed.
        _ => PlanStatus::Undetermined,
    }
}

/// Rule I25: a plan falls away when the gate it names is decided with another outcome. A deferral or an
/// outcome nobody knows is no decision either way.
fn decided_otherwise(later: &[&Entry], dependency: &Dependency) -> bool {
    let Some(wanted) = &dependency.outcome else { return false };
    let mut decisions = later.iter().filter_map(|e| match &e.statement().event {
        Event::GateDecided(g) if g.subject.as_str() == dependency.key && !g.outcome.is_unknown() => Some(&g.outcome),
        _ => None,
    });
    let stands_for =
        |outcome: &str| outcome == wanted.as_str() || outcome.strip_suffix("_with_conditions") == Some(wanted.as_str());
    decisions.next_back().is_some_and(|outcome| !stands_for(outcome.as_str()) && !outcome.as_str().starts_with("defer"))
}

/// Whether `event` is of this type and about this key; an empty key matches any.
pub(crate) fn matches_key(event: &Event, wanted: EventType, key: &str) -> bool {
    event.event_type() == wanted && (key.is_empty() || event.key().is_some_and(|k| k == key))
}

impl Event {
    /// The subject, gate, kind or other key of this event: what a plan names to mean it.
    pub fn key(&self) -> Option<String> {
        if let Some((_, subject)) = super::facts::item_kind(self) {
            return Some(subject.to_string());
        }
        Some(match self {
            Event::GateDecided(e) => e.subject.to_string(),
            Event::FactRecorded(e) => e.kind.to_string(),
            Event::ItemVerified(e) => e.subject.to_string(),
            Event::BodyRegistered(e) => e.body.to_string(),
            Event::ItemTabled(e) => e.meeting.as_ref()?.to_string(),
            Event::MeetingHeld(e) => e.meeting.as_ref()?.to_string(),
            Event::ItemMinuted(e) => e.meeting.as_ref()?.to_string(),
            Event::ObligationRaised(e) => e.obligation.to_string(),
            Event::ObligationDischarged(e) => e.obligation.to_string(),
            Event::HandoverItemSent(e) => e.item.to_string(),
            Event::HandoverItemAccepted(e) => e.item.to_string(),
            Event::SenderReceiverPaired(e) => e.pair.to_string(),
            Event::FunctionAllocated(e) => e.function.to_string(),
            Event::Planned(e) => e.key.clone(),
            _ => return None,
        })
    }
}
