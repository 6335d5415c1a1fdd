//! The head of the log: how far it reaches and with which leaf it ends.
//!
//! It is *unsigned*: it lets the ledger find its own torn tail and notice a lost one, and proves
//! nothing to anybody else. A signed checkpoint is to take its place; everything that would have
//! to change then is the content of this file and who calls it.

use crate::hash::LeafHash;
use crate::names::Position;

/// The durable end of the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Head {
    /// How many records the log holds; also the position the next record takes.
    pub size: u64,
    /// The leaf hash of the last record; all zero while the log is empty.
    pub last_leaf_hash: LeafHash,
}

impl Head {
    /// Bytes of an encoded head.
    pub(crate) const LEN: usize = 40;

    /// The head of a log without records.
    pub const EMPTY: Head = Head { size: 0, last_leaf_hash: [0; 32] };

    /// The position the next record takes, which a batch must name in `at`.
    pub fn next(&self) -> Position {
        Position(self.size)
    }

    /// Size (8 bytes, big-endian), then the last leaf hash.
    pub(crate) fn encode(&self) -> [u8; Head::LEN] {
        let mut bytes = [0; Head::LEN];
        bytes[..8].copy_from_slice(&self.size.to_be_bytes());
        bytes[8..].copy_from_slice(&self.last_leaf_hash);
        bytes
    }

    pub(crate) fn decode(bytes: &[u8; Head::LEN]) -> Head {
        let mut size = [0; 8];
        let mut last_leaf_hash = [0; 32];
        size.copy_from_slice(&bytes[..8]);
        last_leaf_hash.copy_from_slice(&bytes[8..]);
        Head { size: u64::from_be_bytes(size), last_leaf_hash }
    }
}
