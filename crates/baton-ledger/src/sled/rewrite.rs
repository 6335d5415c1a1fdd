//! After a failed sync: every complete batch is written anew, into a store beside the old one.
//!
//! When a sync fails, the system may drop what it was to write and from then on return it from its
//! cache as if it were on the disk; a second sync then succeeds and means nothing. So nothing of the old
//! files is relied on but bytes that are verified, and those are written again, to files that never saw
//! a failed sync. The old store is kept aside.
//!
//! The files alone say how far a rewrite has come, so it may be cut short anywhere, by an error or by
//! the end of the process, and the next reopen or start takes it up:
//!
//! | Found | Means | Done next |
//! |---|---|---|
//! | no `REWRITE` | no sync failed, or all is done | a left `store.new` is removed |
//! | `REWRITE`, `store` | the new store is missing, unfinished, or in place and not yet opened | copied from the start |
//! | `REWRITE`, no `store` | the new store is whole: the old one goes aside only after that | moved into place |
//!
//! `REWRITE` is written as soon as a sync fails, and removed last, when the new store is open, verified
//! and synced. It matters within one run of the machine: after a power loss the cache is gone, and what
//! is read is what is on the disk. Doing a rewrite twice does no harm.
//!
//! The key file and the head file are made anew in the same way: written beside, synced, renamed.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use super::OpenOptions;
use super::disk::SledDisk;
use super::layout::{Layout, io_at};
use super::open::{READ_STORE, load_refusal, store_fault, sync_names};
use super::recovery::{self, remove_if_there};
use super::store::Store;
use super::sync::{SyncMode, Syncer};
use crate::error::OpenError;
use crate::log::head_file::Noted;
use crate::log::start;
use crate::names::Position;
use crate::proof::SigningKey;
use crate::storage::files::{sync_dir, sync_parent, write_synced};
use crate::storage::{Disk, Fault};

/// How much is put into the new store before it is synced, in bytes: what memory may hold.
const SYNC_EVERY: usize = 16 * 1024 * 1024;

/// A moment in a rewrite, for tests that stop it there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RewriteStep {
    /// `REWRITE` is there; nothing else was done.
    Marked,
    /// Half of the new store is written.
    Copying,
    /// The new store is synced, opened again and verified.
    Copied,
    /// The key file is a new one.
    KeysReplaced,
    /// The old store is aside; there is none in its place.
    OldAside,
    /// The new store is in place.
    NewInPlace,
    /// The new store is open and verified, and the head file is a new one; `REWRITE` is still there.
    Opened,
}

/// Called at each [`RewriteStep`]; an error ends the rewrite there, as a disk that fails would.
pub type RewriteHook = Arc<dyn Fn(RewriteStep) -> io::Result<()> + Send + Sync>;

/// Where the records are: a rewrite that was cut short between its two renames left them in the new
/// store alone.
pub(super) fn store_to_read(layout: &Layout) -> PathBuf {
    match layout.store() {
        store if store.is_dir() => store,
        _ if is_due(layout) => layout.new_store(),
        store => store,
    }
}

/// Whether a sync failed and its rewrite is not done.
pub(super) fn is_due(layout: &Layout) -> bool {
    layout.marker().exists()
}

/// Whether the new store is whole and only has to be moved into place.
pub(super) fn only_to_move(layout: &Layout) -> bool {
    is_due(layout) && !layout.store().is_dir() && layout.new_store().is_dir()
}

/// Notes that a rewrite is due. Durable when it returns.
pub(super) fn mark(layout: &Layout) -> io::Result<()> {
    let marker = layout.marker();
    let made = write_synced(&marker, b"a sync failed; the store is to be written anew before anything is appended\n");
    made.or_else(|error| match marker.exists() {
        true => Err(error),
        // A disk that has no place for one more file still gives one that it has another name. What it holds is all one.
        false => fs::rename(layout.ballast(), &marker).map_err(|_| error),
    })?;
    sync_dir(&layout.dir)
}

/// The rewrite is done.
pub(super) fn unmark(layout: &Layout) -> Result<(), OpenError> {
    let path = layout.marker();
    match fs::remove_file(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(source) => return Err(io_at("remove", &path)(source)),
        Ok(()) => sync_dir(&layout.dir).map_err(io_at("sync", &layout.dir))?,
    }
    count(layout)
}

/// Puts away what a rewrite left that is not due any more.
pub(super) fn tidy(layout: &Layout) -> Result<(), OpenError> {
    let path = layout.new_store();
    if is_due(layout) {
        return Ok(());
    }
    remove_if_there(&path).map_err(io_at("remove", &path))?;
    count(layout)
}

/// Counts the old store among those that are kept. Not before the marker is gone: until then another attempt may come,
/// and must find by its name that the store of the failure is kept already.
fn count(layout: &Layout) -> Result<(), OpenError> {
    if let Some(kept) = recovery::count_rewritten(layout).map_err(io_at("keep the old store in", &layout.recovery()))? {
        tracing::warn!(old = %kept.display(), "after a failed sync the store was written anew; the old one is kept");
    }
    Ok(())
}

/// Writes every complete batch of `source` into the new store: verified, synced, opened again and
/// verified again. `noted` is the newest checkpoint that is known to have been acknowledged.
pub(super) fn copy(
    layout: &Layout,
    source: &dyn Disk,
    key: &SigningKey,
    options: &OpenOptions,
    noted: Option<&Noted>,
) -> Result<(), OpenError> {
    let refuse = |refusal| load_refusal(layout, key.verifier_key(), refusal);
    let scan = start::load(source, key, noted, options.rules()).map_err(refuse)?;
    if !scan.torn.is_empty() {
        let kept = recovery::keep_torn(layout, None, &scan.torn).map_err(io_at("copy a torn batch aside in", &layout.recovery()));
        tracing::warn!(copy = %kept?.display(), "a batch without its end, never acknowledged, is not rewritten");
    }
    let path = layout.new_store();
    remove_if_there(&path).map_err(io_at("remove", &path))?;
    let end = scan.durable.index.next();
    let copied = fill(layout, source, options, end)?;
    if !copied.prove_sync().map_err(io_at("sync", &path))? {
        return Err(OpenError::SyncNotReal);
    }
    sync_names(&layout.dir, &path).map_err(io_at("sync", &path))?;
    drop(copied);
    let written = Noted { checkpoint: scan.durable.index.checkpoint().clone(), clean: false };
    let again = Store::open(&path, options.cache_bytes).map_err(|fault| store_fault(layout, "open the new store of", fault))?;
    let empty = crate::proof::SignedCheckpoint::sign(key, 0, crate::proof::EMPTY_ROOT);
    let again = start::read(|visitor| again.visit(visitor), empty, Some(&written), None).map_err(refuse)?;
    match again.durable.index.head() == scan.durable.index.head() {
        true => step(options, RewriteStep::Copied, layout),
        false => Err(store_fault(layout, "rewrite", Fault::Damage("the new store is not as the old one".to_owned()))),
    }
}

/// [`copy`] at a start, from a copy of the store: the engine writes while it opens, and syncs what it writes. In the old
/// files that would come after bytes that only the cache has, and a power loss would leave a store with a hole in it.
pub(super) fn copy_of_a_copy(
    layout: &Layout,
    key: &SigningKey,
    options: &OpenOptions,
    noted: Option<&Noted>,
) -> Result<(), OpenError> {
    let path = layout.recovery().join("source");
    let copied = remove_if_there(&path).and_then(|()| recovery::copy_dir(&layout.store(), &path));
    copied.map_err(io_at("copy the store to", &path))?;
    let store =
        Store::open(&path, options.cache_bytes).map_err(|fault| store_fault(layout, "open a copy of the store of", fault))?;
    let syncer = Syncer::new(&path, SyncMode::Real, None).map_err(io_at("open the data file in", &path))?;
    let source = SledDisk { syncer, store, layout: layout.clone(), write_hook: None, _scratch: None };
    copy(layout, &source, key, options, noted)?;
    drop(source);
    remove_if_there(&path).map_err(io_at("remove", &path))
}

/// Whether a copy failed because of the store it was made of, and not because of the new one.
pub(super) fn is_of_the_source(error: &OpenError) -> bool {
    matches!(error, OpenError::Damaged { .. } | OpenError::Io { what: READ_STORE, .. })
}

/// The new store with every chunk before `end`, and the store's own value, not all of it synced.
fn fill(layout: &Layout, source: &dyn Disk, options: &OpenOptions, end: Position) -> Result<SledDisk, OpenError> {
    let path = layout.new_store();
    let store = Store::open(&path, options.cache_bytes).map_err(|fault| store_fault(layout, "create the new store of", fault))?;
    let syncer = Syncer::new(&path, SyncMode::Real, None).map_err(io_at("open the data file in", &path))?;
    let copy = SledDisk { syncer, store, layout: layout.clone(), write_hook: None, _scratch: None };
    let (mut unsynced, mut half_way) = (0, false);
    let mut failed = None;
    let mut put = |key: &[u8], value: &[u8]| -> Result<(), OpenError> {
        let position = key.try_into().map(u64::from_be_bytes);
        if position.is_ok_and(|position| position >= end.0) {
            return Ok(());
        }
        copy.put(key, value.to_vec()).map_err(|fault| store_fault(layout, "write the new store of", fault))?;
        unsynced += value.len();
        if unsynced >= SYNC_EVERY {
            copy.sync().map_err(io_at("sync", &path))?;
            unsynced = 0;
        }
        if position.is_ok_and(|position| position >= end.0 / 2) && !std::mem::replace(&mut half_way, true) {
            step(options, RewriteStep::Copying, layout)?;
        }
        Ok(())
    };
    let visited = source.visit(&mut |key, value| {
        put(key, value).map_err(|error| {
            failed = Some(error);
            "the new store could not be written".to_owned()
        })
    });
    match failed {
        Some(error) => Err(error),
        None => visited.map(|()| copy).map_err(|fault| store_fault(layout, READ_STORE, fault)),
    }
}

/// Writes the key file anew, with the bytes it has. Whoever holds it open holds the old one from then on.
pub(super) fn replace_keys(layout: &Layout, options: &OpenOptions) -> Result<(), OpenError> {
    let path = layout.keys();
    let draft = path.with_extension("new");
    let replace = || {
        let bytes = fs::read(&path)?;
        let mut file = File::options().create(true).truncate(true).read(true).write(true).mode(0o600).open(&draft)?;
        io::Write::write_all(&mut file, &bytes)?;
        file.sync_all()?;
        if fs::read(&draft)? != bytes {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "its copy is not as it was written"));
        }
        fs::rename(&draft, &path)?;
        sync_parent(&path)
    };
    replace().map_err(io_at("write anew", &path))?;
    step(options, RewriteStep::KeysReplaced, layout)
}

/// Puts the new store, which is whole, in the place of the old one, which is kept aside. Nobody may
/// have either open.
pub(super) fn swap(layout: &Layout, options: &OpenOptions) -> Result<(), OpenError> {
    let (old, new) = (layout.store(), layout.new_store());
    if old.is_dir() {
        let kept = recovery::move_aside(layout).map_err(io_at("move aside", &old))?;
        tracing::warn!(old = %kept.display(), "the old store is aside, and the one that was written anew takes its place");
    }
    step(options, RewriteStep::OldAside, layout)?;
    fs::rename(&new, &old).and_then(|()| sync_dir(&layout.dir)).map_err(io_at("move into place", &new))?;
    step(options, RewriteStep::NewInPlace, layout)
}

/// Where a test may stop.
pub(super) fn step(options: &OpenOptions, step: RewriteStep, layout: &Layout) -> Result<(), OpenError> {
    options.rewrite_hook.as_ref().map_or(Ok(()), |hook| hook(step)).map_err(io_at("rewrite the store in", &layout.dir))
}
