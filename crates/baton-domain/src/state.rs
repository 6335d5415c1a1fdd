//! The whole state: what every stream adds up to. Thrown away and rebuilt from events at any time.
//!
//! Cloning is cheap, because maps are persistent and shared: a reader holds its own state for as long as
//! it likes, and a writer tries commands on a copy.

use crate::event::{Event, Recorded};
use crate::proposal::Proposal;
use crate::rest::Held;
use crate::transition::Transition;
use crate::values::{OrganisationId, PersonId, Position, ProposalId, Revision, StreamId, TransitionId};
use crate::world::World;
use imbl::OrdMap;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Everything derived from the events so far.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct State {
    /// How many events were folded: the next position.
    pub size: u64,
    /// When the newest event was recorded.
    pub recorded_at: Option<jiff::Timestamp>,
    /// Newest revision of every stream.
    pub revisions: OrdMap<StreamId, Revision>,
    /// Other streams than transitions and proposals.
    pub world: World,
    /// Every transition.
    #[serde(skip)]
    pub transitions: OrdMap<TransitionId, Arc<Held<Transition>>>,
    /// Every proposal.
    #[serde(skip)]
    pub proposals: OrdMap<ProposalId, Arc<Held<Proposal>>>,
    /// Events of streams `log` and `audit` that stand in no story and may hold words.
    pub kept: OrdMap<Position, Arc<Recorded>>,
    /// Events whose words are erased, each with the position of the event that authorised it.
    pub erased: OrdMap<Position, Position>,
}

impl State {
    /// Folds the next event in. Total; knows no route.
    pub fn evolve(&mut self, recorded: &Arc<Recorded>) {
        // First, so that a state that was not folded to the end is known by it.
        self.size = recorded.position.0.saturating_add(1);
        self.recorded_at = Some(recorded.recorded_at);
        self.revisions.insert(recorded.stream.clone(), recorded.revision);
        match &recorded.stream {
            StreamId::Transition(id) => {
                let held = self.transitions.entry(id.clone()).or_insert_with(|| Arc::new(Held::of(Transition::new(id.clone()))));
                Held::fold(held, recorded);
                let transition = held.open();
                self.world.read_roles(&recorded.stream, &transition.story, recorded);
            }
            StreamId::Proposal(id) => self.evolve_proposal(id, recorded),
            _ => self.world.evolve(recorded),
        }
        self.keep(recorded);
        if let Event::ErasureAuthorised(erasure) = &recorded.statement.event {
            self.erase(erasure, recorded.position);
        }
    }

    fn evolve_proposal(&mut self, id: &ProposalId, recorded: &Arc<Recorded>) {
        if let Event::Proposed(_) = recorded.statement.event {
            self.proposals.insert(id.clone(), Arc::new(Held::of(Proposal::new(recorded))));
        } else if let Some(held) = self.proposals.get_mut(id) {
            Held::fold(held, recorded);
        }
    }

    /// The newest revision of a stream; `None` when nothing was recorded in it.
    pub fn revision(&self, stream: &StreamId) -> Option<Revision> {
        self.revisions.get(stream).copied()
    }

    /// One transition.
    pub fn transition(&self, id: &TransitionId) -> Option<Arc<Transition>> {
        self.transitions.get(id).map(|held| held.open())
    }

    /// One proposal.
    pub fn proposal(&self, id: &ProposalId) -> Option<Arc<Proposal>> {
        self.proposals.get(id).map(|held| held.open())
    }

    /// The transitions of one receiver at birth.
    pub fn of_receiver<'s>(&'s self, receiver: &'s OrganisationId) -> impl Iterator<Item = &'s Arc<Held<Transition>>> {
        // Ids begin with the receiver, so they stand together.
        let first = TransitionId::before_all_of(receiver);
        self.transitions.range(first..).take_while(|(id, _)| id.is_of(receiver)).map(|(_, held)| held)
    }

    /// The proposals that wait, in the order of ids: all, or those that would touch a transition.
    pub fn waiting<'s>(
        &'s self,
        touching: Option<&'s TransitionId>,
    ) -> impl Iterator<Item = (&'s ProposalId, &'s Arc<Held<Proposal>>)> {
        let touches = move |held: &Held<Proposal>| touching.is_none_or(|id| held.head().touches(id));
        self.proposals.iter().filter(move |(_, held)| held.head().waits() && touches(held))
    }

    /// Whether this person holds any role anywhere, now or once: somebody the log knows.
    pub fn knows(&self, person: &PersonId) -> bool {
        self.world.roles_of(person).next().is_some()
    }
}
