//! What an archive takes from an open ledger: stored bytes, and what they are held against.

use super::SledLedger;
use crate::error::ReadError;
use crate::log::raw::RawChunk;
use crate::names::Position;
use crate::proof::{NodeHash, ProofError, SignedCheckpoint};

impl SledLedger {
    /// Stored chunks, byte for byte and each checked, from the one that begins at `from` on. Ends at the
    /// durable end, which is that of a batch, or after the chunk with which it reaches `bytes`. None
    /// only when there is nothing durable from `from` on.
    ///
    /// Appends go on meanwhile. `from` is 0 or the [`RawChunk::next`] of the chunk before.
    ///
    /// # Errors
    /// See [`ReadError`]; damaged bytes are not handed out. No chunk begins at `from`.
    pub fn raw_chunks(&self, from: Position, bytes: usize) -> Result<Vec<RawChunk>, ReadError> {
        self.log.raw_chunks(from, bytes)
    }

    /// A digest under the key file of this ledger, the same for its life, by which a restore knows a
    /// foreign key file. Nothing of a key follows from it.
    pub fn key_check(&self) -> [u8; 32] {
        self.log.key_check()
    }

    /// The root of the tree over the first `size` records.
    ///
    /// # Errors
    /// [`ProofError::BeyondLog`].
    pub fn root_at(&self, size: u64) -> Result<NodeHash, ProofError> {
        self.log.durable().index.tree().root_at(size)
    }

    /// The checkpoint of the batch that a record came with.
    pub(crate) fn own_checkpoint(&self, position: Position) -> Result<Option<SignedCheckpoint>, ReadError> {
        Ok(self.log.receipt_now(position)?.map(|receipt| receipt.checkpoint))
    }

    /// Leaves in order, at least one where there is one; otherwise as [`read`](crate::Ledger::read).
    pub(crate) fn read_leaves(&self, from: Position, limit: usize) -> Result<Vec<Vec<u8>>, ReadError> {
        Ok(self.log.read_now(from, limit)?.into_iter().map(|record| record.leaf).collect())
    }
}
