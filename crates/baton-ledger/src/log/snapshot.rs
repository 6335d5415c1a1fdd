//! What is durable, written down, so that a start need not read every record to know it.
//!
//! The same content as a walk over the store derives ([`scan`](super::scan)); the tree is derived again, from its
//! leaves. Nothing of it is proved here: who wrote the bytes, and that the store is still the one they speak of, is for
//! `sled/snapshot.rs` to know, and the root for `start.rs` to compare. Everything is big-endian:
//!
//! ```text
//! u32  format, 1
//! u16  length; the newest checkpoint, a signed note
//! u64  one above the highest key slot in use
//! u64  number of changes of keys; each
//!      u64 position; three times u16 length and text: old key, new key, checkpoint
//!      32 bytes for each leaf of the checkpoint: its hash
//! u64  number of chunks; u64 position of each
//! u64  number of streams; each
//!      u8 length; name; u64 number of records; u64 position of each
//! u64  number of requests; each
//!      u8 length; caller; 16 bytes id; u64 position of the first record; u32 number of records; 32 bytes digest
//! ```
//!
//! Another format is not read: a snapshot lasts for one start, and the start reads the records then.

use std::collections::HashMap;
use std::io::{self, Read, Write};

use uuid::Uuid;

use super::scan::Durable;
use super::succession::KeyChange;
use crate::contract::RequestRecord;
use crate::index::Index;
use crate::names::{Position, StreamName};
use crate::proof::{SignedCheckpoint, Tree};
use crate::requests::Requests;

const FORMAT: u32 = 1;

/// What a request takes besides its caller.
const REQUEST_LEN: usize = 16 + 8 + 4 + 32;

/// How many hashes or positions are read at a time.
const BLOCK: usize = 1_024;

/// Writes what is durable.
pub(crate) fn write(durable: &Durable, out: &mut dyn Write) -> io::Result<()> {
    let index = &durable.index;
    out.write_all(&FORMAT.to_be_bytes())?;
    write_text(index.checkpoint().note(), out)?;
    write_u64(durable.next_slot, out)?;
    write_u64(durable.key_changes.len() as u64, out)?;
    for KeyChange { position, old, new, checkpoint } in &durable.key_changes {
        write_u64(position.0, out)?;
        [old, new, checkpoint.note()].into_iter().try_for_each(|text| write_text(text, out))?;
    }
    index.tree().leaves().try_for_each(|leaf| out.write_all(leaf))?;
    write_positions(&durable.chunks, out)?;
    write_u64(index.streams().len() as u64, out)?;
    for (name, positions) in index.streams() {
        write_short(name.as_str(), out)?;
        write_positions(positions, out)?;
    }
    write_u64(index.requests().len() as u64, out)?;
    for (caller, id, request) in index.requests().iter() {
        write_short(caller, out)?;
        out.write_all(id.as_bytes())?;
        write_u64(request.first.0, out)?;
        out.write_all(&request.count.to_be_bytes())?;
        out.write_all(&request.digest)?;
    }
    Ok(())
}

/// Reads it back, and nothing after it. Its root is not compared with its checkpoint yet.
pub(crate) fn read(input: &mut impl Read) -> io::Result<Durable> {
    let mut input = Input(input);
    let format = input.u32()?;
    if format != FORMAT {
        return Err(unfit(format!("it has format {format}, this release knows {FORMAT}")));
    }
    let checkpoint = input.checkpoint()?;
    let size = checkpoint.checkpoint().size;
    let next_slot = input.u64()?;
    let mut key_changes = Vec::new();
    for _ in 0..input.u64()? {
        let position = input.position_below(size)?;
        key_changes.push(KeyChange { position, old: input.text()?, new: input.text()?, checkpoint: input.checkpoint()? });
    }
    let tree = read_tree(&mut input, size)?;
    let chunks = input.positions(size)?;
    let streams = read_streams(&mut input, size)?;
    let requests = read_requests(&mut input, size)?;
    if chunks.first().is_none_or(|first| first.0 != 0) && size > 0 {
        return Err(unfit("no chunk begins the log".to_owned()));
    }
    Ok(Durable { index: Index::whole(tree, checkpoint, streams, requests), chunks, next_slot, key_changes })
}

fn read_tree(input: &mut Input<impl Read>, size: u64) -> io::Result<Tree> {
    let mut tree = Tree::with_room(size).map_err(io::Error::other)?;
    let mut block = [[0; 32]; BLOCK];
    while tree.size() < size {
        let block = &mut block[..(size - tree.size()).min(BLOCK as u64) as usize];
        input.0.read_exact(block.as_flattened_mut())?;
        block.iter().for_each(|leaf| tree.push(*leaf));
    }
    Ok(tree)
}

fn read_streams(input: &mut Input<impl Read>, size: u64) -> io::Result<HashMap<StreamName, Vec<Position>>> {
    let count = input.count(size)?;
    let mut streams = HashMap::with_capacity(count);
    let mut placed = 0;
    for _ in 0..count {
        let name = StreamName::parse(&input.short()?).map_err(|error| unfit(error.to_string()))?;
        let positions = input.positions(size)?;
        placed += positions.len() as u64;
        if positions.is_empty() || streams.insert(name, positions).is_some() {
            return Err(unfit("a stream is empty, or there twice".to_owned()));
        }
    }
    match placed == size {
        true => Ok(streams),
        false => Err(unfit(format!("its streams have {placed} records, the log {size}"))),
    }
}

fn read_requests(input: &mut Input<impl Read>, size: u64) -> io::Result<Requests> {
    let count = input.count(size)?;
    let mut requests = Requests::default();
    requests.reserve(count);
    for _ in 0..count {
        let caller = input.short()?;
        // In one piece: there may be as many as records.
        let rest: [u8; REQUEST_LEN] = input.array()?;
        let mut rest = Input(&mut &rest[..]);
        let id = Uuid::from_bytes(rest.array()?);
        let first = rest.position_below(size)?;
        let request = RequestRecord { first, count: rest.u32()?, digest: rest.array()? };
        if u64::from(request.count) > size - first.0 || !requests.insert(&caller, id, request) {
            return Err(unfit(format!("a request at position {first} does not fit, or is there twice")));
        }
    }
    Ok(requests)
}

fn write_u64(number: u64, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(&number.to_be_bytes())
}

fn write_positions(positions: &[Position], out: &mut dyn Write) -> io::Result<()> {
    write_u64(positions.len() as u64, out)?;
    positions.iter().try_for_each(|position| write_u64(position.0, out))
}

// The lengths fit their fields: names, callers and checkpoints are held to their bounds before they come here.
fn write_short(text: &str, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(&[text.len() as u8])?;
    out.write_all(text.as_bytes())
}

fn write_text(text: &str, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(&(text.len() as u16).to_be_bytes())?;
    out.write_all(text.as_bytes())
}

fn unfit(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

/// What is read from. Each number is held against the size of the log before memory is taken for it.
struct Input<R>(R);

impl<R: Read> Input<R> {
    fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.0.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn u32(&mut self) -> io::Result<u32> {
        self.array().map(u32::from_be_bytes)
    }

    fn u64(&mut self) -> io::Result<u64> {
        self.array().map(u64::from_be_bytes)
    }

    fn string(&mut self, length: usize) -> io::Result<String> {
        let mut bytes = vec![0; length];
        self.0.read_exact(&mut bytes)?;
        String::from_utf8(bytes).map_err(|error| unfit(error.to_string()))
    }

    fn short(&mut self) -> io::Result<String> {
        let [length] = self.array()?;
        self.string(length.into())
    }

    fn text(&mut self) -> io::Result<String> {
        let length = self.array().map(u16::from_be_bytes)?;
        self.string(length.into())
    }

    /// Signed by whom is asked later, as at any start.
    fn checkpoint(&mut self) -> io::Result<SignedCheckpoint> {
        SignedCheckpoint::parse_unverified(self.text()?.as_bytes()).map_err(|error| unfit(error.to_string()))
    }

    fn position_below(&mut self, size: u64) -> io::Result<Position> {
        match self.u64()? {
            position if position < size => Ok(Position(position)),
            position => Err(unfit(format!("position {position} is beyond the log"))),
        }
    }

    /// A number of things of which there is at most one for each record.
    fn count(&mut self, size: u64) -> io::Result<usize> {
        let count = self.u64()?;
        match usize::try_from(count) {
            Ok(fits) if count <= size => Ok(fits),
            _ => Err(unfit(format!("{count} is more than the log has records"))),
        }
    }

    /// Positions of the log, ascending.
    fn positions(&mut self, size: u64) -> io::Result<Vec<Position>> {
        let count = self.count(size)?;
        let mut positions = Vec::with_capacity(count);
        let mut block = [[0; 8]; BLOCK];
        while positions.len() < count {
            let block = &mut block[..(count - positions.len()).min(BLOCK)];
            self.0.read_exact(block.as_flattened_mut())?;
            positions.extend(block.iter().map(|bytes| Position(u64::from_be_bytes(*bytes))));
        }
        let ascending = positions.windows(2).all(|two| two[0] < two[1]);
        match ascending && positions.last().is_none_or(|last| last.0 < size) {
            true => Ok(positions),
            false => Err(unfit("its positions are not those of the log".to_owned())),
        }
    }
}
