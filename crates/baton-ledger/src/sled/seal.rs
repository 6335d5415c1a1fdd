//! The seal of a store that was stopped in order: the length and a sum of every file of it.
//!
//! The storage engine writes while it opens, and what it takes for torn it overwrites. So whether a store still
//! lies as its stop left it must be known before the engine sees it. The seal is written when the engine has let
//! go of its files, and compared, read only, before the next open. A store that matches is opened as it lies; any
//! other is copied aside first, as after an unclean stop, so that damaged bytes are kept.
//!
//! **Durable when?** On return, but nothing rests on it: a seal that is missing, torn or of an earlier stop does
//! not match, and costs one copy. One that matches is right, whenever it was written.
//!
//! The last line names the snapshot that belongs to the store as it is sealed (snapshot.rs), if there is one.
//!
//! The sums find damage, not intent: whoever can change the store can change the seal, and is found out by the
//! signed checkpoints. They are CRC-32, the engine's own, because a start and a stop read the whole store for
//! them: 512 MiB in memory took 0.08 to 0.13 s, with SHA-256 0.65 to 1.5 s. Should one fail to tell two stores
//! apart, damage is still refused, but its bytes are not kept.

use std::fmt::Write as _;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::layout::Layout;
use super::rewrite;
use super::store::LOCK_PATIENCE;
use crate::log::head_file::HeadFile;
use crate::storage::files::{sync_dir, write_synced};

/// First line of a seal.
const WORDS: &str = "baton-ledger seal 1";

/// What the line begins with that names a snapshot; those of files begin with a number.
const SNAPSHOT: &str = "snapshot ";

/// How much is read at a time, in bytes.
const PIECE: usize = 1024 * 1024;

/// How a store was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// Stopped in order, and every byte of it is as it was then.
    InOrder,
    /// Stopped in order, but it is not as its seal says: changed since, or never sealed.
    Changed,
    /// Not stopped in order, or there is nothing yet.
    NotInOrder,
}

/// Compares the store with its seal, and changes nothing. To be asked before the head file is written.
pub(super) fn how_left(layout: &Layout) -> Left {
    let noted = File::open(layout.head()).map_err(|error| error.to_string()).and_then(|file| HeadFile::open(Box::new(file)));
    match noted {
        Ok((_, noted)) if noted.clean && !rewrite::is_due(layout) => {}
        _ => return Left::NotInOrder,
    }
    match (fs::read_to_string(layout.seal()), of(&layout.store())) {
        (Ok(sealed), Ok(found)) if split(&sealed).0 == found => Left::InOrder,
        _ => Left::Changed,
    }
}

/// The snapshot that the seal names. It says something only of a store that lies as it is sealed.
pub(super) fn snapshot(layout: &Layout) -> Option<String> {
    split(&fs::read_to_string(layout.seal()).ok()?).1.map(str::to_owned)
}

/// What a seal says of the store's files, and the snapshot it names. Before there were any, none was named.
fn split(sealed: &str) -> (&str, Option<&str>) {
    let last = sealed.strip_suffix('\n').map_or(sealed.len(), |lines| lines.rfind('\n').map_or(0, |end| end + 1));
    match sealed[last..].strip_prefix(SNAPSHOT) {
        Some(name) => (&sealed[..last], Some(name.trim_end())),
        None => (sealed, None),
    }
}

/// Seals a store that was closed in order and dropped, with the name of its snapshot.
pub(super) fn put(layout: &Layout, snapshot: Option<&str>) -> io::Result<()> {
    // Held for as long as the files are read, so that no thread of the engine changes them meanwhile.
    let _lock = wait_for_the_engine(&layout.store().join("db"))?;
    let mut text = of(&layout.store())?;
    if let Some(name) = snapshot {
        let _ = writeln!(text, "{SNAPSHOT}{name}");
    }
    write_synced(&layout.seal(), text.as_bytes())?;
    sync_dir(&layout.dir)
}

/// The text of a seal: a line for each file, in the order of their names.
fn of(store: &Path) -> io::Result<String> {
    let mut files = Vec::new();
    list(store, &mut files)?;
    files.sort();
    let mut text = format!("{WORDS}\n");
    for path in files {
        let (length, sum) = sum(&path)?;
        let name = path.strip_prefix(store).unwrap_or(&path);
        let _ = writeln!(text, "{length} {sum:08x} {}", name.display());
    }
    Ok(text)
}

fn list(dir: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        match entry.file_type()?.is_dir() {
            true => list(&entry.path(), files)?,
            false => files.push(entry.path()),
        }
    }
    Ok(())
}

fn sum(path: &Path) -> io::Result<(u64, u32)> {
    let mut file = File::open(path)?;
    let (mut length, mut sum) = (0, crc32fast::Hasher::new());
    let mut piece = vec![0; PIECE];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok((length, sum.finalize())),
            read => {
                sum.update(&piece[..read]);
                length += read as u64;
            }
        }
    }
}

/// The engine's threads outlive its handle for a moment, and its lock with them: who gets the lock knows that
/// they are gone.
fn wait_for_the_engine(data: &Path) -> io::Result<File> {
    let file = File::open(data)?;
    let begin = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if begin.elapsed() < LOCK_PATIENCE => {
                std::thread::sleep(Duration::from_millis(1));
            }
            Err(TryLockError::WouldBlock) => {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "the storage engine did not let go of its files"));
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
}

/// Seals the store when it is dropped, if it was closed in order until then. A field that is dropped after the
/// store and before the lock of the directory.
pub(super) struct SealAtLast {
    layout: Layout,
    due: AtomicBool,
    snapshot: Mutex<Option<String>>,
}

impl SealAtLast {
    /// Of a store that is open.
    pub(super) fn new(layout: Layout) -> SealAtLast {
        SealAtLast { layout, due: false.into(), snapshot: Mutex::new(None) }
    }

    /// The snapshot to be named, or that there is none any more.
    pub(super) fn name_snapshot(&self, name: Option<String>) {
        *self.snapshot.lock().unwrap_or_else(PoisonError::into_inner) = name;
    }

    /// The log was closed in order; what readers still make the engine tidy up comes before the seal.
    pub(super) fn closed(&self) {
        self.due.store(true, Ordering::SeqCst);
    }
}

impl Drop for SealAtLast {
    fn drop(&mut self) {
        if !*self.due.get_mut() {
            return;
        }
        let snapshot = self.snapshot.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = put(&self.layout, snapshot.as_deref()) {
            tracing::warn!(%error, file = %self.layout.seal().display(), "failed to seal the store; the next start copies it");
        }
    }
}
