//! The guarded open: nobody else, nothing newer, a copy first, then verify everything.
//!
//! Nothing is repaired in silence and nothing is thrown away. What is missing at the end without
//! ever having been acknowledged (a torn batch) is copied aside, removed and said; what was
//! acknowledged and is missing or altered refuses the open, with the way out in the message.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, RwLock};

use tokio::sync::watch;

use super::damage::Fault;
use super::head_file::{HeadFile, Noted};
use super::health::Health;
use super::keeper::{Keeper, PERIOD};
use super::keys::{BLOCK, KeyFile, Slots};
use super::layout::{Layout, io_at, sync_dir};
use super::recovery;
use super::scan::{STORE_KEY, Scan, StoreValue, scan};
use super::store::Store;
use super::sync::Syncer;
use super::{OpenOptions, SledLedger, Writer};
use crate::bounds::MAX_BATCH_RECORDS;
use crate::error::OpenError;
use crate::head::Head;

/// Digested under the key file's own key and kept in the store, to know a foreign key file.
const KEY_CHECK: &[u8] = b"baton-ledger key check";

pub(super) fn open(dir: &Path, options: OpenOptions) -> Result<SledLedger, OpenError> {
    let layout = Layout::new(dir);
    layout.create_dir()?;
    layout.refuse_foreign()?;
    let lock = layout.lock()?;
    let complete = layout.read_format()?;
    let (head_file, noted) = open_head_file(&layout, complete, &options)?;
    let copy = match noted {
        Some(Noted { clean: true, .. }) => None,
        _ => recovery::secure(&layout, options.probe.as_ref())?,
    };
    let (store, scan) = open_store(&layout, &options, noted).map_err(|refusal| with_copy(&layout, refusal, copy.clone()))?;
    let found = scan.durable.index.head();
    if !complete && found != Head::EMPTY {
        let why = "it has records but no FORMAT file".to_owned();
        return Err(OpenError::NotALedger { dir: layout.dir, why });
    }
    let keys = open_keys(&layout, complete, &scan)?;
    let mut slots = Slots::continue_at(next_slot(&scan, noted));
    slots.ensure(&keys, BLOCK).map_err(io_at("fill", &layout.keys()))?;
    remove_torn(&layout, &store, &scan, copy.as_deref())?;
    let syncer =
        Syncer::new(&layout.store(), options.sync, options.sync_hook).map_err(io_at("open the data file in", &layout.store()))?;
    prove_sync(&layout, &store, &syncer, &keys, &scan)?;
    let mut head_file = match head_file {
        Some(file) => file,
        None => HeadFile::create(&layout.head()).map_err(io_at("create", &layout.head()))?,
    };
    head_file.note(Noted { head: found, clean: false }).map_err(io_at("write", &layout.head()))?;
    if !complete {
        layout.write_format()?;
    }

    let heads = watch::Sender::new(found);
    let health = Health::default();
    let keeper = Keeper::start(head_file, heads.subscribe(), health.clone(), PERIOD)
        .map_err(io_at("start the thread for", &layout.head()))?;
    tracing::info!(dir = %layout.dir.display(), size = found.size, "ledger open");
    Ok(SledLedger {
        writer: Mutex::new(Writer { slots, keeper: Some(keeper), closed: false }),
        durable: RwLock::new(scan.durable),
        heads,
        health,
        syncer,
        store,
        keys,
        min_free_bytes: options.min_free_bytes,
        layout,
        _lock: lock,
    })
}

/// The head file and what it says. From here on, until a clean stop, it says "not clean".
fn open_head_file(
    layout: &Layout,
    complete: bool,
    options: &OpenOptions,
) -> Result<(Option<HeadFile>, Option<Noted>), OpenError> {
    if !complete {
        return Ok((None, None));
    }
    let path = layout.head();
    match HeadFile::open(&path) {
        Ok((mut file, noted)) => {
            let opened = Noted { clean: false, ..noted };
            file.note(opened).map_err(io_at("write", &path))?;
            Ok((Some(file), Some(noted)))
        }
        Err(why) if options.trust_store_without_head => {
            tracing::warn!(why, "the head file is made anew; a lost end of the store goes unnoticed");
            Ok((None, None))
        }
        Err(why) => Err(OpenError::HeadFile { path, why }),
    }
}

/// Opens the store, verifies all of it, and holds it against the head file.
fn open_store(layout: &Layout, options: &OpenOptions, noted: Option<Noted>) -> Result<(Store, Scan), OpenError> {
    let dir = layout.store();
    let noted = noted.map_or(Head::EMPTY, |noted| noted.head);
    let (store, scan) = Store::open(&dir, options.cache_bytes)
        .and_then(|store| scan(store.db(), noted.size).map(|scan| (store, scan)))
        .map_err(|fault| match fault {
            Fault::Io(source) => io_at("open the store", &dir)(source),
            Fault::Damage(why) => damaged(layout, why),
        })?;
    match scan.hash_at_size {
        Some(hash) if hash == noted.last_leaf_hash => {}
        Some(_) => {
            let at = noted.size;
            return Err(damaged(layout, format!("its first {at} records are not those acknowledged")));
        }
        None => {
            let found = scan.durable.index.head();
            return Err(OpenError::Loss { dir: layout.dir.clone(), store: found, noted });
        }
    }
    // sled syncs neither its configuration nor its directories.
    sync_names(&layout.dir, &dir).map_err(io_at("sync", &dir))?;
    Ok((store, scan))
}

fn sync_names(data: &Path, store: &Path) -> io::Result<()> {
    std::fs::File::open(store.join("conf"))?.sync_all()?;
    sync_dir(&store.join("blobs"))?;
    sync_dir(store)?;
    sync_dir(data)
}

fn damaged(layout: &Layout, why: String) -> OpenError {
    OpenError::Damaged { dir: layout.dir.clone(), why, copy: None }
}

/// A refusal because of the store's content keeps the copy that was made of it for good.
fn with_copy(layout: &Layout, refusal: OpenError, copy: Option<PathBuf>) -> OpenError {
    match (refusal, copy) {
        (OpenError::Damaged { dir, why, .. }, Some(copy)) => {
            OpenError::Damaged { dir, why, copy: Some(recovery::keep_as_damaged(layout, copy)) }
        }
        (loss @ OpenError::Loss { .. }, Some(copy)) => {
            recovery::keep_as_damaged(layout, copy);
            loss
        }
        (other, _) => other,
    }
}

fn open_keys(layout: &Layout, complete: bool, scan: &Scan) -> Result<KeyFile, OpenError> {
    let path = layout.keys();
    if !complete && !path.exists() {
        KeyFile::create(&path).map_err(io_at("create", &path))?;
    }
    let refuse = |why: String| OpenError::Keys { path: path.clone(), why };
    let keys = KeyFile::open(&path).map_err(refuse)?;
    let slots = keys.slots().map_err(io_at("measure", &path))?;
    if slots < scan.next_slot {
        return Err(refuse(format!("it has {slots} slots and the store uses {}", scan.next_slot)));
    }
    match &scan.store_value {
        Some(value) if value.key_check != keys.keyed_digest(KEY_CHECK) => Err(refuse("it belongs to another store".to_owned())),
        _ => Ok(keys),
    }
}

/// Above the highest slot in use, and after an unclean stop above those that a batch which left no
/// trace may have used.
fn next_slot(scan: &Scan, noted: Option<Noted>) -> u64 {
    match noted {
        Some(Noted { clean: false, .. }) => scan.next_slot + MAX_BATCH_RECORDS as u64,
        _ => scan.next_slot,
    }
}

/// Removes a batch whose end is missing: it was never acknowledged. From its end, so that a crash
/// on the way leaves a torn batch again.
fn remove_torn(layout: &Layout, store: &Store, scan: &Scan, copy: Option<&Path>) -> Result<(), OpenError> {
    let Some((first, _)) = scan.torn.first() else {
        return Ok(());
    };
    let kept = recovery::keep_torn(layout, copy, &scan.torn).map_err(io_at("copy a torn batch aside in", &layout.recovery()))?;
    for (position, _) in scan.torn.iter().rev() {
        let removed = Fault::sort(|| store.db().remove(position.0.to_be_bytes()));
        removed.map_err(|fault| match fault {
            Fault::Io(source) => io_at("remove a torn batch from", &layout.store())(source),
            Fault::Damage(why) => damaged(layout, why),
        })?;
    }
    tracing::warn!(
        position = first.0,
        chunks = scan.torn.len(),
        copy = %kept.display(),
        "a batch that was never acknowledged had no end; it was copied aside and removed"
    );
    Ok(())
}

/// Writes the store's own value and syncs, which also makes a removed torn batch durable, and
/// refuses to go on if that sync was not a real one.
fn prove_sync(layout: &Layout, store: &Store, syncer: &Syncer, keys: &KeyFile, scan: &Scan) -> Result<(), OpenError> {
    let path = layout.store();
    // sled does not write a value that is there already, so each open needs another one.
    let opens = scan.store_value.as_ref().map_or(0, |value| value.opens) + 1;
    let value = StoreValue { opens, key_check: keys.keyed_digest(KEY_CHECK) };
    Fault::sort(|| store.db().insert(STORE_KEY, value.encode()))
        .map_err(|fault| io_at("write to the store", &path)(fault.into()))?;
    match syncer.self_test(store.db()).map_err(io_at("sync the store", &path))? {
        true => Ok(()),
        false => Err(OpenError::SyncNotReal),
    }
}
