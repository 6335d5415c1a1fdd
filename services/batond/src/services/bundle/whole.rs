//! The whole log as a log directory, with the words beside it and older checkpoints.

use super::manifest::Manifest;
use super::send::{Ended, Sender};
use super::{OLDER, Service};
use crate::status::{self, Reason};
use baton_domain::values::Position;
use baton_ledger::bundle::Growth;
use baton_ledger::{SignedCheckpoint, StoredRecord, Succession};
use std::collections::BTreeSet;

impl Service {
    pub(super) async fn whole(
        &self,
        sender: &mut Sender,
        checkpoint: &SignedCheckpoint,
        manifest: &mut Manifest,
    ) -> Result<(), Ended> {
        let size = checkpoint.checkpoint().size;
        let mut growth = Growth::between(0, size);
        while let Some(step) = growth.step() {
            let records = self.stored_between(step.from, step.to).await?;
            let tiles = self.engine.tiles(step.tiles_from, step.to).map_err(defect)?;
            let files = growth.files(records.iter().map(|record| record.leaf.as_slice()), tiles).map_err(defect)?;
            for file in files {
                sender.file(&file.path, &file.bytes).await?;
            }
            for record in &records {
                manifest.leaf(record.position.0);
                self.disclose(sender, record, manifest).await?;
            }
        }
        let successions = self.successions(size).await?;
        self.older_checkpoints(sender, size, &successions, manifest).await
    }

    /// The checkpoints of some earlier batches, spread over the log, and each that covers a change of keys.
    pub(super) async fn older_checkpoints(
        &self,
        sender: &mut Sender,
        size: u64,
        successions: &[(StoredRecord, Succession)],
        manifest: &mut Manifest,
    ) -> Result<(), Ended> {
        // At most size, which is a u64.
        let spread = (0..OLDER).map(|part| (u128::from(size) * u128::from(part) / u128::from(OLDER)) as u64);
        let changes = successions.iter().filter(|(_, told)| matches!(told, Succession::Rotated { .. }));
        let all: BTreeSet<u64> = spread.chain(changes.map(|(change, _)| change.position.0)).collect();
        let mut last = 0;
        for at in all {
            if at < last || at >= size {
                continue;
            }
            let receipt = self.engine.receipt(Position(at)).await.map_err(|e| Ended::failed(status::read(&e)))?;
            let Some(older) = receipt.map(|receipt| receipt.checkpoint) else { continue };
            last = older.checkpoint().size;
            if last < size {
                sender.file(&format!("checkpoints/{last}.note"), older.note().as_bytes()).await?;
                manifest.checkpoint(last);
            }
        }
        Ok(())
    }

    /// The records of these positions, `to` exclusive.
    async fn stored_between(&self, from: u64, to: u64) -> Result<Vec<StoredRecord>, Ended> {
        let mut records: Vec<StoredRecord> = Vec::new();
        while from + (records.len() as u64) < to {
            let next = from + records.len() as u64;
            let page = self.engine.stored(Position(next), (to - next) as usize).await;
            let page = page.map_err(|e| Ended::failed(status::read(&e)))?;
            if page.is_empty() {
                break;
            }
            records.extend(page);
        }
        Ok(records)
    }
}

/// The log is asked only for what it said it holds.
pub(super) fn defect(error: impl std::fmt::Display) -> Ended {
    tracing::error!(%error, "a bundle could not be made");
    Ended::failed(status::with_reason(Reason::Defect, &error.to_string(), &[]))
}
