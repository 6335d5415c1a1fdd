//! sled as the store of a log: its values, our sync, the free space below it.

use std::io;

use super::damage::sort;
use super::layout::Layout;
use super::scratch::Scratch;
use super::store::Store;
use super::sync::Syncer;
use super::{WriteHook, rewrite};
use crate::storage::files::free_bytes;
use crate::storage::{Disk, Fault, Visitor};

/// An open store with the sync that makes it durable.
pub(super) struct SledDisk {
    // The syncer first: its file must be unwatched before the store lets go of it.
    pub(super) syncer: Syncer,
    pub(super) store: Store,
    /// Where free space is asked for, and a failed sync is noted.
    pub(super) layout: Layout,
    pub(super) write_hook: Option<WriteHook>,
    /// The copy that is open in place of the store itself, removed with this value. Last, after the store.
    pub(super) _scratch: Option<Scratch>,
}

impl Disk for SledDisk {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        Ok(sort(|| self.store.db().get(key))?.map(|value| value.to_vec()))
    }

    fn put(&self, key: &[u8], value: Vec<u8>) -> Result<(), Fault> {
        self.write_hook.as_ref().map_or(Ok(()), |hook| hook()).map_err(Fault::Io)?;
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
        free_bytes(&self.layout.dir)
    }

    fn sync_failed(&self) -> bool {
        self.syncer.failed()
    }

    fn mark_doubtful(&self) -> io::Result<()> {
        rewrite::mark(&self.layout)
    }
}
