//! Writing an archive: begun once, continued for ever, by the log it belongs to and by no other.
//!
//! One writer at a time, under a lock. After an error an [`Archive`] is to be dropped and opened
//! again: what is on disk then decides, and nothing that a checkpoint covers has changed.

use std::path::{Path, PathBuf};

use super::error::{ArchiveError, damaged};
use super::layout::Layout;
use super::segments::{self, End, Segment};
use crate::bundle::{DirectoryWriter, ENTRIES_WIDTH, Growth};
use crate::contract::Ledger as _;
use crate::log::raw::RawChunk;
use crate::names::Position;
use crate::proof::{ProofError, SignedCheckpoint, Tile};
use crate::sled::SledLedger;

/// How much is read from a ledger at once, in bytes of chunks; an archive that lags far behind catches
/// up in steps of this size, each of which ends in a checkpoint.
const STEP_BYTES: usize = 8 * 1024 * 1024;

/// An archive that is being written.
pub struct Archive {
    layout: Layout,
    segment: Option<Segment>,
    /// Where the next chunk goes.
    next: Position,
    /// What the checkpoint in the archive covers.
    size: u64,
    /// What its tiles and entries hold: as much, or more.
    grown: u64,
    /// Whether the last chunk was not the end of its batch: a segment ends with a batch.
    in_batch: bool,
    /// The newest end of a batch that has been written and is not covered yet.
    reached: Option<SignedCheckpoint>,
    /// Leaves from the first one on that the next tiles need.
    leaves: Vec<Vec<u8>>,
    leaves_from: u64,
    /// Tiles, entries and checkpoint; holds the lock, so it is given up last.
    directory: DirectoryWriter,
}

impl Archive {
    /// Begins an archive in a new or empty directory, for a log with this key check.
    ///
    /// # Errors
    /// [`ArchiveError::NotAnArchive`] for a directory that holds anything; see the others.
    pub fn begin(dir: &Path, key_check: &[u8; 32]) -> Result<Archive, ArchiveError> {
        let layout = Layout::new(dir);
        if layout.read()?.is_some() {
            let why = "there is an archive already, and one is never overwritten".to_owned();
            return Err(ArchiveError::NotAnArchive { dir: layout.dir, why });
        }
        let directory = DirectoryWriter::open(dir)?;
        layout.begin(key_check)?;
        Ok(Archive {
            layout,
            segment: None,
            next: Position(0),
            size: 0,
            grown: 0,
            in_batch: false,
            reached: None,
            leaves: Vec::new(),
            leaves_from: 0,
            directory,
        })
    }

    /// Opens the archive of an open ledger, or begins one in a new or empty directory.
    ///
    /// Changes nothing on a refusal. Reads the newest segment and as much of the log; what lies in it
    /// beyond the checkpoint is taken over if it is the log's, and an end that was cut short is cut off.
    ///
    /// # Errors
    /// Another log's archive, one that is ahead of the log or inconsistent with it, a damaged one, one
    /// that is being written.
    pub fn follow(dir: &Path, ledger: &SledLedger) -> Result<Archive, ArchiveError> {
        let layout = Layout::new(dir);
        let Some(key_check) = layout.read()? else {
            return Archive::begin(dir, &ledger.key_check());
        };
        let directory = DirectoryWriter::open(dir)?;
        let other = |why: String| ArchiveError::OtherLog { dir: layout.dir.clone(), why };
        if key_check != ledger.key_check() {
            return Err(other("its key check is not that of this log's key file".to_owned()));
        }
        if let Some(signed) = directory.checkpoint() {
            check_checkpoint(&layout, signed, ledger)?;
        }
        let size = directory.size();
        let tail = find_tail(&layout, ledger, size)?;
        let leaves_from = first_leaf(size);
        let leaves = read_leaves(ledger, leaves_from, tail.next.0)?;
        let segment = tail.segment.map(|(path, bytes)| Segment::go_on(path, bytes)).transpose()?;
        Ok(Archive {
            layout,
            segment,
            next: tail.next,
            size,
            grown: size,
            in_batch: false,
            reached: tail.reached,
            leaves,
            leaves_from,
            directory,
        })
    }

    /// How many records the archive's checkpoint covers.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Where the next chunk goes.
    pub fn next(&self) -> Position {
        self.next
    }

    /// Takes one step after a ledger that this archive was opened for: some megabytes at most. Says
    /// whether it has reached the durable end that it saw. Durable when it returns.
    ///
    /// # Errors
    /// See [`ArchiveError`]; drop the archive then, and open it again later.
    pub fn step(&mut self, ledger: &SledLedger) -> Result<bool, ArchiveError> {
        let chunks = ledger.raw_chunks(self.next, STEP_BYTES)?;
        for chunk in &chunks {
            self.append(chunk)?;
        }
        self.cover(|old, new| ledger.tiles(old, new))?;
        Ok(self.next >= ledger.head().next())
    }

    /// Appends the next chunk. Durable with the next [`cover`](Archive::cover).
    ///
    /// # Errors
    /// [`ArchiveError::DoesNotFollow`], [`ArchiveError::Io`].
    ///
    /// Call [`cover`](Archive::cover) or [`grow`](Archive::grow) every few megabytes: a file is ended, and memory given back, only
    /// then.
    pub fn append(&mut self, chunk: &RawChunk) -> Result<(), ArchiveError> {
        if chunk.first() != self.next {
            let why = format!("the next chunk begins at {}", chunk.first());
            return Err(ArchiveError::DoesNotFollow { at: self.next, why });
        }
        let begin = match &self.segment {
            None => true,
            // Only when the tree holds everything before: then the newest segment alone says where to go on.
            Some(segment) => segment.is_full() && !self.in_batch && self.next.0 == self.grown,
        };
        if begin {
            self.segment = Some(Segment::begin(&self.layout, self.next)?);
        }
        if let Some(segment) = &mut self.segment {
            segment.append(chunk)?;
        }
        self.leaves.extend(chunk.chunk.entries.iter().map(|entry| entry.leaf.clone()));
        self.next = chunk.next();
        self.in_batch = chunk.checkpoint().is_none();
        if let Some(checkpoint) = chunk.checkpoint() {
            self.reached = Some(checkpoint.clone());
        }
        Ok(())
    }

    /// Makes everything appended so far durable, then the tree over it, then the newest checkpoint in
    /// it. `tiles` gives what a log of the second size has and one of the first has not.
    ///
    /// # Errors
    /// See [`ArchiveError`].
    pub fn cover(&mut self, tiles: impl Fn(u64, u64) -> Result<Vec<Tile>, ProofError>) -> Result<(), ArchiveError> {
        self.grow(tiles)?;
        let Some(checkpoint) = self.reached.take() else { return Ok(()) };
        // ---- From here on a reader relies on it. ----
        self.directory.finish(&checkpoint)?;
        self.size = checkpoint.checkpoint().size;
        Ok(())
    }

    /// As [`cover`](Archive::cover), but without the checkpoint: for a copy that nobody is to rely on before its end.
    ///
    /// # Errors
    /// See [`ArchiveError`].
    pub fn grow(&mut self, tiles: impl Fn(u64, u64) -> Result<Vec<Tile>, ProofError>) -> Result<(), ArchiveError> {
        let Some(size) = self.reached.as_ref().map(|reached| reached.checkpoint().size) else { return Ok(()) };
        if size == self.grown {
            return Ok(());
        }
        if let Some(segment) = &self.segment {
            segment.sync()?;
        }
        let mut growth = Growth::between(self.grown, size);
        while let Some(step) = growth.step() {
            let wanted = (step.from - self.leaves_from) as usize..(step.to - self.leaves_from) as usize;
            let leaves = self.leaves[wanted].iter().map(Vec::as_slice);
            let made = tiles(step.tiles_from, step.to)
                .map_err(|error| ArchiveError::DoesNotFollow { at: Position(self.grown), why: error.to_string() })?;
            for file in growth.files(leaves, made)? {
                self.directory.put(&file)?;
            }
        }
        self.grown = size;
        let needed = first_leaf(size);
        self.leaves.drain(..(needed - self.leaves_from) as usize);
        self.leaves_from = needed;
        Ok(())
    }
}

/// The first leaf that the entries of a log that grows from this size need again.
fn first_leaf(size: u64) -> u64 {
    size - size % ENTRIES_WIDTH
}

/// The archive's checkpoint is one of this log.
fn check_checkpoint(layout: &Layout, signed: &SignedCheckpoint, ledger: &SledLedger) -> Result<(), ArchiveError> {
    let there = signed.checkpoint();
    let other = |why: String| Err(ArchiveError::OtherLog { dir: layout.dir.clone(), why });
    let log = ledger.head().size;
    if there.origin != ledger.origin() {
        return other(format!("its origin is {:?}, that of the log is {:?}", there.origin, ledger.origin()));
    }
    if there.size > log {
        return Err(ArchiveError::Ahead { dir: layout.dir.clone(), archive: there.size, log });
    }
    match ledger.root_at(there.size) {
        Ok(root) if root == there.root => {}
        _ => return other(format!("its first {} records are not those of the log", there.size)),
    }
    // The log holds the checkpoint of each of its batches, whichever of its keys signed it at the time.
    let last = there.size.checked_sub(1).map(Position);
    let own = last.map(|last| ledger.own_checkpoint(last)).transpose()?.flatten();
    match own.is_some_and(|own| own == *signed) {
        true => Ok(()),
        false => Err(damaged(&layout.checkpoint(), "it is not the one that the log signed at this size")),
    }
}

/// The end of what was written.
struct Tail {
    next: Position,
    reached: Option<SignedCheckpoint>,
    segment: Option<(PathBuf, u64)>,
}

/// Reads the newest segment up to its last whole batch, which must reach the checkpoint, and whose
/// batches must be those of the log.
fn find_tail(layout: &Layout, ledger: &SledLedger, size: u64) -> Result<Tail, ArchiveError> {
    let none = || Tail { next: Position(0), reached: None, segment: None };
    let Some((first, path)) = segments::list(layout)?.pop() else {
        return match size {
            0 => Ok(none()),
            _ => Err(damaged(&layout.chunks(), format!("it holds nothing and the checkpoint covers {size} records"))),
        };
    };
    let mut tail = Tail { next: first, reached: None, segment: Some((path.clone(), 0)) };
    let mut next = first;
    let end = segments::walk(&path, |chunk, bytes| {
        if chunk.first() != next {
            return Err(damaged(&path, format!("after position {next} it goes on at {}", chunk.first())));
        }
        next = chunk.next();
        let Some(signed) = chunk.checkpoint() else { return Ok(()) };
        let head = signed.checkpoint();
        match ledger.root_at(head.size) {
            Ok(root) if root == head.root && head.size == next.0 => {}
            Ok(_) => return Err(damaged(&path, format!("its batch up to position {next} is not that of the log"))),
            Err(_) => {
                let log = ledger.head().size;
                return Err(ArchiveError::Ahead { dir: layout.dir.clone(), archive: head.size, log });
            }
        }
        tail.next = next;
        tail.segment = Some((path.clone(), bytes));
        tail.reached = (head.size > size).then(|| signed.clone());
        Ok(())
    })?;
    if tail.next.0 < size {
        let why = match end {
            End::Whole => "it ends there".to_owned(),
            End::CutShort(why) => why,
        };
        return Err(damaged(&path, format!("it is whole up to position {}, the checkpoint covers {size}: {why}", tail.next)));
    }
    if let End::CutShort(why) = end {
        tracing::warn!(file = %path.display(), why, "the end of the archive was cut short and is written again");
    }
    Ok(tail)
}

/// The leaves from one position to before another, from the log.
fn read_leaves(ledger: &SledLedger, from: u64, to: u64) -> Result<Vec<Vec<u8>>, ArchiveError> {
    let mut leaves = Vec::new();
    while from + (leaves.len() as u64) < to {
        let at = from + leaves.len() as u64;
        let page = ledger.read_leaves(Position(at), (to - at) as usize)?;
        leaves.extend(page);
    }
    Ok(leaves)
}
