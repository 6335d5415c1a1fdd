//! What a directory lacks, file by file.

use std::collections::BTreeMap;

use super::entries::{ENTRIES_WIDTH, encode_entries, entries_path};
use super::error::BundleError;
use super::write::DirectoryWriter;
use crate::contract::Ledger;
use crate::names::Position;
use crate::proof::{SignedCheckpoint, Tile};

/// A file of a log directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BundleFile {
    /// Where it belongs below the directory, with `/` between the parts.
    pub path: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// What is needed for the next few files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The first record whose leaf is needed.
    pub from: u64,
    /// The first record whose leaf is not needed any more; at most 256 after `from`.
    pub to: u64,
    /// The tiles needed are those of `Ledger::tiles(tiles_from, to)`.
    pub tiles_from: u64,
}

/// The way of a directory of `old` records to one of `new`, in steps of one entry bundle. Holds at
/// most one tile for each level; the caller reads the records and puts the files where they belong.
#[derive(Debug)]
pub struct Growth {
    next: u64,
    new: u64,
    /// The newest partial tile of each level that changed; `None` where the level ends in a full one.
    partial: BTreeMap<u8, Option<Tile>>,
    done: bool,
}

impl Growth {
    /// From `old` records to `new`; nothing is to be done when `old` is not less than `new`.
    pub fn between(old: u64, new: u64) -> Self {
        Growth { next: old, new, partial: BTreeMap::new(), done: old >= new }
    }

    /// What the next call of [`files`](Growth::files) needs; `None` when every file was given.
    pub fn step(&self) -> Option<Step> {
        if self.done {
            return None;
        }
        let from = self.next - self.next % ENTRIES_WIDTH;
        Some(Step { from, to: self.new.min(from + ENTRIES_WIDTH), tiles_from: self.next })
    }

    /// The next files, from the leaves and tiles of [`step`](Growth::step).
    ///
    /// # Errors
    /// [`BundleError::Source`] when there are not as many leaves as were asked for.
    pub fn files<'l>(
        &mut self,
        leaves: impl ExactSizeIterator<Item = &'l [u8]>,
        tiles: Vec<Tile>,
    ) -> Result<Vec<BundleFile>, BundleError> {
        let Some(step) = self.step() else { return Ok(Vec::new()) };
        let width = step.to - step.from;
        if leaves.len() as u64 != width {
            return Err(BundleError::Source { from: step.from, to: step.to, got: leaves.len() });
        }
        let path = entries_path(step.from / ENTRIES_WIDTH, width);
        let mut files = vec![BundleFile { path, bytes: encode_entries(leaves) }];
        // Tiles come level by level, a partial one last in its level: a full one takes back what the
        // level had before, so that what is left at the end is the right edge of the new tree.
        for tile in tiles {
            let level = level(&tile);
            if tile.path.contains(".p/") {
                self.partial.insert(level, Some(tile));
            } else {
                self.partial.insert(level, None);
                files.push(BundleFile { path: tile.path, bytes: tile.bytes });
            }
        }
        self.next = step.to;
        if self.next == self.new {
            self.done = true;
            let edge = std::mem::take(&mut self.partial).into_values().flatten();
            files.extend(edge.map(|tile| BundleFile { path: tile.path, bytes: tile.bytes }));
        }
        Ok(files)
    }
}

fn level(tile: &Tile) -> u8 {
    tile.path.split('/').nth(1).and_then(|level| level.parse().ok()).expect("a tile's path names its level")
}

/// Brings a directory up to a checkpoint of this ledger and says how many records were added.
///
/// Returns `Ok(0)` when the directory is there already, or further. Durable when it returns. Blocks
/// on the disk: not to be called on a thread of an async runtime that has other work.
///
/// # Errors
/// [`BundleError::OtherLog`] when the directory's own checkpoint is of another origin or not the
/// beginning of this log; otherwise as reading the ledger and writing the files fail.
pub async fn extend(writer: &mut DirectoryWriter, ledger: &dyn Ledger, to: &SignedCheckpoint) -> Result<u64, BundleError> {
    let new = to.checkpoint().size;
    writer.check_continued_by(ledger, to)?;
    let old = writer.size();
    let mut growth = Growth::between(old, new);
    while let Some(step) = growth.step() {
        let mut records = Vec::new();
        while (records.len() as u64) < step.to - step.from {
            let from = step.from + records.len() as u64;
            let page = ledger.read(Position(from), (step.to - from) as usize).await?;
            if page.is_empty() {
                break;
            }
            records.extend(page);
        }
        let tiles = ledger.tiles(step.tiles_from, step.to)?;
        for file in growth.files(records.iter().map(|record| record.leaf.as_slice()), tiles)? {
            writer.put(&file)?;
        }
    }
    if new > old {
        writer.finish(to)?;
    }
    Ok(new.saturating_sub(old))
}
