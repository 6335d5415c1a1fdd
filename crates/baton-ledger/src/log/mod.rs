//! The log proper, over any store: append, read, prove, erase. What is durable is kept in an index
//! and a tree; the store below is only trusted to keep bytes.
//!
//! | File | Subject |
//! |---|---|
//! | `append.rs` | the write path, with the point of no return |
//! | `read.rs` | reading what is durable, each leaf checked |
//! | `raw.rs` | the durable log byte for byte, for archives and backups |
//! | `chunk.rs` | the stored form of a batch |
//! | `scan.rs`, `start.rs` | what a store holds, and whether a log may go on from it |
//! | `snapshot.rs` | the same, written down at a stop so that the next start need not read all of it |
//! | `succession.rs` | which key signs for it |
//! | `head_file.rs`, `keeper.rs` | the newest checkpoint beside the store |
//! | `keys.rs` | the keys of disclosures |
//! | `health.rs` | whether records are still taken |
//! | `slot.rs`, `reopen.rs` | opening the store again in place, while reads go on |

mod append;
pub(crate) mod chunk;
pub(crate) mod head_file;
pub(crate) mod health;
pub(crate) mod keeper;
pub(crate) mod keys;
pub(crate) mod raw;
mod read;
pub(crate) mod reopen;
pub(crate) mod scan;
pub(crate) mod slot;
pub(crate) mod snapshot;
pub(crate) mod start;
pub(crate) mod succession;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use tokio::sync::watch;

use self::head_file::{HeadFile, Noted};
use self::health::{Failed, Health};
use self::keeper::{Keeper, Pace};
use self::keys::{KeyFile, Slots};
use self::scan::Durable;
use self::slot::{PATIENCE, Slot};
use self::succession::ReadSuccession;
use crate::error::{CloseError, EraseError};
use crate::names::Position;
use crate::proof::{SignedCheckpoint, SigningKey};
use crate::storage::Disk;

/// An open log.
pub(crate) struct Log {
    key: SigningKey,
    keys: RwLock<KeyFile>,
    min_free_bytes: u64,
    read_succession: ReadSuccession,
    writer: Mutex<Writer>,
    durable: RwLock<Durable>,
    checkpoints: watch::Sender<SignedCheckpoint>,
    health: Health,
    slot: Arc<Slot>,
}

/// What only an append may touch.
struct Writer {
    slots: Slots,
    keeper: Option<Keeper>,
    closed: bool,
}

/// What a log is put together from; every part is open and verified.
pub(crate) struct Parts {
    /// Signs the checkpoints.
    pub(crate) key: SigningKey,
    /// The store.
    pub(crate) disk: Arc<dyn Disk>,
    /// How long readers wait for another one after a failure.
    pub(crate) patience: Duration,
    /// What the store holds.
    pub(crate) durable: Durable,
    /// The keys of disclosures.
    pub(crate) keys: KeyFile,
    /// The next of them.
    pub(crate) slots: Slots,
    /// Notes the newest checkpoint, not cleanly stopped.
    pub(crate) head_file: HeadFile,
    /// When further checkpoints are noted in it.
    pub(crate) pace: Pace,
    /// Appends are refused while there is less space.
    pub(crate) min_free_bytes: u64,
    /// What leaves say of keys.
    pub(crate) read_succession: ReadSuccession,
}

impl Log {
    /// A log that takes records. The error is that of the thread that could not be started.
    pub(crate) fn new(parts: Parts) -> std::io::Result<Log> {
        let Parts { key, disk, patience, durable, keys, slots, head_file, pace, min_free_bytes, read_succession } = parts;
        let log = Log::resting(key, Slot::new(disk, patience), durable, keys, slots, min_free_bytes, read_succession);
        let keeper = Keeper::start(head_file, log.checkpoints.subscribe(), log.health.clone(), pace)?;
        log.writer().keeper = Some(keeper);
        Ok(log)
    }

    /// A log that is read and takes no records until it is opened again, because of what failed.
    pub(crate) fn read_only(
        key: SigningKey,
        disk: Arc<dyn Disk>,
        durable: Durable,
        keys: KeyFile,
        min_free_bytes: u64,
        read_succession: ReadSuccession,
        (failed, why): (Failed, String),
    ) -> Log {
        let slot = Slot::new(disk, PATIENCE);
        let log = Log::resting(key, slot, durable, keys, Slots::continue_at(0), min_free_bytes, read_succession);
        log.health.poison(failed, why);
        log
    }

    fn resting(
        key: SigningKey,
        slot: Slot,
        durable: Durable,
        keys: KeyFile,
        slots: Slots,
        min_free_bytes: u64,
        read_succession: ReadSuccession,
    ) -> Log {
        let slot = Arc::new(slot);
        Log {
            key,
            keys: RwLock::new(keys),
            min_free_bytes,
            read_succession,
            writer: Mutex::new(Writer { slots, keeper: None, closed: false }),
            checkpoints: watch::Sender::new(durable.index.checkpoint().clone()),
            durable: RwLock::new(durable),
            health: Health::of(Arc::clone(&slot)),
            slot,
        }
    }

    pub(crate) fn key(&self) -> &SigningKey {
        &self.key
    }

    pub(crate) fn keyed_digest(&self, bytes: &[u8]) -> [u8; 32] {
        self.keys().keyed_digest(bytes)
    }

    /// A digest of the whole key file, another one after anything was erased.
    pub(crate) fn digest_of_keys(&self) -> std::io::Result<[u8; 32]> {
        self.keys().digest()
    }

    pub(crate) fn follow(&self) -> watch::Receiver<SignedCheckpoint> {
        self.checkpoints.subscribe()
    }

    /// Notes the newest checkpoint now, where no thread does.
    pub(crate) fn note_head_now(&self) {
        if let Some(keeper) = &mut self.writer().keeper {
            keeper.note_now();
        }
    }

    pub(crate) fn erase_now(&self, positions: &[Position]) -> Result<(), EraseError> {
        let slots = self.slots_of(positions)?;
        let keys = self.keys();
        // After a failed sync a slot may read as erased and not be: it would be passed over.
        if let Some(failure) = self.health.failure().filter(|failure| failure.failed == Failed::Sync) {
            let why = format!("nothing can be erased until the ledger is opened again, since {}", failure.why);
            return Err(EraseError::Io { source: std::io::Error::other(why) });
        }
        keys.erase(&slots).map_err(|source| {
            self.health.poison(Failed::Sync, format!("keys could not be erased: {source}"));
            EraseError::Io { source }
        })
    }

    pub(crate) fn close_now(&self) -> Result<(), CloseError> {
        let mut writer = self.writer();
        writer.closed = true;
        let io = |source| CloseError::Io { source };
        let stopped = writer.keeper.take().map(Keeper::stop).transpose();
        if let Some(failure) = self.health.failure() {
            return Err(CloseError::Poisoned { why: failure.why });
        }
        let Some(mut head_file) = stopped.map_err(io)? else {
            return Ok(());
        };
        let checkpoint = self.durable().index.checkpoint().clone();
        let closed = self.disk().and_then(|disk| disk.sync()).and_then(|()| head_file.note(&Noted { checkpoint, clean: true }));
        closed.map_err(|source| {
            // The next start must not take for granted what this one could not sync.
            self.health.poison(Failed::Sync, format!("a clean stop could not be marked: {source}"));
            io(source)
        })
    }

    /// What a failure does that was met outside of an append; for tests.
    #[cfg(test)]
    pub(crate) fn fail(&self, failed: Failed, why: String) {
        self.health.poison(failed, why);
    }

    // The locks below are never held across a call that may panic half-way through a change, so a
    // lock that was poisoned by a panic still guards whole values.
    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn durable(&self) -> RwLockReadGuard<'_, Durable> {
        self.durable.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn durable_mut(&self) -> RwLockWriteGuard<'_, Durable> {
        self.durable.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn keys(&self) -> RwLockReadGuard<'_, KeyFile> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn keys_mut(&self) -> RwLockWriteGuard<'_, KeyFile> {
        self.keys.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The store, to be let go of soon; an error while it is being opened again for long.
    pub(crate) fn disk(&self) -> std::io::Result<Arc<dyn Disk>> {
        self.slot.get()
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        // A thread that outlived the log could write the head file of its successor.
        if let Some(keeper) = self.writer().keeper.take() {
            let _ = keeper.stop();
        }
    }
}
