//! The Merkle tree of RFC 6962 over the leaves of the log, in memory.
//!
//! Holds every complete node, 64 bytes for each leaf, so that any proof is a few look-ups. It is
//! derived from the leaves whenever the log is read in full, and the tiles that were stored as they became complete are
//! held against it then.

use std::collections::TryReserveError;

use tlog_tiles::tlog::{
    EMPTY_HASH, Error, Hash, HashReader, check_record, check_tree, node_hash, prove_record, prove_tree, stored_hash_index,
    stored_hashes_for_record_hash, tree_hash,
};

use crate::hash::LeafHash;
use crate::names::Position;

/// Hash of a node of the tree, or of a leaf: SHA-256 as in RFC 6962.
pub type NodeHash = [u8; 32];

/// The root of the tree without leaves: SHA-256 of nothing.
pub const EMPTY_ROOT: NodeHash = EMPTY_HASH.0;

/// Hashes in a full tile of the C2SP tile format.
pub const TILE_WIDTH: u64 = 256;

/// Hashes of one level in a tile are 2^8 wide.
pub(super) const TILE_HEIGHT: u8 = 8;

/// Why a proof was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The tree size asked for is beyond the log.
    #[error("tree size {asked} is beyond the log, which holds {size} records; ask for at most that")]
    BeyondLog {
        /// The size asked for.
        asked: u64,
        /// The size of the log.
        size: u64,
    },
    /// The position is not in a tree of this size.
    #[error("position {position} is not in a tree of size {size}; positions count from 0")]
    NotInTree {
        /// The position asked for.
        position: Position,
        /// The size of the tree.
        size: u64,
    },
    /// A consistency proof needs an older tree that is neither empty nor larger than the newer one.
    #[error("there is no consistency proof from size {old} to {new}; the older size is 1 to the newer one")]
    NotOlder {
        /// The older size asked for.
        old: u64,
        /// The newer size asked for.
        new: u64,
    },
}

/// The tree over the first [`size`](Tree::size) leaves.
#[derive(Clone, Default)]
pub struct Tree {
    size: u64,
    /// Complete nodes in the order in which leaves complete them.
    nodes: Vec<Hash>,
}

impl std::fmt::Debug for Tree {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tree({} leaves, root {})", self.size, Hash(self.root()))
    }
}

impl PartialEq for Tree {
    fn eq(&self, other: &Tree) -> bool {
        self.size == other.size && self.root() == other.root()
    }
}

impl Eq for Tree {}

/// What some more leaves add to a tree; holds nothing of the tree itself.
pub(crate) struct Extension {
    size: u64,
    nodes: Vec<Hash>,
    root: NodeHash,
}

/// A tile of the C2SP tile format: hashes of one level, side by side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tile {
    /// Where it belongs below the log's directory, such as `tile/0/x001/234.p/5`.
    pub path: String,
    /// The hashes, 32 bytes each.
    pub bytes: Vec<u8>,
}

impl Tree {
    /// The tree without leaves.
    pub fn new() -> Self {
        Tree::default()
    }

    /// The number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf by its hash.
    pub fn push(&mut self, leaf: LeafHash) {
        self.nodes.push(Hash(leaf));
        // A leaf completes as many nodes as its number ends in ones. Below each lie two complete trees of one size, stored
        // one after the other, each ending in its root. No look-up through the crate: a start adds every leaf of the log.
        for level in 0..self.size.trailing_ones() {
            let right = self.nodes.len() - 1;
            let left = right - ((2 << level) - 1);
            self.nodes.push(node_hash(self.nodes[left], self.nodes[right]));
        }
        self.size += 1;
    }

    /// Takes the memory for a tree of so many leaves, none of which is there yet; an error where there is not enough.
    pub(crate) fn with_room(leaves: u64) -> Result<Self, TryReserveError> {
        let mut nodes = Vec::new();
        nodes.try_reserve_exact(usize::try_from(stored_hash_index(0, leaves)).unwrap_or(usize::MAX))?;
        Ok(Tree { size: 0, nodes })
    }

    /// The hash of a leaf; `None` beyond the end.
    pub(crate) fn leaf(&self, position: Position) -> Option<&LeafHash> {
        let index = (position.0 < self.size).then(|| stored_hash_index(0, position.0))?;
        self.nodes.get(usize::try_from(index).ok()?).map(|node| &node.0)
    }

    /// The hashes of all leaves, in order.
    pub(crate) fn leaves(&self) -> impl Iterator<Item = &LeafHash> {
        (0..self.size).filter_map(|position| self.leaf(Position(position)))
    }

    /// The root over all leaves.
    pub fn root(&self) -> NodeHash {
        root(self.size, &self.nodes())
    }

    /// The root over the first `size` leaves.
    ///
    /// # Errors
    /// [`ProofError::BeyondLog`].
    pub fn root_at(&self, size: u64) -> Result<NodeHash, ProofError> {
        self.within(size)?;
        Ok(root(size, &self.nodes()))
    }

    /// Proves that the leaf at `position` is in the tree of the first `size` leaves.
    ///
    /// # Errors
    /// [`ProofError::BeyondLog`], [`ProofError::NotInTree`].
    pub fn prove_inclusion(&self, position: Position, size: u64) -> Result<Vec<NodeHash>, ProofError> {
        self.within(size)?;
        if position.0 >= size {
            return Err(ProofError::NotInTree { position, size });
        }
        let proof = prove_record(size, position.0, &self.nodes());
        Ok(plain(proof.expect("the tree holds every node below its size")))
    }

    /// Proves that the tree of the first `old` leaves is a prefix of the tree of the first `new`.
    ///
    /// # Errors
    /// [`ProofError::BeyondLog`], [`ProofError::NotOlder`]: nothing can be proved from an empty tree.
    pub fn prove_consistency(&self, old: u64, new: u64) -> Result<Vec<NodeHash>, ProofError> {
        self.within(new)?;
        if old == 0 || old > new {
            return Err(ProofError::NotOlder { old, new });
        }
        let proof = prove_tree(new, old, &self.nodes());
        Ok(plain(proof.expect("the tree holds every node below its size")))
    }

    /// The tiles that a log directory of `new` leaves has and one of `old` leaves has not, level by
    /// level; partial ones included. `old` is at most `new`.
    ///
    /// # Errors
    /// [`ProofError::BeyondLog`].
    pub fn tiles(&self, old: u64, new: u64) -> Result<Vec<Tile>, ProofError> {
        self.within(new)?;
        let nodes = self.nodes();
        let tile = |tile: tlog_tiles::tile::Tile| Tile {
            // The crate writes the height into the path, as the Go checksum database does; C2SP leaves it out.
            path: tile.path().replacen("tile/8/", "tile/", 1),
            bytes: tile.read_data(&nodes).expect("the tree holds every node below its size"),
        };
        Ok(tlog_tiles::tile::Tile::new_tiles(TILE_HEIGHT, old.min(new), new).into_iter().map(tile).collect())
    }

    /// What these leaves would add, without adding them.
    pub(crate) fn extended<'l>(&self, leaves: impl IntoIterator<Item = &'l LeafHash>) -> Extension {
        let mut extension = Extension { size: self.size, nodes: Vec::new(), root: EMPTY_ROOT };
        for leaf in leaves {
            let added = stored_hashes_for_record_hash(extension.size, Hash(*leaf), &self.nodes_with(&extension));
            extension.nodes.extend(added.expect("the tree holds every node below its size"));
            extension.size += 1;
        }
        extension.root = root(extension.size, &self.nodes_with(&extension));
        extension
    }

    /// Adds what was made from this very tree.
    pub(crate) fn extend(&mut self, extension: Extension) {
        debug_assert_eq!(stored_hash_index(0, self.size), self.nodes.len() as u64);
        self.nodes.extend(extension.nodes);
        self.size = extension.size;
    }

    /// Its nodes.
    pub(super) fn nodes(&self) -> Nodes<'_> {
        Nodes { old: &self.nodes, new: &[] }
    }

    /// Its nodes and those of an extension that was made from it.
    pub(super) fn nodes_with<'n>(&'n self, extension: &'n Extension) -> Nodes<'n> {
        Nodes { old: &self.nodes, new: &extension.nodes }
    }

    fn within(&self, asked: u64) -> Result<(), ProofError> {
        if asked > self.size { Err(ProofError::BeyondLog { asked, size: self.size }) } else { Ok(()) }
    }
}

impl Extension {
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    pub(crate) fn root(&self) -> NodeHash {
        self.root
    }
}

/// Whether `proof` shows that `leaf` stands at `position` in the tree of this size and root.
///
/// Means something only with a size and root taken from a checkpoint whose signature was checked.
pub fn check_inclusion(proof: &[NodeHash], size: u64, root: NodeHash, position: Position, leaf: LeafHash) -> bool {
    check_record(&wrapped(proof), size, Hash(root), position.0, Hash(leaf)).is_ok()
}

/// Whether `proof` shows that the tree of size `old` is a prefix of that of size `new`.
///
/// An empty old tree is never consistent with anything: nothing is known from it. Means something
/// only with sizes and roots taken from checkpoints whose signatures were checked.
pub fn check_consistency(proof: &[NodeHash], old: u64, old_root: NodeHash, new: u64, new_root: NodeHash) -> bool {
    check_tree(&wrapped(proof), new, Hash(new_root), old, Hash(old_root)).is_ok()
}

/// Nodes of a tree and of its extension, as one.
pub(super) struct Nodes<'n> {
    old: &'n [Hash],
    new: &'n [Hash],
}

impl HashReader for Nodes<'_> {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, Error> {
        let at = |index: &u64| {
            let index = *index as usize;
            let node = self.old.get(index).or_else(|| self.new.get(index.wrapping_sub(self.old.len())));
            node.copied().ok_or(Error::IndexesNotInTree)
        };
        indexes.iter().map(at).collect()
    }
}

fn root(size: u64, nodes: &Nodes<'_>) -> NodeHash {
    tree_hash(size, nodes).expect("the tree holds every node below its size").0
}

fn plain(hashes: Vec<Hash>) -> Vec<NodeHash> {
    hashes.into_iter().map(|hash| hash.0).collect()
}

fn wrapped(hashes: &[NodeHash]) -> Vec<Hash> {
    hashes.iter().map(|hash| Hash(*hash)).collect()
}
