//! What goes into the engine and what comes out: plain values.

use baton_domain::decide::{Assessment, Expected, Warning};
use baton_domain::event::{Command, EventType, Recorded};
use baton_domain::values::{PersonId, Position, Revision, StreamId};
use baton_ledger::{LeafHash, RequestKey, SignedCheckpoint};
use uuid::Uuid;

use crate::error::SubmitError;

/// Most commands in one request. All of them become durable together, so one request may not hold
/// up the others for long.
pub const MAX_COMMANDS: usize = 128;

/// Most expectations in one request: every command may write a stream and read several.
pub const MAX_EXPECTED: usize = 1_024;

/// A request: commands that are recorded together or not at all.
#[derive(Debug, Clone)]
pub struct Submission {
    /// The authenticated person; never taken from the message.
    pub person: PersonId,
    /// The id of the request, remembered for ever, by person.
    pub command_id: Uuid,
    /// What streams must look like; one that is not named may look like anything.
    pub expected: Vec<(StreamId, Expected)>,
    /// What is to be recorded, in order: 1 to [`MAX_COMMANDS`].
    pub commands: Vec<Command>,
    /// The bytes that tell this request from another with the same id. A digest of them, keyed with
    /// a secret of the ledger, is stored; they are not.
    pub content: Vec<u8>,
}

/// Where one event of a request went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its index in the log.
    pub position: Position,
    /// Its stream.
    pub stream: StreamId,
    /// Its index in the stream.
    pub revision: Revision,
    /// Its type.
    pub event_type: EventType,
    /// The hash of its leaf; `None` where nothing was recorded.
    pub leaf_hash: Option<LeafHash>,
}

/// A request that is recorded, durably.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its events, in order of position; the same for every repeat of the request.
    pub entries: Vec<Entry>,
    /// Things worth saying. Only with the first answer: warnings are not stored.
    pub warnings: Vec<Warning>,
    /// Whether the request was recorded before, and this is its first receipt again.
    pub already_recorded: bool,
    /// The newest durable position when this was answered.
    pub position: Position,
    /// The checkpoint that became durable with it; `None` when it was recorded before. Receipts of
    /// both are made by [`Engine::receipts`](crate::Engine::receipts).
    pub checkpoint: Option<SignedCheckpoint>,
}

/// What a request would do, had it been submitted on the durable state. Nothing is written.
#[derive(Debug, Clone)]
pub struct Validated {
    /// The events it would record, and where, if nothing came before them.
    pub entries: Vec<Entry>,
    /// Things worth saying.
    pub warnings: Vec<Warning>,
    /// For a lone `Approved`: what the proposal would do, with the digest to name.
    pub assessment: Option<Assessment>,
}

impl Submission {
    /// Bounds that can be told without looking at any state.
    pub(crate) fn check_form(&self) -> Result<(), SubmitError> {
        match self.commands.len() {
            0 => return Err(SubmitError::NoCommands),
            count if count > MAX_COMMANDS => return Err(SubmitError::TooManyCommands { count, bound: MAX_COMMANDS }),
            _ => {}
        }
        if self.expected.len() > MAX_EXPECTED {
            let (what, size) = ("the number of expected revisions", self.expected.len());
            return Err(SubmitError::TooLarge { command: None, what, size, bound: MAX_EXPECTED });
        }
        Ok(())
    }

    /// The key under which the ledger remembers it.
    pub(crate) fn key(&self) -> RequestKey {
        RequestKey { caller: self.person.as_str().into(), id: self.command_id }
    }
}

impl Answer {
    /// The position of its first event; every request that was recorded has one.
    pub(crate) fn first(&self) -> Position {
        self.entries.first().map_or(self.position, |entry| entry.position)
    }
}

impl Entry {
    /// The entry of an event as decided.
    pub(crate) fn of(recorded: &Recorded) -> Self {
        Self {
            position: recorded.position,
            stream: recorded.stream.clone(),
            revision: recorded.revision,
            event_type: recorded.statement.event.event_type(),
            leaf_hash: None,
        }
    }
}
