//! The guarded open: nobody else, nothing newer, a copy first, then verify everything, unless the stop before left
//! in order what that would show (`resume.rs`).
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
use super::rewrite::{self, RewriteStep};
use super::seal::{self, Left};
use super::store::Store;
use super::sync::Syncer;
use super::{OpenOptions, SledLedger, ballast, full, recovery, resume, scratch, snapshot, unborn};
use crate::error::OpenError;
use crate::head::Head;
use crate::log::chunk::SEGMENT;
use crate::log::head_file::{HeadFile, Noted};
use crate::log::keeper::{PERIOD, Pace};
use crate::log::keys::KeyFile;
use crate::log::scan::Scan;
use crate::log::slot::PATIENCE;
use crate::log::start::{self, Refusal};
use crate::log::{Log, Parts};
use crate::proof::SigningKey;
use crate::storage::files::{free_bytes, sync_dir, sync_parent};
use crate::storage::{Disk, Fault};

/// What the engine may write before it has opened a store: two of its segments.
const ROOM_OF_THE_ENGINE: u64 = 2 * SEGMENT as u64;

/// What was tried when a store that is open could not be read.
pub(super) const READ_STORE: &str = "read the store";

/// Why a store is copied aside.
const CHANGED: &str = "the store does not lie as its last stop left it";
const NOT_IN_ORDER: &str = "the last stop was not clean";

pub(super) fn open(dir: &Path, key: SigningKey, options: OpenOptions) -> Result<SledLedger, OpenError> {
    let layout = Layout::new(dir);
    layout.create_dir()?;
    layout.refuse_foreign()?;
    let lock = layout.lock()?;
    let complete = layout.read_format()?;
    scratch::sweep(&full::parent(&options));
    let left = seal::how_left(&layout);
    let snapshot = resume::of_this_store(&layout, snapshot::take(&layout)?, left, &options);
    if complete && !make_room(&layout, left, &options)? {
        return full::open(layout, key, options, lock, left);
    }
    if !complete {
        unborn::remove(&layout)?;
    }
    rewrite::tidy(&layout)?;
    let due = rewrite::is_due(&layout);
    let (head_file, noted) = open_head_file(&layout, complete, &options)?;
    let copy = match left {
        Left::InOrder => None,
        Left::Changed => recovery::secure(&layout, options.probe.as_ref(), CHANGED)?,
        Left::NotInOrder => recovery::secure(&layout, options.probe.as_ref(), NOT_IN_ORDER)?,
    };
    let opened = if due { write_anew(&layout, &key, &options, noted.as_ref()) } else { Ok(()) };
    let opened = opened.and_then(|()| open_disk(&layout, &options)).and_then(|disk| {
        let load = |taken| resume::load(&layout, &disk, &key, &options, noted.as_ref(), taken);
        let no_use = |why: &String| tracing::warn!(why, "the snapshot of the last stop is of no use; every record is read");
        let known = snapshot.and_then(|taken| load(taken).inspect_err(no_use).ok());
        let (scan, unread) = match known {
            Some((scan, unread)) => (scan, Some(unread)),
            None => (verify(&layout, &disk, &key, &options, noted.as_ref())?, None),
        };
        Ok((disk, scan, unread))
    });
    let (disk, scan, unread) = opened.map_err(|refusal| with_copy(&layout, refusal, copy.clone()))?;
    if !complete && scan.durable.index.head() != Head::EMPTY {
        let why = "it has records but no FORMAT file".to_owned();
        return Err(OpenError::NotALedger { dir: layout.dir, why });
    }
    let keys = open_keys(&layout, complete, &scan)?;
    let slots = start::slots(&keys, &scan, noted.as_ref()).map_err(io_at("fill", &layout.keys()))?;
    make_durable(&layout, &disk, &scan, &keys, copy.as_deref())?;
    let checkpoint = scan.durable.index.checkpoint().clone();
    let mut head_file = match head_file {
        Some(file) if !due => file,
        _ => create_head_file(&layout, checkpoint.clone())?,
    };
    let noting = match &noted {
        // An older copy is told by the newer checkpoint noted beside it, until the fork is in the log.
        Some(newer) if options.fork && newer.checkpoint.checkpoint().size > checkpoint.checkpoint().size => {
            newer.checkpoint.clone()
        }
        _ => checkpoint,
    };
    head_file.note(&Noted { checkpoint: noting, clean: false }).map_err(io_at("write", &layout.head()))?;
    tell_keys(&layout, &key, &scan)?;
    if !complete {
        layout.write_format()?;
    }
    if due {
        rewrite::step(&options, RewriteStep::Opened, &layout)?;
        rewrite::unmark(&layout)?;
    }
    ballast::keep(&layout, options.ballast_bytes, options.min_free_bytes);

    let size = scan.durable.index.head().size;
    let log = Log::new(Parts {
        key,
        disk: Arc::new(disk),
        patience: PATIENCE,
        durable: scan.durable,
        keys,
        slots,
        head_file,
        pace: Pace::Every(PERIOD),
        min_free_bytes: options.min_free_bytes,
        read_succession: options.read_succession,
    });
    let log = log.map_err(io_at("start the thread for", &layout.head()))?;
    tracing::info!(dir = %layout.dir.display(), size, from_snapshot = unread.is_some(), "ledger open");
    Ok(SledLedger::new(log, layout, options, lock, unread, false))
}

/// Whether there is room to open the store; the ballast is given up for it.
fn make_room(layout: &Layout, left: Left, options: &OpenOptions) -> Result<bool, OpenError> {
    let needed = room_to_open(layout, copies(left, options.probe.is_some(), rewrite::is_due(layout)));
    let free = || free_bytes(&layout.dir).map_err(io_at("ask for free space of", &layout.dir));
    if free()? >= needed {
        return Ok(true);
    }
    ballast::give_up(layout);
    Ok(free()? >= needed)
}

/// How many times the store is there at once besides itself, at most, while it is opened.
fn copies(left: Left, probed: bool, due: bool) -> u64 {
    let (raw, probe) = match left {
        Left::InOrder => (0, 0),
        Left::Changed | Left::NotInOrder => (1, u64::from(probed)),
    };
    // The probe's copy is gone before the store is written anew, which takes a copy to read from and the new one.
    raw + probe.max(if due { 2 } else { 0 })
}

/// Bytes that must be free to open the store, with so many copies of it.
pub(super) fn room_to_open(layout: &Layout, copies: u64) -> u64 {
    let size = if copies > 0 { recovery::size_of(&rewrite::store_to_read(layout)) } else { 0 };
    ROOM_OF_THE_ENGINE.saturating_add(size.saturating_mul(copies))
}

/// What is left of a rewrite at a start.
fn write_anew(layout: &Layout, key: &SigningKey, options: &OpenOptions, noted: Option<&Noted>) -> Result<(), OpenError> {
    tracing::warn!("a sync had failed before the last stop; the store is written anew");
    rewrite::step(options, RewriteStep::Marked, layout)?;
    if !rewrite::only_to_move(layout) {
        rewrite::copy_of_a_copy(layout, key, options, noted)?;
    }
    rewrite::replace_keys(layout, options)?;
    rewrite::swap(layout, options)
}

/// A sync failed: the next open must not take for granted what this one could not make durable.
pub(super) fn in_doubt(disk: &SledDisk) {
    if let Err(error) = disk.mark_doubtful() {
        tracing::error!(%error, "failed to note beside the store that a sync failed");
    }
}

/// Removes a torn batch, which is kept aside, and makes all that is read durable by a sync that is proved
/// to be a real one.
pub(super) fn make_durable(
    layout: &Layout,
    disk: &SledDisk,
    scan: &Scan,
    keys: &KeyFile,
    copy: Option<&Path>,
) -> Result<(), OpenError> {
    if let Some((first, _)) = scan.torn.first() {
        let kept = recovery::keep_torn(layout, copy, &scan.torn);
        let kept = kept.map_err(io_at("copy a torn batch aside in", &layout.recovery()))?;
        start::remove_torn(disk, scan).map_err(|fault| store_fault(layout, "remove a torn batch from", fault))?;
        tracing::warn!(
            position = first.0,
            chunks = scan.torn.len(),
            copy = %kept.display(),
            "a batch that was never acknowledged had no end; it was copied aside and removed"
        );
    }
    // sled syncs neither its configuration nor its directories.
    let names = sync_names(&layout.dir, &layout.store()).inspect_err(|_| in_doubt(disk));
    names.map_err(io_at("sync", &layout.store()))?;
    let proved = start::prove_sync(disk, keys, scan).inspect_err(|_| {
        if disk.sync_failed() {
            in_doubt(disk);
        }
    });
    match proved.map_err(io_at("sync the store", &layout.store()))? {
        true => Ok(()),
        false => Err(OpenError::SyncNotReal),
    }
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
            file.reserve().map_err(io_at("take the space of", &path))?;
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
pub(super) fn create_head_file(layout: &Layout, checkpoint: crate::proof::SignedCheckpoint) -> Result<HeadFile, OpenError> {
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

/// Opens the store in place.
pub(super) fn open_disk(layout: &Layout, options: &OpenOptions) -> Result<SledDisk, OpenError> {
    let dir = layout.store();
    let store = Store::open(&dir, options.cache_bytes).map_err(|fault| store_fault(layout, "open the store", fault))?;
    let syncer = Syncer::new(&dir, options.sync, options.sync_hook.clone()).map_err(io_at("open the data file in", &dir))?;
    Ok(SledDisk { syncer, store, layout: layout.clone(), write_hook: options.write_hook.clone(), _scratch: None })
}

/// Verifies all of a store and holds it against what was noted as acknowledged.
pub(super) fn verify(
    layout: &Layout,
    disk: &SledDisk,
    key: &SigningKey,
    options: &OpenOptions,
    noted: Option<&Noted>,
) -> Result<Scan, OpenError> {
    let scan = start::load(disk, key, noted, options.rules());
    scan.map_err(|refusal| load_refusal(layout, key.verifier_key(), refusal))
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
        Refusal::Store(fault) => store_fault(layout, READ_STORE, fault),
        Refusal::Loss { store, noted } => OpenError::Loss { dir, store, noted },
        Refusal::Retired(change) => OpenError::KeyRetired { dir, position: change.position.0, new_key: change.new },
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
    let keys = open_key_file(layout)?;
    start::check_keys(&keys, scan).map_err(|why| OpenError::Keys { path, why })?;
    Ok(keys)
}

/// The key file as it lies there.
pub(super) fn open_key_file(layout: &Layout) -> Result<KeyFile, OpenError> {
    let path = layout.keys();
    let file = File::options().read(true).write(true).open(&path).map_err(|error| error.to_string());
    file.and_then(|file| KeyFile::open(Box::new(file))).map_err(|why| OpenError::Keys { path, why })
}

/// Makes a key file, whole or not at all. Durable when it returns.
fn create_keys(path: &Path) -> io::Result<()> {
    let draft = path.with_extension("new");
    let file = File::options().create(true).truncate(true).read(true).write(true).mode(0o600).open(&draft)?;
    KeyFile::begin(&file)?;
    fs::rename(&draft, path)?;
    sync_parent(path)
}

/// Writes the public keys where the operator finds them, to hand them to auditors: the one that signs, and those
/// that signed before it, under which older receipts and checkpoints are checked. Only what an auditor was given
/// before, by another way, is worth anything to him.
fn tell_keys(layout: &Layout, key: &SigningKey, scan: &Scan) -> Result<(), OpenError> {
    let path = layout.trust();
    let told = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(source) => return Err(io_at("read", &path)(source)),
    };
    let all = scan.durable.key_changes.iter().map(|change| change.old.as_str()).chain([key.verifier_key()]);
    let new: Vec<&str> = all.filter(|key| !told.lines().any(|line| line == *key)).collect();
    if new.is_empty() {
        return Ok(());
    }
    let append = || {
        let mut file = File::options().create(true).append(true).open(&path)?;
        // In one write, and after a line that a crash cut short.
        let gap = if told.is_empty() || told.ends_with('\n') { "" } else { "\n" };
        file.write_all(format!("{gap}{}\n", new.join("\n")).as_bytes())?;
        file.sync_all()?;
        sync_dir(&layout.dir)
    };
    append().map_err(io_at("write", &path))?;
    tracing::info!(file = %path.display(), key = key.verifier_key(), "the public key of this log; hand it to auditors");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_copy_that_lies_there_at_once_is_counted() {
        for (left, probed, due, count) in [
            (Left::InOrder, true, false, 0),
            (Left::NotInOrder, false, false, 1),
            (Left::NotInOrder, true, false, 2),
            (Left::Changed, true, false, 2),
            (Left::NotInOrder, true, true, 3),
            (Left::InOrder, false, true, 2),
        ] {
            assert_eq!(copies(left, probed, due), count, "{left:?}, probed {probed}, rewrite due {due}");
        }
    }
}
