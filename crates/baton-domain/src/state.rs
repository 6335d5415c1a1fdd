//! The whole state: what every stream adds up to. Thrown away and rebuilt from events at any time.

use crate::event::{Command, Recorded};
use crate::values::{PersonId, Position, ProposalId, Revision, StreamId, TransitionId};
use imbl::OrdMap;
use std::sync::Arc;

/// Everything derived from the events so far. Cloning is cheap: maps are persistent and shared.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// How many events were folded: the next position.
    pub size: u64,
    /// Newest revision of every stream.
    pub revisions: OrdMap<StreamId, Revision>,
}

/// Who asks, when, and under which request.
#[derive(Debug, Clone)]
pub struct Request {
    /// The authenticated person.
    pub person: PersonId,
    /// The id of the request.
    pub command_id: uuid::Uuid,
    /// The server's clock, never earlier than the last event's.
    pub now: jiff::Timestamp,
}
