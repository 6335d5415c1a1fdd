//! As of: the same story, cut by what was known, what was documented, or what had happened.

use super::{Facts, Transition};
use crate::event::{Event, Nature, Recorded};
use crate::route::{Route, StageId};
use crate::story::Entry;
use crate::values::{Day, Position};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Which state is asked for. Parts combine; an empty one asks for all that is known now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AsOf {
    /// As true on this day.
    pub on: Option<Day>,
    /// As known when the log ended at this position, which is included.
    pub position: Option<Position>,
    /// As the log stood at this instant, by the server's clock.
    pub known_at: Option<jiff::Timestamp>,
    /// As documents dated by this day say. Shown as asserted, never as recorded then.
    pub documented_by: Option<Day>,
}

/// The stages a transition can have been in on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Possible {
    /// In file order. One stage is certain; several mean "one of".
    pub stages: Vec<StageId>,
}

impl AsOf {
    /// Whether nothing is cut.
    pub fn is_now(&self) -> bool {
        *self == Self::default()
    }
}

impl Transition {
    /// The transition as it was known: events later than the position or instant are left out, and
    /// statements whose documents are later than the day asked for.
    pub fn as_known(&self, as_of: &AsOf) -> Self {
        let mut then = Self::new(self.id.clone());
        let mut events: BTreeMap<_, Arc<Recorded>> = BTreeMap::new();
        for entry in self.story.entries() {
            events.insert(entry.revision(), Arc::clone(&entry.recorded));
        }
        for recorded in self.story.truth() {
            events.insert(recorded.revision, Arc::clone(recorded));
        }
        // A statement may stand beside one that no document shows yet, so order is made of all that was
        // known, and only then is left out what was not documented.
        let statement = |r: &Recorded| r.statement.event.event_type().nature() == Nature::Statement;
        for recorded in events.values().filter(|r| known(r, as_of) && (statement(r) || documented(r, as_of))) {
            then.evolve(recorded);
        }
        then.story = then.story.without(|recorded| !documented(recorded, as_of));
        then
    }

    /// The stages possible at the end of `day`: between what had certainly happened and what may have.
    pub fn possible_on(&self, route: &Route, day: Day) -> Possible {
        let dated_by = |e: &Entry| is_registration(e) || e.statement().occurred.latest().is_some_and(|last| last <= day);
        let dated_after = |e: &Entry| !is_registration(e) && e.statement().occurred.earliest().is_some_and(|first| first > day);
        let entries: Vec<&Entry> = self.story.in_force().collect();
        // The order of the story is known as well: what stands before something certain has happened, and
        // what stands behind something excluded has not, unless its own date says otherwise.
        let last_certain = entries.iter().rposition(|e| dated_by(e));
        let first_excluded = entries.iter().position(|e| dated_after(e)).unwrap_or(entries.len());
        let certain = |i: usize| dated_by(entries[i]) || (Some(i) < last_certain && !dated_after(entries[i]));
        let possible = |i: usize| !certain(i) && !dated_after(entries[i]) && i < first_excluded;
        let doubtful: Vec<usize> = (0..entries.len()).filter(|i| possible(*i)).collect();
        let mut stages = Vec::new();
        // What may have happened is let in one by one, in the order of the story: the stages passed on the way are possible.
        for let_in in 0..=doubtful.len() {
            let taken =
                entries.iter().enumerate().filter(|(i, _)| certain(*i) || doubtful[..let_in].contains(i)).map(|(_, e)| *e);
            let at = Facts::read(taken, route).standpoint(route).map(|at| at.stage.id.clone());
            stages.extend(at.filter(|stage| !stages.contains(stage)));
        }
        stages.sort_by_key(|id| route.stage_index(id));
        Possible { stages }
    }
}

fn is_registration(entry: &Entry) -> bool {
    matches!(entry.statement().event, Event::TransitionRegistered(_))
}

fn known(recorded: &Recorded, as_of: &AsOf) -> bool {
    as_of.position.is_none_or(|p| recorded.position <= p) && as_of.known_at.is_none_or(|at| recorded.recorded_at <= at)
}

fn documented(recorded: &Recorded, as_of: &AsOf) -> bool {
    as_of.documented_by.is_none_or(|by| {
        matches!(recorded.statement.event, Event::TransitionRegistered(_))
            || recorded.statement.evidence.iter().any(|e| e.dated.is_some_and(|dated| dated <= by))
    })
}
