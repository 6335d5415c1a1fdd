//! A ledger in memory: the same contract, nothing kept beyond the process.
//!
//! For tests and dry runs. "Durable" means here: taken. Disclosures are held in the clear, since
//! there is no disk from which they would have to be erased.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokio::sync::watch;

use crate::bounds::{MAX_READ_BYTES, MAX_READ_RECORDS};
use crate::contract::{Appended, Batch, Disclosure, Ledger, RequestKey, RequestRecord, StoredRecord};
use crate::error::{AppendError, CloseError, EraseError, ReadError, ReopenError};
use crate::hash::{hmac_sha256, leaf_hash};
use crate::head::Head;
use crate::index::Index;
use crate::names::{Position, Revision, StreamName};
use crate::proof::{NodeHash, ProofError, Receipt, SignedCheckpoint, SigningKey, Tile};

/// A [`Ledger`] that ends with the process.
pub struct MemoryLedger {
    state: Mutex<State>,
    checkpoints: watch::Sender<SignedCheckpoint>,
    key: SigningKey,
    digest_key: [u8; 32],
}

struct State {
    index: Index,
    records: Vec<StoredRecord>,
    /// The checkpoint of every batch, in order.
    checkpoints: Vec<SignedCheckpoint>,
    closed: bool,
}

impl MemoryLedger {
    /// An empty ledger of origin `memory`, with keys of its own.
    pub fn new() -> Self {
        MemoryLedger::with_key(SigningKey::generate("memory").expect("the origin is a sound one"))
    }

    /// An empty ledger whose checkpoints this key signs.
    pub fn with_key(key: SigningKey) -> Self {
        let empty = SignedCheckpoint::sign(&key, Head::EMPTY.size, Head::EMPTY.root);
        let index = Index::new(empty.clone());
        MemoryLedger {
            state: Mutex::new(State { index, records: Vec::new(), checkpoints: Vec::new(), closed: false }),
            checkpoints: watch::Sender::new(empty),
            key,
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
        let extension = state.index.extension(&admitted);
        let checkpoint = SignedCheckpoint::sign(&self.key, extension.size(), extension.root());
        state.index.apply(&batch, &admitted, extension, checkpoint.clone());
        state.checkpoints.push(checkpoint.clone());
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
        drop(state);
        self.checkpoints.send_replace(checkpoint.clone());
        Ok(Appended { first, records: admitted, checkpoint })
    }

    fn origin(&self) -> &str {
        self.key.origin()
    }

    fn verifier_key(&self) -> &str {
        self.key.verifier_key()
    }

    fn successor_key(&self) -> Option<&str> {
        self.key.successor_key()
    }

    fn checkpoint(&self) -> SignedCheckpoint {
        self.state().index.checkpoint().clone()
    }

    fn prove_inclusion(&self, position: Position, size: u64) -> Result<Vec<NodeHash>, ProofError> {
        self.state().index.tree().prove_inclusion(position, size)
    }

    fn prove_consistency(&self, old: u64, new: u64) -> Result<Vec<NodeHash>, ProofError> {
        self.state().index.tree().prove_consistency(old, new)
    }

    fn tiles(&self, old: u64, new: u64) -> Result<Vec<Tile>, ProofError> {
        self.state().index.tree().tiles(old, new)
    }

    async fn receipt(&self, position: Position) -> Result<Option<Receipt>, ReadError> {
        let state = self.state();
        let batch = state.checkpoints.partition_point(|checkpoint| checkpoint.checkpoint().size <= position.0);
        let Some(checkpoint) = state.checkpoints.get(batch).cloned() else { return Ok(None) };
        let proof = state.index.tree().prove_inclusion(position, checkpoint.checkpoint().size);
        Ok(proof.ok().map(|proof| Receipt { position, proof, checkpoint }))
    }

    async fn erase(&self, positions: &[Position]) -> Result<(), EraseError> {
        let mut state = self.state();
        for position in positions {
            let record = state.records.get_mut(usize::try_from(position.0).unwrap_or(usize::MAX));
            let record = record.ok_or(EraseError::NoRecord { position: *position })?;
            if record.disclosure != Disclosure::None {
                record.disclosure = Disclosure::Erased;
            }
        }
        Ok(())
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

    fn follow(&self) -> watch::Receiver<SignedCheckpoint> {
        self.checkpoints.subscribe()
    }

    fn keyed_digest(&self, bytes: &[u8]) -> [u8; 32] {
        hmac_sha256(&self.digest_key, bytes)
    }

    /// Nothing fails here, so nothing is to be healed.
    async fn reopen(&self) -> Result<Head, ReopenError> {
        let state = self.state();
        if state.closed { Err(ReopenError::Closed) } else { Ok(state.index.head()) }
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
