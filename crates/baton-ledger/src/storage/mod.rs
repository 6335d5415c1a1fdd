//! What the log stands on: a store of values by key, and small files. Two traits, so that the same
//! log runs on a real disk and on a simulated one.
//!
//! **Durable when?** What was put is durable when a later `sync` returns `Ok`, and not before: a
//! crash may lose any of it, but keeps a prefix of the order in which it was put.
//! **Who retries?** Nobody. After an error of `put`, `remove` or `sync` nothing is known of what was
//! not synced before, and the store is to be opened again.

pub(crate) mod files;

use std::io;

/// What went wrong inside a store: the system refused, or the bytes are not what they should be.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The system refused.
    Io(io::Error),
    /// The files are damaged; the text says how that showed.
    Damage(String),
}

/// Sees the pairs of a store one by one; a text it returns ends the visit as damage.
pub(crate) type Visitor<'v> = dyn FnMut(&[u8], &[u8]) -> Result<(), String> + 'v;

/// An ordered store of values by key.
pub(crate) trait Disk: Send + Sync {
    /// The value of a key. May show what is not durable yet.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault>;

    /// Puts a value; atomic by itself, durable with the next sync.
    fn put(&self, key: &[u8], value: Vec<u8>) -> Result<(), Fault>;

    /// Removes a key; atomic by itself, durable with the next sync.
    fn remove(&self, key: &[u8]) -> Result<(), Fault>;

    /// Visits every pair in the order of keys.
    fn visit(&self, visitor: &mut Visitor<'_>) -> Result<(), Fault>;

    /// Makes everything put or removed so far durable.
    fn sync(&self) -> io::Result<()>;

    /// A sync that also says whether it was a real one. Needs something that was put and not synced.
    fn prove_sync(&self) -> io::Result<bool>;

    /// Free space for further values, in bytes.
    fn free_bytes(&self) -> io::Result<u64>;

    /// After an error of `put`, `remove` or `sync`: whether a sync was among what failed, so that what
    /// is read back need not be on the disk. In doubt it was.
    fn sync_failed(&self) -> bool {
        true
    }

    /// Notes beside the store that a sync failed, so that whoever opens it next does not rely on what
    /// it reads. A store in which that can be told otherwise has nothing to note.
    fn mark_doubtful(&self) -> io::Result<()> {
        Ok(())
    }
}

/// A small file that is written in place.
pub(crate) trait Blob: Send + Sync {
    /// Fills `bytes` from an offset; `UnexpectedEof` when the file ends before.
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()>;

    /// Writes at an offset; durable with the next sync.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Makes everything written so far durable, the length included.
    fn sync(&self) -> io::Result<()>;

    /// The length in bytes.
    fn len(&self) -> io::Result<u64>;

    /// Takes the space of a range, extending the file with zeros where it ends before, so that writing
    /// there needs none. Nothing happens on a disk that cannot do it.
    fn reserve(&self, _offset: u64, _len: u64) -> io::Result<()> {
        Ok(())
    }
}

impl From<Fault> for io::Error {
    fn from(fault: Fault) -> io::Error {
        match fault {
            Fault::Io(error) => error,
            Fault::Damage(why) => io::Error::other(why),
        }
    }
}

/// Whether an error says that there is no room on the disk.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
