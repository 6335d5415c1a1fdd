//! The tree and the leaves of an archive, which lie there as the files of a C2SP tlog-tiles log, held
//! against what its chunks give.

use std::fs;
use std::io;
use std::path::Path;

use super::error::{ArchiveError, damaged, io_at};
use crate::bundle::{ENTRIES_WIDTH, encode_entries, entries_path};
use crate::proof::Tile;

/// Holds files against the tiles that must be in them.
pub(super) fn compare(dir: &Path, tiles: &[Tile]) -> Result<(), ArchiveError> {
    tiles.iter().try_for_each(|tile| same(&dir.join(&tile.path), &tile.bytes))
}

/// Holds the leaves of one entry bundle, full or the last one, against its file.
pub(super) fn compare_entries(dir: &Path, first: u64, leaves: &[Vec<u8>]) -> Result<(), ArchiveError> {
    let path = entries_path(first / ENTRIES_WIDTH, leaves.len() as u64);
    same(&dir.join(path), &encode_entries(leaves.iter().map(Vec::as_slice)))
}

fn same(path: &Path, bytes: &[u8]) -> Result<(), ArchiveError> {
    match fs::read(path) {
        Ok(found) if found == bytes => Ok(()),
        Ok(_) => Err(damaged(path, "it is not what the chunks of the archive give")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(damaged(path, "it is missing")),
        Err(source) => Err(io_at("read", path)(source)),
    }
}
