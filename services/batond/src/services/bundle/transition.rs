//! One transition: the leaves of its stream, each with its proof up to the bundle's checkpoint, and
//! the leaves of the erasures that explain which of its words are gone, of the changes of the log's key, and of its forks.

use super::Service;
use super::manifest::Manifest;
use super::send::{Ended, Sender};
use super::whole::defect;
use crate::status;
use baton_domain::values::{Position, Revision, StreamId, TransitionId};
use baton_ledger::{Receipt, SignedCheckpoint, StoredRecord, Succession};
use std::collections::BTreeSet;

/// How many records are read at a time.
const PAGE: usize = 128;

impl Service {
    pub(super) async fn one_transition(
        &self,
        sender: &mut Sender,
        checkpoint: &SignedCheckpoint,
        id: &TransitionId,
        from_sizes: &[u64],
        manifest: &mut Manifest,
    ) -> Result<(), Ended> {
        let size = checkpoint.checkpoint().size;
        let mut explained = Vec::new();
        let mut from = Revision::FIRST;
        while let Some(page) = self.page(&StreamId::Transition(id.clone()), from, size).await? {
            from = Revision(from.0 + page.len() as u64);
            for record in &page {
                self.leaf(sender, record, checkpoint).await?;
                manifest.leaf(record.position.0);
                self.disclose(sender, record, manifest).await?;
                if manifest.has_erased(record.position.0) {
                    explained.push(record.position.0);
                }
            }
        }
        if !explained.is_empty() {
            self.erasures(sender, checkpoint, manifest, &explained).await?;
        }
        // Which key signed when and under which origin, for whoever trusts one of them.
        let successions = self.successions(size).await?;
        for (record, _) in &successions {
            self.leaf(sender, record, checkpoint).await?;
            manifest.leaf(record.position.0);
            self.disclose(sender, record, manifest).await?;
        }
        self.older_checkpoints(sender, size, &successions, manifest).await?;
        let sizes: BTreeSet<u64> = manifest.checkpoints().chain(from_sizes.iter().copied()).collect();
        for from in sizes {
            let proof = self.engine.prove_consistency(from, size).map_err(defect)?;
            let lines: String =
                proof.iter().map(|hash| hash.iter().map(|b| format!("{b:02x}")).collect::<String>() + "\n").collect();
            sender.file(&format!("checkpoints/{from}.consistency"), lines.as_bytes()).await?;
        }
        Ok(())
    }

    /// The leaves that authorised the erasure of any of these positions.
    async fn erasures(
        &self,
        sender: &mut Sender,
        checkpoint: &SignedCheckpoint,
        manifest: &mut Manifest,
        erased: &[u64],
    ) -> Result<(), Ended> {
        let mut from = Revision::FIRST;
        while let Some(page) = self.page(&StreamId::Audit, from, checkpoint.checkpoint().size).await? {
            from = Revision(from.0 + page.len() as u64);
            for record in page.iter().filter(|record| authorises(&record.leaf, erased)) {
                self.leaf(sender, record, checkpoint).await?;
                manifest.leaf(record.position.0);
                self.disclose(sender, record, manifest).await?;
            }
        }
        Ok(())
    }

    async fn leaf(&self, sender: &mut Sender, record: &StoredRecord, checkpoint: &SignedCheckpoint) -> Result<(), Ended> {
        let position = record.position;
        sender.file(&format!("leaves/{position}.json"), &record.leaf).await?;
        let proof = self.engine.prove_inclusion(Position(position.0), checkpoint.checkpoint().size).map_err(defect)?;
        let receipt = Receipt { position, proof, checkpoint: checkpoint.clone() };
        sender.file(&format!("proofs/{position}.tlog-proof"), receipt.to_text().as_bytes()).await
    }

    /// The events before `size` that say that the log changed its key or its origin.
    pub(super) async fn successions(&self, size: u64) -> Result<Vec<(StoredRecord, Succession)>, Ended> {
        let (mut found, mut from) = (Vec::new(), Revision::FIRST);
        while let Some(page) = self.page(&StreamId::Log, from, size).await? {
            from = Revision(from.0 + page.len() as u64);
            let told = page.into_iter().filter_map(|record| {
                let succession = baton_engine::key_succession(&record.stream, &record.leaf)?;
                Some((record, succession))
            });
            found.extend(told);
        }
        Ok(found)
    }

    /// The next records of a stream that lie before `size`; `None` when there are no more.
    async fn page(&self, stream: &StreamId, from: Revision, size: u64) -> Result<Option<Vec<StoredRecord>>, Ended> {
        let page = self.engine.stored_in(stream, from, PAGE).await.map_err(|e| Ended::failed(status::read(&e)))?;
        let page: Vec<_> = page.into_iter().filter(|record| record.position.0 < size).collect();
        Ok((!page.is_empty()).then_some(page))
    }
}

/// Whether a leaf is an erasure that names one of these positions.
fn authorises(leaf: &[u8], positions: &[u64]) -> bool {
    let Ok(leaf) = serde_json::from_slice::<serde_json::Value>(leaf) else { return false };
    let named = leaf["payload"]["positions"].as_array().into_iter().flatten().filter_map(serde_json::Value::as_u64);
    leaf["type"] == "ErasureAuthorised" && named.into_iter().any(|position| positions.contains(&position))
}
