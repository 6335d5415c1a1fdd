//! Looking at a data directory without changing a byte of it: for a doctor, or on a disk that is full
//! or failing.
//!
//! The storage engine writes when it opens, so what is looked at is a private copy of the store in a
//! scratch directory that the caller names. Nothing of the data directory is written, created or
//! renamed, not even its lock file; it is locked shared for the time of the copy, so that no server
//! changes it meanwhile. Nothing is repaired, and damage is returned as the open would return it.

use std::fs;
use std::io;
use std::path::Path;

use super::layout::{Layout, io_at};
use super::open::{load_refusal, store_fault};
use super::probe::ProbeCommand;
use super::scratch::Scratch;
use super::seal::{self, Left};
use super::store::Store;
use super::{DEFAULT_CACHE, claim, rewrite, snapshot};
use crate::error::OpenError;
use crate::head::Head;
use crate::log::chunk::Chunk;
use crate::log::head_file::HeadFile;
use crate::log::keys::KeyFile;
use crate::log::scan::Scan;
use crate::log::start;
use crate::proof::{Checkpoint, SignedCheckpoint, Tree, TrustedKeys};

/// What a data directory holds. Every record in it was read, and matched its hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// The end of the newest complete batch: what an open would go on from.
    pub head: Head,
    /// How many records that is.
    pub records: u64,
    /// The checkpoint of that batch; `None` in a log without records.
    pub checkpoint: Option<SignedCheckpoint>,
    /// The checkpoint in the head file beside the store; `None` when that cannot be read. The records
    /// begin with those it covers, or the inspection would have been refused as [`OpenError::Loss`] or
    /// [`OpenError::Damaged`].
    pub noted: Option<SignedCheckpoint>,
    /// Chunks of a last batch without its end. It was never acknowledged; the next open copies them
    /// aside and removes them.
    pub torn: usize,
    /// The last stop was a clean one.
    pub clean: bool,
    /// The store is not as that stop left it, byte for byte: it was changed since, or the stop was cut short before
    /// it was sealed. The next open copies it aside first.
    pub changed: bool,
    /// The length in bytes of the snapshot that this stop left. The next open by the same program, with the key of the log,
    /// takes it up and reads no records; without one it reads them all.
    pub snapshot: Option<u64>,
    /// A sync had failed, and the next open rewrites the store before it goes on.
    pub rewrite_due: bool,
    /// Why the key file beside the store cannot be used for it; `None` when it can, and opens all words that were not erased.
    pub keys: Option<String>,
    /// The tree over the records, to hold other copies of the log against.
    pub tree: Tree,
    /// Both checkpoints bear the signature of a key in the directory's own `trust.txt`. That shows the
    /// directory to agree with itself, and nothing to an auditor, who brings a key of his own.
    pub verified: bool,
}

/// Looks at the data directory `dir` through a copy in `scratch`, changing nothing in `dir`.
///
/// `scratch` is a directory outside `dir` with room for a copy of the store; what is put there is
/// removed again. Reads every record, so takes time in proportion to the log. On damaged files the
/// storage engine may panic, or wait for ever, in threads of its own: [`inspect_probed`] is the safe form.
///
/// # Errors
/// [`OpenError::InUse`] while a server has the directory open, and everything for which an open would
/// refuse the content: [`OpenError::Damaged`], [`OpenError::Loss`], [`OpenError::NotALedger`],
/// [`OpenError::NewerFormat`], [`OpenError::OlderFormat`]; [`OpenError::Io`] when the disk does not give
/// the bytes, or `scratch` lies in `dir` or is full.
pub fn inspect(dir: &Path, scratch: &Path) -> Result<Inspection, OpenError> {
    inspect_with(dir, scratch, None)
}

/// As [`inspect`], but tries a first copy in a child process, as the open does after an unclean stop.
///
/// # Errors
/// As [`inspect`]; a probe that does not end with "sound" is [`OpenError::Damaged`].
pub fn inspect_probed(dir: &Path, scratch: &Path, probe: &ProbeCommand) -> Result<Inspection, OpenError> {
    inspect_with(dir, scratch, Some(probe))
}

/// The checkpoint in the head file of a data directory, **its signature not checked**. Changes nothing.
///
/// # Errors
/// [`OpenError::NotALedger`], [`OpenError::HeadFile`], and those of a directory of another format.
pub fn noted_checkpoint(dir: &Path) -> Result<SignedCheckpoint, OpenError> {
    let layout = Layout::new(dir);
    if !layout.read_format()? {
        return Err(OpenError::NotALedger { dir: layout.dir, why: "it has no FORMAT file".to_owned() });
    }
    let refuse = |why: String| OpenError::HeadFile { path: layout.head(), why };
    let file = fs::File::open(layout.head()).map_err(|error| refuse(error.to_string()))?;
    Ok(HeadFile::open(Box::new(file)).map_err(refuse)?.1.checkpoint)
}

fn inspect_with(dir: &Path, scratch: &Path, probe: Option<&ProbeCommand>) -> Result<Inspection, OpenError> {
    let layout = Layout::new(dir);
    refuse_inside(dir, scratch)?;
    let lock = layout.lock_shared()?;
    if !layout.read_format()? {
        return Err(OpenError::NotALedger { dir: layout.dir, why: "it has no FORMAT file".to_owned() });
    }
    let copy = Scratch::of_store(&rewrite::store_to_read(&layout), scratch)?;
    let probed = match probe {
        Some(_) => Some(Scratch::of_store(&rewrite::store_to_read(&layout), scratch)?),
        None => None,
    };
    let noted = fs::File::open(layout.head()).map_err(|error| error.to_string());
    let noted = noted.and_then(|file| HeadFile::open(Box::new(file))).map(|(_, noted)| noted).ok();
    let trust = fs::read_to_string(layout.trust()).ok().and_then(|text| TrustedKeys::parse(&text).ok());
    let forking = claim::claimed_fork(&layout);
    let rewrite_due = layout.marker().exists();
    let left = seal::how_left(&layout);
    let named = |(name, length)| (seal::snapshot(&layout)? == name).then_some(length);
    let snapshot = snapshot::look(&layout).filter(|_| left == Left::InOrder).and_then(named);
    drop(lock);

    if let (Some(probe), Some(probed)) = (probe, probed) {
        probe.run(probed.path()).map_err(|why| OpenError::Damaged { dir: layout.dir.clone(), why, copy: None })?;
    }
    let store = Store::open(copy.path(), DEFAULT_CACHE).map_err(|fault| store_fault(&layout, "open a copy of", fault))?;
    let nobody = SignedCheckpoint::unsigned(Checkpoint::empty("nobody"));
    let scan = start::read(|visitor| store.visit(visitor), nobody, noted.as_ref(), forking.as_deref());
    let scan = scan.map_err(|refusal| load_refusal(&layout, "", refusal))?;
    let index = &scan.durable.index;
    let checkpoint = (index.head() != Head::EMPTY).then(|| index.checkpoint().clone());
    let noted_checkpoint = noted.as_ref().map(|noted| noted.checkpoint.clone());
    let trusted = |signed: &SignedCheckpoint| trust.as_ref().is_some_and(|t| t.verify(signed.note().as_bytes()).is_ok());
    Ok(Inspection {
        head: index.head(),
        records: index.head().size,
        verified: noted.is_some() && [&checkpoint, &noted_checkpoint].into_iter().flatten().all(trusted),
        checkpoint,
        noted: noted_checkpoint,
        keys: check_key_file(&layout, &store, &scan).err(),
        tree: index.tree().clone(),
        torn: scan.torn.len(),
        clean: noted.is_some_and(|noted| noted.clean) && !rewrite_due,
        changed: left == Left::Changed,
        snapshot,
        rewrite_due,
    })
}

fn check_key_file(layout: &Layout, store: &Store, scan: &Scan) -> Result<(), String> {
    let file = fs::File::open(layout.keys()).map_err(|error| error.to_string())?;
    let keys = KeyFile::open(Box::new(file))?;
    start::check_keys(&keys, scan)?;
    let mut closed = None;
    let read = store.visit(&mut |_, value| {
        // What is no chunk, or one of a torn batch, was told apart before.
        if let (None, Ok(chunk)) = (closed, Chunk::decode(value)) {
            let size = scan.durable.index.head().size;
            closed = keys.closed(chunk.first, &chunk.entries).map(|(at, _)| at).find(|at| at.0 < size);
        }
        Ok(())
    });
    match closed {
        _ if read.is_err() => Err("the store could not be read twice".to_owned()),
        Some(at) => Err(format!("they do not open the words of the record at position {at}, and no erasure closed them")),
        None => Ok(()),
    }
}

fn refuse_inside(dir: &Path, scratch: &Path) -> Result<(), OpenError> {
    let real = |path: &Path| fs::canonicalize(path).map_err(io_at("find", path));
    if real(scratch)?.starts_with(real(dir)?) {
        let why = io::Error::new(io::ErrorKind::InvalidInput, "it lies in the data directory, which is not to be changed");
        return Err(io_at("use as a scratch directory", scratch)(why));
    }
    Ok(())
}
