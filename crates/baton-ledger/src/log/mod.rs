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
//! | `head_file.rs`, `keeper.rs` | the newest checkpoint beside the store |
//! | `keys.rs` | the keys of disclosures |
//! | `health.rs` | whether records are still taken |

mod append;
pub(crate) mod chunk;
pub(crate) mod head_file;
pub(crate) mod health;
pub(crate) mod keeper;
pub(crate) mod keys;
pub(crate) mod raw;
mod read;
pub(crate) mod scan;
pub(crate) mod start;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use tokio::sync::watch;

use self::head_file::{HeadFile, Noted};
use self::health::Health;
use self::keeper::{Keeper, PERIOD};
use self::keys::{KeyFile, Slots};
use self::scan::Durable;
use crate::error::{CloseError, EraseError};
use crate::names::Position;
use crate::proof::{SignedCheckpoint, SigningKey};
use crate::storage::Disk;

/// An open log.
pub(crate) struct Log {
    key: SigningKey,
    keys: KeyFile,
    min_free_bytes: u64,
    writer: Mutex<Writer>,
    durable: RwLock<Durable>,
    checkpoints: watch::Sender<SignedCheckpoint>,
    health: Health,
    disk: RwLock<Arc<dyn Disk>>,
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
    /// What the store holds.
    pub(crate) durable: Durable,
    /// The keys of disclosures.
    pub(crate) keys: KeyFile,
    /// The next of them.
    pub(crate) slots: Slots,
    /// Notes the newest checkpoint, not cleanly stopped.
    pub(crate) head_file: HeadFile,
    /// Appends are refused while there is less space.
    pub(crate) min_free_bytes: u64,
}

impl Log {
    /// A log that takes records. The error is that of the thread that could not be started.
    pub(crate) fn new(parts: Parts) -> std::io::Result<Log> {
        let checkpoints = watch::Sender::new(parts.durable.index.checkpoint().clone());
        let health = Health::default();
        let keeper = Keeper::start(parts.head_file, checkpoints.subscribe(), health.clone(), PERIOD)?;
        Ok(Log {
            key: parts.key,
            keys: parts.keys,
            min_free_bytes: parts.min_free_bytes,
            writer: Mutex::new(Writer { slots: parts.slots, keeper: Some(keeper), closed: false }),
            durable: RwLock::new(parts.durable),
            checkpoints,
            health,
            disk: RwLock::new(parts.disk),
        })
    }

    pub(crate) fn key(&self) -> &SigningKey {
        &self.key
    }

    pub(crate) fn keyed_digest(&self, bytes: &[u8]) -> [u8; 32] {
        self.keys.keyed_digest(bytes)
    }

    pub(crate) fn follow(&self) -> watch::Receiver<SignedCheckpoint> {
        self.checkpoints.subscribe()
    }

    pub(crate) fn erase_now(&self, positions: &[Position]) -> Result<(), EraseError> {
        let slots = self.slots_of(positions)?;
        self.keys.erase(&slots).map_err(|source| EraseError::Io { source })
    }

    pub(crate) fn close_now(&self) -> Result<(), CloseError> {
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
        self.disk().sync().map_err(io)?;
        let checkpoint = self.durable().index.checkpoint().clone();
        head_file.note(&Noted { checkpoint, clean: true }).map_err(io)
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

    pub(crate) fn disk(&self) -> Arc<dyn Disk> {
        Arc::clone(&self.disk.read().unwrap_or_else(PoisonError::into_inner))
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
