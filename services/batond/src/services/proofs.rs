//! The proofs of AuditService: the newest checkpoint, inclusion and consistency.

use super::Service;
use crate::parse::FieldViolation;
use crate::status;
use baton_domain::values::Position;
use baton_ledger::{NodeHash, ProofError};
use baton_proto::v1 as proto;
use tonic::Status;

impl Service {
    pub(super) async fn checkpoint(&self, asked: &proto::GetCheckpointRequest) -> Result<proto::GetCheckpointResponse, Status> {
        self.state(asked.min_position.map(Position)).await?;
        let newest = self.engine.checkpoint();
        Ok(proto::GetCheckpointResponse {
            checkpoint: newest.note().to_owned(),
            verifier_key: self.engine.verifier_key().to_owned(),
            position: newest.checkpoint().size.saturating_sub(1),
            archive: self.archive.as_ref().map(|progress| progress.borrow().told(newest.checkpoint().size)),
        })
    }

    pub(super) async fn inclusion_proof(
        &self,
        asked: &proto::GetInclusionProofRequest,
    ) -> Result<proto::GetInclusionProofResponse, Status> {
        let at = Position(asked.event_position);
        let newest = self.engine.checkpoint();
        let tree_size = asked.tree_size.unwrap_or(newest.checkpoint().size);
        let hashes = self.engine.prove_inclusion(at, tree_size).map_err(|error| refused(&error))?;
        let entry = self.engine.read(at, 1).await.map_err(|error| status::read(&error))?.pop();
        let entry = entry.ok_or_else(|| status::not_found("event at position", &at))?;
        Ok(proto::GetInclusionProofResponse {
            hashes: bytes(hashes),
            leaf_hash: entry.leaf_hash.to_vec(),
            tree_size,
            checkpoint: newest.note().to_owned(),
        })
    }

    pub(super) fn consistency_proof(
        &self,
        asked: &proto::GetConsistencyProofRequest,
    ) -> Result<proto::GetConsistencyProofResponse, Status> {
        let newest = self.engine.checkpoint();
        let new_size = asked.new_size.unwrap_or(newest.checkpoint().size);
        let hashes = self.engine.prove_consistency(asked.old_size, new_size).map_err(|error| refused(&error))?;
        Ok(proto::GetConsistencyProofResponse { hashes: bytes(hashes), new_size, checkpoint: newest.note().to_owned() })
    }
}

fn bytes(hashes: Vec<NodeHash>) -> Vec<Vec<u8>> {
    hashes.into_iter().map(Into::into).collect()
}

/// Which field of the question can not be answered.
fn refused(error: &ProofError) -> Status {
    let field = match error {
        ProofError::BeyondLog { .. } => "tree_size",
        ProofError::NotInTree { .. } => "event_position",
        ProofError::NotOlder { .. } => "old_size",
    };
    status::invalid(vec![FieldViolation { field: field.to_owned(), description: error.to_string() }])
}
