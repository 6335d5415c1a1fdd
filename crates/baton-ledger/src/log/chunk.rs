//! The stored form: one chunk is one value of the storage engine and holds several records.
//!
//! A batch is one or more chunks; the last carries the signed checkpoint of the log as the batch
//! leaves it. A batch whose last chunk is missing was never acknowledged. The key of a chunk is the position of its first record, big-endian.
//! Everything is big-endian and written once:
//!
//! ```text
//! chunk   u8   format, 4
//!         u8   flags: 1 = the last of its batch, a checkpoint follows the entries
//!         u64  position of the first record of the batch
//!         u64  position of the first record of this chunk
//!         u16  number of entries
//!              entries
//!              8,192 bytes for each tile of the tree that they complete, as they do, from level 0 up
//!         u16  length; checkpoint, a signed note                                    (flag 1)
//!         16 bytes        XXH3-128 of everything before
//! entry   u8   flags: 1 = a request begins here, 2 = a disclosure lies beside the leaf
//!         u64  revision
//!         u8   length; stream name
//!         u8   length; caller; 16 bytes id; 32 bytes digest; u32 number of records  (flag 1)
//!         u16  length; leaf
//!         u64  key slot; 24 bytes nonce; u32 length; ciphertext                     (flag 2)
//! ```
//!
//! [`Chunk::decode`] returns only what is whole: the sum and every length fit. Leaf hashes are those of the leaves it found;
//! whoever knows the tree holds them against it, and the tiles too: the hash of every leaf is in one.
//!
//! **Why XXH3-128?** The sum finds accidents: bits that turned, an end that was cut off, bytes of another write. One in 2^128
//! of those would slip through, and 32 KiB take 1 µs, where the SHA-256 of format 3 took 18. It is not cryptographic: whoever can
//! write the store makes a sum that fits. So he could before, for SHA-256 without a key stops nobody who can compute it;
//! nothing that finds intent was lost. That is found, if at all, elsewhere:
//!
//! ```text
//! leaf, tiles         by the tree, whose root the newest checkpoint signs
//! positions, counts   by the size of that checkpoint, and because chunks follow each other without a gap
//! checkpoint          the newest by its signature at each open; an earlier one by the tree before a receipt is made of it, and by its
//!                     signature in the check of an archive and by whoever gets the receipt
//! ciphertext, nonce   by the key of the slot, which authenticates both for this leaf; the words by their commitments in the leaf
//! stream, revision    by the engine, because the leaf of an event names both; by the walk only that revisions have no gap
//! key slot            the key of another slot opens nothing. But under an erased one words read as erased, and an erasure destroys
//!                     the key that it names
//! disclosure          not, if it is taken away whole: its words read as withheld
//! request             not: the walk sees that its records are there and that its key is there once. The digest is keyed, so that only
//!                     one made here fits a request, but rows can be taken away or exchanged
//! ```
//!
//! **Why 32 KiB?** The storage engine keeps up to 17 values in one node and at least one node in each of
//! the 256 parts of its cache, whatever it is told, so chunks decide how much memory it takes; and a record
//! is read with its whole chunk. Smaller ones cost disk: 16 KiB took 2.51 bytes for each byte of events, 96 KiB 2.44.
//!
//! **Why 120 KiB at most?** A larger record has a chunk of its own, with the tiles that it completes. The engine rewrites a
//! node as one piece, and puts a piece over a quarter of its segment size into a side file that it never syncs. Chunks of
//! 96 KiB in its default segments of 512 KiB did end up there (56 files for 500 chunks); with the
//! segments of [`SEGMENT`] 17 of them fit.

use crate::bounds::{MAX_BATCH_BYTES, MAX_BATCH_RECORDS, MAX_CALLER, MAX_CHECKPOINT, MAX_CHUNK, MAX_RECORD, MAX_STREAM_NAME};
use crate::contract::RequestKey;
use crate::hash::{LeafHash, leaf_hash, xxh3_128};
use crate::names::{Position, Revision, StreamName};
use crate::proof::{FULL_TILE, FullTile, STORED_LEVELS, SignedCheckpoint, TILE_WIDTH, Tree, tiles_completed_at};

/// Segment size of the storage engine, in bytes; a quarter of it bounds what a node may weigh.
pub(crate) const SEGMENT: usize = 8 * 1024 * 1024;

/// A chunk takes no further entry that would make it larger than this, in bytes.
const FULL: usize = 32 * 1024;

const FORMAT: u8 = 4;
const SUM_LEN: usize = 16;
const LAST_OF_BATCH: u8 = 1;
const WITH_REQUEST: u8 = 1;
const WITH_DISCLOSURE: u8 = 2;
const CHUNK_OVERHEAD: usize = 1 + 1 + 8 + 8 + 2 + 2 + MAX_CHECKPOINT + SUM_LEN;
const TAG_LEN: usize = 16;
const SEALED_OVERHEAD: usize = 8 + 24 + 4;
const REQUEST_OVERHEAD: usize = 1 + 16 + 32 + 4;
const ENTRY_OVERHEAD: usize = 1 + 8 + 1 + 2;
/// What an entry takes besides leaf and disclosure, at most.
const MAX_ENTRY_OVERHEAD: usize = ENTRY_OVERHEAD + MAX_STREAM_NAME + REQUEST_OVERHEAD + MAX_CALLER + SEALED_OVERHEAD + TAG_LEN;

/// What the tiles that one record completes take, at most.
const MAX_TILES: usize = STORED_LEVELS as usize * FULL_TILE;

// The largest record fits into a chunk of its own.
const _: () = assert!(CHUNK_OVERHEAD + MAX_ENTRY_OVERHEAD + MAX_RECORD + MAX_TILES <= MAX_CHUNK);
// 17 full chunks, each with its key and sled's own bytes (generously 64), stay in the segment.
const _: () = assert!(17 * (MAX_CHUNK + 64) < SEGMENT / 4 - 64);

/// Most chunks in a batch: any two that follow each other hold more than a full one takes.
pub(crate) const MAX_BATCH_CHUNKS: usize =
    2 * (MAX_BATCH_BYTES + MAX_BATCH_RECORDS * MAX_ENTRY_OVERHEAD + MAX_BATCH_TILES).div_ceil(FULL - CHUNK_OVERHEAD) + 1;

/// What the tiles that a batch completes take, at most: one of level 0 for each 256 records, and those of one record above.
const MAX_BATCH_TILES: usize = MAX_BATCH_RECORDS.div_ceil(TILE_WIDTH as usize) * FULL_TILE + MAX_TILES;

/// Several records, as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chunk {
    /// First position of the batch it belongs to.
    pub(crate) batch: Position,
    /// Position of the first entry.
    pub(crate) first: Position,
    pub(crate) entries: Vec<Entry>,
    /// The tiles that its records complete, in order.
    pub(crate) tiles: Vec<FullTile>,
    /// The checkpoint after the batch, in its last chunk.
    pub(crate) checkpoint: Option<SignedCheckpoint>,
}

/// One record, as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) stream: StreamName,
    pub(crate) revision: Revision,
    pub(crate) request: Option<Request>,
    /// Of the leaf; not stored beside it, but in the tile that holds it.
    pub(crate) leaf_hash: LeafHash,
    pub(crate) leaf: Vec<u8>,
    pub(crate) sealed: Option<Sealed>,
}

/// The request that begins with an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) key: RequestKey,
    pub(crate) digest: [u8; 32],
    pub(crate) count: u32,
}

/// An encrypted disclosure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sealed {
    pub(crate) slot: u64,
    pub(crate) nonce: [u8; 24],
    pub(crate) ciphertext: Vec<u8>,
}

impl Chunk {
    /// Packs the entries of one batch, with the tiles that they complete, into as few chunks as fit them in order.
    pub(crate) fn pack(at: Position, entries: Vec<Entry>, tiles: Vec<FullTile>, checkpoint: SignedCheckpoint) -> Vec<Chunk> {
        let empty = |first| Chunk { batch: at, first, entries: Vec::new(), tiles: Vec::new(), checkpoint: None };
        let mut tiles = tiles.into_iter().peekable();
        let mut chunks = Vec::new();
        let mut current = empty(at);
        let mut size = CHUNK_OVERHEAD;
        for entry in entries {
            let next = current.next();
            let weight = entry.encoded_len() + tiles_completed_at(next.0 + 1) as usize * FULL_TILE;
            if !current.entries.is_empty() && size + weight > FULL {
                chunks.push(std::mem::replace(&mut current, empty(next)));
                size = CHUNK_OVERHEAD;
            }
            size += weight;
            current.entries.push(entry);
            current.tiles.extend(std::iter::from_fn(|| tiles.next_if(|tile| tile.end == next.0 + 1)));
        }
        current.checkpoint = Some(checkpoint);
        chunks.push(current);
        chunks
    }

    /// The position after its last entry.
    pub(crate) fn next(&self) -> Position {
        Position(self.first.0 + self.entries.len() as u64)
    }

    /// Holds its tiles against the tree, which reaches to its end at least; the text says what does not fit.
    pub(crate) fn check_tiles(&self, tree: &Tree) -> Result<(), String> {
        self.tiles.iter().try_for_each(|tile| tree.check_tile(tile))
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let entries: usize = self.entries.iter().map(Entry::encoded_len).sum();
        let mut out = Vec::with_capacity(CHUNK_OVERHEAD + entries + self.tiles.len() * FULL_TILE);
        out.push(FORMAT);
        out.push(if self.checkpoint.is_some() { LAST_OF_BATCH } else { 0 });
        out.extend(self.batch.0.to_be_bytes());
        out.extend(self.first.0.to_be_bytes());
        out.extend((self.entries.len() as u16).to_be_bytes());
        for entry in &self.entries {
            entry.encode(&mut out);
        }
        self.tiles.iter().for_each(|tile| out.extend(&tile.hashes));
        if let Some(checkpoint) = &self.checkpoint {
            out.extend((checkpoint.note().len() as u16).to_be_bytes());
            out.extend(checkpoint.note().as_bytes());
        }
        let sum = xxh3_128(&out);
        out.extend(sum);
        out
    }

    /// Reads a chunk back; the text says what does not fit.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Chunk, String> {
        let (body, sum) = bytes.split_last_chunk::<SUM_LEN>().ok_or("the chunk is cut short")?;
        let mut input = Input(body);
        // Before the sum, whose kind it says: a whole chunk of another format is told from a damaged one.
        let format = input.u8()?;
        if format != FORMAT {
            return Err(format!("the chunk has format {format}, this release knows {FORMAT}"));
        }
        if xxh3_128(body) != *sum {
            return Err("the chunk does not match its sum".to_owned());
        }
        let flags = input.flags(LAST_OF_BATCH)?;
        let batch = Position(input.u64()?);
        let first = Position(input.u64()?);
        let count = input.u16()?;
        let entries = (0..count).map(|_| Entry::decode(&mut input)).collect::<Result<_, _>>()?;
        let end = first.0.checked_add(count.into()).ok_or("the chunk ends beyond every position")?;
        let tiles = (first.0..end)
            .map(|position| position + 1)
            .flat_map(|end| (0..tiles_completed_at(end)).map(move |level| (level, end)));
        let tiles = tiles.map(|(level, end)| Ok(FullTile { level, end, hashes: input.bytes(FULL_TILE)?.to_vec() }));
        let tiles = tiles.collect::<Result<_, String>>()?;
        let checkpoint = match flags & LAST_OF_BATCH {
            0 => None,
            _ => {
                let length = input.u16()?.into();
                Some(SignedCheckpoint::parse_unverified(input.bytes(length)?).map_err(|error| error.to_string())?)
            }
        };
        match input.0 {
            [] => Ok(Chunk { batch, first, entries, tiles, checkpoint }),
            _ => Err("the chunk has bytes after its end".to_owned()),
        }
    }
}

impl Entry {
    fn encoded_len(&self) -> usize {
        let request = self.request.as_ref().map_or(0, |r| REQUEST_OVERHEAD + r.key.caller.len());
        let sealed = self.sealed.as_ref().map_or(0, |s| SEALED_OVERHEAD + s.ciphertext.len());
        ENTRY_OVERHEAD + self.stream.as_str().len() + request + self.leaf.len() + sealed
    }

    // The lengths fit their fields: every part was held to its bound before it came here.
    fn encode(&self, out: &mut Vec<u8>) {
        let request = if self.request.is_some() { WITH_REQUEST } else { 0 };
        let disclosure = if self.sealed.is_some() { WITH_DISCLOSURE } else { 0 };
        out.push(request | disclosure);
        out.extend(self.revision.0.to_be_bytes());
        out.push(self.stream.as_str().len() as u8);
        out.extend(self.stream.as_str().as_bytes());
        if let Some(Request { key, digest, count }) = &self.request {
            out.push(key.caller.len() as u8);
            out.extend(key.caller.as_bytes());
            out.extend(key.id.as_bytes());
            out.extend(digest);
            out.extend(count.to_be_bytes());
        }
        out.extend((self.leaf.len() as u16).to_be_bytes());
        out.extend(&self.leaf);
        if let Some(Sealed { slot, nonce, ciphertext }) = &self.sealed {
            out.extend(slot.to_be_bytes());
            out.extend(nonce);
            out.extend((ciphertext.len() as u32).to_be_bytes());
            out.extend(ciphertext);
        }
    }

    fn decode(input: &mut Input<'_>) -> Result<Entry, String> {
        let flags = input.flags(WITH_REQUEST | WITH_DISCLOSURE)?;
        let revision = Revision(input.u64()?);
        let length = input.u8()?.into();
        let stream = StreamName::parse(input.text(length)?).map_err(|error| error.to_string())?;
        let request = match flags & WITH_REQUEST {
            0 => None,
            _ => Some(Request::decode(input)?),
        };
        let length = input.u16()?.into();
        let leaf = input.bytes(length)?.to_vec();
        let sealed = match flags & WITH_DISCLOSURE {
            0 => None,
            _ => Some(Sealed::decode(input)?),
        };
        Ok(Entry { stream, revision, request, leaf_hash: leaf_hash(&leaf), leaf, sealed })
    }
}

impl Request {
    fn decode(input: &mut Input<'_>) -> Result<Request, String> {
        let length = input.u8()?.into();
        let caller = input.text(length)?.into();
        let id = uuid::Uuid::from_bytes(input.array()?);
        let digest = input.array()?;
        let count = input.u32()?;
        Ok(Request { key: RequestKey { caller, id }, digest, count })
    }
}

impl Sealed {
    fn decode(input: &mut Input<'_>) -> Result<Sealed, String> {
        let slot = input.u64()?;
        let nonce = input.array()?;
        let length = input.u32()? as usize;
        Ok(Sealed { slot, nonce, ciphertext: input.bytes(length)?.to_vec() })
    }
}

/// Bytes that are read from the front, never past their end.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn bytes(&mut self, length: usize) -> Result<&'a [u8], String> {
        let (front, rest) = self.0.split_at_checked(length).ok_or("the chunk is cut short")?;
        self.0 = rest;
        Ok(front)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let (front, rest) = self.0.split_first_chunk().ok_or("the chunk is cut short")?;
        self.0 = rest;
        Ok(*front)
    }

    fn text(&mut self, length: usize) -> Result<&'a str, String> {
        std::str::from_utf8(self.bytes(length)?).map_err(|error| error.to_string())
    }

    /// A byte of which only the known bits may be set.
    fn flags(&mut self, known: u8) -> Result<u8, String> {
        match self.u8()? {
            flags if flags & !known == 0 => Ok(flags),
            flags => Err(format!("the chunk has the unknown flags {flags:#04x}")),
        }
    }

    fn u8(&mut self) -> Result<u8, String> {
        self.array().map(u8::from_be_bytes)
    }

    fn u16(&mut self) -> Result<u16, String> {
        self.array().map(u16::from_be_bytes)
    }

    fn u32(&mut self) -> Result<u32, String> {
        self.array().map(u32::from_be_bytes)
    }

    fn u64(&mut self) -> Result<u64, String> {
        self.array().map(u64::from_be_bytes)
    }
}

#[cfg(test)]
#[path = "chunk_tests.rs"]
mod tests;
