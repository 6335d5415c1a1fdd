//! The read path: look up below the durable head, load the chunk, verify, open the disclosure.
//!
//! The storage engine shows writes that are not synced yet, and even failed ones. So what exists
//! is answered by our own index of the durable prefix alone, and the engine is only asked for
//! chunks that the index knows.

use std::io;

use super::SledLedger;
use super::chunk::{Chunk, Entry};
use super::damage::Fault;
use crate::bounds::{MAX_READ_BYTES, MAX_READ_RECORDS};
use crate::contract::{Disclosure, StoredRecord};
use crate::error::ReadError;
use crate::names::{Position, Revision, StreamName};

/// A record to load: its position and the chunk that holds it.
struct Place {
    position: Position,
    chunk: Position,
}

impl SledLedger {
    pub(super) fn read_now(&self, from: Position, limit: usize) -> Result<Vec<StoredRecord>, ReadError> {
        let places = {
            let durable = self.durable();
            (from.0..durable.index.head().size)
                .take(limit.min(MAX_READ_RECORDS))
                .map(Position)
                .map(|position| Place { position, chunk: durable.chunk_of(position) })
                .collect()
        };
        self.load(places, |_| Ok(()))
    }

    pub(super) fn read_stream_now(
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
        let mut due = from.max(Revision::FIRST);
        self.load(places, |entry| {
            if (&entry.stream, entry.revision) != (stream, due) {
                return Err(format!("revision {due} of stream {stream} is not where it was"));
            }
            due = Revision(due.0 + 1);
            Ok(())
        })
    }

    /// Loads records in order; `check` sees each before it is let out.
    fn load(
        &self,
        places: Vec<Place>,
        mut check: impl FnMut(&Entry) -> Result<(), String>,
    ) -> Result<Vec<StoredRecord>, ReadError> {
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
            check(entry).map_err(damaged)?;
            let record = self.disclose(position, entry)?;
            loaded = Some(chunk);
            bytes += record.bytes();
            records.push(record);
            if bytes >= MAX_READ_BYTES {
                break;
            }
        }
        Ok(records)
    }

    /// A chunk from the store, verified: its sum, and every leaf against its hash.
    fn load_chunk(&self, position: Position, first: Position) -> Result<Chunk, ReadError> {
        let damaged = |why| ReadError::Damaged { position, why };
        let found = Fault::sort(|| self.store.db().get(first.0.to_be_bytes()));
        let bytes = match found {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Err(damaged("its chunk is gone from the store".to_owned())),
            Err(Fault::Damage(why)) => return Err(damaged(why)),
            Err(Fault::Io(source)) => return Err(ReadError::Io { position, source }),
        };
        match Chunk::decode(&bytes) {
            Ok(chunk) if chunk.first == first => Ok(chunk),
            Ok(_) => Err(damaged("another chunk lies in its place".to_owned())),
            Err(why) => Err(damaged(why)),
        }
    }

    fn disclose(&self, position: Position, entry: &Entry) -> Result<StoredRecord, ReadError> {
        let disclosure = match &entry.sealed {
            None => Ok(Disclosure::None),
            Some(sealed) => self.keys.disclose(sealed, &entry.leaf_hash),
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::contract::{AppendSet, Batch, Ledger, Record};
    use crate::sled::OpenOptions;

    fn filled(dir: &std::path::Path) -> SledLedger {
        let options = OpenOptions { min_free_bytes: 0, ..OpenOptions::default() };
        let ledger = SledLedger::open(dir, options).unwrap();
        for number in 0..3_u8 {
            let stream = StreamName::parse("a").unwrap();
            let records = vec![Record { stream, leaf: vec![number; 40], disclosure: None }];
            let set = AppendSet { request: None, digest: [0; 32], expected: vec![], records };
            ledger.append_now(&Batch { at: ledger.head().next(), sets: vec![set] }).unwrap();
        }
        ledger
    }

    fn key(position: u64) -> [u8; 8] {
        position.to_be_bytes()
    }

    /// Both ways of reading record 1 report it as damaged; the records before it are served.
    fn assert_damaged(ledger: &SledLedger) {
        let stream = StreamName::parse("a").unwrap();
        for refused in [
            ledger.read_now(Position(0), 9).unwrap_err(),
            ledger.read_now(Position(1), 1).unwrap_err(),
            ledger.read_stream_now(&stream, Revision(2), 1).unwrap_err(),
        ] {
            assert!(matches!(refused, ReadError::Damaged { position: Position(1), .. }));
        }
        assert_eq!(ledger.read_now(Position(0), 1).unwrap().len(), 1);
        assert_eq!(ledger.read_stream_now(&stream, Revision(3), 1).unwrap().len(), 1);
    }

    #[test]
    fn a_byte_that_flips_while_the_ledger_is_open_is_reported_and_not_served() {
        let dir = tempfile::tempdir().unwrap();
        let ledger = filled(dir.path());
        let good = ledger.store.db().get(key(1)).unwrap().unwrap();
        for at in 0..good.len() {
            let mut flipped = good.to_vec();
            flipped[at] ^= 0x01;
            ledger.store.db().insert(key(1), flipped).unwrap();
            assert_damaged(&ledger);
        }
    }

    #[test]
    fn a_chunk_that_is_gone_or_in_the_place_of_another_is_reported_and_not_served() {
        let dir = tempfile::tempdir().unwrap();
        let ledger = filled(dir.path());
        let other = ledger.store.db().get(key(2)).unwrap().unwrap();
        ledger.store.db().insert(key(1), other).unwrap();
        assert_damaged(&ledger);
        ledger.store.db().remove(key(1)).unwrap();
        assert_damaged(&ledger);
    }

    #[test]
    fn a_record_of_another_stream_or_revision_is_not_served_as_the_one_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        let ledger = filled(dir.path());
        let good = ledger.store.db().get(key(1)).unwrap().unwrap();
        let mut chunk = Chunk::decode(&good).unwrap();
        chunk.entries[0].revision = Revision(7);
        ledger.store.db().insert(key(1), chunk.encode()).unwrap();
        let stream = StreamName::parse("a").unwrap();
        let refused = ledger.read_stream_now(&stream, Revision(2), 1).unwrap_err();
        assert!(matches!(refused, ReadError::Damaged { position: Position(1), .. }));
    }

    #[test]
    fn what_the_engine_shows_beyond_the_durable_head_is_not_served() {
        let dir = tempfile::tempdir().unwrap();
        let ledger = filled(dir.path());
        let mut chunk = Chunk::decode(&ledger.store.db().get(key(2)).unwrap().unwrap()).unwrap();
        (chunk.first, chunk.batch) = (Position(3), Position(3));
        chunk.entries[0].revision = Revision(4);
        ledger.store.db().insert(key(3), chunk.encode()).unwrap();
        assert_eq!(ledger.read_now(Position(0), 9).unwrap().len(), 3);
        let stream = StreamName::parse("a").unwrap();
        assert_eq!(ledger.read_stream_now(&stream, Revision(1), 9).unwrap().len(), 3);
    }
}
