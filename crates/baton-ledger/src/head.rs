//! The head of the log: how far it reaches, and the root of the tree over it.

use crate::names::Position;
use crate::proof::{Checkpoint, EMPTY_ROOT, NodeHash};

/// The durable end of the log. Signed, it is a [`SignedCheckpoint`](crate::SignedCheckpoint).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Head {
    /// How many records the log holds; also the position the next record takes.
    pub size: u64,
    /// The root of the tree over all leaves.
    pub root: NodeHash,
}

impl Head {
    /// The head of a log without records.
    pub const EMPTY: Head = Head { size: 0, root: EMPTY_ROOT };

    /// The position the next record takes, which a batch must name in `at`.
    pub fn next(&self) -> Position {
        Position(self.size)
    }
}

impl From<&Checkpoint> for Head {
    fn from(checkpoint: &Checkpoint) -> Head {
        Head { size: checkpoint.size, root: checkpoint.root }
    }
}
