//! A checkpoint that no trusted key signed: is it that the log changed its key or was forked, or is it somebody else's?
//!
//! Only a change that a trusted key signed itself is told as one: the leaf that names the new key must be the last
//! under a checkpoint that bears the signatures of both. What merely stands in a leaf, whoever made the evidence may
//! have made up. Either way the evidence is not verified: a key counts when the auditor has put it in his file.

use super::forks::{Fork, Forks};
use super::leaf::Leaf;
use super::report::Report;
use super::rotation::{Change, Changes};
use super::trust::Trust;
use super::{Stopped, transition, unhex};
use baton_ledger::bounds::{MAX_LEAF, MAX_NOTE, MAX_RECEIPT};
use baton_ledger::bundle::{BundleError, ENTRIES_WIDTH, LogDirectory, MAX_LOG};
use baton_ledger::{NodeHash, Receipt, SignedCheckpoint, Tree, TrustedKeys, check_consistency, leaf_hash};
use std::collections::BTreeSet;
use std::path::Path;

/// Most changes of keys that are followed.
const MAX_CHANGES: usize = 1_000;

/// A change of keys that a leaf tells of, with the root of the tree that ends in that leaf.
struct Told {
    change: Change,
    root: Option<NodeHash>,
}

/// Says of a checkpoint that was not accepted whether the log changed to the key that signed it, or to its origin.
pub(super) fn explain(dir: &Path, files: &LogDirectory, trust: &Trust, note: &[u8], report: &mut Report) -> Result<(), Stopped> {
    let Ok(newest) = SignedCheckpoint::parse_unverified(note) else { return Ok(()) };
    let whole = dir.join("tile").is_dir();
    let leaves = if whole { BTreeSet::new() } else { transition::listed(dir, report)? };
    let forks = match whole {
        true => Forks::of_log(files, newest.checkpoint())?,
        false => Forks::of_leaves(files, leaves.iter().copied())?,
    };
    if let Some(Fork { position, old, new, .. }) = forks.iter().last()
        && forks.iter().any(|fork| trust.knows(&fork.old))
    {
        report.fail(None, format!(
            "its leaves say that {old:?} went on as {new:?} after {position} events. No key of the old log signs that, so whoever made this evidence may have made it up: ask the operator by another way whether it is so and for the line of the new key, and put that beside the old one in {}",
            trust.path().display()
        ));
        return Ok(());
    }
    let told = match whole {
        true => in_the_log(files, &newest)?,
        false => in_leaves(files, &newest, &leaves)?,
    };
    let Some(last) = told.last() else { return Ok(()) };
    let mut key: Option<&str> = None;
    for told in &told {
        let Change { position, old, new } = &told.change;
        let holds = key == Some(old) || trust.holds(old);
        if holds && both_signed(files, told)? {
            report.key_changed(*position, old, new);
            key = Some(new);
        }
    }
    let at = last.change.position;
    let what = match key {
        Some(key) if newest.bears_signature_of(key) => format!(
            "the log changed its key at event {at} to {key}, which signed this checkpoint, and the key you trust signed that change. {}; until then nothing after event {at} is shown",
            Changes::what_to_do(trust)
        ),
        Some(key) if key == last.change.new => {
            format!(
                "the log changed its key at event {at} to {key}, and that key did not sign this checkpoint: somebody else did"
            )
        }
        _ => format!(
            "event {at} tells of a change of keys, and no checkpoint that a key of yours signed says so: whoever made this evidence may have made that up. Take no key from it; ask the operator by another way"
        ),
    };
    report.fail(None, what);
    Ok(())
}

/// Whether the checkpoint that ends in the change is here and bears both signatures.
fn both_signed(files: &LogDirectory, told: &Told) -> Result<bool, Stopped> {
    let Some(note) = there(files.file(&format!("checkpoints/{}.note", told.change.size()), MAX_NOTE))? else { return Ok(false) };
    let Ok(signed) = SignedCheckpoint::parse_unverified(&note) else { return Ok(false) };
    let keys = [&told.change.old, &told.change.new];
    let says = signed.checkpoint();
    Ok(says.size == told.change.size()
        && told.root == Some(says.root)
        && keys.into_iter().all(|key| signed.bears_signature_of(key)))
}

/// The changes in a whole log, as far as its leaves can be read.
fn in_the_log(files: &LogDirectory, newest: &SignedCheckpoint) -> Result<Vec<Told>, Stopped> {
    let (mut told, mut tree) = (Vec::new(), Tree::new());
    let signed = newest.checkpoint();
    while tree.size() < signed.size.min(MAX_LOG) && told.len() < MAX_CHANGES {
        let Some(leaves) = there(files.entries(tree.size() / ENTRIES_WIDTH, signed.size))? else { break };
        if leaves.is_empty() {
            break;
        }
        for bytes in &leaves {
            let index = tree.size();
            tree.push(leaf_hash(bytes));
            let change = Leaf::read(bytes).ok().and_then(|leaf| Change::read(index, &leaf, &signed.origin));
            told.extend(change.map(|change| Told { change, root: Some(tree.root()) }));
        }
    }
    Ok(told)
}

/// The changes in the evidence of one transition: each leaf with its proof, and the proof that the log continues the
/// checkpoint that ends in it.
fn in_leaves(files: &LogDirectory, newest: &SignedCheckpoint, leaves: &BTreeSet<u64>) -> Result<Vec<Told>, Stopped> {
    let signed = newest.checkpoint();
    let mut told = Vec::new();
    for index in leaves.iter().copied() {
        let Some(bytes) = there(files.file(&format!("leaves/{index}.json"), MAX_LEAF))? else { continue };
        let Some(change) = Leaf::read(&bytes).ok().and_then(|leaf| Change::read(index, &leaf, &signed.origin)) else { continue };
        if told.len() < MAX_CHANGES {
            told.push((change, bytes));
        }
    }
    // The proofs lead to the newest checkpoint, which the last of these keys should have signed.
    let Some(key) = told.last().and_then(|(change, _)| TrustedKeys::parse(&change.new).ok()) else { return Ok(Vec::new()) };
    told.into_iter()
        .map(|(change, bytes)| Ok(Told { root: root_before(files, newest, &key, &change, &bytes)?, change }))
        .collect()
}

/// The root of the checkpoint that ends in a change, when it is shown to do that.
fn root_before(
    files: &LogDirectory,
    newest: &SignedCheckpoint,
    key: &TrustedKeys,
    change: &Change,
    leaf: &[u8],
) -> Result<Option<NodeHash>, Stopped> {
    let size = change.size();
    let proof = there(files.file(&format!("proofs/{}.tlog-proof", change.position), MAX_RECEIPT))?;
    let proof = proof.and_then(|proof| Receipt::verify(&String::from_utf8_lossy(&proof), leaf_hash(leaf), key).ok());
    let included = proof.is_some_and(|proof| proof.position.0 == change.position && proof.checkpoint == *newest);
    let note = there(files.file(&format!("checkpoints/{size}.note"), MAX_NOTE))?;
    let root = note.and_then(|note| SignedCheckpoint::parse_unverified(&note).ok()).map(|note| note.checkpoint().root);
    let lines = there(files.file(&format!("checkpoints/{size}.consistency"), MAX_RECEIPT))?;
    let hashes = lines.and_then(|lines| String::from_utf8_lossy(&lines).lines().map(unhex).collect::<Option<Vec<NodeHash>>>());
    let now = newest.checkpoint();
    let continued = |root: &NodeHash| hashes.is_some_and(|hashes| check_consistency(&hashes, size, *root, now.size, now.root));
    Ok(root.filter(|root| included && continued(root)))
}

/// What was read; what is not there or malformed explains nothing.
fn there<T>(read: Result<T, BundleError>) -> Result<Option<T>, Stopped> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(error @ BundleError::Io { .. }) => Err(Stopped::Unavailable(error.to_string())),
        Err(_) => Ok(None),
    }
}
