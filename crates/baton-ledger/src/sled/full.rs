//! Opening on a disk that is full: read only, from a private copy somewhere else.
//!
//! The storage engine writes when it opens and may lose what it cannot write, so the store in place is
//! not touched: a copy in a scratch directory is opened and verified by the same rules. Reads are served
//! from it; nothing is appended until there is room, the store in place was opened in order
//! (`reopen.rs`), and the copy is gone. The same serves when the disk fills up under an open store: the
//! engine's handle then refuses also such reads as would have it tidy up a node on the way.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::disk::SledDisk;
use super::layout::{Layout, io_at};
use super::open::{load_refusal, open_key_file, store_fault};
use super::scratch::Scratch;
use super::seal::Left;
use super::store::Store;
use super::sync::Syncer;
use super::{OpenOptions, SledLedger, rewrite};
use crate::error::OpenError;
use crate::log::Log;
use crate::log::head_file::{HeadFile, Noted};
use crate::log::health::Failed;
use crate::log::scan::Scan;
use crate::log::start;
use crate::proof::SigningKey;

pub(super) fn open(
    layout: Layout,
    key: SigningKey,
    options: OpenOptions,
    lock: File,
    left: Left,
) -> Result<SledLedger, OpenError> {
    let noted = read_head_file(&layout, &options)?;
    if let Some(probe) = options.probe.as_ref().filter(|_| left != Left::InOrder) {
        let probed = Scratch::of_store(&rewrite::store_to_read(&layout), &parent(&options))?;
        let found = probe.run(probed.path());
        found.map_err(|why| OpenError::Damaged { dir: layout.dir.clone(), why, copy: None })?;
    }
    let (disk, scan) = open_copy(&layout, &rewrite::store_to_read(&layout), &key, &options, noted.as_ref())?;
    let keys = open_key_file(&layout)?;
    start::check_keys(&keys, &scan).map_err(|why| OpenError::Keys { path: layout.keys(), why })?;

    let failed = if rewrite::is_due(&layout) { Failed::Sync } else { Failed::Full };
    tracing::error!(
        dir = %layout.dir.display(),
        "the disk is full: a copy of the store is served, and records are taken when there is space"
    );
    let why = (failed, "the disk was full at the start".to_owned());
    let log = Log::read_only(key, Arc::new(disk), scan.durable, keys, options.min_free_bytes, options.read_succession, why);
    Ok(SledLedger::new(log, layout, options, lock, None, true))
}

/// Opens and verifies a private copy of `store`, which is the one in place or a raw copy of it, and goes away
/// with it. What is acknowledged is in the files, whatever a handle that failed still holds back.
pub(super) fn open_copy(
    layout: &Layout,
    store: &Path,
    key: &SigningKey,
    options: &OpenOptions,
    noted: Option<&Noted>,
) -> Result<(SledDisk, Scan), OpenError> {
    let scratch = Scratch::of_store(store, &parent(options))?;
    let path = scratch.path().to_owned();
    let store = Store::open(&path, options.cache_bytes).map_err(|fault| store_fault(layout, "open a copy of", fault))?;
    let syncer = Syncer::new(&path, options.sync, None).map_err(io_at("open the data file in", &path))?;
    let disk = SledDisk { syncer, store, layout: layout.clone(), write_hook: None, _scratch: Some(scratch) };
    let scan = start::load(&disk, key, noted, options.rules());
    let scan = scan.map_err(|refusal| load_refusal(layout, key.verifier_key(), refusal))?;
    tracing::warn!(copy = %path.display(), "a copy of the store is open in its place, for reads alone");
    Ok((disk, scan))
}

/// Where copies go.
pub(super) fn parent(options: &OpenOptions) -> PathBuf {
    options.scratch.clone().unwrap_or_else(std::env::temp_dir)
}

fn read_head_file(layout: &Layout, options: &OpenOptions) -> Result<Option<Noted>, OpenError> {
    let path = layout.head();
    let file = File::open(&path).map_err(|error| error.to_string());
    match file.and_then(|file| HeadFile::open(Box::new(file))) {
        Ok((_, noted)) => Ok(Some(noted)),
        Err(_) if options.trust_store_without_head => Ok(None),
        Err(why) => Err(OpenError::HeadFile { path, why }),
    }
}
