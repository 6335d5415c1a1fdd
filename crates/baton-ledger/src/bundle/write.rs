//! Files on disk, so that a crash at any point leaves a directory that can be gone on with.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::CHECKPOINT;
use super::error::BundleError;
use super::grow::BundleFile;
use super::read::LogDirectory;
use crate::contract::Ledger;
use crate::proof::{SignedCheckpoint, check_consistency};
use crate::storage::files::{sync_dir, sync_parent, write_synced};

/// The file under way; whatever bears this name is worth nothing.
const UNDER_WAY: &str = ".writing";

/// Writes into one log directory. One at a time: the directory is locked for as long as this lives.
pub struct DirectoryWriter {
    dir: PathBuf,
    checkpoint: Option<SignedCheckpoint>,
    /// Directories with entries that are not durable yet.
    unsynced: BTreeSet<PathBuf>,
    /// Directories of partial files that are to go once the checkpoint is durable.
    superseded: BTreeSet<PathBuf>,
    /// Held for the lock on it.
    _lock: File,
}

impl DirectoryWriter {
    /// Opens a directory to write into, and makes it when it is not there. Reads its checkpoint, if it
    /// has one, **without checking its signature**, and throws away a file that was under way.
    ///
    /// # Errors
    /// [`BundleError::InUse`], [`BundleError::Checkpoint`], [`BundleError::Io`].
    pub fn open(dir: &Path) -> Result<Self, BundleError> {
        fs::create_dir_all(dir).map_err(io("create", dir))?;
        sync_parent(dir).map_err(io("sync the directory of", dir))?;
        let lock = File::open(dir).map_err(io("open", dir))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(BundleError::InUse { dir: dir.to_owned() }),
            Err(fs::TryLockError::Error(source)) => return Err(io("lock", dir)(source)),
        }
        let under_way = dir.join(UNDER_WAY);
        match fs::remove_file(&under_way) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => return Err(io("remove", &under_way)(source)),
            _ => {}
        }
        let checkpoint = match LogDirectory::new(dir).checkpoint() {
            Ok(note) => Some(
                SignedCheckpoint::parse_unverified(&note)
                    .map_err(|source| BundleError::Checkpoint { dir: dir.to_owned(), source })?,
            ),
            Err(BundleError::Missing { .. }) => None,
            Err(other) => return Err(other),
        };
        let (unsynced, superseded) = (BTreeSet::new(), BTreeSet::new());
        Ok(DirectoryWriter { dir: dir.to_owned(), checkpoint, unsynced, superseded, _lock: lock })
    }

    /// The checkpoint the directory has, unverified.
    pub fn checkpoint(&self) -> Option<&SignedCheckpoint> {
        self.checkpoint.as_ref()
    }

    /// How many records the directory holds up to its checkpoint.
    pub fn size(&self) -> u64 {
        self.checkpoint.as_ref().map_or(0, |signed| signed.checkpoint().size)
    }

    /// Whether nothing is in the directory.
    ///
    /// # Errors
    /// [`BundleError::Io`].
    pub fn is_empty(&self) -> Result<bool, BundleError> {
        Ok(fs::read_dir(&self.dir).map_err(io("list", &self.dir))?.next().is_none())
    }

    /// Puts a file where it belongs. Its bytes are durable when this returns, its name only after
    /// [`sync`](DirectoryWriter::sync) or [`finish`](DirectoryWriter::finish). A file that is there with the same bytes is kept.
    ///
    /// # Errors
    /// [`BundleError::Name`] for a path that leads out of the directory, [`BundleError::Conflict`],
    /// [`BundleError::Io`].
    pub fn put(&mut self, file: &BundleFile) -> Result<(), BundleError> {
        let path = self.place(&file.path)?;
        let parent = path.parent().unwrap_or(&self.dir).to_owned();
        // Also when it is there: who made it may have crashed before syncing.
        let ancestors = parent.ancestors().take_while(|above| above.starts_with(&self.dir));
        self.unsynced.extend(ancestors.map(Path::to_owned));
        match same(&path, &file.bytes) {
            Ok(Some(true)) => {}
            Ok(Some(false)) => return Err(BundleError::Conflict { path }),
            Ok(None) => {
                fs::create_dir_all(&parent).map_err(io("create", &parent))?;
                self.write(&path, &file.bytes)?;
            }
            Err(source) => return Err(io("read", &path)(source)),
        }
        if !file.path.contains(".p/") {
            let mut partial = path.into_os_string();
            partial.push(".p");
            self.superseded.insert(PathBuf::from(partial));
        }
        Ok(())
    }

    /// Makes the names of all files put so far durable.
    ///
    /// # Errors
    /// [`BundleError::Io`].
    pub fn sync(&mut self) -> Result<(), BundleError> {
        // Deepest first, though any order would do: the checkpoint comes after all of them.
        for dir in self.unsynced.iter().rev() {
            sync_dir(dir).map_err(io("sync", dir))?;
        }
        self.unsynced.clear();
        Ok(())
    }

    /// Makes everything put so far durable and then the checkpoint that covers it, which replaces the
    /// one that is there: see [`check_continued_by`](DirectoryWriter::check_continued_by). Then removes
    /// the partial files whose full file was put.
    ///
    /// # Errors
    /// [`BundleError::Io`]. The old checkpoint or the new one is there, each with all it covers.
    pub fn finish(&mut self, checkpoint: &SignedCheckpoint) -> Result<(), BundleError> {
        self.sync()?;
        // Past the rename a crash finds the new checkpoint or the old one, and either is true.
        self.write(&self.dir.join(CHECKPOINT), checkpoint.note().as_bytes())?;
        sync_dir(&self.dir).map_err(io("sync", &self.dir))?;
        self.checkpoint = Some(checkpoint.clone());
        for dir in std::mem::take(&mut self.superseded) {
            match fs::remove_dir_all(&dir) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => return Err(io("remove", &dir)(source)),
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether `to`, a checkpoint of `ledger`, continues the one in the directory.
    ///
    /// # Errors
    /// [`BundleError::OtherLog`] for another origin, a history that is not the beginning of the
    /// ledger's, or a directory that is ahead of the ledger.
    pub fn check_continued_by(&self, ledger: &dyn Ledger, to: &SignedCheckpoint) -> Result<(), BundleError> {
        let Some(there) = self.checkpoint.as_ref().map(SignedCheckpoint::checkpoint) else { return Ok(()) };
        let other = |why: String| Err(BundleError::OtherLog { dir: self.dir.clone(), why });
        let (new, newest) = (to.checkpoint(), ledger.checkpoint());
        if there.origin != new.origin {
            return other(format!("of origin {:?}, not {:?}", there.origin, new.origin));
        }
        if there.size == 0 {
            return Ok(());
        }
        // A directory may be ahead of `to`, but never of the ledger.
        if there.size > newest.checkpoint().size {
            return other(format!("it holds {} records and the log only {}", there.size, newest.checkpoint().size));
        }
        let newest = newest.checkpoint();
        let proof = ledger.prove_consistency(there.size, newest.size)?;
        match check_consistency(&proof, there.size, there.root, newest.size, newest.root) {
            true => Ok(()),
            false => other(format!("its first {} records are not those of this log", there.size)),
        }
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), BundleError> {
        let under_way = self.dir.join(UNDER_WAY);
        write_synced(&under_way, bytes).map_err(io("write", &under_way))?;
        fs::rename(&under_way, path).map_err(io("name", path))
    }

    /// The place of a file, which lies below the directory whatever the name says.
    fn place(&self, name: &str) -> Result<PathBuf, BundleError> {
        let allowed = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'.' | b'-' | b'_'));
        // No part is empty, "." or "..", and none is hidden: the file under way is.
        let clean = name.len() <= 200 && name.split('/').all(|part| !part.is_empty() && !part.starts_with('.'));
        match allowed && clean {
            true => Ok(self.dir.join(name)),
            false => Err(BundleError::Name(name.chars().take(200).collect())),
        }
    }
}

/// Whether the file has these bytes; `None` when it is not there.
fn same(path: &Path, bytes: &[u8]) -> io::Result<Option<bool>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let mut found = Vec::with_capacity(bytes.len() + 1);
    file.take(bytes.len() as u64 + 1).read_to_end(&mut found)?;
    Ok(Some(found == bytes))
}

fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> BundleError {
    let path = path.to_owned();
    move |source| BundleError::Io { what, path, source }
}
