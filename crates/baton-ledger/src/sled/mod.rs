//! A ledger on disk, on sled 0.34: everything acknowledged is synced, everything served is checked.
//!
//! sled keeps the bytes and their order; it is trusted with nothing else. Durability comes from a
//! sync of our own (`sync.rs`), integrity from sums and tiles of our own (`log/chunk.rs`),
//! visibility from an index of the durable prefix (`log/scan.rs`), and a lost end is noticed by a
//! small file beside the store (`log/head_file.rs`). sled's background flusher, asynchronous flush,
//! id generator, transactions and batches are not used.
//!
//! What it costs: two to four times the payload on disk, because sled rewrites its nodes and never
//! cleans up without its background flusher; and in memory, whatever `cache_bytes` says, up to some
//! 256 nodes of 17 chunks, because each part of sled's cache keeps at least one.
//!
//! Not noticed: the loss of acknowledged records of the last second, should sled drop exactly the
//! end of its log in silence.

mod ballast;
mod bare;
mod claim;
mod damage;
mod disk;
mod frames;
mod full;
mod inspect;
mod layout;
mod open;
mod probe;
mod raw;
mod recovery;
mod reopen;
pub(crate) mod restored;
mod resume;
mod rewrite;
mod scratch;
mod seal;
mod snapshot;
mod store;
mod sync;
#[cfg(test)]
mod tests;
mod unborn;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokio::sync::watch;

pub use self::bare::BareStore;
pub use self::claim::{claim, claim_fork, end_fork, is_claimed, is_fork_claimed};
pub use self::inspect::{Inspection, inspect, inspect_probed, noted_checkpoint};
use self::layout::Layout;
pub use self::probe::{PROBE_DAMAGED, PROBE_SOUND, ProbeCommand, probe_store};
use self::reopen::Reopened;
use self::resume::Unread;
pub use self::rewrite::{RewriteHook, RewriteStep};
use self::seal::SealAtLast;
pub use self::sync::{SyncHook, SyncMode, SyncPoint};
use crate::contract::{Appended, Batch, Ledger, RequestKey, RequestRecord, StoredRecord, WriteSnapshot};
use crate::error::{AppendError, CloseError, EraseError, OpenError, ReadError, ReopenError};
use crate::head::Head;
use crate::log::Log;
use crate::log::start::Rules;
use crate::log::succession::{ReadSuccession, no_succession};
use crate::names::{Position, Revision, StreamName};
use crate::proof::{NodeHash, ProofError, Receipt, SignedCheckpoint, SigningKey, Tile};

/// Memory for sled's page cache unless [`OpenOptions::cache_bytes`] says otherwise.
const DEFAULT_CACHE: u64 = 16 * 1024 * 1024;

/// Two segments of the engine, which is what it may write before it is open.
const DEFAULT_BALLAST: u64 = 16 * 1024 * 1024;

/// How to open a [`SledLedger`]; the default is right for a server but for the probe.
#[derive(Clone)]
pub struct OpenOptions {
    /// How to probe a copy of the store after an unclean stop. Without one the store is opened
    /// straight away, and damage on which sled panics in a thread of its own may end in a hang.
    pub probe: Option<ProbeCommand>,
    /// Appends are refused as [`AppendError::Full`] while the disk has less free space than this.
    pub min_free_bytes: u64,
    /// Memory for sled's page cache, in bytes.
    pub cache_bytes: u64,
    /// Open although the head file is missing or unreadable, and make it anew. An operator's
    /// decision, for one open: whether the end of the store is missing cannot be told then.
    pub trust_store_without_head: bool,
    /// Go on from a log whose checkpoints another key signed, under the origin of the key given: for
    /// a restored older copy. An operator's decision, for one open, whose first record is to say so.
    pub fork: bool,
    /// What leaves say of the keys that sign after them. A log whose leaves speak of keys is opened with it, or
    /// a key that was given up could sign again.
    pub read_succession: ReadSuccession,
    /// Whether appends are synced; [`SyncMode::Real`] outside of one test.
    pub sync: SyncMode,
    /// Space put aside in the data directory, in bytes, and given up when the disk is full, so that the
    /// store can be opened then; 0 for none.
    pub ballast_bytes: u64,
    /// Where a copy of the store is opened when there is no room even so; it should lie on another disk.
    /// `None` for the system's directory of temporary files.
    pub scratch: Option<PathBuf>,
    /// Called around the sync of every append, for crash tests.
    pub sync_hook: Option<SyncHook>,
    /// Called before every write into the store; an error is what the write then fails with. For tests.
    pub write_hook: Option<WriteHook>,
    /// Called at the steps of a rewrite after a failed sync; an error ends it there. For tests.
    pub rewrite_hook: Option<RewriteHook>,
}

/// Called before every write into the store.
pub type WriteHook = Arc<dyn Fn() -> io::Result<()> + Send + Sync>;

impl Default for OpenOptions {
    fn default() -> Self {
        OpenOptions {
            probe: None,
            min_free_bytes: 64 * 1024 * 1024,
            cache_bytes: DEFAULT_CACHE,
            trust_store_without_head: false,
            fork: false,
            read_succession: no_succession,
            sync: SyncMode::Real,
            ballast_bytes: DEFAULT_BALLAST,
            scratch: None,
            sync_hook: None,
            write_hook: None,
            rewrite_hook: None,
        }
    }
}

impl OpenOptions {
    fn rules(&self) -> Rules {
        Rules { fork: self.fork, read_succession: self.read_succession }
    }
}

/// A [`Ledger`] in a data directory that belongs to one process at a time.
///
/// [`append`](Ledger::append) blocks the calling thread for the write and one sync: call it from
/// one writer thread. Reads block for as long as a page takes to load. After any failed write the
/// ledger is poisoned: reads of the durable prefix go on, appends are refused until it is opened
/// again, in place with [`reopen`](Ledger::reopen) or by the next process.
pub struct SledLedger {
    log: Log,
    layout: Layout,
    options: OpenOptions,
    reopened: Mutex<Reopened>,
    snapshots: Mutex<Snapshots>,
    // After the log, with which the store is dropped.
    seal: SealAtLast,
    // Last, so that the directory is given up after everything else.
    _lock: File,
}

impl SledLedger {
    /// Opens the ledger in `dir`, or makes one if the directory is empty or missing. `key` signs its
    /// checkpoints; a ledger that is made bears the key's origin for good.
    ///
    /// Verifies every record before it returns, so it takes time in proportion to the log (and
    /// unless the store lies as a stop in order left it also copies it). On a refusal nothing of the store is
    /// lost: the raw copy is kept. After a stop with a snapshot, in a store that lies byte for byte as that left it, the
    /// snapshot is read instead, and records are verified when they are read.
    ///
    /// On a disk without room even for that, it opens a copy of the store elsewhere
    /// ([`OpenOptions::scratch`]) and serves reads; appends are refused as [`AppendError::Full`] until
    /// there is room and [`reopen`](Ledger::reopen) was called.
    pub fn open(dir: &Path, key: SigningKey, options: OpenOptions) -> Result<Self, OpenError> {
        open::open(dir, key, options)
    }

    /// `unseen` when the store in place was not looked at, but a copy of it.
    fn new(log: Log, layout: Layout, options: OpenOptions, lock: File, unread: Option<Unread>, unseen: bool) -> Self {
        let reopened = Mutex::new(Reopened::of(unseen));
        let snapshots = Mutex::new(Snapshots { unread, on_disk: false });
        let seal = SealAtLast::new(layout.clone());
        SledLedger { log, layout, options, reopened, snapshots, seal, _lock: lock }
    }

    /// The seal follows when the ledger is dropped, because until then it may be read.
    fn close_in_order(&self) -> Result<(), CloseError> {
        self.log.close_now()?;
        self.seal.closed();
        Ok(())
    }

    /// The snapshot comes after the clean stop, which stands whatever becomes of it.
    fn close_with(&self, write: WriteSnapshot<'_>) -> Result<(), CloseError> {
        // Held, so that nothing is erased that is being written down.
        let mut snapshots = self.snapshots();
        self.close_in_order()?;
        snapshots.on_disk = true;
        let kept = self.keep_snapshot(write).inspect_err(|error| {
            tracing::warn!(%error, "no snapshot was kept; the next start reads every record");
        });
        self.seal.name_snapshot(kept.ok());
        Ok(())
    }

    fn keep_snapshot(&self, write: WriteSnapshot<'_>) -> io::Result<String> {
        let leave_free = self.options.min_free_bytes.max(open::room_to_open(&self.layout, 0));
        snapshot::keep(&self.layout, self.log.key(), &self.log.digest_of_keys()?, leave_free, |out| {
            crate::log::snapshot::write(&self.log.durable(), out)?;
            write(out)
        })
    }

    /// What is erased is in no snapshot from then on, not even in one that was kept at a stop before it.
    fn erase_with_snapshots(&self, positions: &[Position]) -> Result<(), EraseError> {
        let mut snapshots = self.snapshots();
        snapshots.unread = None;
        if snapshots.on_disk {
            self.seal.name_snapshot(None);
            snapshot::destroy(&self.layout).map_err(|source| EraseError::Io { source })?;
            snapshots.on_disk = false;
        }
        self.log.erase_now(positions)
    }

    fn snapshots(&self) -> MutexGuard<'_, Snapshots> {
        self.snapshots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reopened(&self) -> MutexGuard<'_, Reopened> {
        self.reopened.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is to be known of snapshots while a ledger is open.
struct Snapshots {
    /// What the one it was opened from holds for the writer above.
    unread: Option<Unread>,
    /// One was kept at the stop, or a part of one may lie on the disk.
    on_disk: bool,
}

#[async_trait]
impl Ledger for SledLedger {
    async fn append(&self, batch: Batch) -> Result<Appended, AppendError> {
        self.log.append_now(batch)
    }

    fn head(&self) -> Head {
        self.log.durable().index.head()
    }

    async fn read(&self, from: Position, limit: usize) -> Result<Vec<StoredRecord>, ReadError> {
        self.log.read_now(from, limit)
    }

    async fn read_stream(&self, stream: &StreamName, from: Revision, limit: usize) -> Result<Vec<StoredRecord>, ReadError> {
        self.log.read_stream_now(stream, from, limit)
    }

    fn revision(&self, stream: &StreamName) -> Option<Revision> {
        self.log.durable().index.revision(stream)
    }

    fn request(&self, key: &RequestKey) -> Option<RequestRecord> {
        self.log.durable().index.request(key)
    }

    fn follow(&self) -> watch::Receiver<SignedCheckpoint> {
        self.log.follow()
    }

    fn keyed_digest(&self, bytes: &[u8]) -> [u8; 32] {
        self.log.keyed_digest(bytes)
    }

    fn origin(&self) -> &str {
        self.log.key().origin()
    }

    fn verifier_key(&self) -> &str {
        self.log.key().verifier_key()
    }

    fn successor_key(&self) -> Option<&str> {
        self.log.key().successor_key()
    }

    fn checkpoint(&self) -> SignedCheckpoint {
        self.log.durable().index.checkpoint().clone()
    }

    fn prove_inclusion(&self, position: Position, size: u64) -> Result<Vec<NodeHash>, ProofError> {
        self.log.durable().index.tree().prove_inclusion(position, size)
    }

    fn prove_consistency(&self, old: u64, new: u64) -> Result<Vec<NodeHash>, ProofError> {
        self.log.durable().index.tree().prove_consistency(old, new)
    }

    fn tiles(&self, old: u64, new: u64) -> Result<Vec<Tile>, ProofError> {
        self.log.durable().index.tree().tiles(old, new)
    }

    async fn receipt(&self, position: Position) -> Result<Option<Receipt>, ReadError> {
        self.log.receipt_now(position)
    }

    async fn erase(&self, positions: &[Position]) -> Result<(), EraseError> {
        self.erase_with_snapshots(positions)
    }

    async fn reopen(&self) -> Result<Head, ReopenError> {
        self.reopen_now()
    }

    async fn close(&self) -> Result<(), CloseError> {
        self.close_in_order()
    }

    fn snapshot(&self) -> Option<Box<dyn io::Read + Send>> {
        let unread = self.snapshots().unread.take()?;
        (unread.head == self.head()).then_some(unread.rest)
    }

    async fn close_with_snapshot(&self, write: WriteSnapshot<'_>) -> Result<(), CloseError> {
        self.close_with(write)
    }
}
