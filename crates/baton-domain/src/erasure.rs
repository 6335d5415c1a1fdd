//! Erasure: words leave the state when their erasure is folded in, whether or not a key still opens them.
//!
//! So the state that was live and the one built again from the log are the same, before and after the
//! keys are destroyed. Rules never read words: no stage and no fact changes.

use crate::event::{ErasedRecord, ErasureAuthorised, Event, EventType, Recorded, without_words};
use crate::rest::Held;
use crate::state::State;
use crate::story::Story;
use crate::values::{Position, StreamId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

impl State {
    /// The story of a stream that has one.
    pub fn story(&self, stream: &StreamId) -> Option<Story> {
        match stream {
            StreamId::Transition(id) => self.transition(id).map(|transition| transition.story.clone()),
            other => self.world.story(other).map(|story| Story::clone(&story)),
        }
    }

    /// The events at these positions, as far as they may hold words. Looks through the whole state for them.
    pub fn at_positions(&self, wanted: &BTreeSet<Position>) -> BTreeMap<Position, Arc<Recorded>> {
        let recorded = wanted.iter().filter(|position| position.0 < self.size).count();
        let mut found = BTreeMap::new();
        if recorded == 0 {
            return found;
        }
        for event in self.worded().filter(|event| wanted.contains(&event.position)) {
            found.insert(event.position, event);
            // What rests has to be opened: not more of it than is needed.
            if found.len() == recorded {
                break;
            }
        }
        found
    }

    /// The event that an erasure names, as far as it may hold words.
    pub(crate) fn named(&self, record: &ErasedRecord) -> Option<Arc<Recorded>> {
        let is_it = |recorded: &&Arc<Recorded>| recorded.position == record.position;
        if let Some(kept) = self.kept.get(&record.position) {
            return Some(Arc::clone(kept));
        }
        match &record.stream {
            StreamId::Transition(id) => told(&self.transition(id)?.story).find(is_it).cloned(),
            StreamId::Proposal(id) => self.proposal(id)?.recorded().find(is_it).cloned(),
            other => told(&*self.world.story(other)?).find(is_it).cloned(),
        }
    }

    /// Every event that may hold words.
    pub(crate) fn worded(&self) -> impl Iterator<Item = Arc<Recorded>> {
        let all = |story: &Story| told(story).cloned().collect::<Vec<_>>();
        let transitions = self.transitions.values().flat_map(move |held| all(&held.look().story));
        let others = self.world.stories().flat_map(move |(_, held)| all(&held.look()));
        self.kept.values().cloned().chain(self.proposed()).chain(transitions).chain(others)
    }

    /// Every event of a proposal.
    pub(crate) fn proposed(&self) -> impl Iterator<Item = Arc<Recorded>> {
        self.proposals.values().flat_map(|held| held.look().recorded().cloned().collect::<Vec<_>>())
    }

    /// Keeps what stands in no story and may hold words.
    pub(crate) fn keep(&mut self, recorded: &Arc<Recorded>) {
        use EventType as T;
        let kind = recorded.statement.event.event_type();
        if matches!(kind, T::LogOpened | T::LogForked | T::ErasureAuthorised | T::ExtractIssued) {
            self.kept.insert(recorded.position, Arc::clone(recorded));
        }
    }

    /// Takes out the words that the event at `by` erases.
    pub(crate) fn erase(&mut self, erasure: &ErasureAuthorised, by: Position) {
        for record in &erasure.records {
            self.erased.insert(record.position, by);
            let bare = |recorded: &Recorded| without_words(recorded, by);
            match &record.stream {
                StreamId::Transition(id) => {
                    if let Some(held) = self.transitions.get_mut(id) {
                        Held::change(held, |transition| transition.story.replace(record.revision, bare));
                        let transition = held.open();
                        self.world.read_roles_again(&record.stream, &transition.story);
                    }
                }
                StreamId::Proposal(id) => {
                    if let Some(held) = self.proposals.get_mut(id) {
                        Held::change(held, |proposal| proposal.replace(record.revision, bare));
                    }
                }
                stream => match self.kept.get_mut(&record.position) {
                    Some(kept) => {
                        *kept = Arc::new(bare(kept));
                        if let Event::LogOpened(opened) = &kept.statement.event {
                            self.world.first_administrator_again(opened);
                        }
                    }
                    None => self.world.replace(stream, record.revision, bare),
                },
            }
        }
    }
}

/// Every event of a story.
fn told(story: &Story) -> impl Iterator<Item = &Arc<Recorded>> {
    story.entries().map(|entry| &entry.recorded).chain(story.truth())
}
