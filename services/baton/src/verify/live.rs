//! The log as a server shows it now: whether it continues what is known of it.
//!
//! The caller asks the server; what comes back is judged here like everything else.

use super::State;
use super::report::Report;
use super::trust::Trust;
use baton_ledger::{CheckpointError, NodeHash, SignedCheckpoint, check_consistency};

/// A server's newest checkpoint, signed by a trusted key.
pub(crate) struct Live {
    /// The checkpoint.
    pub(crate) checkpoint: SignedCheckpoint,
    /// What is known of this log, each of which the checkpoint must continue.
    pub(crate) known: Vec<SignedCheckpoint>,
}

/// Takes a server's newest checkpoint. `None` when it is not to be relied on, which the report then says.
pub(crate) fn live(
    note: &str,
    trust: &Trust,
    state: Option<&State>,
    of_bundle: Option<&SignedCheckpoint>,
    report: &mut Report,
) -> Option<Live> {
    let (checkpoint, key) = match trust.accept(note.as_bytes()) {
        Ok(accepted) => accepted,
        Err(error) => {
            report.fail(None, format!("the server's checkpoint: {error}"));
            if matches!(error, CheckpointError::Untrusted { .. }) {
                trust.warn_of_changes(report);
            }
            return None;
        }
    };
    let now = checkpoint.checkpoint();
    let mut known = state.map(|state| state.of(&now.origin, trust)).unwrap_or_default();
    if of_bundle.is_none() {
        // Whoever serves another log in place of the one that is known is found out here.
        let remembered = state.map(|state| state.newest(trust)).unwrap_or_default();
        if known.is_empty() && !remembered.is_empty() {
            report.warn(format!(
                "you remember other logs, and none of origin {:?}; if it goes on from one of them after a fork, a whole bundle shows that: verify one with --state",
                now.origin
            ));
        }
        report.signed(now, &key);
    }
    known.extend(of_bundle.cloned());
    for old in known.iter().map(SignedCheckpoint::checkpoint) {
        if old.origin != now.origin {
            report.fail(None, format!("the server's log is {:?} and the bundle's is {:?}", now.origin, old.origin));
        } else if old.size > now.size {
            report.fail(
                Some(now.size),
                format!("the log was known with {} events and the server shows {}: the rest was cut off", old.size, now.size),
            );
        }
    }
    if known.is_empty() {
        report.cannot_exclude("trust on first use: nothing earlier is known of this log, so a history that was rewritten before now would look the same");
    }
    known.retain(|old| old.checkpoint().origin == now.origin && (1..=now.size).contains(&old.checkpoint().size));
    Some(Live { checkpoint, known })
}

impl Live {
    /// Judges the server's proof that its log continues one of [`known`](Live::known).
    pub(crate) fn continues(&self, old: &SignedCheckpoint, proof: &[Vec<u8>], report: &mut Report) {
        let (old, now) = (old.checkpoint(), self.checkpoint.checkpoint());
        let hashes: Option<Vec<NodeHash>> = proof.iter().map(|hash| NodeHash::try_from(hash.as_slice()).ok()).collect();
        match hashes.is_some_and(|hashes| check_consistency(&hashes, old.size, old.root, now.size, now.root)) {
            true => {
                report.remembers(old.size);
                report.hold(format!("the server's log of {} events continues the one of {} that was known", now.size, old.size));
            }
            false => report.fail(
                None,
                format!(
                    "the server does not show that its log of {} events continues the one of {} that was known",
                    now.size, old.size
                ),
            ),
        }
    }
}
