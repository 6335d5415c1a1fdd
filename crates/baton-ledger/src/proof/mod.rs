//! Proofs: the Merkle tree over the leaves, signed checkpoints, receipts. The one module that knows
//! the crates behind them.
//!
//! Everything here is a standard format that software of others checks: the tree of RFC 6962 (the
//! same hashes as RFC 9162), checkpoints as C2SP signed notes (Ed25519), receipts as
//! `c2sp.org/tlog-proof@v1`. It promises that a check that succeeds rests on a signature by a key
//! that the caller gave, and that nothing in a proof or note, however malformed, panics. There is no
//! hashing, tree or signature code of our own in it, only the crates `tlog_tiles` and `signed_note`.

mod checkpoint;
mod full_tile;
mod key;
mod receipt;
mod tree;

pub use checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint, TrustedKeys};
pub(crate) use full_tile::{FULL_TILE, FullTile, STORED_LEVELS, tiles_completed_at};
pub use key::{KeyError, SigningKey};
pub use receipt::{Receipt, ReceiptError};
pub(crate) use tree::Extension;
pub use tree::{EMPTY_ROOT, NodeHash, ProofError, TILE_WIDTH, Tile, Tree, check_consistency, check_inclusion};
