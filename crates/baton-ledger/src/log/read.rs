//! The read path: look up below the durable head, load the chunk, verify, open the disclosure.
//!
//! The storage engine shows writes that are not synced yet, and even failed ones. So what exists
//! is answered by our own index of the durable prefix alone, and the engine is only asked for
//! chunks that the index knows.
//!
//! A start from a snapshot reads no records. So what a read returns is held against the tree and the index as well,
//! and not only against the sum of its chunk: a record that was changed together with that is not served.

use std::io;

use super::Log;
use super::chunk::MAX_BATCH_CHUNKS;
use super::chunk::{Chunk, Entry};
use crate::bounds::{MAX_READ_BYTES, MAX_READ_RECORDS};
use crate::contract::{Disclosure, StoredRecord};
use crate::error::{EraseError, ReadError};
use crate::index::NOT_OF_THE_TREE;
use crate::names::{Position, Revision, StreamName};
use crate::proof::Receipt;
use crate::storage::Fault;

/// A record to load: its position and the chunk that holds it.
struct Place {
    position: Position,
    chunk: Position,
}

impl Log {
    pub(crate) fn read_now(&self, from: Position, limit: usize) -> Result<Vec<StoredRecord>, ReadError> {
        let places = {
            let durable = self.durable();
            (from.0..durable.index.next().0)
                .take(limit.min(MAX_READ_RECORDS))
                .map(Position)
                .map(|position| Place { position, chunk: durable.chunk_of(position) })
                .collect()
        };
        self.load(places)
    }

    pub(crate) fn read_stream_now(
        &self,
        stream: &StreamName,
        from: Revision,
        limit: usize,
    ) -> Result<Vec<StoredRecord>, ReadError> {
        let places = {
            let durable = self.durable();
            let positions = durable.index.stream_from(stream, from).iter().copied();
            positions
                .take(limit.min(MAX_READ_RECORDS))
                .map(|position| Place { position, chunk: durable.chunk_of(position) })
                .collect()
        };
        self.load(places)
    }

    /// The receipt of a record: the checkpoint its batch ended in, and the proof up to it.
    pub(crate) fn receipt_now(&self, position: Position) -> Result<Option<Receipt>, ReadError> {
        let damaged = |why: &str| ReadError::Damaged { position, why: why.to_owned() };
        let batch: Vec<Position> = {
            let durable = self.durable();
            if position >= durable.index.next() {
                return Ok(None);
            }
            let first = durable.chunk_of(position);
            let from = durable.chunks.partition_point(|chunk| *chunk < first);
            durable.chunks[from..].iter().take(MAX_BATCH_CHUNKS).copied().collect()
        };
        for first in batch {
            let Some(checkpoint) = self.load_chunk(position, first)?.checkpoint else { continue };
            let head = checkpoint.checkpoint();
            let durable = self.durable();
            // The scan at open compares the newest root alone; this one is about to be handed out.
            if durable.index.tree().root_at(head.size) != Ok(head.root) {
                return Err(damaged("the checkpoint of its batch is not that of the tree"));
            }
            let proof = durable.index.tree().prove_inclusion(position, head.size);
            let proof = proof.map_err(|_| damaged("the checkpoint of its batch does not reach it"))?;
            drop(durable);
            return Ok(Some(Receipt { position, proof, checkpoint }));
        }
        Err(damaged("its batch has no end"))
    }

    /// The key slots of those of these records that have a disclosure.
    pub(crate) fn slots_of(&self, positions: &[Position]) -> Result<Vec<u64>, EraseError> {
        let mut slots = Vec::new();
        for position in positions {
            let (chunk, leaf) = {
                let durable = self.durable();
                let leaf = durable.index.tree().leaf(*position).copied();
                let leaf = leaf.ok_or(EraseError::NoRecord { position: *position })?;
                (durable.chunk_of(*position), leaf)
            };
            let chunk = self.load_chunk(*position, chunk)?;
            let entry = chunk.entries.get((position.0 - chunk.first.0) as usize);
            // The key of another record must not be the one that is erased.
            if entry.is_none_or(|entry| entry.leaf_hash != leaf) {
                return Err(ReadError::Damaged { position: *position, why: NOT_OF_THE_TREE.to_owned() }.into());
            }
            slots.extend(entry.and_then(|entry| entry.sealed.as_ref()).map(|sealed| sealed.slot));
        }
        Ok(slots)
    }

    /// Loads records in order, and holds each against the index before any is let out.
    fn load(&self, places: Vec<Place>) -> Result<Vec<StoredRecord>, ReadError> {
        let mut records = Vec::with_capacity(places.len());
        let mut loaded: Option<Chunk> = None;
        let mut bytes = 0;
        for Place { position, chunk } in places {
            let chunk = match loaded.take() {
                Some(same) if same.first == chunk => same,
                _ => self.load_chunk(position, chunk)?,
            };
            let damaged = |why| ReadError::Damaged { position, why };
            let at = (position.0 - chunk.first.0) as usize;
            let entry = chunk.entries.get(at).ok_or_else(|| damaged("it is not in its chunk".to_owned()))?;
            let record = self.disclose(position, entry)?;
            loaded = Some(chunk);
            bytes += record.bytes();
            records.push(record);
            if bytes >= MAX_READ_BYTES {
                break;
            }
        }
        let durable = self.durable();
        for record in &records {
            let damaged = |why| ReadError::Damaged { position: record.position, why };
            durable.index.check_record(record).map_err(damaged)?;
        }
        Ok(records)
    }

    /// A chunk from the store, its sum verified.
    ///
    /// A handle that met a failed write refuses also such reads as would have it tidy up a node on the way.
    /// The store is opened again right after a failure, so that read waits for that and is made again.
    fn load_chunk(&self, position: Position, first: Position) -> Result<Chunk, ReadError> {
        let count = self.slot.count();
        match self.try_load_chunk(position, first) {
            Err(ReadError::Io { .. }) if self.health.failure().is_some() && self.slot.another_came(count) => {
                self.try_load_chunk(position, first)
            }
            loaded => loaded,
        }
    }

    fn try_load_chunk(&self, position: Position, first: Position) -> Result<Chunk, ReadError> {
        let damaged = |why| ReadError::Damaged { position, why };
        match Chunk::decode(&self.load_bytes(position, first)?) {
            Ok(chunk) if chunk.first == first => Ok(chunk),
            Ok(_) => Err(damaged("another chunk lies in its place".to_owned())),
            Err(why) => Err(damaged(why)),
        }
    }

    /// The bytes of a chunk from the store, not checked yet.
    pub(super) fn load_bytes(&self, position: Position, first: Position) -> Result<Vec<u8>, ReadError> {
        let damaged = |why| ReadError::Damaged { position, why };
        let disk = self.disk().map_err(|source| ReadError::Io { position, source })?;
        match disk.get(&first.0.to_be_bytes()) {
            Ok(Some(bytes)) => Ok(bytes),
            Ok(None) => Err(damaged("its chunk is gone from the store".to_owned())),
            Err(Fault::Damage(why)) => Err(damaged(why)),
            Err(Fault::Io(source)) => Err(ReadError::Io { position, source }),
        }
    }

    fn disclose(&self, position: Position, entry: &Entry) -> Result<StoredRecord, ReadError> {
        let disclosure = match &entry.sealed {
            None => Ok(Disclosure::None),
            Some(sealed) => self.keys().disclose(sealed, &entry.leaf_hash),
        };
        Ok(StoredRecord {
            position,
            stream: entry.stream.clone(),
            revision: entry.revision,
            leaf: entry.leaf.clone(),
            leaf_hash: entry.leaf_hash,
            disclosure: disclosure.map_err(|source: io::Error| ReadError::Io { position, source })?,
        })
    }
}
