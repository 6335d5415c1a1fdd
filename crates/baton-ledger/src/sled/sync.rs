//! The one place where records become durable: a flush that ends in a real `fdatasync`.
//!
//! sled 0.34 ends its flush in `sync_file_range`, which writes neither the file's size and extents
//! nor the disk's cache: after a power loss acknowledged records are gone. So this module defines
//! that symbol itself, in place of the C library's, and does `fdatasync` in it. sled then calls a
//! write stable only after a real sync, and sees its error. [`self_test`] refuses a build in which
//! the linker chose otherwise.
//!
//! The alternative is a plain flush followed by `sync_data` on a handle opened once at the start.
//! Both were measured side by side in one run each (700-byte values, one flush each, two shared
//! cores, virtual disk; compare within a row only):
//!
//! | | this override | flush, then `sync_data` | no wait in sled, then `sync_data` |
//! |---|---|---|---|
//! | plain inserts, appends/s, three runs | 1707, 2178, 2047 | 1561, 1819, 1731 | 1704, 1805, 1130 |
//! | `apply_batch`, appends/s, three runs | 1003, 1535, 1147 | 907, 1455, 797 | 1578, 2039, 835 |
//!
//! The override is the faster by 9 to 20 percent and the stricter, because sled's own state of
//! what is stable (and what it may reuse) then rests on synced bytes. `apply_batch` costs a
//! second sync, for the manifest it writes first; plain inserts cost one. See `append.rs` for why
//! inserts suffice.
//!
//! Outside Linux sled does a full sync itself and this module adds nothing.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::damage;

/// Whether appends are synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum SyncMode {
    /// Every append ends in a real sync. The only mode in which anything is promised.
    #[default]
    Real,
    /// The sync of appends is left out, and acknowledged records are lost with the power. Only for
    /// the negative control of the trace test, which must fail with it.
    LeftOut,
}

/// A moment in an append, for tests that stop the process there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncPoint {
    /// Everything is written, nothing is synced: a crash may lose the batch.
    BeforeSync,
    /// The batch is synced but not published: a crash recovers it.
    AfterSync,
}

/// Called at each [`SyncPoint`] of every append, on the appending thread.
///
/// An error returned for `BeforeSync` is what the sync then fails with; one returned for
/// `AfterSync` fails the append after its sync. Both leave the outcome unknown, as on a bad disk.
pub type SyncHook = Arc<dyn Fn(SyncPoint) -> io::Result<()> + Send + Sync>;

/// Syncs a store's data file; holds a handle of its own, opened once.
///
/// Opened once because the system reports a failed write-back to each open handle once: a handle
/// opened later can miss it.
pub(super) struct Syncer {
    data: File,
    mode: SyncMode,
    hook: Option<SyncHook>,
}

impl Syncer {
    pub(super) fn new(store: &Path, mode: SyncMode, hook: Option<SyncHook>) -> io::Result<Self> {
        let data = File::options().read(true).write(true).open(store.join("db"))?;
        Ok(Syncer { data, mode, hook })
    }

    /// Makes everything inserted so far durable. On an error nobody knows whether it is.
    pub(super) fn sync(&self, db: &::sled::Db) -> io::Result<()> {
        let before = self.call_hook(SyncPoint::BeforeSync);
        let orders = match (before, self.mode) {
            (Err(error), _) => Orders::Fail(error.raw_os_error().unwrap_or(libc::EIO)),
            (Ok(()), SyncMode::LeftOut) => Orders::Skip,
            (Ok(()), SyncMode::Real) => Orders::Sync,
        };
        let synced_here = flush(db, orders)?;
        // sled found nothing left to write, because a thread of its pool had already written it.
        if !synced_here && orders == Orders::Sync {
            self.data.sync_data()?;
        }
        self.call_hook(SyncPoint::AfterSync)
    }

    fn call_hook(&self, point: SyncPoint) -> io::Result<()> {
        self.hook.as_ref().map_or(Ok(()), |hook| hook(point))
    }
}

/// Flushes a write and says whether the flush really ended in our `fdatasync`.
///
/// Call it with at least one insert that is not flushed yet, or the answer means nothing.
pub(super) fn self_test(db: &::sled::Db) -> io::Result<bool> {
    let synced = flush(db, Orders::Sync)?;
    Ok(synced || cfg!(not(target_os = "linux")))
}

/// What the override does for the thread that flushes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Orders {
    Sync,
    Skip,
    Fail(i32),
}

/// `sled::Db::flush`; says whether a sync was made on this thread.
fn flush(db: &::sled::Db, orders: Orders) -> io::Result<bool> {
    system::give(orders);
    let flushed = damage::caught(|| db.flush());
    let synced = system::take_back();
    match flushed {
        Ok(Ok(_)) => Ok(synced),
        Ok(Err(error)) => Err(damage::io_error(error)),
        Err(panic) => Err(io::Error::other(panic)),
    }
}

#[cfg(target_os = "linux")]
// Defining a C symbol and calling fdatasync cannot be said in safe Rust; nothing else is in here.
#[allow(unsafe_code)]
mod system {
    use std::cell::Cell;

    use super::Orders;

    thread_local! {
        // Per thread, so that one ledger's orders never reach another's flush. Threads of sled's
        // pool have none and sync.
        static ORDERS: Cell<Orders> = const { Cell::new(Orders::Sync) };
        static SYNCED: Cell<bool> = const { Cell::new(false) };
    }

    pub(super) fn give(orders: Orders) {
        ORDERS.set(orders);
        SYNCED.set(false);
        // Without a use of the symbol from here a linker might not pull in this object at all.
        std::hint::black_box(sync_file_range as *const ());
    }

    pub(super) fn take_back() -> bool {
        ORDERS.set(Orders::Sync);
        SYNCED.get()
    }

    /// Stands in for the C library's function in the whole process: the stronger `fdatasync`.
    ///
    /// # Safety
    ///
    /// As for the function it replaces: any arguments are allowed, a bad `fd` is an error.
    #[unsafe(no_mangle)]
    pub unsafe extern "C" fn sync_file_range(
        fd: libc::c_int,
        _offset: libc::off64_t,
        _count: libc::off64_t,
        _flags: libc::c_uint,
    ) -> libc::c_int {
        match ORDERS.get() {
            Orders::Sync => {
                // SAFETY: fdatasync takes any number and reports one that is no open file.
                let result = unsafe { libc::fdatasync(fd) };
                SYNCED.set(SYNCED.get() || result == 0);
                result
            }
            Orders::Skip => 0,
            Orders::Fail(errno) => {
                // SAFETY: the location is this thread's errno, valid for the thread's life.
                unsafe { *libc::__errno_location() = errno };
                -1
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use super::Orders;

    pub(super) fn give(_orders: Orders) {}

    pub(super) fn take_back() -> bool {
        false
    }
}
