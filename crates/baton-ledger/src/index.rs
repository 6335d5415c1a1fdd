//! What the ledger knows by heart: the tree, the newest checkpoint, where each stream's records are,
//! which requests were made. One `admit` decides for every store whether a batch may be appended.
//!
//! Pure: takes values, returns values. It holds the durable prefix only; a store calls `apply`
//! after its sync and never before.

use std::collections::HashMap;

use crate::bounds::{
    MAX_BATCH_BYTES, MAX_BATCH_RECORDS, MAX_BATCH_SETS, MAX_CALLER, MAX_DISCLOSURE, MAX_EXPECTED, MAX_LEAF, MAX_RECORD,
};
use crate::contract::{AppendSet, AppendedRecord, Batch, Expected, Record, RequestKey, RequestRecord, StoredRecord};
use crate::error::AppendError;
use crate::hash::{LeafHash, leaf_hash};
use crate::head::Head;
use crate::names::{Position, Revision, StreamName};
use crate::proof::{Extension, SignedCheckpoint, Tree};
use crate::requests::Requests;

/// What is said of a leaf that another one was signed for.
pub(crate) const NOT_OF_THE_TREE: &str = "its leaf is not the one in the tree";

pub(crate) struct Index {
    tree: Tree,
    checkpoint: SignedCheckpoint,
    /// Positions by revision: the record of revision `n` is at entry `n - 1`.
    streams: HashMap<StreamName, Vec<Position>>,
    requests: Requests,
}

impl Index {
    /// Of a log without records, which `checkpoint` says.
    pub(crate) fn new(checkpoint: SignedCheckpoint) -> Self {
        Index { tree: Tree::new(), checkpoint, streams: HashMap::new(), requests: Requests::default() }
    }

    /// As it was written down. Whether the parts belong together is for whoever read them to check.
    pub(crate) fn whole(
        tree: Tree,
        checkpoint: SignedCheckpoint,
        streams: HashMap<StreamName, Vec<Position>>,
        requests: Requests,
    ) -> Self {
        Index { tree, checkpoint, streams, requests }
    }

    /// All streams, with their positions by revision.
    pub(crate) fn streams(&self) -> &HashMap<StreamName, Vec<Position>> {
        &self.streams
    }

    /// All requests.
    pub(crate) fn requests(&self) -> &Requests {
        &self.requests
    }

    pub(crate) fn head(&self) -> Head {
        self.checkpoint.checkpoint().into()
    }

    /// The newest checkpoint.
    pub(crate) fn checkpoint(&self) -> &SignedCheckpoint {
        &self.checkpoint
    }

    /// The tree over all records.
    pub(crate) fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The position of the next record.
    pub(crate) fn next(&self) -> Position {
        Position(self.tree.size())
    }

    pub(crate) fn revision(&self, stream: &StreamName) -> Option<Revision> {
        self.streams.get(stream).map(|positions| Revision(positions.len() as u64))
    }

    pub(crate) fn request(&self, key: &RequestKey) -> Option<RequestRecord> {
        self.requests.get(key)
    }

    /// Positions of a stream from a revision on. Revision 0 does not exist and reads as 1.
    pub(crate) fn stream_from(&self, stream: &StreamName, from: Revision) -> &[Position] {
        let positions = self.streams.get(stream).map_or(&[][..], Vec::as_slice);
        let skip = usize::try_from(from.0.saturating_sub(1)).unwrap_or(usize::MAX);
        positions.get(skip..).unwrap_or(&[])
    }

    /// Holds a record that was loaded against what is known of its place; the text says what does not fit.
    pub(crate) fn check_record(&self, record: &StoredRecord) -> Result<(), String> {
        let StoredRecord { position, stream, revision, leaf_hash, .. } = record;
        if self.tree.leaf(*position) != Some(leaf_hash) {
            return Err(NOT_OF_THE_TREE.to_owned());
        }
        match self.stream_from(stream, *revision).first() {
            Some(found) if found == position && *revision >= Revision::FIRST => Ok(()),
            _ => Err(format!("it is not revision {revision} of stream {stream}")),
        }
    }

    /// Decides on a batch: where each record would go, or why not.
    pub(crate) fn admit(&self, batch: &Batch) -> Result<Vec<AppendedRecord>, AppendError> {
        if batch.at != self.next() {
            return Err(AppendError::HeadMoved { expected: batch.at, actual: self.next() });
        }
        check_form(batch)?;
        let mut ahead = Ahead { index: self, revisions: HashMap::new(), requests: HashMap::new() };
        let mut admitted = Vec::new();
        for (number, set) in batch.sets.iter().enumerate() {
            ahead.check_request(number, set)?;
            ahead.check_expected(number, set)?;
            for record in &set.records {
                admitted.push(AppendedRecord {
                    position: Position(batch.at.0 + admitted.len() as u64),
                    revision: ahead.advance(&record.stream),
                    stream: record.stream.clone(),
                    leaf_hash: leaf_hash(&record.leaf),
                });
            }
        }
        Ok(admitted)
    }

    /// What a batch that was admitted adds to the tree.
    pub(crate) fn extension(&self, admitted: &[AppendedRecord]) -> Extension {
        self.tree.extended(admitted.iter().map(|record| &record.leaf_hash))
    }

    /// Takes in a batch that was admitted and is durable, with what it adds to the tree.
    pub(crate) fn apply(
        &mut self,
        batch: &Batch,
        admitted: &[AppendedRecord],
        extension: Extension,
        checkpoint: SignedCheckpoint,
    ) {
        let mut first = batch.at;
        for set in &batch.sets {
            if let Some(key) = &set.request {
                let count = set.records.len() as u32;
                self.remember(key, RequestRecord { first, count, digest: set.digest });
            }
            first = Position(first.0 + set.records.len() as u64);
        }
        for record in admitted {
            self.place(&record.stream, record.position);
        }
        self.tree.extend(extension);
        self.checkpoint = checkpoint;
    }

    /// Takes in the next record of a stored batch and says which revision it has.
    pub(crate) fn push(&mut self, stream: &StreamName, leaf_hash: LeafHash) -> Revision {
        let revision = self.place(stream, self.next());
        self.tree.push(leaf_hash);
        revision
    }

    /// Takes in the checkpoint at the end of a stored batch. Whoever reads it has checked its size.
    pub(crate) fn reach(&mut self, checkpoint: SignedCheckpoint) {
        self.checkpoint = checkpoint;
    }

    fn place(&mut self, stream: &StreamName, position: Position) -> Revision {
        // A stream that is known costs no copy of its name.
        let positions = match self.streams.get_mut(stream) {
            Some(positions) => positions,
            None => self.streams.entry(stream.clone()).or_default(),
        };
        positions.push(position);
        Revision(positions.len() as u64)
    }

    /// Takes in a request; says `false` when its key was there before.
    pub(crate) fn remember(&mut self, key: &RequestKey, request: RequestRecord) -> bool {
        self.requests.insert(&key.caller, key.id, request)
    }
}

/// The log as the sets admitted so far would leave it.
struct Ahead<'a> {
    index: &'a Index,
    revisions: HashMap<&'a StreamName, Revision>,
    requests: HashMap<&'a RequestKey, usize>,
}

impl<'a> Ahead<'a> {
    fn check_request(&mut self, number: usize, set: &'a AppendSet) -> Result<(), AppendError> {
        let Some(key) = &set.request else {
            return Ok(());
        };
        match self.index.request(key) {
            Some(RequestRecord { first, count, digest }) if digest == set.digest => {
                return Err(AppendError::RequestRepeated { set: number, first, count });
            }
            Some(RequestRecord { first, .. }) => {
                return Err(AppendError::RequestReused { set: number, first });
            }
            None => {}
        }
        match self.requests.insert(key, number) {
            Some(earlier) => Err(AppendError::RequestTwiceInBatch { set: number, earlier }),
            None => Ok(()),
        }
    }

    fn check_expected(&self, number: usize, set: &AppendSet) -> Result<(), AppendError> {
        for (stream, expected) in &set.expected {
            let actual = self.revision(stream);
            let holds = match expected {
                Expected::Exact(revision) => actual == Some(*revision),
                Expected::NoStream => actual.is_none(),
                Expected::Any => true,
            };
            if !holds {
                return Err(AppendError::StaleRevision { set: number, stream: stream.clone(), expected: *expected, actual });
            }
        }
        Ok(())
    }

    fn revision(&self, stream: &StreamName) -> Option<Revision> {
        self.revisions.get(stream).copied().or_else(|| self.index.revision(stream))
    }

    fn advance(&mut self, stream: &'a StreamName) -> Revision {
        let next = self.revision(stream).map_or(Revision::FIRST, |r| Revision(r.0 + 1));
        self.revisions.insert(stream, next);
        next
    }
}

/// Bounds and emptiness: what can be said of a batch without looking at the log.
fn check_form(batch: &Batch) -> Result<(), AppendError> {
    not_empty("a batch", batch.sets.len())?;
    within("the number of sets in a batch", batch.sets.len(), MAX_BATCH_SETS)?;
    for set in &batch.sets {
        not_empty("a set of records", set.records.len())?;
        within("the number of expectations in a set", set.expected.len(), MAX_EXPECTED)?;
        if let Some(key) = &set.request {
            within("the caller of a request", key.caller.len(), MAX_CALLER)?;
        }
        set.records.iter().try_for_each(check_record)?;
    }
    within("the number of records in a batch", batch.records().count(), MAX_BATCH_RECORDS)?;
    let bytes = batch.records().map(size_of_record).sum();
    within("the bytes of a batch", bytes, MAX_BATCH_BYTES)
}

fn check_record(record: &Record) -> Result<(), AppendError> {
    not_empty("a leaf", record.leaf.len())?;
    within("a leaf", record.leaf.len(), MAX_LEAF)?;
    within("a disclosure", record.disclosure.as_ref().map_or(0, Vec::len), MAX_DISCLOSURE)?;
    within("a leaf with its disclosure", size_of_record(record), MAX_RECORD)
}

fn size_of_record(record: &Record) -> usize {
    record.leaf.len() + record.disclosure.as_ref().map_or(0, Vec::len)
}

fn not_empty(what: &'static str, size: usize) -> Result<(), AppendError> {
    if size == 0 { Err(AppendError::Empty { what }) } else { Ok(()) }
}

fn within(what: &'static str, size: usize, bound: usize) -> Result<(), AppendError> {
    if size > bound { Err(AppendError::TooLarge { what, size, bound }) } else { Ok(()) }
}
