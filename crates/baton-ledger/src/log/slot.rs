//! Where the open store is, and where for a moment none is: it is taken out, let go of, and another is
//! put in its place, while readers wait.
//!
//! Readers hold the store for one value at a time. They wait for a new one for a bounded time from the
//! moment it went; where opening takes longer or fails, reads are refused at once until it succeeds.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::{Handle, RuntimeFlavor};

use crate::storage::Disk;

/// How long the readers of a server wait for a store to be put back, and how long its taker waits for readers.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// The place of the open store.
pub(crate) struct Slot {
    held: Mutex<Held>,
    placed: Condvar,
    patience: Duration,
    /// How many stores were put here so far.
    count: AtomicU64,
}

enum Held {
    Open(Arc<dyn Disk>),
    /// Taken out at this moment.
    Gone(Instant),
}

impl Slot {
    /// Holds an open store. `patience` is how long one side waits for the other: [`PATIENCE`], or nothing where a single
    /// thread does everything, so that nobody would come.
    pub(crate) fn new(disk: Arc<dyn Disk>, patience: Duration) -> Slot {
        Slot { held: Mutex::new(Held::Open(disk)), placed: Condvar::new(), patience, count: AtomicU64::new(1) }
    }

    /// The store, waiting for it if it is being opened again. Let go of it soon.
    pub(crate) fn get(&self) -> io::Result<Arc<dyn Disk>> {
        match self.try_get() {
            Some(disk) => Ok(disk),
            None => aside(|| self.wait()),
        }
    }

    fn wait(&self) -> io::Result<Arc<dyn Disk>> {
        let mut held = self.held();
        loop {
            let left = match &*held {
                Held::Open(disk) => return Ok(Arc::clone(disk)),
                Held::Gone(since) => self.patience.checked_sub(since.elapsed()),
            };
            let Some(left) = left else {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "the store is being opened again; try again later"));
            };
            held = self.placed.wait_timeout(held, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// How many stores were put here so far: asked before a read, it tells whether another came since.
    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::SeqCst)
    }

    /// Waits a bounded time for another store than that of `count`, and says whether one came. The caller
    /// must hold none, or none can come.
    pub(crate) fn another_came(&self, count: u64) -> bool {
        aside(|| {
            let waited = self.placed.wait_timeout_while(self.held(), self.patience, |_| self.count() == count);
            drop(waited.unwrap_or_else(PoisonError::into_inner));
        });
        self.count() != count
    }

    /// The store if there is one now.
    pub(crate) fn try_get(&self) -> Option<Arc<dyn Disk>> {
        match &*self.held() {
            Held::Open(disk) => Some(Arc::clone(disk)),
            Held::Gone(_) => None,
        }
    }

    /// Takes the store out, waits for those who read from it, and drops it. Does nothing when there is
    /// none; puts it back when readers do not let go in time.
    pub(crate) fn release(&self) -> io::Result<()> {
        let begin = Instant::now();
        let Some(disk) = self.take(begin) else { return Ok(()) };
        // Nobody can take a further reference: the slot has none to give.
        while Arc::strong_count(&disk) > 1 {
            if begin.elapsed() > self.patience {
                self.place(disk);
                return Err(io::Error::new(io::ErrorKind::TimedOut, "readers did not let go of the store"));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        drop(disk);
        Ok(())
    }

    pub(crate) fn take(&self, now: Instant) -> Option<Arc<dyn Disk>> {
        let mut held = self.held();
        let Held::Open(disk) = &*held else { return None };
        let disk = Arc::clone(disk);
        *held = Held::Gone(now);
        Some(disk)
    }

    pub(crate) fn place(&self, disk: Arc<dyn Disk>) {
        let mut held = self.held();
        let before = std::mem::replace(&mut *held, Held::Open(disk));
        self.count.fetch_add(1, Ordering::SeqCst);
        drop(held);
        self.placed.notify_all();
        // Only now: a store that is let go of may take its time.
        drop(before);
    }

    /// Notes that a sync failed, for the next start. Nothing more can be done where that fails too: the
    /// next reopen notes it again before it does anything.
    pub(super) fn mark_doubtful(&self) {
        let marked = self.try_get().map_or(Ok(()), |disk| disk.mark_doubtful());
        if let Err(error) = marked {
            tracing::error!(%error, "failed to note beside the store that a sync failed");
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits without keeping other tasks waiting: a worker of a runtime gives its place to another thread meanwhile.
fn aside<T>(wait: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(wait),
        _ => wait(),
    }
}
