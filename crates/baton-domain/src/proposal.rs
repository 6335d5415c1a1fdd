//! Proposals: commands that wait, or waited, for a second person.

use crate::event::{Event, Recorded};
use crate::rest::Rests;
use crate::values::{Revision, TransitionId};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Commands that wait, or waited, for a second person.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Proposal {
    /// The proposal as recorded.
    #[serde(with = "crate::event::plain")]
    pub proposed: Arc<Recorded>,
    /// How it ended, if it did.
    pub ended: Option<Ended>,
}

/// How a proposal ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Ended {
    /// Approved by this event.
    Approved(#[serde(with = "crate::event::plain")] Arc<Recorded>),
    /// Declined by this event.
    Declined(#[serde(with = "crate::event::plain")] Arc<Recorded>),
}

/// What is known of a proposal without opening it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Head {
    /// It waits, and would touch these transitions.
    Waits(Vec<TransitionId>),
    /// It was approved.
    Approved,
    /// It was declined.
    Declined,
}

impl Proposal {
    pub(crate) fn new(proposed: &Arc<Recorded>) -> Self {
        Self { proposed: Arc::clone(proposed), ended: None }
    }

    /// Its events, in the order of recording.
    pub fn recorded(&self) -> impl Iterator<Item = &Arc<Recorded>> {
        let ended = self.ended.as_ref().map(|(Ended::Approved(by) | Ended::Declined(by))| by);
        std::iter::once(&self.proposed).chain(ended)
    }

    /// Puts another form of the event at `revision` in its place.
    pub(crate) fn replace(&mut self, revision: Revision, with: impl Fn(&Recorded) -> Recorded) {
        if self.proposed.revision == revision {
            self.proposed = Arc::new(with(&self.proposed));
        }
        match &mut self.ended {
            Some(Ended::Approved(end) | Ended::Declined(end)) if end.revision == revision => *end = Arc::new(with(end)),
            _ => {}
        }
    }
}

impl Head {
    /// Whether it waits for a second person.
    pub fn waits(&self) -> bool {
        matches!(self, Self::Waits(_))
    }

    /// Whether it waits, and one of its commands is for this transition.
    pub fn touches(&self, id: &TransitionId) -> bool {
        matches!(self, Self::Waits(transitions) if transitions.contains(id))
    }
}

impl Rests for Proposal {
    type Head = Head;

    fn head(&self) -> Head {
        match (&self.ended, &self.proposed.statement.event) {
            (Some(Ended::Approved(_)), _) => Head::Approved,
            (Some(Ended::Declined(_)), _) => Head::Declined,
            (None, Event::Proposed(e)) => {
                let mut touched: Vec<_> = e.commands.iter().filter_map(|c| c.stream.transition()).cloned().collect();
                touched.sort();
                touched.dedup();
                Head::Waits(touched)
            }
            (None, _) => Head::Waits(Vec::new()),
        }
    }

    /// It holds an event for each of its commands, but for its own two.
    fn events(&self) -> u64 {
        match &self.proposed.statement.event {
            Event::Proposed(e) => 2 + e.commands.len() as u64,
            _ => 2,
        }
    }

    fn fold(&mut self, recorded: &Arc<Recorded>) {
        match &recorded.statement.event {
            Event::Approved(_) => self.ended = Some(Ended::Approved(Arc::clone(recorded))),
            Event::Declined(_) => self.ended = Some(Ended::Declined(Arc::clone(recorded))),
            _ => {}
        }
    }

    fn may_wait(_: &Recorded) -> bool {
        false
    }
}
