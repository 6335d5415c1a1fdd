//! Receipts: that a leaf is in the log, as one text that a person can keep.
//!
//! The text is a `c2sp.org/tlog-proof@v1`: the position, the hashes of the inclusion proof, and the
//! signed checkpoint they lead to. It says nothing of the leaf; whoever checks it has that at hand.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::checkpoint::{CheckpointError, SignedCheckpoint, TrustedKeys};
use super::tree::{NodeHash, check_inclusion};
use crate::bounds::MAX_RECEIPT;
use crate::hash::LeafHash;
use crate::names::Position;

const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";

/// A proof that a leaf is in the log, up to a signed checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Where the leaf is.
    pub position: Position,
    /// The inclusion proof, from the leaf up.
    pub proof: Vec<NodeHash>,
    /// The checkpoint it leads to.
    pub checkpoint: SignedCheckpoint,
}

/// Why a receipt proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// The text is not a receipt.
    #[error("the receipt is malformed ({0})")]
    Malformed(String),
    /// Its checkpoint is not to be relied on.
    #[error("the checkpoint of the receipt is not accepted: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// The hashes do not lead from the leaf to the checkpoint's root.
    #[error("the receipt does not lead from the leaf at position {position} to its checkpoint")]
    NotIncluded {
        /// The position it names.
        position: Position,
    },
}

impl Receipt {
    /// The text to keep.
    pub fn to_text(&self) -> String {
        // One is made for every event recorded: the text never grows by copying. A hash takes 45 bytes.
        let note = self.checkpoint.note();
        let mut text = String::with_capacity(64 + 45 * self.proof.len() + note.len());
        text.push_str(FIRST_LINE);
        // Writing to a string does not fail.
        let _ = writeln!(text, "\nindex {}", self.position);
        for hash in &self.proof {
            STANDARD.encode_string(hash, &mut text);
            text.push('\n');
        }
        text.push('\n');
        text.push_str(note);
        text
    }

    /// Reads a text and checks it: the checkpoint is signed by a trusted key, and the proof leads to
    /// it from the leaf with this hash.
    ///
    /// # Errors
    /// See [`ReceiptError`].
    pub fn verify(text: &str, leaf: LeafHash, trusted: &TrustedKeys) -> Result<Receipt, ReceiptError> {
        let (position, proof, note) = parse(text)?;
        let checkpoint = trusted.verify(note.as_bytes())?;
        let head = checkpoint.checkpoint();
        if !check_inclusion(&proof, head.size, head.root, position, leaf) {
            return Err(ReceiptError::NotIncluded { position });
        }
        Ok(Receipt { position, proof, checkpoint })
    }
}

fn parse(text: &str) -> Result<(Position, Vec<NodeHash>, &str), ReceiptError> {
    let malformed = |why: String| ReceiptError::Malformed(why);
    if text.len() > MAX_RECEIPT {
        return Err(malformed(format!("{} bytes are over the bound of {MAX_RECEIPT}", text.len())));
    }
    let (proof, note) = text.split_once("\n\n").ok_or_else(|| malformed("it has no empty line".to_owned()))?;
    let mut lines = proof.lines();
    if lines.next() != Some(FIRST_LINE) {
        return Err(malformed(format!("its first line is not {FIRST_LINE}")));
    }
    let mut line = lines.next();
    // Data for applications; Baton writes none and other writers' is none of our business.
    if line.is_some_and(|line| line.starts_with("extra ")) {
        line = lines.next();
    }
    let index = line.and_then(|line| line.strip_prefix("index ")).unwrap_or_default();
    let position: u64 = index.parse().map_err(|_| malformed("it has no index".to_owned()))?;
    if position.to_string() != index {
        return Err(malformed("its index is not written as a number is".to_owned()));
    }
    let hash = |line: &str| STANDARD.decode(line).ok().and_then(|bytes| NodeHash::try_from(bytes).ok());
    let proof: Option<Vec<NodeHash>> = lines.map(hash).collect();
    let proof = proof.ok_or_else(|| malformed("a line of its proof is not a hash".to_owned()))?;
    Ok((Position(position), proof, note))
}
