//! A ledger that hands out what another one holds, without checking a hash: the difference between the
//! two is what the check costs.

use std::sync::Arc;

use async_trait::async_trait;
use baton_ledger::{
    AppendError, Appended, Batch, CloseError, Head, Ledger, Position, ReadError, RequestKey, RequestRecord, Revision,
    StoredRecord, StreamName, bounds::MAX_READ_RECORDS,
};
use tokio::sync::watch;

/// Reads pages unchecked; everything else is the other ledger's.
pub(crate) struct Unchecked {
    checked: Arc<dyn Ledger>,
    records: Vec<StoredRecord>,
}

impl Unchecked {
    /// Takes a copy of all records.
    pub(crate) async fn copy(checked: Arc<dyn Ledger>) -> Self {
        let mut records: Vec<StoredRecord> = Vec::new();
        while (records.len() as u64) < checked.head().size {
            records.extend(checked.read(Position(records.len() as u64), MAX_READ_RECORDS).await.unwrap());
        }
        Self { checked, records }
    }

    /// Every record, in order.
    pub(crate) fn records(&self) -> &[StoredRecord] {
        &self.records
    }
}

#[async_trait]
impl Ledger for Unchecked {
    async fn append(&self, batch: Batch) -> Result<Appended, AppendError> {
        self.checked.append(batch).await
    }

    fn head(&self) -> Head {
        self.checked.head()
    }

    async fn read(&self, from: Position, limit: usize) -> Result<Vec<StoredRecord>, ReadError> {
        let from = from.0 as usize;
        Ok(self.records[from..(from + limit).min(self.records.len())].to_vec())
    }

    async fn read_stream(&self, stream: &StreamName, from: Revision, limit: usize) -> Result<Vec<StoredRecord>, ReadError> {
        self.checked.read_stream(stream, from, limit).await
    }

    fn revision(&self, stream: &StreamName) -> Option<Revision> {
        self.checked.revision(stream)
    }

    fn request(&self, key: &RequestKey) -> Option<RequestRecord> {
        self.checked.request(key)
    }

    fn follow(&self) -> watch::Receiver<Head> {
        self.checked.follow()
    }

    fn keyed_digest(&self, bytes: &[u8]) -> [u8; 32] {
        self.checked.keyed_digest(bytes)
    }

    async fn close(&self) -> Result<(), CloseError> {
        self.checked.close().await
    }
}
