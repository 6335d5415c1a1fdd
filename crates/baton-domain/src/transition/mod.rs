//! A transition: one service passing from one sender to one receiver in one wave.
//!
//! Its state is its story; everything else is read from the story and the pinned route.

mod as_of;
mod audit;
mod explain;
mod facts;
mod head;
mod plans;
pub mod rules;
mod stage;

pub use as_of::{AsOf, Possible};
pub use audit::{Audit, Finding as AuditFinding};
pub use explain::{Action, ActionKind};
pub use facts::{
    Allocation, AnswerVersion, Completion, Decision, Facts, Finding, Handover, HandoverState, Obligation, Pair, Question,
    Signature, Support,
};
pub use head::Head;
pub use plans::{Plan, PlanStatus};
pub use stage::Standpoint;

use crate::event::{Event, Recorded, StartingPosition};
use crate::route::{Route, RouteId, RouteVersion};
use crate::story::Story;
use crate::values::{OrganisationId, Revision, ServiceCode, TransitionId, WaveId};
use crate::world::World;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The route a transition is bound to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// Id.
    pub id: RouteId,
    /// Version.
    pub version: RouteVersion,
    /// Digest of the text, lower-case hexadecimal.
    pub sha256: String,
}

/// What the registration says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// The receiver at birth. A successor goes on in a transition of its own, which names this one.
    pub receiver: OrganisationId,
    /// The sender.
    pub sender: OrganisationId,
    /// The region or office through which the sender acts.
    pub acting_through: Option<OrganisationId>,
    /// The service.
    pub service: ServiceCode,
    /// The wave.
    pub wave: WaveId,
    /// The route.
    pub pin: Pin,
    /// Where the receiver stood before.
    pub starting_position: StartingPosition,
    /// The transition it goes on from.
    pub continues: Option<TransitionId>,
}

/// One transition.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Transition {
    /// Its id.
    pub id: TransitionId,
    /// Its story.
    pub story: Story,
    /// Newest revision of its stream.
    pub revision: Revision,
    registration: Option<Arc<Registration>>,
}

impl Transition {
    /// An empty stream.
    pub fn new(id: TransitionId) -> Self {
        Self { id, story: Story::default(), revision: Revision(0), registration: None }
    }

    /// Folds one event of its stream in. Total: what can not be read is an anomaly of the story.
    pub fn evolve(&mut self, recorded: &Arc<Recorded>) {
        self.story.evolve(recorded);
        self.revision = recorded.revision;
        use crate::event::EventType as T;
        let kind = recorded.statement.event.event_type();
        if matches!(kind, T::TransitionRegistered | T::RouteMigrated | T::StatementCorrected | T::StatementVoided) {
            self.registration = self.read_registration().map(Arc::new);
        }
    }

    /// What the registration says; `None` only when the stream does not begin with one.
    pub fn registration(&self) -> Option<&Registration> {
        self.registration.as_deref()
    }

    /// The pinned route, when the world holds it.
    pub fn route<'w>(&self, world: &'w World) -> Option<&'w Arc<Route>> {
        let pin = &self.registration.as_ref()?.pin;
        world.route(&pin.id, &pin.version).map(|published| &published.route)
    }

    /// Reads the story in full.
    pub fn facts(&self, route: &Route) -> Facts {
        Facts::read(self.story.in_force(), route)
    }

    fn read_registration(&self) -> Option<Registration> {
        // The registration is read even when voided: a voided transition must still be readable.
        let first = self.story.entries().find_map(|entry| match &entry.statement().event {
            Event::TransitionRegistered(r) => Some(r),
            _ => None,
        })?;
        let mut pin = Pin {
            id: first.route.clone()?,
            version: first.route_version.clone()?,
            sha256: first.route_sha256.clone().unwrap_or_default(),
        };
        for recorded in self.story.truth() {
            if let Event::RouteMigrated(m) = &recorded.statement.event {
                pin.version = m.to_version.clone();
                pin.sha256 = m.to_sha256.clone().unwrap_or_default();
            }
        }
        Some(Registration {
            receiver: self.id.receiver(),
            sender: first.sender.clone(),
            acting_through: first.acting_through.clone(),
            service: self.id.service(),
            wave: self.id.wave(),
            pin,
            starting_position: first.starting_position,
            continues: first.continues.clone(),
        })
    }
}
