//! Proofs for whoever asks: the newest checkpoint, receipts, inclusion and consistency.
//!
//! Everything rests on the durable log alone, as the ledger holds it.

use baton_domain::values::Position;
use baton_ledger::{NodeHash, ProofError, Receipt, SignedCheckpoint, Tile};

use crate::engine::Engine;
use crate::error::ReadError;
use crate::submission::Answer;

impl Engine {
    /// The origin of the log.
    pub fn origin(&self) -> &str {
        self.ledger().origin()
    }

    /// The public key of its checkpoints, as a line of a trust file.
    pub fn verifier_key(&self) -> &str {
        self.ledger().verifier_key()
    }

    /// The newest durable checkpoint.
    pub fn checkpoint(&self) -> SignedCheckpoint {
        self.ledger().checkpoint()
    }

    /// The receipt of the event at a position: the same each time. `None` where there is none yet.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn receipt(&self, position: Position) -> Result<Option<Receipt>, ReadError> {
        Ok(self.ledger().receipt(baton_ledger::Position(position.0)).await?)
    }

    /// The receipts of an answer's events, in their order.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn receipts(&self, answer: &Answer) -> Result<Vec<Receipt>, ReadError> {
        let mut receipts = Vec::with_capacity(answer.entries.len());
        for entry in &answer.entries {
            let position = baton_ledger::Position(entry.position.0);
            let receipt = match &answer.checkpoint {
                Some(checkpoint) => {
                    let proof = self.ledger().prove_inclusion(position, checkpoint.checkpoint().size).ok();
                    proof.map(|proof| Receipt { position, proof, checkpoint: checkpoint.clone() })
                }
                None => self.ledger().receipt(position).await?,
            };
            let missing = || ReadError::Damaged { position: entry.position, why: "it is in no tree".to_owned() };
            receipts.push(receipt.ok_or_else(missing)?);
        }
        Ok(receipts)
    }

    /// Proves that the event at a position is in the tree of the first `size` events.
    ///
    /// # Errors
    /// See [`ProofError`].
    pub fn prove_inclusion(&self, position: Position, size: u64) -> Result<Vec<NodeHash>, ProofError> {
        self.ledger().prove_inclusion(baton_ledger::Position(position.0), size)
    }

    /// Proves that the first `old` events are the beginning of the first `new`.
    ///
    /// # Errors
    /// See [`ProofError`].
    pub fn prove_consistency(&self, old: u64, new: u64) -> Result<Vec<NodeHash>, ProofError> {
        self.ledger().prove_consistency(old, new)
    }

    /// The tiles that a log directory of `new` events has and one of `old` has not.
    ///
    /// # Errors
    /// See [`ProofError`].
    pub fn tiles(&self, old: u64, new: u64) -> Result<Vec<Tile>, ProofError> {
        self.ledger().tiles(old, new)
    }
}
