//! The guarded open: nobody else, nothing newer, a copy first, then verify everything.
//!
//! Nothing is repaired in silence and nothing is thrown away. What is missing at the end without
//! ever having been acknowledged (a torn batch) is copied aside, removed and said; what was
//! acknowledged and is missing or altered refuses the open, with the way out in the message. The
//! rules that need no file system are in `log/start.rs`.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::disk::SledDisk;
use super::layout::{Layout, io_at};
use super::recovery;
use super::store::Store;
use super::sync::Syncer;
use super::{OpenOptions, SledLedger};
use crate::error::OpenError;
use crate::head::Head;
use crate::log::head_file::{HeadFile, Noted};
use crate::log::keys::KeyFile;
use crate::log::scan::Scan;
use crate::log::start::{self, Refusal};
use crate::log::{Log, Parts};
use crate::proof::SigningKey;
use crate::storage::Fault;
use crate::storage::files::{sync_dir, sync_parent};

pub(super) fn open(dir: &Path, key: SigningKey, options: OpenOptions) -> Result<SledLedger, OpenError> {
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
    let (disk, scan) =
        open_store(&layout, &key, &options, noted.as_ref()).map_err(|refusal| with_copy(&layout, refusal, copy.clone()))?;
    if !complete && scan.durable.index.head() != Head::EMPTY {
        let why = "it has records but no FORMAT file".to_owned();
        return Err(OpenError::NotALedger { dir: layout.dir, why });
    }
    let keys = open_keys(&layout, complete, &scan)?;
    let slots = start::slots(&keys, &scan, noted.as_ref()).map_err(io_at("fill", &layout.keys()))?;
    if let Some((first, _)) = scan.torn.first() {
        let kept = recovery::keep_torn(&layout, copy.as_deref(), &scan.torn);
        let kept = kept.map_err(io_at("copy a torn batch aside in", &layout.recovery()))?;
        start::remove_torn(&disk, &scan).map_err(|fault| store_fault(&layout, "remove a torn batch from", fault))?;
        tracing::warn!(
            position = first.0,
            chunks = scan.torn.len(),
            copy = %kept.display(),
            "a batch that was never acknowledged had no end; it was copied aside and removed"
        );
    }
    if !start::prove_sync(&disk, &keys, &scan).map_err(io_at("sync the store", &layout.store()))? {
        return Err(OpenError::SyncNotReal);
    }
    let checkpoint = scan.durable.index.checkpoint().clone();
    let mut head_file = match head_file {
        Some(file) => file,
        None => create_head_file(&layout, checkpoint.clone())?,
    };
    let noting = match &noted {
        // An older copy is told by the newer checkpoint noted beside it, until the fork is in the log.
        Some(newer) if options.fork && newer.checkpoint.checkpoint().size > checkpoint.checkpoint().size => {
            newer.checkpoint.clone()
        }
        _ => checkpoint,
    };
    head_file.note(&Noted { checkpoint: noting, clean: false }).map_err(io_at("write", &layout.head()))?;
    tell_key(&layout, &key)?;
    if !complete {
        layout.write_format()?;
    }

    let size = scan.durable.index.head().size;
    let log = Log::new(Parts {
        key,
        disk: Arc::new(disk),
        durable: scan.durable,
        keys,
        slots,
        head_file,
        min_free_bytes: options.min_free_bytes,
    });
    let log = log.map_err(io_at("start the thread for", &layout.head()))?;
    tracing::info!(dir = %layout.dir.display(), size, "ledger open");
    Ok(SledLedger { log, _lock: lock })
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
    let file = File::options().read(true).write(true).open(&path).map_err(|error| error.to_string());
    match file.and_then(|file| HeadFile::open(Box::new(file))) {
        Ok((mut file, noted)) => {
            let opened = Noted { clean: false, ..noted.clone() };
            file.note(&opened).map_err(io_at("write", &path))?;
            Ok((Some(file), Some(noted)))
        }
        Err(why) if options.trust_store_without_head => {
            tracing::warn!(why, "the head file is made anew; a lost end of the store goes unnoticed");
            Ok((None, None))
        }
        Err(why) => Err(OpenError::HeadFile { path, why }),
    }
}

/// A whole head file or none: an unreadable one is overwritten only by a whole one.
fn create_head_file(layout: &Layout, checkpoint: crate::proof::SignedCheckpoint) -> Result<HeadFile, OpenError> {
    let path = layout.head();
    let draft = path.with_extension("new");
    let created = || {
        let file = File::options().create(true).truncate(true).read(true).write(true).open(&draft)?;
        let head_file = HeadFile::create(Box::new(file), checkpoint)?;
        fs::rename(&draft, &path)?;
        sync_parent(&path)?;
        Ok(head_file)
    };
    created().map_err(io_at("create", &path))
}

/// Opens the store, verifies all of it, and holds it against the head file.
fn open_store(
    layout: &Layout,
    key: &SigningKey,
    options: &OpenOptions,
    noted: Option<&Noted>,
) -> Result<(SledDisk, Scan), OpenError> {
    let dir = layout.store();
    let store = Store::open(&dir, options.cache_bytes).map_err(|fault| store_fault(layout, "open the store", fault))?;
    let syncer = Syncer::new(&dir, options.sync, options.sync_hook.clone()).map_err(io_at("open the data file in", &dir))?;
    let disk = SledDisk { syncer, store, dir: layout.dir.clone() };
    let scan = start::load(&disk, key, noted, options.fork);
    let scan = scan.map_err(|refusal| load_refusal(layout, key.verifier_key(), refusal))?;
    // sled syncs neither its configuration nor its directories.
    sync_names(&layout.dir, &dir).map_err(io_at("sync", &dir))?;
    Ok((disk, scan))
}

pub(super) fn sync_names(data: &Path, store: &Path) -> io::Result<()> {
    File::open(store.join("conf"))?.sync_all()?;
    sync_dir(&store.join("blobs"))?;
    sync_dir(store)?;
    sync_dir(data)
}

pub(super) fn load_refusal(layout: &Layout, given: &str, refusal: Refusal) -> OpenError {
    let dir = layout.dir.clone();
    match refusal {
        Refusal::Store(fault) => store_fault(layout, "read the store", fault),
        Refusal::Loss { store, noted } => OpenError::Loss { dir, store, noted },
        Refusal::WrongKey { found } => OpenError::WrongKey { dir, found, given: given.to_owned() },
    }
}

pub(super) fn store_fault(layout: &Layout, what: &'static str, fault: Fault) -> OpenError {
    match fault {
        Fault::Io(source) => io_at(what, &layout.store())(source),
        Fault::Damage(why) => OpenError::Damaged { dir: layout.dir.clone(), why, copy: None },
    }
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
        create_keys(&path).map_err(io_at("create", &path))?;
    }
    let refuse = |why: String| OpenError::Keys { path: path.clone(), why };
    let file = File::options().read(true).write(true).open(&path).map_err(|error| refuse(error.to_string()))?;
    let keys = KeyFile::open(Box::new(file)).map_err(refuse)?;
    start::check_keys(&keys, scan).map_err(refuse)?;
    Ok(keys)
}

/// Makes a key file, whole or not at all. Durable when it returns.
fn create_keys(path: &Path) -> io::Result<()> {
    let draft = path.with_extension("new");
    let file = File::options().create(true).truncate(true).read(true).write(true).mode(0o600).open(&draft)?;
    KeyFile::begin(&file)?;
    fs::rename(&draft, path)?;
    sync_parent(path)
}

/// Writes the public key where the operator finds it, to hand it to auditors: only what an auditor
/// was given before, by another way, is worth anything to him.
fn tell_key(layout: &Layout, key: &SigningKey) -> Result<(), OpenError> {
    let path = layout.trust();
    let told = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(source) => return Err(io_at("read", &path)(source)),
    };
    if told.lines().any(|line| line == key.verifier_key()) {
        return Ok(());
    }
    let append = || {
        let mut file = File::options().create(true).append(true).open(&path)?;
        writeln!(file, "{}", key.verifier_key())?;
        file.sync_all()?;
        sync_dir(&layout.dir)
    };
    append().map_err(io_at("write", &path))?;
    tracing::info!(file = %path.display(), key = key.verifier_key(), "the public key of this log; hand it to auditors");
    Ok(())
}
