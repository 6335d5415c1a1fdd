//! The audit: every statement's rules once more, each on the facts before it.

use super::rules::{Context, check};
use super::{Facts, Transition};
use crate::event::EventType;
use crate::unmet::Unmet;
use crate::values::{Day, PersonId, Revision};
use crate::world::World;

/// What the rules say of one statement now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The statement.
    pub revision: Revision,
    /// Its type.
    pub event: EventType,
    /// Gaps that are still open, or were never there when it was accepted.
    pub unmet: Vec<Unmet>,
    /// Codes that were met when it was accepted and are not met now: something under it gave way.
    pub undermined: Vec<String>,
    /// Codes of gaps that have been closed since.
    pub closed: Vec<String>,
}

/// The audit of one transition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Audit {
    /// Statements about which there is something to say, in story order.
    pub findings: Vec<Finding>,
    /// How many statements were judged.
    pub judged: usize,
}

impl Transition {
    /// Reruns the rules of every statement in force on its own prefix of the story.
    ///
    /// Statements entered live are judged as live ones: roles are asked of the person who recorded them.
    pub fn audit(&self, world: &World) -> Audit {
        let Some(route) = self.route(world) else { return Audit::default() };
        let mut audit = Audit::default();
        let mut facts = Facts::none();
        for entry in self.story.in_force() {
            let recorded = &entry.recorded;
            if entry.statement().event.event_type() != EventType::TransitionRegistered {
                let cx = Context {
                    transition: self,
                    route,
                    facts: &facts,
                    world,
                    today: day(recorded.recorded_at),
                    recorder: &recorded.recorded_by,
                    late: recorded.approval.is_some(),
                };
                audit.judged += 1;
                let unmet = check(&cx, entry.statement());
                audit.findings.extend(finding(entry, unmet));
            }
            facts.apply(entry, route);
        }
        audit
    }
}

fn finding(entry: &crate::story::Entry, unmet: Vec<Unmet>) -> Option<Finding> {
    let gaps = &entry.recorded.gaps;
    let undermined: Vec<String> =
        unmet.iter().filter(|u| !gaps.iter().any(|g| g.code == u.code)).map(|u| u.code.clone()).collect();
    let closed: Vec<String> = gaps.iter().filter(|g| !unmet.iter().any(|u| u.code == g.code)).map(|g| g.code.clone()).collect();
    if unmet.is_empty() && closed.is_empty() {
        return None;
    }
    Some(Finding { revision: entry.revision(), event: entry.statement().event.event_type(), unmet, undermined, closed })
}

fn day(at: jiff::Timestamp) -> Day {
    crate::values::london_today(at)
}

/// A person for judging what may be done by anybody.
#[allow(clippy::unwrap_used)] // A constant.
pub(super) fn nobody() -> PersonId {
    "nobody".parse().unwrap()
}
