//! A receipt that somebody kept, and the leaf it is for.

use super::leaf::Leaf;
use super::report::{Kind, Report};
use super::trust::Trust;
use super::{Stopped, hex};
use baton_ledger::bounds::{MAX_LEAF, MAX_RECEIPT};
use baton_ledger::{CheckpointError, Receipt, ReceiptError, SignedCheckpoint, leaf_hash};
use std::io::Read as _;
use std::path::Path;

/// Verifies a receipt, and gives its checkpoint once its signature was accepted.
///
/// # Errors
/// When a file can not be read, or is longer than any receipt or leaf.
pub(crate) fn receipt(receipt: &Path, leaf: &Path, trust: &Trust) -> Result<(Report, Option<SignedCheckpoint>), Stopped> {
    let text = read(receipt, MAX_RECEIPT)?;
    let bytes = read(leaf, MAX_LEAF)?;
    let mut report = Report::new(Kind::Receipt, receipt.display().to_string());
    let mut accepted = None;
    match Receipt::verify(&String::from_utf8_lossy(&text), leaf_hash(&bytes), trust.keys()) {
        Err(error) => {
            report.fail(None, error.to_string());
            if matches!(error, ReceiptError::Checkpoint(CheckpointError::Untrusted { .. })) {
                trust.warn_of_changes(&mut report);
            }
        }
        Ok(receipt) => {
            let position = receipt.position.0;
            if let Ok((checkpoint, key)) = trust.accept(receipt.checkpoint.note().as_bytes()) {
                report.signed(checkpoint.checkpoint(), &key);
                accepted = Some(checkpoint);
            }
            report.leaves(1);
            report.hold(format!("the leaf with hash {} is in the log at position {position}", hex(&leaf_hash(&bytes))));
            match Leaf::read(&bytes) {
                Err(why) => report.fail(Some(position), why),
                Ok(leaf) if leaf.position != position => {
                    report.fail(Some(position), format!("the leaf says that its position is {}", leaf.position));
                }
                Ok(leaf) => report.hold(format!("it is revision {} of stream {}", leaf.revision, leaf.stream)),
            }
            report.cannot_exclude("any other event, before or after: a receipt speaks of one leaf alone");
            report.cannot_exclude("that the log was rewritten since: verify with --server, or a bundle of the whole log");
        }
    }
    Ok((report, accepted))
}

fn read(path: &Path, most: usize) -> Result<Vec<u8>, Stopped> {
    let usage = |why: &dyn std::fmt::Display| Stopped::Usage(format!("failed to read {}: {why}", path.display()));
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|error| usage(&error))?;
    file.take(most as u64 + 1).read_to_end(&mut bytes).map_err(|error| usage(&error))?;
    if bytes.len() > most { Err(usage(&format_args!("it is longer than {most} bytes"))) } else { Ok(bytes) }
}
