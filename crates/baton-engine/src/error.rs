//! How the engine says no: one type for each thing that can be asked of it.
//!
//! Messages complete a sentence and hold no free text of any record.

use std::io;
use std::sync::Arc;

use baton_domain::decide::Refusal;
use baton_domain::values::Position;
use baton_ledger::CloseError;

use crate::codec::{DecodeError, EncodeError};

/// Why a request was not answered with entries.
///
/// Nothing of the request was recorded, except on [`OutcomeUnknown`](SubmitError::OutcomeUnknown), and on
/// [`Damaged`](SubmitError::Damaged) perhaps by an earlier call.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SubmitError {
    /// Rules are not met, or a stream is not as expected. With the newest durable position on which
    /// the refusal rests; unmet rules are also recorded, as `CommandRefused` in stream `audit`.
    #[error("the request is refused: {}", refusal_text(.0))]
    Refused(Refusal, Position),
    /// The command id stands for other content.
    #[error("the command id stands for other content, recorded from position {first} on; give the new request an id of its own")]
    RequestReused {
        /// The first event of the earlier request.
        first: Position,
    },
    /// The request holds nothing.
    #[error("a request holds at least one command")]
    NoCommands,
    /// The request holds too many commands.
    #[error("a request holds at most {bound} commands, this one has {count}; split it")]
    TooManyCommands {
        /// How many it has.
        count: usize,
        /// The bound.
        bound: usize,
    },
    /// Something of the request is over its bound.
    #[error("{what} of {size} is over the bound of {bound}{}; make it smaller or split it", command_text(.command))]
    TooLarge {
        /// Index of the command, where it can be told.
        command: Option<usize>,
        /// What is too large.
        what: &'static str,
        /// How large it is.
        size: usize,
        /// The bound.
        bound: usize,
    },
    /// Too many requests wait already. Try again.
    #[error("too many requests wait already; try again in a moment")]
    QueueFull,
    /// The disk is full. Nothing was written; the next request tries again.
    #[error("the disk is full; nothing was written, and writing goes on when there is space")]
    Full,
    /// An earlier write failed, and the ledger takes nothing until it is opened again. Reads go on.
    #[error("nothing can be recorded since a write failed ({why}); reads go on")]
    Poisoned {
        /// What failed.
        why: String,
    },
    /// This write failed, and certainly nothing of it was kept. Try again.
    #[error("failed to record the request ({why}); nothing was written, try again")]
    NotWritten {
        /// What failed.
        why: String,
    },
    /// Whether the request was recorded cannot be known now. Repeat it with the same command id:
    /// either its receipt comes back, or it is recorded then.
    #[error("the outcome cannot be known; repeat the request with the same command id")]
    OutcomeUnknown,
    /// The engine is shut down or shutting down.
    #[error("the engine takes no more requests")]
    Closed,
    /// Something that had to be read for the answer is damaged.
    #[error("a record needed for the answer is damaged ({why}); nothing was written")]
    Damaged {
        /// The record, where it can be told.
        position: Option<Position>,
        /// What does not fit.
        why: String,
    },
    /// The engine itself failed on this request. A defect: report it.
    #[error("the engine failed on this request ({why}); nothing was written, and this is a defect to report")]
    Defect {
        /// What failed.
        why: String,
    },
}

/// Why a read was not answered.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The stored record is not what was recorded. It is not served.
    #[error("the record at position {position} is damaged ({why})")]
    Damaged {
        /// The record.
        position: Position,
        /// What does not fit.
        why: String,
    },
    /// The record was written by a newer release.
    #[error("the record at position {position} is of a newer release: {why}")]
    Newer {
        /// The record.
        position: Position,
        /// What is newer.
        why: String,
    },
    /// The system refused.
    #[error("failed to read at position {position}")]
    Failed {
        /// The record.
        position: Position,
        /// Why it failed.
        source: io::Error,
    },
}

/// Why the engine did not start. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The log is empty.
    #[error("the log has not begun; open it first")]
    NotBegun,
    /// The log cannot be read in full. A state built on part of it would be wrong.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The system gave no thread.
    #[error("failed to start a thread of the writer")]
    Thread(#[source] io::Error),
}

/// The state has not reached a position in the time given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("position {asked} is not reached yet; the newest is {}", newest_text(.newest))]
pub struct NotYet {
    /// The position asked for.
    pub asked: Position,
    /// The newest durable position.
    pub newest: Option<Position>,
}

/// Why the ledger was not closed cleanly. Nothing acknowledged is lost.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ShutdownError {
    /// The ledger was not marked as cleanly stopped.
    #[error("failed to close the ledger")]
    Close(#[source] Arc<CloseError>),
    /// The writer ended before it was asked to. A defect: report it.
    #[error("the writer had ended before; the ledger was not closed")]
    WriterGone,
}

/// Why a log was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenLogError {
    /// The log holds records already.
    #[error("the log has begun and holds {size} records; a log is opened once")]
    HasBegun {
        /// How many records it holds.
        size: u64,
    },
    /// The opening cannot be stored.
    #[error("failed to encode the opening of the log")]
    Encode(#[from] EncodeError),
    /// The ledger refused the opening.
    #[error("failed to append the opening of the log")]
    Append(#[source] baton_ledger::AppendError),
}

/// Why an event of the engine's own was not recorded.
#[derive(Debug, thiserror::Error)]
pub enum SystemEventError {
    /// The log is empty.
    #[error("the log has not begun; open it first")]
    NotBegun,
    /// No other key is there to sign from here on.
    #[error("the ledger was not opened to hand over to another key")]
    NoSuccessor,
    /// The log cannot be read in full.
    #[error("failed to read the log")]
    Read(#[from] StartError),
    /// The event cannot be stored.
    #[error("failed to encode the event")]
    Encode(#[from] EncodeError),
    /// The ledger refused the event.
    #[error("failed to append the event")]
    Append(#[from] baton_ledger::AppendError),
}

impl ReadError {
    /// What a decode says of the record at `position`.
    pub(crate) fn decoding(position: Position, error: &DecodeError) -> Self {
        let why = error.to_string();
        match error {
            DecodeError::NewerFormat { .. } | DecodeError::NewerSchema { .. } => Self::Newer { position, why },
            _ => Self::Damaged { position, why },
        }
    }
}

impl From<baton_ledger::ReadError> for ReadError {
    fn from(error: baton_ledger::ReadError) -> Self {
        match error {
            baton_ledger::ReadError::Damaged { position, why } => Self::Damaged { position: Position(position.0), why },
            baton_ledger::ReadError::Io { position, source } => Self::Failed { position: Position(position.0), source },
        }
    }
}

impl From<&ReadError> for SubmitError {
    fn from(error: &ReadError) -> Self {
        match error {
            ReadError::Damaged { position, why } | ReadError::Newer { position, why } => {
                Self::Damaged { position: Some(*position), why: why.clone() }
            }
            // What could not be read may be the first answer to this very request.
            ReadError::Failed { .. } => Self::OutcomeUnknown,
        }
    }
}

fn refusal_text(refusal: &Refusal) -> String {
    match refusal {
        Refusal::StaleRevision { stream, expected, actual } => {
            let actual = actual.map_or_else(|| "no stream".to_owned(), |revision| format!("revision {revision}"));
            format!("{stream} is expected at {expected} and is at {actual}")
        }
        Refusal::Rules(unmet) => {
            let codes: Vec<&str> = unmet.iter().map(|(_, rule)| rule.code.as_str()).collect();
            codes.join(", ")
        }
    }
}

fn command_text(command: &Option<usize>) -> String {
    command.map(|index| format!(" in command {index}")).unwrap_or_default()
}

fn newest_text(newest: &Option<Position>) -> String {
    newest.map_or_else(|| "none".to_owned(), |position| position.to_string())
}
