//! Why an archive is not written, continued, accepted or restored.

use std::io;
use std::path::PathBuf;

use crate::bundle::BundleError;
use crate::error::{OpenError, ReadError};
use crate::names::Position;
use crate::proof::CheckpointError;

/// Why an archive is not written or not accepted. The message names the directory or file.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The directory holds something else. Nothing was changed.
    #[error("{} is not an archive of this form ({why}); give an archive, or an empty directory for a new one", dir.display())]
    NotAnArchive {
        /// The directory.
        dir: PathBuf,
        /// What does not fit.
        why: String,
    },
    /// Somebody else writes here. Nothing was changed.
    #[error("the archive {} is being written by another process; stop that one or choose another directory", dir.display())]
    InUse {
        /// The directory.
        dir: PathBuf,
    },
    /// It is that of another log. Nothing was changed.
    #[error("the archive {} is that of another log ({why}); choose another directory, an archive is never overwritten", dir.display())]
    OtherLog {
        /// The directory.
        dir: PathBuf,
        /// How that shows.
        why: String,
    },
    /// It holds more than the log. Nothing was changed.
    #[error(
        "the archive {} reaches to {archive} records and the log only to {log}: the log lost records or is an older copy; keep both, and restore from the archive",
        dir.display()
    )]
    Ahead {
        /// The directory.
        dir: PathBuf,
        /// Where the archive ends.
        archive: u64,
        /// Where the log ends.
        log: u64,
    },
    /// A file is missing or not as it was written. Nothing was changed.
    #[error("the file {} of the archive is damaged ({why}); keep it, and use another archive or backup", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        why: String,
    },
    /// Nobody who is trusted signed its checkpoint, or the signature does not fit.
    #[error("the checkpoint {} is not to be relied on", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// Why.
        source: CheckpointError,
    },
    /// What was to be written does not continue the archive. Nothing of it was written.
    #[error("what comes from the log does not continue the archive at {at} ({why})")]
    DoesNotFollow {
        /// Where it was to continue.
        at: Position,
        /// What does not fit.
        why: String,
    },
    /// The log could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The directory of tiles and entries was not written.
    #[error(transparent)]
    Directory(BundleError),
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
}

impl From<BundleError> for ArchiveError {
    fn from(error: BundleError) -> Self {
        match error {
            BundleError::InUse { dir } => ArchiveError::InUse { dir },
            BundleError::Io { what, path, source } => ArchiveError::Io { what, path, source },
            BundleError::Read(error) => ArchiveError::Read(error),
            // A file of the archive that is not what the log gives is never overwritten.
            BundleError::Conflict { path } => damaged(&path, "it is not what the log gives"),
            BundleError::Malformed { path, why } => damaged(&path, why),
            BundleError::Missing { path } => damaged(&path, "it is missing"),
            BundleError::Checkpoint { dir, source } => damaged(&dir.join("checkpoint"), source.to_string()),
            other => ArchiveError::Directory(other),
        }
    }
}

/// Why nothing was restored.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The directory to restore into holds something. Nothing was changed.
    #[error("{} is not empty; a restore goes into an empty or new directory only", dir.display())]
    NotEmpty {
        /// The directory.
        dir: PathBuf,
    },
    /// The archive is not to be relied on. Nothing was written.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// A newer checkpoint of the log is known. Nothing was written.
    #[error(
        "the archive ends at {archive} records and a checkpoint of {known} is known: positions {archive} to {} are missing; look for a newer archive, or restore the older copy for a fork",
        known - 1
    )]
    Older {
        /// Where the archive ends.
        archive: u64,
        /// The size of the newest checkpoint known.
        known: u64,
    },
    /// The checkpoint given as the last known is not one of the log in the archive. Nothing was written.
    #[error(
        "the last known checkpoint does not belong to the log in the archive ({why}); one of the two was altered, or is of another log"
    )]
    LastKnown {
        /// What does not fit.
        why: String,
    },
    /// The key file does not belong to the archive, or is older than it. Nothing was written.
    #[error("the key file {} cannot be used ({why}); give the copy of this log's key file that was made after the archive ended, or a newer one; where there is none, give up the words that this one does not open", path.display())]
    Keys {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// What was written could not be opened. It is left for inspection and is no data directory to serve.
    #[error("what was restored cannot be opened")]
    Open(#[from] OpenError),
    /// The system refused. What was written so far is incomplete and says so when opened.
    #[error("failed to {what} {}: {source}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// With which file or directory.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
}

/// An error of the system, with what was tried and where.
pub(super) fn io_at(what: &'static str, path: &std::path::Path) -> impl FnOnce(io::Error) -> ArchiveError {
    let path = path.to_owned();
    move |source| ArchiveError::Io { what, path, source }
}

/// A file that is not as it was written.
pub(super) fn damaged(path: &std::path::Path, why: impl Into<String>) -> ArchiveError {
    ArchiveError::Damaged { path: path.to_owned(), why: why.into() }
}
