//! How the ledger says no: one type for each thing that can be asked of it.
//!
//! Every message completes a sentence and, where somebody has to act, says what to do. No message
//! holds a leaf, a disclosure or a key.

use std::io;
use std::path::PathBuf;

use crate::contract::Expected;
use crate::head::Head;
use crate::names::{Position, Revision, StreamName};

/// Why a text is not a stream name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// No text at all.
    #[error("a stream name must not be empty")]
    Empty,
    /// A character outside `A-Z a-z 0-9 . _ : / -`.
    #[error("a stream name must not contain {0:?}; use letters, digits and . _ : / -")]
    Character(char),
    /// Longer than the bound.
    #[error("a stream name of {length} characters is over the bound of {bound}")]
    TooLong {
        /// Its length.
        length: usize,
        /// The bound.
        bound: usize,
    },
}

/// Why a batch was not appended. Nothing was written unless the variant says so.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The log has moved on: another writer, or a caller with old news.
    #[error(
        "the batch is meant for position {expected} but the log continues at {actual}; read on from the head and decide again"
    )]
    HeadMoved {
        /// Where the batch was to go.
        expected: Position,
        /// Where the log continues.
        actual: Position,
    },
    /// A stream is not as the caller believed.
    #[error(
        "set {set} expects {expected} of stream {stream} but it is at {}; read the stream and decide again",
        actual_text(actual)
    )]
    StaleRevision {
        /// Index of the set in the batch.
        set: usize,
        /// The stream.
        stream: StreamName,
        /// What the caller believed.
        expected: Expected,
        /// What is so, counting the sets before this one; `None` for no stream.
        actual: Option<Revision>,
    },
    /// The request key was used before, for other content.
    #[error(
        "set {set} uses a request id that stands for other content at position {first}; give the new request an id of its own"
    )]
    RequestReused {
        /// Index of the set in the batch.
        set: usize,
        /// First record of the earlier request.
        first: Position,
    },
    /// The request was appended before, with the same digest: answer with the first receipt.
    #[error(
        "set {set} repeats a request that was appended at position {first} with {count} records; answer with its first receipt"
    )]
    RequestRepeated {
        /// Index of the set in the batch.
        set: usize,
        /// First record of the earlier request.
        first: Position,
        /// How many records it has.
        count: u32,
    },
    /// The same request key twice in one batch.
    #[error("set {set} has the request id of set {earlier} in the same batch; let the second wait for the first")]
    RequestTwiceInBatch {
        /// Index of the later set.
        set: usize,
        /// Index of the earlier set.
        earlier: usize,
    },
    /// Something is over its bound.
    #[error("{what} of {size} is over the bound of {bound}; make it smaller or split it")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// How large it is.
        size: usize,
        /// The bound.
        bound: usize,
    },
    /// Something that must not be empty is.
    #[error("{what} must not be empty")]
    Empty {
        /// What is empty.
        what: &'static str,
    },
    /// An earlier write failed; reads of the durable prefix go on, appends need a reopen.
    #[error("the ledger takes no more records since a write failed ({why}); reads go on, open it again to append")]
    Poisoned {
        /// What failed.
        why: String,
    },
    /// The ledger was closed.
    #[error("the ledger is closed; open it again to append")]
    Closed,
    /// The disk is full.
    ///
    /// With `nothing_written` the batch was refused beforehand and appends work again by
    /// themselves when there is space. Without it the disk filled up during the write: the ledger
    /// is poisoned and the outcome cannot be known until it is opened again.
    #[error("the disk is full; free some space{}", if *nothing_written { "" } else { " and open the ledger again, the batch may or may not have been kept" })]
    Full {
        /// Whether it is certain that nothing was written.
        nothing_written: bool,
    },
    /// The write may or may not be kept; the next open decides, whole. The ledger is poisoned.
    #[error("the outcome of the write cannot be known ({why}); open the ledger again and ask for the request")]
    OutcomeUnknown {
        /// What failed.
        why: String,
    },
    /// Something that was read on the way to the write is damaged.
    #[error("{what} is damaged; nothing was written, restore it before going on")]
    Damaged {
        /// What is damaged.
        what: String,
    },
    /// The system refused, and nothing of the batch can be found later.
    #[error("failed to {what}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// Why it failed.
        source: io::Error,
    },
}

/// Why a read was not answered.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The stored bytes are not those that were appended. They are not served.
    #[error(
        "the record at position {position} is damaged ({why}); stop the server, keep its data directory and restore from a backup"
    )]
    Damaged {
        /// The record asked for, or the first of the chunk that holds it.
        position: Position,
        /// What does not fit.
        why: String,
    },
    /// The system refused.
    #[error("failed to read at position {position}")]
    Io {
        /// The record asked for.
        position: Position,
        /// Why it failed.
        source: io::Error,
    },
}

/// Why disclosures were not erased, or not all of them.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// There is no such record.
    #[error("there is no record at position {position}; nothing beside it can be erased")]
    NoRecord {
        /// The position asked for.
        position: Position,
    },
    /// The record that says where the key is cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The key file could not be written.
    #[error("failed to erase keys; repeat the erasure, some may be erased and some not")]
    Io {
        /// Why it failed.
        source: io::Error,
    },
}

/// Why a ledger was not opened. The message names the directory or file and what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process, or another part of this one, has it open. Nothing was changed.
    #[error("the data directory {} is in use{}; stop that process or choose another directory", dir.display(), pid_text(pid))]
    InUse {
        /// The data directory.
        dir: PathBuf,
        /// The process that has it open, if it said so.
        pid: Option<u32>,
    },
    /// Written by a newer release. Nothing was changed.
    #[error("the data directory {} has format {found} and this release knows up to {supported}; use a newer release", dir.display())]
    NewerFormat {
        /// The data directory.
        dir: PathBuf,
        /// The format found.
        found: u32,
        /// The newest format this release knows.
        supported: u32,
    },
    /// Written before the first release. Nothing was changed.
    #[error(
        "the data directory {} has format {found}, which no release ever wrote, and this one reads {supported}; load its events into a new directory",
        dir.display()
    )]
    OlderFormat {
        /// The data directory.
        dir: PathBuf,
        /// The format found.
        found: u32,
        /// The format this release reads.
        supported: u32,
    },
    /// The directory holds something else, or only parts of a ledger.
    #[error("the data directory {} is not a complete ledger ({why}); restore it from a backup or choose an empty directory", dir.display())]
    NotALedger {
        /// The data directory.
        dir: PathBuf,
        /// What does not fit.
        why: String,
    },
    /// The store cannot be read soundly. It is not repaired; an untouched copy may exist.
    #[error("the store in {} is damaged ({why}); keep the directory{} and restore from a backup", dir.display(), copy_text(copy))]
    Damaged {
        /// The data directory.
        dir: PathBuf,
        /// What was found.
        why: String,
        /// Raw copy made before anything was opened.
        copy: Option<PathBuf>,
    },
    /// The store ends before the head that was noted beside it: acknowledged records are gone.
    #[error("the store in {} holds {} records but {} were acknowledged; keep the directory and restore from a backup", dir.display(), store.size, noted.size)]
    Loss {
        /// The data directory.
        dir: PathBuf,
        /// Where the store ends.
        store: Head,
        /// Where it must at least reach.
        noted: Head,
    },
    /// Its checkpoints are signed by another key.
    #[error(
        "the log in {} is that of {found:?}, and the key given is that of {given:?}; give the key of this log, or begin a new origin with baton fork",
        dir.display()
    )]
    WrongKey {
        /// The data directory.
        dir: PathBuf,
        /// The origin of the newest checkpoint.
        found: String,
        /// The origin of the key that was given.
        given: String,
    },
    /// The log changed its key and goes on under the new one alone.
    #[error(
        "the log in {} changed its key at position {position} and goes on under {new_key} alone; give the key file of that key",
        dir.display()
    )]
    KeyRetired {
        /// The data directory.
        dir: PathBuf,
        /// Where its log says so.
        position: u64,
        /// The key it goes on under, as a line of a trust file.
        new_key: String,
    },
    /// The head file is missing or unreadable, so a loss could not be noticed.
    #[error("the head file {} cannot be used ({why}); restore it, or open once with trust_store_without_head if you know that the store is complete", path.display())]
    HeadFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The key file is missing, too short, or belongs to another store.
    #[error("the key file {} cannot be used ({why}); put the key file of this store back", path.display())]
    Keys {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The storage engine's sync does not reach our fdatasync in this build.
    #[error(
        "a flush did not end in an fdatasync, so nothing could be promised; report this build, its symbol sync_file_range is not the one of baton-ledger"
    )]
    SyncNotReal,
    /// The system refused.
    #[error("failed to {what} {}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// With which file or directory.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
}

/// Why a ledger does not take records again. Nothing is lost, and reads go on unless the error says that
/// the store cannot be opened; calling it again may succeed.
#[derive(Debug, thiserror::Error)]
pub enum ReopenError {
    /// The ledger was closed.
    #[error("the ledger is closed; open it anew")]
    Closed,
    /// There is not enough space. Nothing was tried.
    #[error("the disk is full: {free} bytes are free and {needed} are needed; free some space")]
    Full {
        /// Free space, in bytes.
        free: u64,
        /// What has to be free, in bytes.
        needed: u64,
    },
    /// As at an open.
    #[error(transparent)]
    Refused(#[from] OpenError),
}

/// Why a ledger was not closed cleanly. Nothing acknowledged is lost; the next open takes the way
/// of an unclean stop.
#[derive(Debug, thiserror::Error)]
pub enum CloseError {
    /// An earlier write failed.
    #[error("the ledger is not marked as cleanly stopped since a write failed ({why}); the next open checks everything")]
    Poisoned {
        /// What failed.
        why: String,
    },
    /// The system refused.
    #[error("failed to mark a clean stop; the next open checks everything")]
    Io {
        /// Why it failed.
        source: io::Error,
    },
}

fn actual_text(actual: &Option<Revision>) -> String {
    match actual {
        Some(revision) => format!("revision {revision}"),
        None => "no stream".to_owned(),
    }
}

fn pid_text(pid: &Option<u32>) -> String {
    pid.map(|pid| format!(" by process {pid}")).unwrap_or_default()
}

fn copy_text(copy: &Option<PathBuf>) -> String {
    copy.as_ref().map(|path| format!(", also the untouched copy {},", path.display())).unwrap_or_default()
}
