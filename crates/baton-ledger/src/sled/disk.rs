//! sled as the store of a log: its values, our sync, the free space below it.

use std::io;
use std::path::PathBuf;

use super::damage::sort;
use super::store::Store;
use super::sync::Syncer;
use crate::storage::files::free_bytes;
use crate::storage::{Disk, Fault, Visitor};

/// An open store with the sync that makes it durable.
pub(super) struct SledDisk {
    // The syncer first: its file must be unwatched before the store lets go of it.
    pub(super) syncer: Syncer,
    pub(super) store: Store,
    /// Where free space is asked for.
    pub(super) dir: PathBuf,
}

impl Disk for SledDisk {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        Ok(sort(|| self.store.db().get(key))?.map(|value| value.to_vec()))
    }

    fn put(&self, key: &[u8], value: Vec<u8>) -> Result<(), Fault> {
        sort(|| self.store.db().insert(key, value).map(drop))
    }

    fn remove(&self, key: &[u8]) -> Result<(), Fault> {
        sort(|| self.store.db().remove(key).map(drop))
    }

    fn visit(&self, visitor: &mut Visitor<'_>) -> Result<(), Fault> {
        self.store.visit(visitor)
    }

    fn sync(&self) -> io::Result<()> {
        self.syncer.sync(self.store.db())
    }

    fn prove_sync(&self) -> io::Result<bool> {
        self.syncer.self_test(self.store.db())
    }

    fn free_bytes(&self) -> io::Result<u64> {
        free_bytes(&self.dir)
    }
}
