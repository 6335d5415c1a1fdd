//! Opening a store again in place, after a write or a sync failed, or a start on a full disk.
//!
//! **After a failed write** what was synced before can be relied on: the engine's handle, which refuses
//! everything from then on, is dropped and the same directory opened again. **After a failed sync** the
//! store is written anew first (`rewrite.rs`). **On a full disk** nothing is touched: the old handle goes
//! on serving reads, and there is nothing to gain before space is back.
//!
//! **Reads meanwhile.** The engine locks its files, so the old handle must go before the new one comes, and a
//! disk that still fails lets none come. Then a copy of the store is opened elsewhere, as at a start on a full
//! disk, and readers stay on it, through all further attempts, until the store in place is verified.
//!
//! Either way everything is verified as at a start, against the newest checkpoint that was acknowledged,
//! before a record is taken again. A batch whose outcome was unknown is found whole, or not at all.

use std::path::PathBuf;
use std::sync::Arc;

use super::disk::SledDisk;
use super::layout::io_at;
use super::{SledLedger, ballast, full, open, recovery, rewrite};
use crate::error::{OpenError, ReopenError};
use crate::head::Head;
use crate::log::health::Failed;
use crate::log::keeper::{PERIOD, Pace};
use crate::log::reopen::Pause;
use crate::storage::Disk;
use crate::storage::files::free_bytes;

impl SledLedger {
    pub(super) fn reopen_now(&self) -> Result<Head, ReopenError> {
        let mut pause = self.log.pause().ok_or(ReopenError::Closed)?;
        let Some(failed) = pause.failure().map(|failure| failure.failed) else {
            self.ask_for_space(self.options.min_free_bytes)?;
            ballast::keep(&self.layout, self.options.ballast_bytes, self.options.min_free_bytes);
            return Ok(self.log.durable().index.head());
        };
        let rewritten = failed == Failed::Sync;
        let head = self.prepare(&mut pause, rewritten).and_then(|copy| self.exchange(&mut pause, rewritten, copy));
        head.inspect_err(|error| {
            // A sync failed on the way: the next attempt is to write the store anew.
            if rewrite::is_due(&self.layout) {
                pause.doubt(format!("the store could not be opened again: {error}"));
            }
            let damaged = matches!(error, ReopenError::Refused(OpenError::Damaged { .. } | OpenError::Loss { .. }));
            // What is whole of a damaged store is read where it lies, and the rest is named.
            if !damaged || pause.disk().is_none() {
                self.read_elsewhere(&pause);
            }
        })
    }

    /// Lets go of the store that failed, and opens what is in its place.
    fn exchange(&self, pause: &mut Pause<'_>, rewritten: bool, copy: Option<PathBuf>) -> Result<Head, ReopenError> {
        if !self.reopened().on_a_copy {
            pause.release_disk().map_err(io_at("let go of", &self.layout.store()))?;
        }
        if rewritten {
            rewrite::swap(&self.layout, &self.options)?;
        }
        self.take_up(pause, copy)
    }

    /// Everything that is done while readers are on the store as it is; says where its raw copy is.
    fn prepare(&self, pause: &mut Pause<'_>, rewritten: bool) -> Result<Option<PathBuf>, ReopenError> {
        if rewritten {
            // First of all, should the process end before it is done.
            rewrite::mark(&self.layout).map_err(io_at("write", &self.layout.marker()))?;
            rewrite::step(&self.options, rewrite::RewriteStep::Marked, &self.layout)?;
        }
        self.ask_for_room(pause, open::room_to_open(&self.layout, u64::from(rewritten)))?;
        pause.stop_keeper();
        Ok(match rewritten {
            true => self.write_anew(pause).map(|()| None)?,
            false => self.copy_aside_once()?,
        })
    }

    /// Opens what is in place, lets readers go on, verifies all of it and takes records again. Readers who are
    /// on a copy stay there until it is verified and its disk has shown that it syncs.
    fn take_up(&self, pause: &mut Pause<'_>, copy: Option<PathBuf>) -> Result<Head, ReopenError> {
        let (layout, options, key) = (&self.layout, &self.options, self.log.key());
        let acknowledged = pause.acknowledged();
        let disk = self.open_in_place()?;
        let on_a_copy = self.reopened().on_a_copy;
        if !on_a_copy {
            pause.place_disk(disk.clone());
        }
        let scan = open::verify(layout, &disk, key, options, Some(&acknowledged))?;
        pause.refill_slots(&scan).map_err(io_at("fill", &layout.keys()))?;
        open::make_durable(layout, &disk, &scan, &pause.keys(), copy.as_deref())?;
        if on_a_copy {
            pause.place_disk(disk.clone());
            self.reopened().on_a_copy = false;
        }
        let checkpoint = scan.durable.index.checkpoint().clone();
        // Written anew in any case: that it is behind what is acknowledged is held against nobody here.
        let head_file = open::create_head_file(layout, checkpoint).inspect_err(|_| open::in_doubt(&disk))?;
        if rewrite::is_due(layout) {
            rewrite::step(options, rewrite::RewriteStep::Opened, layout)?;
            rewrite::unmark(layout)?;
        }
        ballast::keep(layout, options.ballast_bytes, options.min_free_bytes);
        let head =
            pause.resume(scan.durable, head_file, Pace::Every(PERIOD)).map_err(io_at("take up the log in", &layout.dir))?;
        self.reopened().clear();
        tracing::warn!(dir = %layout.dir.display(), size = head.size, "the ledger was opened again in place and takes records");
        Ok(head)
    }

    /// Opens the store in place, which nobody has open. An attempt that failed may have left a snapshot of the engine's own
    /// that is not whole, and the engine would take it for a whole one at every further attempt.
    fn open_in_place(&self) -> Result<Arc<SledDisk>, OpenError> {
        let store = self.layout.store();
        recovery::remove_unfinished_snapshots(&store).map_err(io_at("remove an unfinished snapshot in", &store))?;
        Ok(Arc::new(open::open_disk(&self.layout, &self.options)?))
    }

    /// The store in new files, and the key file too; the old store stays where it is, and readers on it.
    fn write_anew(&self, pause: &Pause<'_>) -> Result<(), OpenError> {
        let (layout, options) = (&self.layout, &self.options);
        if !rewrite::only_to_move(layout) {
            let copy = |source: &dyn Disk| rewrite::copy(layout, source, self.log.key(), options, Some(&pause.acknowledged()));
            // The handle that failed may still read everything, and readers then need not wait.
            let read = match pause.disk().map(|disk| copy(&*disk)) {
                Some(Ok(())) => true,
                Some(Err(error)) if rewrite::is_of_the_source(&error) => {
                    tracing::warn!(%error, "the store is opened again to be written anew");
                    false
                }
                Some(Err(error)) => return Err(error),
                None => false,
            };
            if !read {
                self.copy_aside_once()?;
                pause.release_disk().map_err(io_at("let go of", &layout.store()))?;
                self.reopened().on_a_copy = false;
                let disk = self.open_in_place()?;
                pause.place_disk(disk.clone());
                copy(&*disk)?;
            }
        }
        let mut keys = pause.keys();
        rewrite::replace_keys(layout, options)?;
        *keys = open::open_key_file(layout)?;
        Ok(())
    }

    /// While it cannot be opened again, reads are served from a copy elsewhere, if there is a place for one:
    /// a handle that failed also refuses some reads. Tried once per failure, and again while nothing is open.
    fn read_elsewhere(&self, pause: &Pause<'_>) {
        if std::mem::replace(&mut self.reopened().elsewhere, true) && pause.disk().is_some() {
            return;
        }
        // As the failure left it, if it was copied: the engine may lose what it cannot write while it opens.
        let aside = self.reopened().copy.as_ref().map(|copy| copy.join("store"));
        let store = aside.unwrap_or_else(|| rewrite::store_to_read(&self.layout));
        let opened = full::open_copy(&self.layout, &store, self.log.key(), &self.options, Some(&pause.acknowledged()));
        let placed = opened.and_then(|(disk, _)| {
            pause.release_disk().map_err(io_at("let go of", &self.layout.store()))?;
            pause.place_disk(Arc::new(disk));
            self.reopened().on_a_copy = true;
            Ok(())
        });
        if let Err(error) = placed {
            let source = std::error::Error::source(&error).map(ToString::to_string);
            tracing::warn!(%error, source, "reads stay on the store that failed, and some may fail");
        }
    }

    /// A raw copy of what the failure left, once per failure and not at each attempt. A store that was
    /// never looked at, on a disk that was full at the start, is also probed, as at a start.
    fn copy_aside_once(&self) -> Result<Option<PathBuf>, OpenError> {
        let mut done = self.reopened();
        if !done.copied {
            let room = free_bytes(&self.layout.dir).map_err(io_at("ask for free space of", &self.layout.dir))?;
            let probe = self.options.probe.as_ref().filter(|_| done.unseen);
            match room > open::room_to_open(&self.layout, 1 + u64::from(probe.is_some())) {
                true => done.copy = recovery::secure(&self.layout, probe, "the store is opened again")?,
                false => tracing::warn!("the store is opened again without a raw copy of it: there is no room for one"),
            }
            done.copied = true;
        }
        Ok(done.copy.clone())
    }

    /// Room to open, and for appends after that. While nothing is open, so that not even reads are served,
    /// opening matters more, and the ballast is given up for it.
    fn ask_for_room(&self, pause: &Pause<'_>, to_open: u64) -> Result<(), ReopenError> {
        if pause.disk().is_some() {
            return self.ask_for_space(self.options.min_free_bytes.max(to_open));
        }
        self.ask_for_space(to_open).or_else(|_| {
            ballast::give_up(&self.layout);
            self.ask_for_space(to_open)
        })
    }

    fn ask_for_space(&self, needed: u64) -> Result<(), ReopenError> {
        let free = free_bytes(&self.layout.dir).map_err(io_at("ask for free space of", &self.layout.dir))?;
        if free >= needed { Ok(()) } else { Err(ReopenError::Full { free, needed }) }
    }
}

/// What has been done about the present failure.
#[derive(Default)]
pub(super) struct Reopened {
    /// The store was copied aside, or there was no room for that.
    copied: bool,
    copy: Option<PathBuf>,
    /// A copy was opened elsewhere, or that failed.
    elsewhere: bool,
    /// Readers are on such a copy, and the store in place is open to nobody.
    on_a_copy: bool,
    /// Opened on a full disk: the store in place was not looked at yet.
    unseen: bool,
}

impl Reopened {
    pub(super) fn of(unseen: bool) -> Self {
        Reopened { unseen, elsewhere: unseen, on_a_copy: unseen, ..Reopened::default() }
    }

    fn clear(&mut self) {
        *self = Reopened::default();
    }
}
