//! The durable log byte for byte: chunks as they are stored, each checked before it leaves.
//!
//! What an archive and a backup are made of. A chunk holds ciphertexts, request digests and
//! checkpoints besides leaves, and never a key; so a log put together from chunks again gives the
//! same receipts and answers the same repeats. Reading goes on beside appends: only what is durable
//! is ever handed out, and that ends with a whole batch.

use super::Log;
use super::chunk::Chunk;
use super::start;
use crate::error::ReadError;
use crate::index::NOT_OF_THE_TREE;
use crate::names::Position;
use crate::proof::{SignedCheckpoint, Tree};

/// A stored chunk: its bytes, whose sum was checked, and what they say. One that a ledger hands out has the leaves
/// and tiles of its tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawChunk {
    bytes: Vec<u8>,
    pub(crate) chunk: Chunk,
}

impl RawChunk {
    /// Checks bytes from outside; the text says what does not fit.
    ///
    /// # Errors
    /// The sum or a length is not that of the content.
    pub fn check(bytes: Vec<u8>) -> Result<RawChunk, String> {
        Ok(RawChunk { chunk: Chunk::decode(&bytes)?, bytes })
    }

    /// The bytes, as stored.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The position of its first record.
    pub fn first(&self) -> Position {
        self.chunk.first
    }

    /// The position after its last record.
    pub fn next(&self) -> Position {
        self.chunk.next()
    }

    /// Adds its records to a tree that ends where it begins.
    pub fn grow(&self, tree: &mut Tree) {
        self.chunk.entries.iter().for_each(|entry| tree.push(entry.leaf_hash));
    }

    /// The checkpoint after its batch, if it is the last chunk of one. **Its signature is not checked.**
    pub fn checkpoint(&self) -> Option<&SignedCheckpoint> {
        self.chunk.checkpoint.as_ref()
    }
}

impl Log {
    /// Stored chunks from the one that begins at `from` on, up to the durable end; ends after the chunk
    /// with which it reaches `bytes`. None only when nothing is durable from `from` on.
    pub(crate) fn raw_chunks(&self, from: Position, bytes: usize) -> Result<Vec<RawChunk>, ReadError> {
        let damaged = |why: String| ReadError::Damaged { position: from, why };
        let firsts: Vec<Position> = {
            let durable = self.durable();
            if from >= durable.index.next() {
                return Ok(Vec::new());
            }
            let at = durable.chunks.partition_point(|first| *first < from);
            // No chunk is smaller than 48 bytes, so more of them are never needed.
            durable.chunks[at..].iter().take(bytes / 48 + 1).copied().collect()
        };
        if firsts.first() != Some(&from) {
            return Err(damaged("no chunk of this log begins there".to_owned()));
        }
        let mut chunks = Vec::new();
        let mut read = 0;
        for first in firsts {
            let chunk = RawChunk::check(self.load_bytes(first, first)?).map_err(damaged)?;
            if chunk.first() != first {
                return Err(ReadError::Damaged { position: first, why: "another chunk lies in its place".to_owned() });
            }
            read += chunk.bytes.len();
            chunks.push(chunk);
            if read >= bytes {
                break;
            }
        }
        let durable = self.durable();
        // The start may have read no records, and a damage is not to be copied.
        for (entry, position) in chunks.iter().flat_map(|chunk| chunk.chunk.entries.iter().zip(chunk.first().0..)) {
            if durable.index.tree().leaf(Position(position)) != Some(&entry.leaf_hash) {
                return Err(ReadError::Damaged { position: Position(position), why: NOT_OF_THE_TREE.to_owned() });
            }
        }
        for chunk in &chunks {
            let damaged = |why| ReadError::Damaged { position: chunk.first(), why };
            chunk.chunk.check_tiles(durable.index.tree()).map_err(damaged)?;
        }
        drop(durable);
        Ok(chunks)
    }

    /// A digest under the key file, by which a foreign one is known. Says nothing of any key.
    pub(crate) fn key_check(&self) -> [u8; 32] {
        start::key_check(&self.keys())
    }
}
