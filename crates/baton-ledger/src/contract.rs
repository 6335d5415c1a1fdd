//! What a ledger is: the values that go in and come out, and the trait every store implements.
//!
//! The trait's comments are the contract, the suite in `tests/contract.rs` is its check. A caller
//! needs to know no store to rely on them.

use std::fmt;
use std::io::{self, Read, Write};
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::watch;
use uuid::Uuid;

use crate::error::{AppendError, CloseError, EraseError, ReadError, ReopenError};
use crate::hash::LeafHash;
use crate::head::Head;
use crate::names::{Position, Revision, StreamName};
use crate::proof::{NodeHash, ProofError, Receipt, SignedCheckpoint, Tile};

/// An append-only log of opaque records with one writer and any number of readers.
///
/// **Durable when?** When [`append`](Ledger::append) returns `Ok`; the whole batch, never a part.
/// **Ordered how?** By position, gapless from 0; within a stream by revision, contiguous from 1.
/// **Who retries?** The caller. The ledger never repeats a write; it remembers request keys for
/// ever, so that a caller can.
/// **After a crash?** Every acknowledged batch is there. A batch that was not acknowledged is
/// there as a whole or not at all.
/// **Seen when?** Everything but `append` answers from the durable prefix only.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// Appends a batch, all or nothing, and returns when it is durable.
    ///
    /// `batch.at` must be the current size of the log, which shuts out a second writer. The sets
    /// are checked in order, each against the log as the sets before it would leave it: first its
    /// request key, then its expected revisions. Nothing is written on an error, except on
    /// [`AppendError::OutcomeUnknown`] and on [`AppendError::Full`] with `nothing_written: false`:
    /// there the batch may or may not be found after the next open, whole.
    ///
    /// May block the calling thread for as long as the disk takes. It is meant to be called from
    /// one writer at a time, outside the threads of an async runtime. Dropping the future cancels
    /// nothing.
    async fn append(&self, batch: Batch) -> Result<Appended, AppendError>;

    /// The durable end of the log.
    fn head(&self) -> Head;

    /// Records in log order, from `from` on, at most `limit`.
    ///
    /// May return fewer than `limit` (see [`bounds`](crate::bounds)) but returns none only when
    /// there is no record at or after `from` yet, or `limit` is 0. Each leaf is checked against
    /// its hash first; one that does not match fails the read and is not returned.
    async fn read(&self, from: Position, limit: usize) -> Result<Vec<StoredRecord>, ReadError>;

    /// Records of one stream in revision order, from `from` on; otherwise as [`read`](Ledger::read).
    async fn read_stream(&self, stream: &StreamName, from: Revision, limit: usize) -> Result<Vec<StoredRecord>, ReadError>;

    /// The newest revision of a stream, or `None` for a stream without records.
    fn revision(&self, stream: &StreamName) -> Option<Revision>;

    /// What was appended under a request key, if anything ever was.
    fn request(&self, key: &RequestKey) -> Option<RequestRecord>;

    /// A receiver that holds the newest durable checkpoint. It changes only after the records up to
    /// it can be read; steps may be merged, so a follower reads up to the size it sees.
    fn follow(&self) -> watch::Receiver<SignedCheckpoint>;

    /// HMAC-SHA-256 of `bytes` under a secret of this ledger, the same for the ledger's life.
    ///
    /// For digests that are stored: without the secret nobody can guess short free text from them.
    fn keyed_digest(&self, bytes: &[u8]) -> [u8; 32];

    /// The origin of the log: the first line of its checkpoints and the name of its key.
    fn origin(&self) -> &str;

    /// The public key under which its checkpoints are signed, as a line of a trust file.
    fn verifier_key(&self) -> &str;

    /// The public key that its own hands over to: both sign each checkpoint then. `None` for nearly every ledger.
    fn successor_key(&self) -> Option<&str> {
        None
    }

    /// The newest durable checkpoint: the head, signed.
    fn checkpoint(&self) -> SignedCheckpoint;

    /// Proves that a record is in the tree of the first `size` records.
    fn prove_inclusion(&self, position: Position, size: u64) -> Result<Vec<NodeHash>, ProofError>;

    /// Proves that the first `old` records are the beginning of the first `new`. `old` is at least 1.
    fn prove_consistency(&self, old: u64, new: u64) -> Result<Vec<NodeHash>, ProofError>;

    /// The tiles that a log directory of `new` records has and one of `old` has not.
    fn tiles(&self, old: u64, new: u64) -> Result<Vec<Tile>, ProofError>;

    /// The receipt of a record: the checkpoint of the batch it came with, and the proof up to it. The
    /// same each time it is asked for. `None` where there is no record.
    async fn receipt(&self, position: Position) -> Result<Option<Receipt>, ReadError>;

    /// Makes what lies beside these records unreadable for ever, here and in every copy of the log.
    /// Records without a disclosure, or with an erased one, are passed over.
    ///
    /// Durable when it returns `Ok`. After an error some may be erased and some not: repeat it. The
    /// ledger asks for no reason; recording one, durably and before, is the caller's duty. Leaves,
    /// and so every proof, stay as they are.
    async fn erase(&self, positions: &[Position]) -> Result<(), EraseError>;

    /// Makes a ledger that refuses appends take them again, in place; without a failure it only looks
    /// whether there is space. Returns the durable end of the log.
    ///
    /// After a failed write the store is opened again; after a failed sync it is first written anew, from
    /// records that are verified, because what is read back then proves nothing. Appends are taken again
    /// only after everything was read, verified, and synced; on an error nothing is taken still, and
    /// calling it again goes on from wherever it ended. Should the process end, the next open goes on.
    ///
    /// A batch whose outcome was unknown is there from then on, whole, or not: ask for its request.
    /// Reads are answered before and after, and wait a bounded time while the store is exchanged.
    /// Blocks the calling thread, in proportion to the log; meant for the writer thread, like `append`.
    async fn reopen(&self) -> Result<Head, ReopenError>;

    /// Syncs everything, marks a clean stop and refuses appends from then on; reads go on.
    ///
    /// A ledger that is dropped without this loses nothing that was acknowledged, but its next
    /// open takes the slower way of an unclean stop. Closing twice is harmless.
    async fn close(&self) -> Result<(), CloseError>;

    /// What the writer left at the last stop in order (see [`close_with_snapshot`](Ledger::close_with_snapshot)), if the
    /// log still is exactly as it was then. Given once: it is gone from the disk already. `None` otherwise.
    ///
    /// To be asked for before anything is appended or erased: after that it is not given. It reads as an error of kind
    /// [`InvalidData`](std::io::ErrorKind::InvalidData) where it is damaged or cut short, also at its end; so what is not
    /// read to its end is not known to be whole. Small reads are cheap.
    fn snapshot(&self) -> Option<Box<dyn Read + Send>> {
        None
    }

    /// Closes as [`close`](Ledger::close), and keeps for the next start what `write` writes: what it would otherwise have
    /// to read every record for.
    ///
    /// A snapshot that can not be written is only said in the log, and costs the next start its time; the close stands.
    /// It may hold what lies beside records: where it is kept it is encrypted, it is destroyed by the next open, and an
    /// erasure after the close destroys it first. A ledger that keeps none never calls `write`.
    async fn close_with_snapshot(&self, write: WriteSnapshot<'_>) -> Result<(), CloseError> {
        let _ = write;
        self.close().await
    }
}

/// Writes what the next start is to find; see [`Ledger::close_with_snapshot`].
pub type WriteSnapshot<'w> = &'w (dyn Fn(&mut dyn Write) -> io::Result<()> + Send + Sync);

/// A batch: sets that become durable together, or not at all.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Where the first record goes: must equal the size of the log.
    pub at: Position,
    /// The sets, in the order in which they are checked and stored; at least one.
    pub sets: Vec<AppendSet>,
}

/// What one request appends.
#[derive(Clone, Debug)]
pub struct AppendSet {
    /// The key under which the request is remembered for ever; `None` for records that nobody
    /// may ask to repeat.
    pub request: Option<RequestKey>,
    /// Digest of the request's content, kept beside its first record: make it with
    /// [`Ledger::keyed_digest`]. Not kept when `request` is `None`.
    pub digest: [u8; 32],
    /// What the streams must look like. A stream that is written to and not named here is taken
    /// as [`Expected::Any`]; a stream that is named may be one that is only read.
    pub expected: Vec<(StreamName, Expected)>,
    /// The records, in order; at least one.
    pub records: Vec<Record>,
}

/// What a caller believes about a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// The stream's newest revision is this one.
    Exact(Revision),
    /// The stream has no record.
    NoStream,
    /// Anything goes.
    Any,
}

/// Who asked, and which of his requests it was. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RequestKey {
    /// The caller, at most [`MAX_CALLER`](crate::bounds::MAX_CALLER) bytes.
    pub caller: Arc<str>,
    /// The id the caller gave the request.
    pub id: Uuid,
}

/// What was appended under a request key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestRecord {
    /// Position of the first record.
    pub first: Position,
    /// Number of records; they follow each other.
    pub count: u32,
    /// The digest given with the set.
    pub digest: [u8; 32],
}

/// A record to append.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// The stream it belongs to.
    pub stream: StreamName,
    /// The bytes that are stored, hashed and served verbatim:
    /// 1 to [`MAX_LEAF`](crate::bounds::MAX_LEAF).
    pub leaf: Vec<u8>,
    /// Names and free text, stored encrypted beside the leaf under a key of this record alone:
    /// at most [`MAX_DISCLOSURE`](crate::bounds::MAX_DISCLOSURE) bytes.
    pub disclosure: Option<Vec<u8>>,
}

/// A record as the log holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRecord {
    /// Where in the log.
    pub position: Position,
    /// In which stream.
    pub stream: StreamName,
    /// Where in the stream.
    pub revision: Revision,
    /// The leaf, byte for byte as it was appended.
    pub leaf: Vec<u8>,
    /// Its hash, checked against the leaf in this very read.
    pub leaf_hash: LeafHash,
    /// What lies beside the leaf.
    pub disclosure: Disclosure,
}

/// What became of the plaintext beside a leaf.
#[derive(Clone, PartialEq, Eq)]
pub enum Disclosure {
    /// The record never had any.
    None,
    /// It can be read.
    Open(Vec<u8>),
    /// Its key was erased; nobody can read it again.
    Erased,
    /// Its key is there but does not open it: the key file was altered or belongs elsewhere.
    Unreadable,
}

/// What an append did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Position of the first record of the batch.
    pub first: Position,
    /// Every record of the batch, in order.
    pub records: Vec<AppendedRecord>,
    /// The checkpoint that is durable with this batch and covers it.
    pub checkpoint: SignedCheckpoint,
}

/// Where one record went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppendedRecord {
    /// Where in the log.
    pub position: Position,
    /// In which stream.
    pub stream: StreamName,
    /// Where in the stream.
    pub revision: Revision,
    /// Hash of its leaf.
    pub leaf_hash: LeafHash,
}

impl Batch {
    /// All records of the batch, in order.
    pub(crate) fn records(&self) -> impl Iterator<Item = &Record> {
        self.sets.iter().flat_map(|set| &set.records)
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expected::Exact(revision) => write!(f, "revision {revision}"),
            Expected::NoStream => f.write_str("no stream"),
            Expected::Any => f.write_str("any revision"),
        }
    }
}

// Leaves and disclosures are payloads: a log line that prints a record shows only their length.
impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("stream", &self.stream)
            .field("leaf_bytes", &self.leaf.len())
            .field("disclosure_bytes", &self.disclosure.as_ref().map(Vec::len))
            .finish()
    }
}

impl fmt::Debug for Disclosure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Disclosure::None => f.write_str("None"),
            Disclosure::Open(text) => write!(f, "Open({} bytes)", text.len()),
            Disclosure::Erased => f.write_str("Erased"),
            Disclosure::Unreadable => f.write_str("Unreadable"),
        }
    }
}

impl StoredRecord {
    /// Bytes of payload, for the bound on a read.
    pub(crate) fn bytes(&self) -> usize {
        match &self.disclosure {
            Disclosure::Open(text) => self.leaf.len() + text.len(),
            Disclosure::None | Disclosure::Erased | Disclosure::Unreadable => self.leaf.len(),
        }
    }
}
