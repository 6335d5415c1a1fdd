//! The one place where records become durable: a flush that ends in a real `fdatasync`.
//!
//! sled 0.34 ends its flush in `sync_file_range`, which writes neither the file's size and extents
//! nor the disk's cache: after a power loss acknowledged records are gone. So this module defines
//! that symbol itself, in place of the C library's, and does `fdatasync` in it. sled then calls a
//! write stable only after a real sync, and sees its error. A self-test at every open
//! refuses a build in which the linker chose otherwise.
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
//! Simulated power loss (forced shutdown of an ext4 file system on a loop file): with this sync 12
//! of 12 runs kept all of 40,982 acknowledged records; with the sync left out 5 of 5 lost records.
//!
//! Outside Linux sled does a full sync itself and this module adds one more; its test orders
//! have no effect there.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::damage::sort;

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
    /// The storage engine has everything, nothing is synced: a crash may lose the batch.
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
    file: system::FileId,
    mode: SyncMode,
    hook: Option<SyncHook>,
    /// A sync on our own handle failed: the system reports that once.
    failed: AtomicBool,
}

impl Syncer {
    /// Takes over the data file of an open store. Syncs are real until the first append.
    pub(super) fn new(store: &Path, mode: SyncMode, hook: Option<SyncHook>) -> io::Result<Self> {
        let data = File::options().read(true).write(true).open(store.join("db"))?;
        let file = system::watch(&data)?;
        Ok(Syncer { data, file, mode, hook, failed: AtomicBool::new(false) })
    }

    /// Flushes a write and says whether that ended in our `fdatasync`.
    ///
    /// Call it with at least one insert that is not flushed yet, or the answer means nothing.
    pub(super) fn self_test(&self, db: &::sled::Db) -> io::Result<bool> {
        let before = system::syncs(self.file);
        flush(db)?;
        Ok(system::syncs(self.file) > before || cfg!(not(target_os = "linux")))
    }

    /// Makes everything inserted so far durable. On an error nobody knows whether it is.
    pub(super) fn sync(&self, db: &::sled::Db) -> io::Result<()> {
        let before = system::syncs(self.file);
        match (self.call_hook(SyncPoint::BeforeSync), self.mode) {
            (Err(error), _) => {
                let errno = error.raw_os_error().unwrap_or(libc::EIO);
                system::order(self.file, Order::Fail(errno));
            }
            (Ok(()), SyncMode::LeftOut) => system::order(self.file, Order::Skip),
            (Ok(()), SyncMode::Real) => {}
        }
        flush(db)?;
        // Should sled ever find nothing left to write, the sync is still owed.
        if self.mode == SyncMode::Real && system::syncs(self.file) == before {
            self.sync_own_handle()?;
        }
        self.call_hook(SyncPoint::AfterSync)
    }

    /// Whether any sync of the file failed, by whatever handle. Our own handle learns of a failed
    /// write-back even when the call that failed was another's.
    pub(super) fn failed(&self) -> bool {
        system::failed(self.file) || self.failed.load(Ordering::SeqCst) || self.sync_own_handle().is_err()
    }

    fn sync_own_handle(&self) -> io::Result<()> {
        self.data.sync_data().inspect_err(|_| self.failed.store(true, Ordering::SeqCst))
    }

    fn call_hook(&self, point: SyncPoint) -> io::Result<()> {
        self.hook.as_ref().map_or(Ok(()), |hook| hook(point))
    }
}

impl Drop for Syncer {
    fn drop(&mut self) {
        system::forget(self.file);
    }
}

fn flush(db: &::sled::Db) -> io::Result<()> {
    sort(|| db.flush())?;
    Ok(())
}

/// What the override does with a data file. Anything but `Sync` is for tests.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Sync,
    Skip,
    Fail(i32),
}

#[cfg(target_os = "linux")]
// Defining a C symbol and calling libc cannot be said in safe Rust; nothing else is in here.
#[allow(unsafe_code)]
mod system {
    use std::fs::File;
    use std::io;
    use std::os::fd::BorrowedFd;
    use std::os::unix::fs::MetadataExt;
    use std::sync::{Mutex, MutexGuard, PoisonError};

    use super::Order;

    /// Device and inode. sled writes on threads of its own and through a handle of its own, so
    /// this is how a call of it is known to concern a store of ours.
    pub(super) type FileId = (u64, u64);

    struct Watched {
        file: FileId,
        order: Order,
        syncs: u64,
        /// Whether one of them failed.
        failed: bool,
    }

    static WATCHED: Mutex<Vec<Watched>> = Mutex::new(Vec::new());

    pub(super) fn watch(data: &File) -> io::Result<FileId> {
        // Without a use of the symbol from here a linker might not pull in this object at all.
        std::hint::black_box(sync_file_range as *const ());
        let meta = data.metadata()?;
        let file = (meta.dev(), meta.ino());
        watched().push(Watched { file, order: Order::Sync, syncs: 0, failed: false });
        Ok(file)
    }

    pub(super) fn forget(file: FileId) {
        watched().retain(|watched| watched.file != file);
    }

    pub(super) fn order(file: FileId, order: Order) {
        with(file, |watched| watched.order = order);
    }

    /// How many of sled's syncs of this file came to our `fdatasync` and succeeded.
    pub(super) fn syncs(file: FileId) -> u64 {
        with(file, |watched| watched.syncs).unwrap_or(0)
    }

    /// Whether one of sled's syncs of this file failed.
    pub(super) fn failed(file: FileId) -> bool {
        with(file, |watched| watched.failed).unwrap_or(false)
    }

    fn with<T>(file: FileId, act: impl FnOnce(&mut Watched) -> T) -> Option<T> {
        watched().iter_mut().find(|watched| watched.file == file).map(act)
    }

    fn watched() -> MutexGuard<'static, Vec<Watched>> {
        WATCHED.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stands in for the C library's function in the whole process: the stronger `fdatasync`.
    ///
    /// # Safety
    ///
    /// As for the function it replaces: `fd` is open for the time of the call.
    #[unsafe(no_mangle)]
    pub(super) unsafe extern "C" fn sync_file_range(
        fd: libc::c_int,
        _offset: libc::off64_t,
        _count: libc::off64_t,
        _flags: libc::c_uint,
    ) -> libc::c_int {
        // SAFETY: the caller holds `fd` open for the time of the call.
        let stat = rustix::fs::fstat(unsafe { BorrowedFd::borrow_raw(fd) });
        let file = stat.ok().map(|stat| (stat.st_dev, stat.st_ino));
        let order = file.and_then(|file| with(file, |watched| watched.order));
        match order.unwrap_or(Order::Sync) {
            Order::Sync => {
                // SAFETY: fdatasync takes any number and reports one that is no open file.
                let result = unsafe { libc::fdatasync(fd) };
                if let Some(file) = file {
                    with(file, |watched| match result {
                        0 => watched.syncs += 1,
                        _ => watched.failed = true,
                    });
                }
                result
            }
            Order::Skip => 0,
            Order::Fail(errno) => {
                file.and_then(|file| with(file, |watched| watched.failed = true));
                // SAFETY: the location is this thread's errno, valid for the thread's life.
                unsafe { *libc::__errno_location() = errno };
                -1
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::fs::File;
    use std::io;

    use super::Order;

    pub(super) type FileId = ();

    pub(super) fn watch(_data: &File) -> io::Result<FileId> {
        Ok(())
    }

    pub(super) fn forget(_file: FileId) {}

    pub(super) fn order(_file: FileId, _order: Order) {}

    pub(super) fn syncs(_file: FileId) -> u64 {
        0
    }

    /// Nobody watches here, so in doubt one did.
    pub(super) fn failed(_file: FileId) -> bool {
        true
    }
}
