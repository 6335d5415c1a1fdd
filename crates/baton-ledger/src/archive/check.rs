//! Checking all of an archive with nothing but its files and the keys a reader trusts.
//!
//! Every chunk, leaf, revision, request and batch, the root of every batch against its checkpoint, the
//! signatures, and every tile and entry below the checkpoint. Writes nothing and takes no lock, so
//! an archive may be checked while it grows: what lies beyond the checkpoint is not looked at.

use std::path::{Path, PathBuf};

use super::error::{ArchiveError, damaged};
use super::layout::Layout;
use super::segments::{self, End};
use super::tiles;
use crate::log::raw::RawChunk;
use crate::log::scan::{Scan, scan};
use crate::log::succession::{KeyChange, ReadSuccession, Succession};
use crate::names::Position;
use crate::proof::{Checkpoint, CheckpointError, NodeHash, ProofError, SignedCheckpoint, TILE_WIDTH, Tree, TrustedKeys};
use crate::storage::{Fault, Visitor};

/// How often a check begins again because the archive grew a new checkpoint meanwhile.
const ATTEMPTS: usize = 5;

/// An archive in which everything fits.
pub struct Checked {
    /// Its checkpoint, signed by a trusted key.
    pub checkpoint: SignedCheckpoint,
    /// The digest by which the key file of its log is known.
    pub key_check: [u8; 32],
    /// How many files of chunks were read.
    pub segments: usize,
    pub(super) scan: Scan,
    pub(super) tree: Tree,
    pub(super) paths: Vec<(Position, PathBuf)>,
}

impl Checked {
    /// The root of the tree over its first `size` records.
    ///
    /// # Errors
    /// [`ProofError::BeyondLog`].
    pub fn root_at(&self, size: u64) -> Result<NodeHash, ProofError> {
        self.tree.root_at(size)
    }

    /// The changes of the log's key, oldest first.
    pub fn key_changes(&self) -> &[KeyChange] {
        &self.scan.durable.key_changes
    }
}

/// Checks an archive whole. Signatures by keys of the checkpoints' own origin must fit; older ones of
/// another origin, from before a fork, are held against the tree alone when no key for them is trusted. A key that
/// the log gave up signs for what was recorded before: a change of keys in the log, covered by a trusted key,
/// names it. From that change on it signs for nothing, trusted or not.
///
/// Takes memory and time in proportion to the log, as opening it does.
///
/// # Errors
/// The first thing that does not fit, with its file.
pub fn check(dir: &Path, trusted: &TrustedKeys, read_succession: ReadSuccession) -> Result<Checked, ArchiveError> {
    let layout = Layout::new(dir);
    let mut attempt = 0;
    loop {
        attempt += 1;
        let before = layout.read_checkpoint()?;
        match check_once(&layout, trusted, read_succession) {
            // A checkpoint that changed takes tiles with it that the one before needed.
            Err(ArchiveError::Damaged { .. }) if attempt < ATTEMPTS && layout.read_checkpoint()? != before => {}
            done => return done,
        }
    }
}

fn check_once(layout: &Layout, trusted: &TrustedKeys, read_succession: ReadSuccession) -> Result<Checked, ArchiveError> {
    let none = |why: &str| ArchiveError::NotAnArchive { dir: layout.dir.clone(), why: why.to_owned() };
    let key_check = layout.read()?.ok_or_else(|| none("it is empty"))?;
    let path = layout.checkpoint();
    let signed = layout.read_checkpoint()?.ok_or_else(|| damaged(&path, "it is missing, as in a backup that was cut short"))?;
    let checkpoint = trusted.verify(signed.note().as_bytes()).map_err(|source| ArchiveError::Checkpoint { path, source })?;
    let paths = segments::list(layout)?;
    let mut walk = Walk {
        dir: &layout.dir,
        trusted,
        read_succession,
        size: checkpoint.checkpoint().size,
        tree: Tree::new(),
        first: 0,
        leaves: Vec::new(),
        key: None,
        change: None,
        unexplained: Vec::new(),
    };
    let mut failed = None;
    let nobody = SignedCheckpoint::unsigned(Checkpoint::empty(&checkpoint.checkpoint().origin));
    let visited = scan(
        |visitor| {
            walk.segments(&paths, visitor).map_err(|error| {
                failed = Some(error);
                Fault::Damage(String::new())
            })
        },
        nobody,
        read_succession,
    );
    let scan = match (visited, failed) {
        (Ok(scan), _) => scan,
        (Err(_), Some(error)) => return Err(error),
        (Err(fault), None) => return Err(damaged(&layout.chunks(), std::io::Error::from(fault).to_string())),
    };
    walk.end(&layout.checkpoint(), &checkpoint)?;
    let tree = walk.tree;
    let made = tree.tiles(0, tree.size()).map_err(|error| damaged(&layout.dir, error.to_string()))?;
    tiles::compare(&layout.dir, &made)?;
    Ok(Checked { checkpoint, key_check, segments: paths.len(), scan, tree, paths })
}

/// Every chunk of checked segments again, up to a size.
pub(super) fn chunks(
    paths: &[(Position, PathBuf)],
    size: u64,
    mut take: impl FnMut(&RawChunk) -> Result<(), ArchiveError>,
) -> Result<(), ArchiveError> {
    for (_, path) in paths {
        segments::walk(path, |chunk, _| if chunk.first().0 < size { take(&chunk) } else { Ok(()) })?;
    }
    Ok(())
}

/// What is held against each other on the way through the chunks.
struct Walk<'w> {
    dir: &'w Path,
    trusted: &'w TrustedKeys,
    /// The size that the checkpoint covers.
    size: u64,
    tree: Tree,
    /// The leaves of the tile that is being filled, and the position of the first.
    first: u64,
    leaves: Vec<Vec<u8>>,
    read_succession: ReadSuccession,
    /// The key that alone signs since the last change of keys.
    key: Option<String>,
    /// The change of keys in the batch that is being read: the old key and the new.
    change: Option<(String, String)>,
    /// Ends of batches that no trusted key signed, until a change of keys names the key that did.
    unexplained: Vec<(PathBuf, Position, SignedCheckpoint)>,
}

impl Walk<'_> {
    fn segments(&mut self, paths: &[(Position, PathBuf)], visitor: &mut Visitor<'_>) -> Result<(), ArchiveError> {
        for (first, path) in paths {
            if self.tree.size() < self.size && first.0 != self.tree.size() {
                return Err(damaged(
                    path,
                    format!("the segment before it, which should reach from {}, is missing", self.tree.size()),
                ));
            }
            let end = segments::walk(path, |chunk, _| match chunk.first().0 < self.size {
                true => self.chunk(&chunk, path, visitor),
                false => Ok(()),
            })?;
            if let (End::CutShort(why), true) = (end, self.tree.size() < self.size) {
                return Err(damaged(path, why));
            }
        }
        Ok(())
    }

    fn chunk(&mut self, chunk: &RawChunk, path: &Path, visitor: &mut Visitor<'_>) -> Result<(), ArchiveError> {
        visitor(&chunk.first().0.to_be_bytes(), chunk.bytes()).map_err(|why| damaged(path, why))?;
        for entry in &chunk.chunk.entries {
            self.tree.push(entry.leaf_hash);
            match (self.read_succession)(&entry.stream, &entry.leaf) {
                Some(Succession::Rotated { old, new }) => self.change = Some((old, new)),
                Some(Succession::Forked) => self.forked(),
                None => {}
            }
            self.leaves.push(entry.leaf.clone());
            if self.leaves.len() as u64 == TILE_WIDTH {
                self.entries()?;
            }
        }
        match chunk.checkpoint() {
            Some(signed) => self
                .batch_end(signed, chunk.first(), path)
                .map_err(|why| damaged(path, format!("at position {}: {why}", chunk.first()))),
            None => Ok(()),
        }
    }

    /// The checkpoint of a batch is that of the tree, and signed: receipts are made of it.
    fn batch_end(&mut self, signed: &SignedCheckpoint, at: Position, path: &Path) -> Result<(), String> {
        if signed.checkpoint().root != self.tree.root() {
            return Err("the checkpoint of its batch is not that of the records".to_owned());
        }
        if let Some((old, new)) = self.change.take() {
            return self.key_changed(signed, &old, new);
        }
        if let Some(key) = &self.key {
            return match signed.bears_signature_of(key) {
                true => Ok(()),
                false => Err(format!("the checkpoint of its batch is not signed by {key}, to which the log had changed")),
            };
        }
        match self.trusted.verify(signed.note().as_bytes()) {
            Ok(_) => Ok(()),
            Err(CheckpointError::Untrusted { origin }) if !self.trusted.names(&origin) => Ok(()),
            Err(CheckpointError::Untrusted { .. }) => {
                self.unexplained.push((path.to_owned(), at, signed.clone()));
                Ok(())
            }
            Err(error) => Err(error.to_string()),
        }
    }

    /// Both keys signed the change, and the old one whatever nobody could be named for before.
    fn key_changed(&mut self, signed: &SignedCheckpoint, old: &str, new: String) -> Result<(), String> {
        if self.key.as_deref().is_some_and(|key| key != old) {
            return Err(format!("the log changed its key from {old}, which was not its key"));
        }
        if ![old, &new].into_iter().all(|key| signed.bears_signature_of(key)) {
            return Err(format!("the change of keys from {old} to {new} is not signed by both"));
        }
        self.unexplained.retain(|(_, _, before)| !before.bears_signature_of(old));
        self.key = Some(new);
        Ok(())
    }

    /// Under a new origin the keys of the old one count no more; what they signed is held against the tree.
    fn forked(&mut self) {
        self.key = None;
        self.change = None;
    }

    fn entries(&mut self) -> Result<(), ArchiveError> {
        tiles::compare_entries(self.dir, self.first, &self.leaves)?;
        self.first += self.leaves.len() as u64;
        self.leaves.clear();
        Ok(())
    }

    fn end(&mut self, path: &Path, checkpoint: &SignedCheckpoint) -> Result<(), ArchiveError> {
        if let Some((path, at, signed)) = self.unexplained.first() {
            let origin = signed.checkpoint().origin.clone();
            return Err(damaged(path, format!("at position {at}: {}", CheckpointError::Untrusted { origin })));
        }
        let head = checkpoint.checkpoint();
        if self.tree.size() != head.size {
            let why = format!("it covers {} records and the segments hold {}", head.size, self.tree.size());
            return Err(damaged(path, why));
        }
        if self.tree.root() != head.root {
            return Err(damaged(path, "its root is not that of the records"));
        }
        if self.leaves.is_empty() { Ok(()) } else { self.entries() }
    }
}
