//! The events of one transition: each leaf with its proof up to the one checkpoint of the bundle.

use super::forks::Forks;
use super::leaf::{Leaf, Places};
use super::manifest::Manifest;
use super::older::{self, Older};
use super::report::{Kind, Report};
use super::rotation::Changes;
use super::words::Words;
use super::{Evidence, Stopped, optional, unhex};
use baton_ledger::bounds::{MAX_LEAF, MAX_RECEIPT};
use baton_ledger::bundle::BundleError;
use baton_ledger::{NodeHash, Receipt, check_consistency, leaf_hash};
use std::collections::BTreeSet;
use std::io;
use std::path::Path;

/// Longest consistency proof, in bytes: 128 hashes would do for any two trees.
const MAX_CONSISTENCY: usize = 128 * 65;

/// Most leaves of one transition.
const MAX_LEAVES: usize = 1_000_000;

/// Events of other streams that are in the bundle because they explain it: words that are gone, keys, origins.
const EXPLAINING: [&str; 3] = ["ErasureAuthorised", "KeyRotated", "LogForked"];

pub(super) fn verify(evidence: &Evidence<'_>, manifest: &Manifest, id: &str, report: &mut Report) -> Result<(), Stopped> {
    report.is_a(Kind::Transition);
    let signed = evidence.checkpoint.checkpoint();
    let stream = format!("transition/{id}");
    let mut words = Words::list(evidence.dir, report)?;
    let mut places = Places::default();
    let mut changes = Changes::default();
    let there = listed(evidence.dir, report)?;
    let forks = Forks::of_leaves(evidence.files, there.iter().copied())?;
    let older = older::read(evidence, evidence.dir, Some(manifest), &forks, report)?;
    for index in manifest.leaves.positions().take(MAX_LEAVES).filter(|index| !there.contains(index)) {
        report.fail(Some(index), format!("leaves/{index}.json is missing: bundle.json says that it is in the bundle"));
    }
    let (mut events, mut last) = (0_u64, None);
    for index in there.iter().copied() {
        if !manifest.leaves.contains(index) {
            report.fail(Some(index), format!("leaves/{index}.json is there and bundle.json does not say so"));
        }
        let Some(bytes) = optional(evidence.files.file(&format!("leaves/{index}.json"), MAX_LEAF), report)? else { continue };
        proven(evidence, index, &bytes, report)?;
        let leaf = match Leaf::read(&bytes) {
            Ok(leaf) => leaf,
            Err(why) => {
                report.fail(Some(index), why);
                continue;
            }
        };
        if leaf.stream == stream {
            places.take(index, &leaf, report);
            events += 1;
            last = Some(index);
        } else if !EXPLAINING.iter().any(|event| leaf.is(event)) {
            report.fail(Some(index), format!("the leaf is of stream {} and the bundle is about {stream}", leaf.stream));
        } else if leaf.position != index {
            report.fail(Some(index), format!("the leaf says that its position is {}", leaf.position));
        }
        changes.take(index, &leaf, forks.origin(index + 1, &signed.origin));
        words.take(index, &leaf, &bytes, evidence.files, report)?;
    }
    if events == 0 {
        report.fail(None, format!("the bundle holds no event of {stream}"));
    }
    report.leaves(there.len() as u64);
    let whole = report.failures().is_empty();
    words.finish(Some(manifest), report);
    forks.settle(&signed.origin, report);
    changes.settle(evidence, &older, &forks, report);
    for older in &older {
        continued(evidence, older, report)?;
    }
    if whole {
        report.hold(format!("{} leaves were hashed and each proof leads to the signed root", there.len()));
        report.hold(format!("the revisions of {stream} follow each other from 1 to {events}: none before the last is missing"));
        let sizes: Vec<String> = older.iter().map(|older| older.checkpoint.size.to_string()).collect();
        if !sizes.is_empty() && report.failures().is_empty() {
            report.hold(format!("the log continues the older checkpoints of size {}", sizes.join(", ")));
        }
    }
    let (revision, last) = (places.revision(&stream), last.unwrap_or_default());
    report.cannot_exclude(format!(
        "later events of {id}: after revision {revision} at position {last} there may be more, also before this checkpoint ends at position {}",
        signed.size.saturating_sub(1)
    ));
    report.cannot_exclude(format!(
        "events about {id} in other streams (proposals, refusals, meetings, its wave, route and organisations): they are not in this bundle"
    ));
    report.cannot_exclude("what the rest of the log says, and whether it is whole: the leaves of the whole log would show it");
    older::first_contact(evidence, &older, report);
    report.cannot_exclude("what was false when it was recorded, or was never recorded");
    Ok(())
}

/// The positions of the leaves that lie in the bundle.
pub(super) fn listed(dir: &Path, report: &mut Report) -> Result<BTreeSet<u64>, Stopped> {
    let dir = dir.join("leaves");
    let failed = |error: io::Error| Stopped::Unavailable(format!("failed to list {}: {error}", dir.display()));
    let mut there = BTreeSet::new();
    let entries = match std::fs::read_dir(&dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(there),
        listed => listed.map_err(failed)?,
    };
    for entry in entries {
        let name = entry.map_err(failed)?.file_name();
        let name = name.to_string_lossy();
        let index = name.strip_suffix(".json").and_then(|index| index.parse::<u64>().ok());
        match index.filter(|index| format!("{index}.json") == name && there.len() < MAX_LEAVES) {
            Some(index) => drop(there.insert(index)),
            None => report.warn(format!("leaves/{name} is not a leaf and was not looked at")),
        }
    }
    Ok(there)
}

/// The proof of a leaf: its own, for this position, and up to the bundle's checkpoint and no other.
fn proven(evidence: &Evidence<'_>, index: u64, leaf: &[u8], report: &mut Report) -> Result<(), Stopped> {
    let path = format!("proofs/{index}.tlog-proof");
    let proof = match evidence.files.file(&path, MAX_RECEIPT) {
        Err(BundleError::Missing { .. }) => {
            report.fail(Some(index), format!("{path} is missing"));
            return Ok(());
        }
        read => optional(read, report)?,
    };
    let Some(proof) = proof else { return Ok(()) };
    let text = String::from_utf8_lossy(&proof);
    match Receipt::verify(&text, leaf_hash(leaf), evidence.trust.keys()) {
        Err(error) => report.fail(Some(index), format!("{path}: {error}")),
        Ok(receipt) if receipt.position.0 != index => {
            report.fail(Some(index), format!("{path} is the proof of position {}", receipt.position));
        }
        Ok(receipt) if receipt.checkpoint.checkpoint() != evidence.checkpoint.checkpoint() => {
            report.fail(Some(index), format!("{path} leads to another checkpoint than that of the bundle"));
        }
        Ok(_) => {}
    }
    Ok(())
}

/// Whether the bundle shows that its checkpoint continues an older one.
fn continued(evidence: &Evidence<'_>, older: &Older, report: &mut Report) -> Result<(), Stopped> {
    let (old, new) = (&older.checkpoint, evidence.checkpoint.checkpoint());
    let path = format!("checkpoints/{}.consistency", old.size);
    let proof = match evidence.files.file(&path, MAX_CONSISTENCY) {
        // Equal trees need no proof: the roots say it.
        Err(BundleError::Missing { .. }) if old.size == new.size => Some(Vec::new()),
        Err(BundleError::Missing { .. }) if older.remembered && evidence.live && old.origin == new.origin => return Ok(()),
        Err(BundleError::Missing { .. }) => {
            let what = match older.remembered {
                true => format!(
                    "nothing shows that the log continues {}; ask for a bundle with --from-size {}, or verify with --server",
                    older.name(),
                    old.size
                ),
                false => format!("{path} is missing: nothing shows that the log continues {}", older.name()),
            };
            report.fail(None, what);
            return Ok(());
        }
        read => optional(read, report)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned().into_bytes()),
    };
    let Some(proof) = proof else { return Ok(()) };
    let hashes: Option<Vec<NodeHash>> = String::from_utf8_lossy(&proof).lines().map(unhex).collect();
    match hashes.is_some_and(|hashes| check_consistency(&hashes, old.size, old.root, new.size, new.root)) {
        true => older.holds(report),
        false => report.fail(None, format!("{path} does not show that the log continues {}", older.name())),
    }
    Ok(())
}
