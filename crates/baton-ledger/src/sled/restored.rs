//! A data directory written from chunks, for a restore; then opened and verified as any other.
//!
//! FORMAT is written last: a directory that a crash left half-way has records and no FORMAT file, and
//! every open refuses it. The head file names a newer checkpoint from its first byte on, where one is known: at no
//! moment does an older copy open as if it were the newest.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::layout::Layout;
use super::open::{open_disk, sync_names};
use super::{OpenOptions, SledLedger, seal};
use crate::archive::{ArchiveError, RestoreError};
use crate::contract::Ledger as _;
use crate::error::OpenError;
use crate::log::head_file::{HeadFile, Noted};
use crate::log::succession::ReadSuccession;
use crate::proof::{SignedCheckpoint, SigningKey};
use crate::storage::Disk as _;
use crate::storage::files::sync_dir;

/// Puts a chunk under its key.
pub(crate) type Put<'p> = dyn FnMut(&[u8], &[u8]) -> Result<(), ArchiveError> + 'p;

/// Writes keys, chunks and head into a new or empty directory. Durable when it returns. `known` is the newest checkpoint
/// known of the log.
pub(crate) fn write(
    dir: &Path,
    keys: &[u8],
    known: &SignedCheckpoint,
    chunks: impl FnOnce(&mut Put<'_>) -> Result<(), RestoreError>,
) -> Result<(), RestoreError> {
    let layout = Layout::new(dir);
    layout.create_dir()?;
    layout.refuse_foreign()?;
    let _lock = layout.lock()?;
    write_keys(&layout, keys).map_err(io_at("write", &layout.keys()))?;
    {
        let store = layout.store();
        let disk = open_disk(&layout, &OpenOptions::default())?;
        chunks(&mut |key, bytes| {
            disk.put(key, bytes.to_vec()).map_err(|fault| ArchiveError::Io {
                what: "write",
                path: layout.store(),
                source: fault.into(),
            })
        })?;
        disk.sync().map_err(io_at("sync", &store))?;
        sync_names(&layout.dir, &store).map_err(io_at("sync", &store))?;
    }
    note(&layout, known).map_err(io_at("write", &layout.head()))?;
    seal::put(&layout, None).map_err(io_at("write", &layout.seal()))?;
    layout.write_format()?;
    Ok(())
}

/// Opens what was written, which verifies all of it, and closes it again. Where a newer checkpoint is known, the head file
/// goes on naming it: only a fork goes on from a store that ends before it.
pub(crate) fn prove(
    dir: &Path,
    key: SigningKey,
    read_succession: ReadSuccession,
    checkpoint: &SignedCheckpoint,
    older: bool,
) -> Result<(), RestoreError> {
    let layout = Layout::new(dir);
    // Only what is to fork opens beside a newer checkpoint, and leaves that as it is.
    let options = OpenOptions { min_free_bytes: 0, read_succession, fork: older, ..OpenOptions::default() };
    let ledger = SledLedger::open(dir, key, options)?;
    if ledger.checkpoint() != *checkpoint {
        let why = "it does not end in the checkpoint of the archive".to_owned();
        return Err(OpenError::Damaged { dir: dir.to_owned(), why, copy: None }.into());
    }
    if older {
        // Not closed in order: that notes the checkpoint in which the store ends.
        drop(ledger);
        note_clean(&layout).map_err(io_at("write", &layout.head()))?;
        return seal::put(&layout, None).map_err(io_at("write", &layout.seal()));
    }
    ledger.close_in_order().map_err(|error| io_at("close", dir)(io::Error::other(error)))
}

/// A head file that says: cleanly stopped at this checkpoint.
fn note(layout: &Layout, checkpoint: &SignedCheckpoint) -> io::Result<()> {
    let file = File::options().create(true).truncate(true).read(true).write(true).open(layout.head())?;
    let mut head = HeadFile::create(Box::new(file), checkpoint.clone())?;
    head.note(&Noted { checkpoint: checkpoint.clone(), clean: true })?;
    sync_dir(&layout.dir)
}

/// The head file goes on saying what it says, and that the stop was clean.
fn note_clean(layout: &Layout) -> io::Result<()> {
    let file = File::options().read(true).write(true).open(layout.head())?;
    let (mut head, noted) = HeadFile::open(Box::new(file)).map_err(io::Error::other)?;
    head.note(&Noted { clean: true, ..noted })
}

fn write_keys(layout: &Layout, keys: &[u8]) -> io::Result<()> {
    let mut file = File::options().create_new(true).write(true).mode(0o600).open(layout.keys())?;
    file.write_all(keys)?;
    file.sync_all()?;
    sync_dir(&layout.dir)
}

fn io_at(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> RestoreError {
    let path = path.to_owned();
    move |source| RestoreError::Io { what, path, source }
}
