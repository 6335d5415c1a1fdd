//! The whole state: what every stream adds up to. Thrown away and rebuilt from events at any time.
//!
//! Cloning is cheap, because maps are persistent and shared: a reader holds its own state for as long as
//! it likes, and a writer tries commands on a copy.

use crate::event::{Event, Recorded};
use crate::transition::{Held, Transition};
use crate::values::{OrganisationId, PersonId, Position, ProposalId, Revision, StreamId, TransitionId};
use crate::world::World;
use imbl::OrdMap;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Commands that wait, or waited, for a second person.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Proposal {
    /// The proposal as recorded.
    pub proposed: Arc<Recorded>,
    /// How it ended, if it did.
    pub ended: Option<Ended>,
}

impl Proposal {
    /// Whether one of its commands is for this transition.
    pub fn touches(&self, id: &TransitionId) -> bool {
        match &self.proposed.statement.event {
            Event::Proposed(e) => e.commands.iter().any(|c| c.stream.transition() == Some(id)),
            _ => false,
        }
    }
}

/// How a proposal ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Ended {
    /// Approved by this event.
    Approved(Arc<Recorded>),
    /// Declined by this event.
    Declined(Arc<Recorded>),
}

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
    pub transitions: OrdMap<TransitionId, Arc<Held>>,
    /// Every proposal.
    pub proposals: OrdMap<ProposalId, Proposal>,
    /// Events of streams `log` and `audit` that stand in no story and may hold words.
    pub kept: OrdMap<Position, Arc<Recorded>>,
    /// Events whose words are erased, each with the position of the event that authorised it.
    pub erased: OrdMap<Position, Position>,
}

impl State {
    /// Folds the next event in. Total; knows no route.
    pub fn evolve(&mut self, recorded: &Arc<Recorded>) {
        self.size = recorded.position.0.saturating_add(1);
        self.recorded_at = Some(recorded.recorded_at);
        self.revisions.insert(recorded.stream.clone(), recorded.revision);
        match &recorded.stream {
            StreamId::Transition(id) => {
                let held = self.transitions.entry(id.clone()).or_insert_with(|| Arc::new(Held::new(id.clone())));
                let transition = Held::evolve(held, recorded);
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
        match &recorded.statement.event {
            Event::Proposed(_) => {
                self.proposals.insert(id.clone(), Proposal { proposed: Arc::clone(recorded), ended: None });
            }
            Event::Approved(_) => self.end(id, Ended::Approved(Arc::clone(recorded))),
            Event::Declined(_) => self.end(id, Ended::Declined(Arc::clone(recorded))),
            _ => {}
        }
    }

    fn end(&mut self, id: &ProposalId, how: Ended) {
        if let Some(proposal) = self.proposals.get_mut(id) {
            proposal.ended = Some(how);
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

    /// The transitions of one receiver at birth.
    pub fn of_receiver<'s>(&'s self, receiver: &'s OrganisationId) -> impl Iterator<Item = &'s Arc<Held>> {
        // Ids begin with the receiver, so they stand together.
        let first = TransitionId::before_all_of(receiver);
        self.transitions.range(first..).take_while(|(id, _)| id.is_of(receiver)).map(|(_, held)| held)
    }

    /// The open proposals that would touch a transition, in the order of ids.
    pub fn proposals_on<'s>(&'s self, id: &'s TransitionId) -> impl Iterator<Item = (&'s ProposalId, &'s Proposal)> {
        self.proposals.iter().filter(move |(_, p)| p.ended.is_none() && p.touches(id))
    }

    /// Whether this person holds any role anywhere, now or once: somebody the log knows.
    pub fn knows(&self, person: &PersonId) -> bool {
        self.world.roles_of(person).next().is_some()
    }
}
