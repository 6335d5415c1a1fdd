//! Erasure: words leave the state when their erasure is folded in, whether or not a key still opens them.
//!
//! So the state that was live and the one built again from the log are the same, before and after the
//! keys are destroyed. Rules never read words: no stage and no fact changes.

use crate::event::{ErasureAuthorised, Event, EventType, Recorded, without_words};
use crate::state::{Ended, State};
use crate::story::Story;
use crate::transition::Held;
use crate::values::{Position, StreamId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

impl State {
    /// The story of a stream that has one.
    pub fn story(&self, stream: &StreamId) -> Option<Story> {
        match stream {
            StreamId::Transition(id) => self.transition(id).map(|transition| transition.story.clone()),
            other => self.world.story(other).map(|story| Story::clone(story)),
        }
    }

    /// The events at these positions, as far as they may hold words. Looks through the whole state.
    pub fn at_positions(&self, wanted: &BTreeSet<Position>) -> BTreeMap<Position, Arc<Recorded>> {
        self.worded().filter(|r| wanted.contains(&r.position)).map(|r| (r.position, r)).collect()
    }

    /// Every event that may hold words.
    pub(crate) fn worded(&self) -> impl Iterator<Item = Arc<Recorded>> {
        let told = |story: &Story| -> Vec<Arc<Recorded>> {
            story.entries().map(|entry| &entry.recorded).chain(story.truth()).map(Arc::clone).collect()
        };
        let transitions = self.transitions.values().flat_map(move |held| told(&held.look().story));
        let others = self.world.stories().flat_map(move |(_, story)| told(story));
        let proposals = self.proposals.values().flat_map(|p| {
            let ended = p.ended.as_ref().map(|ended| match ended {
                Ended::Approved(by) | Ended::Declined(by) => by,
            });
            std::iter::once(&p.proposed).chain(ended)
        });
        transitions.chain(others).chain(proposals.chain(self.kept.values()).map(Arc::clone))
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
                        let transition = Held::change(held, |transition| transition.story.replace(record.revision, bare));
                        self.world.read_roles_again(&record.stream, &transition.story);
                    }
                }
                StreamId::Proposal(id) => {
                    if let Some(proposal) = self.proposals.get_mut(id) {
                        if proposal.proposed.revision == record.revision {
                            proposal.proposed = Arc::new(bare(&proposal.proposed));
                        }
                        match &mut proposal.ended {
                            Some(Ended::Approved(end) | Ended::Declined(end)) if end.revision == record.revision => {
                                *end = Arc::new(bare(end));
                            }
                            _ => {}
                        }
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
