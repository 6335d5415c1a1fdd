//! Why a log directory was not written or read.

use std::io;
use std::path::PathBuf;

use crate::error::ReadError;
use crate::proof::{CheckpointError, ProofError};

/// Why a log directory was not written or read. Nothing that was there is changed by an error.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The system refused.
    #[error("failed to {what} {}: {source}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// With which file or directory.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A file does not have the form it must have.
    #[error("{} is malformed: {why}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A file that must be there is not.
    #[error("{} is missing", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// A file with other bytes is there already.
    #[error("{} is there with other bytes; it is not overwritten, choose another directory", path.display())]
    Conflict {
        /// The file.
        path: PathBuf,
    },
    /// The name of a file would lead out of the directory, or is not one of ours.
    #[error("{0:?} is not the name of a file in a log directory")]
    Name(String),
    /// The directory is that of another log, or of another history of this one.
    #[error("{} holds another log ({why}); choose another directory", dir.display())]
    OtherLog {
        /// The directory.
        dir: PathBuf,
        /// What does not fit.
        why: String,
    },
    /// Another process writes to the directory.
    #[error("{} is being written by another process; stop that one first", dir.display())]
    InUse {
        /// The directory.
        dir: PathBuf,
    },
    /// The records handed in are not those that were asked for. A defect of the caller.
    #[error("the records from {from} to {to} were asked for and {got} came")]
    Source {
        /// The first position asked for.
        from: u64,
        /// The first position no longer asked for.
        to: u64,
        /// How many records came.
        got: usize,
    },
    /// The checkpoint in the directory is none.
    #[error("the checkpoint in {} cannot be used: {source}", dir.display())]
    Checkpoint {
        /// The directory.
        dir: PathBuf,
        /// What is wrong with it.
        source: CheckpointError,
    },
    /// The ledger did not answer a read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The ledger has no such tree.
    #[error(transparent)]
    Proof(#[from] ProofError),
}
