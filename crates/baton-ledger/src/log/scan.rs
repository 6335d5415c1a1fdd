//! One walk over the store, at open and in a probe: is it whole, and what does it hold?
//!
//! Verifies every chunk and the tiles in it, that positions are gapless, revisions contiguous and request
//! keys unique, and that each batch ends in a checkpoint of its size. Derives the tree from the leaves and the indexes
//! on the way. Whether the root and the signature of the newest checkpoint are right is for `start.rs`
//! to say. Changes nothing: a torn last batch is handed back, not removed.

use super::chunk::{Chunk, Request};
use super::succession::{self, KeyChange, ReadSuccession};
use crate::contract::RequestRecord;
use crate::index::Index;
use crate::names::Position;
use crate::proof::SignedCheckpoint;
use crate::storage::{Fault, Visitor};

/// Key of the one value that is no chunk, a [`StoreValue`]; sorts after every position that can
/// occur.
pub(crate) const STORE_KEY: &[u8] = b"store";

/// What the store knows about itself: 8 bytes opens (big-endian), 32 bytes key check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StoreValue {
    /// How often the store was opened.
    pub(crate) opens: u64,
    /// A digest under the key file of this store, to know a foreign one.
    pub(crate) key_check: [u8; 32],
}

impl StoreValue {
    pub(crate) fn encode(&self) -> Vec<u8> {
        [&self.opens.to_be_bytes()[..], &self.key_check].concat()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<StoreValue> {
        let (opens, key_check) = bytes.split_first_chunk()?;
        let key_check = key_check.try_into().ok()?;
        Some(StoreValue { opens: u64::from_be_bytes(*opens), key_check })
    }
}

/// What is durable, and where to find it.
pub(crate) struct Durable {
    pub(crate) index: Index,
    /// First positions of all chunks, ascending: the chunk of a position is the last one that
    /// does not begin after it.
    pub(crate) chunks: Vec<Position>,
    /// One above the highest key slot in use; 0 when none is.
    pub(crate) next_slot: u64,
    /// The changes of keys since the log has its origin, oldest first.
    pub(crate) key_changes: Vec<KeyChange>,
}

impl Durable {
    /// First position of the chunk that holds a position of the log.
    pub(crate) fn chunk_of(&self, position: Position) -> Position {
        let after = self.chunks.partition_point(|first| *first <= position);
        self.chunks[after - 1]
    }
}

/// What a walk found, or what a snapshot says that one would find.
pub(crate) struct Scan {
    pub(crate) durable: Durable,
    /// The chunks of a last batch without its end, as stored, in order.
    pub(crate) torn: Vec<(Position, Vec<u8>)>,
    /// One above the highest key slot in use, torn batch included; 0 when none is.
    pub(crate) next_slot: u64,
    /// The value under [`STORE_KEY`].
    pub(crate) store_value: Option<StoreValue>,
}

/// Walks a store through its `visit`. `empty` is the checkpoint of a log without records.
pub(crate) fn scan(
    visit: impl FnOnce(&mut Visitor<'_>) -> Result<(), Fault>,
    empty: SignedCheckpoint,
    read_succession: ReadSuccession,
) -> Result<Scan, Fault> {
    let mut walk = Walk {
        scan: Scan {
            durable: Durable { index: Index::new(empty), chunks: Vec::new(), next_slot: 0, key_changes: Vec::new() },
            torn: Vec::new(),
            next_slot: 0,
            store_value: None,
        },
        batch: Vec::new(),
        read_succession,
    };
    visit(&mut |key, value| walk.take(key, value))?;
    walk.scan.torn = walk.batch.into_iter().map(|(chunk, bytes)| (chunk.first, bytes)).collect();
    Ok(walk.scan)
}

struct Walk {
    scan: Scan,
    /// Chunks of the batch whose end has not come yet.
    batch: Vec<(Chunk, Vec<u8>)>,
    read_succession: ReadSuccession,
}

impl Walk {
    fn take(&mut self, key: &[u8], value: &[u8]) -> Result<(), String> {
        if key == STORE_KEY {
            let value = StoreValue::decode(value).ok_or("the store's own value is damaged")?;
            self.scan.store_value = Some(value);
            return Ok(());
        }
        let position = key.try_into().map(u64::from_be_bytes).map(Position);
        let position = position.map_err(|_| format!("the store holds an unknown key {key:02x?}"))?;
        let mut chunk = Chunk::decode(value).map_err(|why| format!("at position {position}: {why}"))?;
        self.check_place(position, &chunk)?;
        let slots = chunk.entries.iter().filter_map(|entry| entry.sealed.as_ref());
        self.scan.next_slot = slots.map(|s| s.slot + 1).fold(self.scan.next_slot, u64::max);
        match chunk.checkpoint.take() {
            // Bytes are kept only while the batch may turn out to be torn.
            None => self.batch.push((chunk, value.to_vec())),
            Some(checkpoint) => {
                self.batch.push((chunk, Vec::new()));
                self.end_batch(checkpoint)?;
            }
        }
        Ok(())
    }

    /// The chunk follows the one before, in the log and in its batch.
    fn check_place(&self, key: Position, chunk: &Chunk) -> Result<(), String> {
        let due = match self.batch.last() {
            Some((last, _)) => last.next(),
            None => self.scan.durable.index.next(),
        };
        let batch_begin = self.batch.first().map_or(due, |(first, _)| first.first);
        match chunk {
            _ if key != due => Err(format!("position {due} is missing, the store goes on at {key}")),
            _ if chunk.first != key => Err(format!("at position {key}: a chunk of {}", chunk.first)),
            _ if chunk.batch != batch_begin => Err(format!("at position {key}: a batch from {batch_begin} on has no end")),
            _ if chunk.entries.is_empty() => Err(format!("at position {key}: an empty chunk")),
            _ => Ok(()),
        }
    }

    fn end_batch(&mut self, checkpoint: SignedCheckpoint) -> Result<(), String> {
        let end = checkpoint.checkpoint().size;
        let index = &mut self.scan.durable.index;
        for (chunk, _) in std::mem::take(&mut self.batch) {
            self.scan.durable.chunks.push(chunk.first);
            for entry in &chunk.entries {
                let position = index.next();
                if let Some(request) = &entry.request {
                    remember(index, position, request, end)?;
                }
                if let Some(said) = (self.read_succession)(&entry.stream, &entry.leaf) {
                    succession::take(&mut self.scan.durable.key_changes, said, position, &checkpoint);
                }
                let due = index.push(&entry.stream, entry.leaf_hash);
                if entry.revision != due {
                    return Err(format!(
                        "at position {position}: revision {} of stream {} where {due} is due",
                        entry.revision, entry.stream
                    ));
                }
            }
            chunk.check_tiles(index.tree()).map_err(|why| format!("at position {}: {why}", chunk.first))?;
        }
        if end != index.next().0 {
            return Err(format!("before position {}: a checkpoint of size {end}", index.next()));
        }
        index.reach(checkpoint);
        self.scan.durable.next_slot = self.scan.next_slot;
        Ok(())
    }
}

fn remember(index: &mut Index, first: Position, request: &Request, end_of_batch: u64) -> Result<(), String> {
    let Request { key, digest, count } = request;
    let (digest, count) = (*digest, *count);
    if count == 0 || first.0 + u64::from(count) > end_of_batch {
        return Err(format!("at position {first}: a request of {count} records does not fit"));
    }
    match index.remember(key, RequestRecord { first, count, digest }) {
        true => Ok(()),
        false => Err(format!("at position {first}: a request that was there before")),
    }
}
