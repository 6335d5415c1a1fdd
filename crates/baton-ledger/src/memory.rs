//! A ledger in memory: the same contract, nothing kept beyond the process.
//!
//! For tests and dry runs. "Durable" means here: taken. Disclosures are held in the clear, since
//! there is no disk from which they would have to be erased.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokio::sync::watch;

use crate::bounds::{MAX_READ_BYTES, MAX_READ_RECORDS};
use crate::contract::{Appended, Batch, Disclosure, Ledger, RequestKey, RequestRecord, StoredRecord};
use crate::error::{AppendError, CloseError, ReadError};
use crate::hash::{hmac_sha256, leaf_hash};
use crate::head::Head;
use crate::index::Index;
use crate::names::{Position, Revision, StreamName};

/// A [`Ledger`] that ends with the process.
pub struct MemoryLedger {
    state: Mutex<State>,
    heads: watch::Sender<Head>,
    digest_key: [u8; 32],
}

struct State {
    index: Index,
    records: Vec<StoredRecord>,
    closed: bool,
}

impl MemoryLedger {
    /// An empty ledger with a digest key of its own.
    pub fn new() -> Self {
        MemoryLedger {
            state: Mutex::new(State { index: Index::new(), records: Vec::new(), closed: false }),
            heads: watch::Sender::new(Head::EMPTY),
            digest_key: rand::random(),
        }
    }

    // A panic while the lock is held cannot leave half a batch: nothing in `append` panics
    // between its first and its last change.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryLedger {
    fn default() -> Self {
        MemoryLedger::new()
    }
}

#[async_trait]
impl Ledger for MemoryLedger {
    async fn append(&self, batch: Batch) -> Result<Appended, AppendError> {
        let mut state = self.state();
        if state.closed {
            return Err(AppendError::Closed);
        }
        let admitted = state.index.admit(&batch)?;
        let first = batch.at;
        state.index.apply(&batch, &admitted);
        let records = batch.sets.into_iter().flat_map(|set| set.records);
        for (record, place) in records.zip(&admitted) {
            state.records.push(StoredRecord {
                position: place.position,
                stream: record.stream,
                revision: place.revision,
                leaf: record.leaf,
                leaf_hash: place.leaf_hash,
                disclosure: record.disclosure.map_or(Disclosure::None, Disclosure::Open),
            });
        }
        let head = state.index.head();
        drop(state);
        self.heads.send_replace(head);
        Ok(Appended { first, records: admitted, head })
    }

    fn head(&self) -> Head {
        self.state().index.head()
    }

    async fn read(&self, from: Position, limit: usize) -> Result<Vec<StoredRecord>, ReadError> {
        let state = self.state();
        let start = usize::try_from(from.0).unwrap_or(usize::MAX);
        take(state.records.get(start..).unwrap_or(&[]).iter(), limit)
    }

    async fn read_stream(&self, stream: &StreamName, from: Revision, limit: usize) -> Result<Vec<StoredRecord>, ReadError> {
        let state = self.state();
        let positions = state.index.stream_from(stream, from).iter();
        take(positions.map(|position| &state.records[position.0 as usize]), limit)
    }

    fn revision(&self, stream: &StreamName) -> Option<Revision> {
        self.state().index.revision(stream)
    }

    fn request(&self, key: &RequestKey) -> Option<RequestRecord> {
        self.state().index.request(key)
    }

    fn follow(&self) -> watch::Receiver<Head> {
        self.heads.subscribe()
    }

    fn keyed_digest(&self, bytes: &[u8]) -> [u8; 32] {
        hmac_sha256(&self.digest_key, bytes)
    }

    async fn close(&self) -> Result<(), CloseError> {
        self.state().closed = true;
        Ok(())
    }
}

fn take<'a>(records: impl Iterator<Item = &'a StoredRecord>, limit: usize) -> Result<Vec<StoredRecord>, ReadError> {
    let mut taken = Vec::new();
    let mut bytes = 0;
    for record in records.take(limit.min(MAX_READ_RECORDS)) {
        if leaf_hash(&record.leaf) != record.leaf_hash {
            let why = "its leaf does not match its hash".to_owned();
            return Err(ReadError::Damaged { position: record.position, why });
        }
        bytes += record.bytes();
        taken.push(record.clone());
        if bytes >= MAX_READ_BYTES {
            break;
        }
    }
    Ok(taken)
}
