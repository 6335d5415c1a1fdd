//! A ledger on disk, on sled 0.34: everything acknowledged is synced, everything served is checked.
//!
//! sled keeps the bytes and their order; it is trusted with nothing else. Durability comes from a
//! sync of our own (`sync.rs`), integrity from sums and leaf hashes of our own (`chunk.rs`),
//! visibility from an index of the durable prefix (`scan.rs`), and a lost end is noticed by a small
//! file beside the store (`head_file.rs`). sled's background flusher, asynchronous flush, id
//! generator, transactions and batches are not used.
//!
//! What it costs: two to four times the payload on disk, because sled rewrites its nodes and never
//! cleans up without its background flusher; and in memory, whatever `cache_bytes` says, up to some
//! 256 nodes of 17 chunks, because each part of sled's cache keeps at least one.
//!
//! Not noticed: the loss of acknowledged records of the last second, should sled drop exactly the
//! end of its log in silence. Not done here: opening a poisoned store again in place.

mod append;
mod chunk;
mod damage;
mod head_file;
mod health;
mod keeper;
mod keys;
mod layout;
mod open;
mod probe;
mod read;
mod recovery;
mod scan;
mod store;
mod sync;

use std::fs::File;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use async_trait::async_trait;
use tokio::sync::watch;

use self::damage::Fault;
use self::head_file::Noted;
use self::health::Health;
use self::keeper::Keeper;
use self::keys::{KeyFile, Slots};
use self::layout::Layout;
pub use self::probe::{PROBE_DAMAGED, PROBE_SOUND, ProbeCommand, probe_store};
use self::scan::Durable;
use self::store::Store;
use self::sync::Syncer;
pub use self::sync::{SyncHook, SyncMode, SyncPoint};
use crate::contract::{Appended, Batch, Ledger, RequestKey, RequestRecord, StoredRecord};
use crate::error::{AppendError, CloseError, OpenError, ReadError};
use crate::head::Head;
use crate::names::{Position, Revision, StreamName};

/// Memory for sled's page cache unless [`OpenOptions::cache_bytes`] says otherwise.
const DEFAULT_CACHE: u64 = 16 * 1024 * 1024;

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
    /// Whether appends are synced; [`SyncMode::Real`] outside of one test.
    pub sync: SyncMode,
    /// Called around the sync of every append, for crash tests.
    pub sync_hook: Option<SyncHook>,
}

impl Default for OpenOptions {
    fn default() -> Self {
        OpenOptions {
            probe: None,
            min_free_bytes: 64 * 1024 * 1024,
            cache_bytes: DEFAULT_CACHE,
            trust_store_without_head: false,
            sync: SyncMode::Real,
            sync_hook: None,
        }
    }
}

/// A [`Ledger`] in a data directory that belongs to one process at a time.
///
/// [`append`](Ledger::append) blocks the calling thread for the write and one sync: call it from
/// one writer thread. Reads block for as long as a page takes to load. After any failed write the
/// ledger is poisoned: reads of the durable prefix go on, appends are refused until it is opened
/// again.
pub struct SledLedger {
    writer: Mutex<Writer>,
    durable: RwLock<Durable>,
    heads: watch::Sender<Head>,
    health: Health,
    syncer: Syncer,
    store: Store,
    keys: KeyFile,
    min_free_bytes: u64,
    layout: Layout,
    // Last, so that the directory is given up after everything else.
    _lock: File,
}

/// What only an append may touch.
struct Writer {
    slots: Slots,
    keeper: Option<Keeper>,
    closed: bool,
}

impl SledLedger {
    /// Opens the ledger in `dir`, or makes one if the directory is empty or missing.
    ///
    /// Verifies every record before it returns, so it takes time in proportion to the log (and
    /// after an unclean stop also copies the store). On a refusal nothing of the store is lost:
    /// after an unclean stop the raw copy is kept.
    pub fn open(dir: &Path, options: OpenOptions) -> Result<Self, OpenError> {
        open::open(dir, options)
    }

    fn close_now(&self) -> Result<(), CloseError> {
        let mut writer = self.writer();
        writer.closed = true;
        let Some(keeper) = writer.keeper.take() else {
            return Ok(());
        };
        let io = |source| CloseError::Io { source };
        let mut head_file = keeper.stop().map_err(io)?;
        if let Some(why) = self.health.why() {
            return Err(CloseError::Poisoned { why });
        }
        Fault::sort(|| self.store.db().flush()).map_err(|fault| io(fault.into()))?;
        head_file.note(Noted { head: self.head(), clean: true }).map_err(io)
    }

    // The locks below are never held across a call that may panic half-way through a change, so a
    // lock that was poisoned by a panic still guards whole values.
    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn durable(&self) -> RwLockReadGuard<'_, Durable> {
        self.durable.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn durable_mut(&self) -> RwLockWriteGuard<'_, Durable> {
        self.durable.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Ledger for SledLedger {
    async fn append(&self, batch: Batch) -> Result<Appended, AppendError> {
        self.append_now(&batch)
    }

    fn head(&self) -> Head {
        self.durable().index.head()
    }

    async fn read(&self, from: Position, limit: usize) -> Result<Vec<StoredRecord>, ReadError> {
        self.read_now(from, limit)
    }

    async fn read_stream(&self, stream: &StreamName, from: Revision, limit: usize) -> Result<Vec<StoredRecord>, ReadError> {
        self.read_stream_now(stream, from, limit)
    }

    fn revision(&self, stream: &StreamName) -> Option<Revision> {
        self.durable().index.revision(stream)
    }

    fn request(&self, key: &RequestKey) -> Option<RequestRecord> {
        self.durable().index.request(key)
    }

    fn follow(&self) -> watch::Receiver<Head> {
        self.heads.subscribe()
    }

    fn keyed_digest(&self, bytes: &[u8]) -> [u8; 32] {
        self.keys.keyed_digest(bytes)
    }

    async fn close(&self) -> Result<(), CloseError> {
        self.close_now()
    }
}

impl Drop for SledLedger {
    fn drop(&mut self) {
        // A thread that outlived the ledger could write the head file of its successor.
        if let Some(keeper) = self.writer().keeper.take() {
            let _ = keeper.stop();
        }
    }
}
