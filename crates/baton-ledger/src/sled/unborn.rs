//! What a creation that was cut short left of a store before the first byte of a record.
//!
//! The storage engine makes its files one after the other, and refuses those that a process killed in between
//! left: half of its configuration, for one. In a directory without a FORMAT file, which is written last, nothing was
//! acknowledged yet; and as long as the engine's data file holds nothing but zeros there is no record in it either.
//! Such a store is removed, so that the creation begins again. Anything more is left as it is, for the open to take
//! up or to refuse: half a restore, too, has no FORMAT file.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use super::layout::{Layout, io_at};
use super::recovery::remove_if_there;
use super::rewrite;
use crate::error::OpenError;
use crate::storage::files::sync_dir;

/// How much is read at a time, in bytes.
const PIECE: usize = 64 * 1024;

/// Removes the store of a directory that has no FORMAT file, if there can be no record in it.
pub(super) fn remove(layout: &Layout) -> Result<(), OpenError> {
    let store = layout.store();
    let failed = || io_at("begin again in", &layout.dir);
    if !store.is_dir() || !holds_no_record(&store).map_err(failed())? {
        return Ok(());
    }
    tracing::warn!(store = %store.display(), "a creation was cut short before it wrote a record; it begins again");
    // First, for there is nothing in it to be written anew, and without it there would be nothing to do that from.
    rewrite::unmark(layout)?;
    remove_if_there(&store).and_then(|()| sync_dir(&layout.dir)).map_err(failed())
}

/// Whether nothing lies there but what the engine makes first, with no byte written in its data file.
fn holds_no_record(store: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(store)? {
        let entry = entry?;
        let empty = match entry.file_name().to_str() {
            // It says how large the engine's segments are, and nothing of what is in them.
            Some("conf") => true,
            Some("db") => only_zeros(&entry.path())?,
            Some("blobs") => fs::read_dir(entry.path())?.next().is_none(),
            _ => false,
        };
        if !empty {
            return Ok(false);
        }
    }
    Ok(true)
}

fn only_zeros(path: &Path) -> io::Result<bool> {
    let mut file = File::open(path)?;
    let mut piece = vec![0; PIECE];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(true),
            read if piece[..read].iter().any(|byte| *byte != 0) => return Ok(false),
            _ => {}
        }
    }
}
