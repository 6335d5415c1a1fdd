//! A data directory from an archive: the same leaves, positions, receipts and answers to repeats.
//!
//! Everything is checked before anything is written, and once more by the guarded open of what was
//! written. Keys that the log says are to be erased are erased in the key file before it is put in
//! its place, however old the copy is that they came from.
//!
//! What cannot be told from the archive is whether the log went on after it. Whoever holds a newer
//! checkpoint gives it; then an older copy is only restored for a fork, and refuses to be served
//! under its old key. No newer checkpoint known is not the same as none signed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::check::{Checked, check, chunks};
use super::error::RestoreError;
use crate::log::keys::KeyFile;
use crate::log::start::key_check;
use crate::log::succession::ReadSuccession;
use crate::names::Position;
use crate::proof::{SignedCheckpoint, SigningKey, TrustedKeys};
use crate::sled::restored;

/// Where the keys of names and free text come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RestoreKeys {
    /// From this copy of the log's key file, which must open every word that was not erased.
    File(PathBuf),
    /// From this copy as far as it goes: it is damaged, or from before the archive ended, and there is no other. Words that
    /// it does not open are gone for good.
    Rest(PathBuf),
    /// There is no copy: names and free text are gone for good, and a repeat of an old request is
    /// taken for another content and refused.
    Lost,
}

/// What to restore.
pub struct Restoring {
    /// The archive or backup.
    pub from: PathBuf,
    /// The data directory, new or empty.
    pub data: PathBuf,
    /// The keys of names and free text.
    pub keys: RestoreKeys,
    /// The signing key of the log; its public half must have signed the archive's checkpoint.
    pub key: SigningKey,
    /// The newest checkpoint of the log that anybody is known to hold, as a signed note.
    pub last_known: Option<Vec<u8>>,
    /// Further keys that may have signed it: the log may have changed its key since the archive ended, and then nothing
    /// in the archive says so.
    pub trust: Option<TrustedKeys>,
    /// Restore also what ends before `last_known`, for a fork and for nothing else.
    pub older_copy: bool,
    /// The positions whose erasure a leaf authorises; the ledger itself cannot read leaves.
    pub erased: fn(&[u8]) -> Vec<u64>,
    /// What leaves say of the log's keys.
    pub read_succession: ReadSuccession,
}

/// What was restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The newest checkpoint of the restored log.
    pub checkpoint: SignedCheckpoint,
    /// How many keys were erased once more.
    pub erased: usize,
    /// The records whose words no key opened and no erasure closed: they are gone. None but for [`RestoreKeys::Rest`].
    pub gone: Vec<Position>,
    /// How many records are known to be missing at the end, of an older copy.
    pub missing: u64,
}

/// Restores a log. Complete and durable when it returns; a directory that was left half-way is refused
/// by every later open.
///
/// # Errors
/// See [`RestoreError`]; nothing is written unless it says so.
pub fn restore(asked: Restoring) -> Result<Restored, RestoreError> {
    refuse_filled(&asked.data)?;
    let trusted =
        TrustedKeys::parse(asked.key.verifier_key()).map_err(|error| RestoreError::LastKnown { why: error.to_string() })?;
    let checked = check(&asked.from, &trusted, asked.read_succession)?;
    let newer = last_known(&asked, &checked)?;
    let sealed = Sealed::read(&checked, asked.erased)?;
    let Taken { keys, erased, gone } = match &asked.keys {
        RestoreKeys::File(path) => take_keys(path, &checked, &sealed, false)?,
        RestoreKeys::Rest(path) => take_keys(path, &checked, &sealed, true)?,
        RestoreKeys::Lost => {
            let keys = KeyFile::lost(checked.scan.next_slot).map_err(io_at("make keys for", &asked.data))?;
            Taken { keys, erased: 0, gone: Vec::new() }
        }
    };
    let size = checked.checkpoint.checkpoint().size;
    let head = checked.checkpoint.clone();
    let written = restored::write(&asked.data, &keys, newer.as_ref().unwrap_or(&head), |put| {
        chunks(&checked.paths, size, |chunk| put(&chunk.first().0.to_be_bytes(), chunk.bytes())).map_err(RestoreError::from)
    });
    written?;
    restored::prove(&asked.data, asked.key, asked.read_succession, &head, newer.is_some())?;
    let missing = newer.map_or(0, |known| known.checkpoint().size - size);
    Ok(Restored { checkpoint: head, erased, gone, missing })
}

fn refuse_filled(data: &Path) -> Result<(), RestoreError> {
    match fs::read_dir(data) {
        Ok(mut entries) => match entries.any(|entry| entry.is_ok_and(|entry| entry.file_name() != "lost+found")) {
            true => Err(RestoreError::NotEmpty { dir: data.to_owned() }),
            false => Ok(()),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(io_at("list", data)(source)),
    }
}

/// The last known checkpoint, if it is newer than the archive and that is accepted.
fn last_known(asked: &Restoring, checked: &Checked) -> Result<Option<SignedCheckpoint>, RestoreError> {
    let Some(note) = &asked.last_known else { return Ok(None) };
    let refuse = |why: String| RestoreError::LastKnown { why };
    // It may be from before a change of keys, which the checked log vouches for, or from after one it does not know.
    let keys = checked.key_changes().iter().map(|change| change.old.as_str());
    let keys = keys.chain([asked.key.verifier_key()]);
    let keys = keys.chain(asked.trust.iter().flat_map(TrustedKeys::keys));
    let trusted = TrustedKeys::parse(&keys.collect::<Vec<_>>().join("\n")).map_err(|error| refuse(error.to_string()))?;
    let known = trusted.verify(note).map_err(|error| refuse(error.to_string()))?;
    let (size, archive) = (known.checkpoint().size, checked.tree.size());
    match checked.tree.root_at(size) {
        Ok(root) if root == known.checkpoint().root => Ok(None),
        Ok(_) => Err(refuse(format!("the first {size} records of the archive give another root"))),
        Err(_) if asked.older_copy => Ok(Some(known)),
        Err(_) => Err(RestoreError::Older { archive, known: size }),
    }
}

/// Which records have sealed words, and which of them are erased.
struct Sealed {
    erased: BTreeSet<Position>,
    slots: BTreeMap<Position, u64>,
}

impl Sealed {
    fn read(checked: &Checked, erased_by: fn(&[u8]) -> Vec<u64>) -> Result<Sealed, RestoreError> {
        let mut found = Sealed { erased: BTreeSet::new(), slots: BTreeMap::new() };
        chunks(&checked.paths, checked.tree.size(), |chunk| {
            for (position, entry) in (chunk.first().0..).zip(&chunk.chunk.entries) {
                found.erased.extend(erased_by(&entry.leaf).into_iter().map(Position));
                found.slots.extend(entry.sealed.as_ref().map(|sealed| (Position(position), sealed.slot)));
            }
            Ok(())
        })?;
        Ok(found)
    }
}

/// The keys to put in place.
struct Taken {
    /// The bytes of the key file.
    keys: Vec<u8>,
    erased: usize,
    gone: Vec<Position>,
}

/// Takes a copy of the key file; one that does not open all words only with `rest`.
fn take_keys(path: &Path, checked: &Checked, sealed: &Sealed, rest: bool) -> Result<Taken, RestoreError> {
    let refuse = |why: String| RestoreError::Keys { path: path.to_owned(), why };
    let file = File::open(path).map_err(io_at("open", path))?;
    let keys = KeyFile::open(Box::new(file)).map_err(refuse)?;
    if key_check(&keys) != checked.key_check {
        return Err(refuse("it belongs to another log".to_owned()));
    }
    let mut closed = Vec::new();
    chunks(&checked.paths, checked.tree.size(), |chunk| {
        closed.extend(keys.closed(chunk.first(), &chunk.chunk.entries));
        Ok(())
    })?;
    // What is to be erased need not be opened first.
    closed.retain(|(position, _)| !sealed.erased.contains(position));
    if let (Some((position, _)), false) = (closed.first(), rest) {
        return Err(refuse(format!(
            "it does not open the record at position {position} ({} in all): it is older than the archive, or damaged",
            closed.len()
        )));
    }
    let mut bytes = fs::read(path).map_err(io_at("read", path))?;
    let slots = sealed.erased.iter().filter_map(|position| sealed.slots.get(position));
    let erased = keys.erase_in(&mut bytes, slots.copied()).map_err(io_at("copy", path))?;
    keys.erase_in(&mut bytes, closed.iter().map(|(_, slot)| *slot)).map_err(io_at("copy", path))?;
    Ok(Taken { keys: bytes, erased, gone: closed.into_iter().map(|(position, _)| position).collect() })
}

/// An error of the system, with what was tried and where.
fn io_at(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> RestoreError {
    let path = path.to_owned();
    move |source| RestoreError::Io { what, path, source }
}
