//! Private copies of a store, outside the data directory: for a probe, a doctor, or reads on a disk that refuses.
//!
//! A copy goes away with its value. A process that is killed leaves it; who made it has it locked, so that the next
//! start in the same place can tell one that nobody uses any more, and removes it.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::layout::io_at;
use super::recovery::{copy_dir, remove_if_there, remove_unfinished_snapshots};
use crate::error::OpenError;

/// What their names begin with.
const NAME: &str = "baton-store-";

/// A copy of a store that goes away with its value.
pub(super) struct Scratch {
    path: PathBuf,
    /// Held for the lock on it.
    _lock: File,
}

impl Scratch {
    /// Copies a store into a new directory below `parent`.
    pub(super) fn of_store(store: &Path, parent: &Path) -> Result<Scratch, OpenError> {
        let name = format!("{NAME}{}-{:016x}", std::process::id(), rand::random::<u64>());
        let scratch = Self::create(parent, &name).map_err(io_at("create a scratch directory in", parent))?;
        copy_dir(store, &scratch.path).map_err(io_at("copy to a scratch directory", store))?;
        remove_unfinished_snapshots(&scratch.path).map_err(io_at("remove an unfinished snapshot in", &scratch.path))?;
        Ok(scratch)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Locked before it has the name by which others find it.
    fn create(parent: &Path, name: &str) -> io::Result<Self> {
        let unnamed = parent.join(format!(".{name}"));
        // What is in it is for the eyes of whoever may read the store, and the place is often everybody's.
        DirBuilder::new().recursive(true).mode(0o700).create(&unnamed)?;
        let lock = File::open(&unnamed)?;
        lock.lock()?;
        let path = parent.join(name);
        fs::rename(&unnamed, &path)?;
        Ok(Self { path, _lock: lock })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = remove_if_there(&self.path) {
            tracing::warn!(%error, copy = %self.path.display(), "failed to remove a scratch copy");
        }
    }
}

/// Removes the copies in a directory that processes of this user left when they were killed. What it may not see or
/// remove stays.
pub(super) fn sweep(parent: &Path) {
    let user = rustix::process::geteuid().as_raw();
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let named = entry.file_name().to_str().is_some_and(|name| name.starts_with(NAME));
        // Of the entry itself: a link is nobody's copy.
        let own = entry.metadata().is_ok_and(|meta| meta.is_dir() && meta.uid() == user);
        if !named || !own {
            continue;
        }
        let path = entry.path();
        let unused = File::open(&path).is_ok_and(|lock| lock.try_lock().is_ok());
        if unused && fs::remove_dir_all(&path).is_ok() {
            tracing::warn!(copy = %path.display(), "a scratch copy of a store that a killed process had left was removed");
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn copies_that_nobody_uses_are_removed_and_nothing_else() {
        let (parent, store) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(store.path().join("db"), "records").unwrap();
        let used = Scratch::of_store(store.path(), parent.path()).unwrap();
        // As a killed process leaves it: there, and locked by nobody.
        let left = parent.path().join("baton-store-1-0");
        let (foreign, file) = (parent.path().join("others"), parent.path().join("baton-store-file"));
        copy_dir(store.path(), &left).unwrap();
        copy_dir(store.path(), &foreign).unwrap();
        fs::write(&file, "not a directory").unwrap();
        std::os::unix::fs::symlink(&foreign, parent.path().join("baton-store-link")).unwrap();
        sweep(parent.path());
        assert!(!left.exists());
        assert_eq!(fs::read(used.path().join("db")).unwrap(), b"records");
        assert!(foreign.join("db").exists() && file.exists() && parent.path().join("baton-store-link").exists());
        let path = used.path().to_owned();
        drop(used);
        assert!(!path.exists());
    }
}
