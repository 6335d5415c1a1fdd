//! Opening the store below a log again, in place, while reads go on.
//!
//! The pause holds off appends. The steps, in the order in which they must be taken, are the caller's
//! (`sled/reopen.rs` for a real disk): let go of the store, put another in its place, verify everything,
//! resume. A pause that is dropped before it resumes leaves the failure where it is, so that no record
//! is taken on a store that was not verified.

use std::io;
use std::sync::{Arc, MutexGuard, RwLockWriteGuard};

use super::head_file::{HeadFile, Noted};
use super::health::{Failed, Failure};
use super::keeper::{Keeper, Pace};
use super::keys::{BLOCK, KeyFile, Slots};
use super::scan::{Durable, Scan};
use super::{Log, Writer};
use crate::head::Head;
use crate::storage::Disk;

/// No append runs while this is held.
pub(crate) struct Pause<'a> {
    log: &'a Log,
    writer: MutexGuard<'a, Writer>,
    failure: Option<Failure>,
}

impl Log {
    /// Waits for a running append and holds off the next ones; none when the log is closed.
    pub(crate) fn pause(&self) -> Option<Pause<'_>> {
        let writer = self.writer();
        let failure = self.health.failure();
        (!writer.closed).then_some(Pause { log: self, writer, failure })
    }
}

impl Pause<'_> {
    /// What is to be healed.
    pub(crate) fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    /// The newest checkpoint that was ever acknowledged. Stricter than the head file, which may be a
    /// second behind.
    pub(crate) fn acknowledged(&self) -> Noted {
        Noted { checkpoint: self.log.durable().index.checkpoint().clone(), clean: false }
    }

    /// Ends the thread of the head file, which would write into a file that may be replaced.
    pub(crate) fn stop_keeper(&mut self) {
        if let Some(Err(error)) = self.writer.keeper.take().map(Keeper::stop) {
            tracing::warn!(%error, "the head file is opened again");
        }
    }

    /// The store, if one is open.
    pub(crate) fn disk(&self) -> Option<Arc<dyn Disk>> {
        self.log.slot.try_get()
    }

    /// Lets go of the store; readers wait from now on.
    pub(crate) fn release_disk(&self) -> io::Result<()> {
        self.log.slot.release()
    }

    /// Lets readers go on, on this store: each value they take is verified by itself, and only what was
    /// durable before is asked for.
    pub(crate) fn place_disk(&self, disk: Arc<dyn Disk>) {
        self.log.slot.place(disk);
    }

    /// The key file, with nobody reading it or erasing in it.
    pub(crate) fn keys(&self) -> RwLockWriteGuard<'_, KeyFile> {
        self.log.keys_mut()
    }

    /// Says that a sync may have failed, so that the next attempt writes the store anew.
    pub(crate) fn doubt(&self, why: String) {
        self.log.health.poison(Failed::Sync, why);
    }

    /// Takes slots from above all that were ever handed out, and fills them anew.
    pub(crate) fn refill_slots(&mut self, scan: &Scan) -> io::Result<()> {
        let next = self.writer.slots.next().max(scan.next_slot);
        self.writer.slots = Slots::continue_at(next);
        let keys = self.log.keys();
        self.writer.slots.ensure(&keys, BLOCK)
    }

    /// Shows what the store holds and takes records again. The caller has verified the store, made it
    /// durable, and noted its checkpoint in `head_file`; `pace` says when further ones are noted.
    ///
    /// The error is that of the thread of the head file, or says that something else failed meanwhile.
    pub(crate) fn resume(&mut self, durable: Durable, head_file: HeadFile, pace: Pace) -> io::Result<Head> {
        let log = self.log;
        let (head, checkpoint) = (durable.index.head(), durable.index.checkpoint().clone());
        // First what can be read, then the news of it: a batch whose outcome was unknown is found here.
        *log.durable_mut() = durable;
        log.checkpoints.send_replace(checkpoint);
        self.writer.keeper = Some(Keeper::start(head_file, log.checkpoints.subscribe(), log.health.clone(), pace)?);
        match &self.failure {
            Some(failure) if !log.health.clear(failure) => Err(io::Error::other("something worse failed meanwhile")),
            _ => Ok(head),
        }
    }
}
