//! Which key signs for a log: the one its newest change of keys names, and no other.
//!
//! The log itself says when its key changed, in a leaf; what leaves say is known to the caller alone, who reads
//! them for us ([`ReadSuccession`]). The checkpoint of the batch with that leaf is signed by both keys. So a start
//! always finds the signature of its own key under what it goes on from, and takes no other key's word: a store
//! that somebody wrote anew cannot make the operator's key go on from it by a leaf that names that key.

use super::head_file::Noted;
use crate::names::{Position, StreamName};
use crate::proof::{SignedCheckpoint, SigningKey};

/// What a leaf says of the keys that sign after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Succession {
    /// The log changed its key. Both are lines of a trust file.
    Rotated {
        /// The key that signed up to this leaf.
        old: String,
        /// The key that signs from then on.
        new: String,
    },
    /// The log goes on under another origin: what was said of keys before does not bind it.
    Forked,
}

/// Reads what a leaf of a stream says of keys; `None` for nearly every leaf. Called for each leaf at an open, so it
/// is to look at the stream first.
pub type ReadSuccession = fn(&StreamName, &[u8]) -> Option<Succession>;

/// For ledgers in which no leaf speaks of keys.
pub fn no_succession(_: &StreamName, _: &[u8]) -> Option<Succession> {
    None
}

/// A change of keys in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyChange {
    /// Where the leaf is that says so.
    pub position: Position,
    /// The key that signed up to it.
    pub old: String,
    /// The key that signs from then on.
    pub new: String,
    /// The checkpoint of its batch, which both are to have signed.
    pub checkpoint: SignedCheckpoint,
}

/// Why a key may not sign for a log.
pub(crate) enum NotTheKey {
    /// The newest checkpoint is not its own.
    Foreign,
    /// The log changed its key, and this is not the new one.
    Retired(Box<KeyChange>),
    /// A change of keys was not agreed to by both.
    OneSided(Box<KeyChange>),
}

/// The changes of keys in complete batches, in order, since the log has its present origin.
pub(crate) fn take(changes: &mut Vec<KeyChange>, said: Succession, position: Position, checkpoint: &SignedCheckpoint) {
    match said {
        Succession::Forked => changes.clear(),
        Succession::Rotated { old, new } => changes.push(KeyChange { position, old, new, checkpoint: checkpoint.clone() }),
    }
}

/// Whether a key may sign after `newest`. `noted` may be a little older, and then be the old key's.
pub(crate) fn may_sign(
    key: &SigningKey,
    changes: &[KeyChange],
    newest: &SignedCheckpoint,
    noted: Option<&Noted>,
) -> Result<(), NotTheKey> {
    let last = changes.last();
    if let Some(change) = last {
        if change.new != key.verifier_key() {
            return Err(NotTheKey::Retired(Box::new(change.clone())));
        }
        if ![&change.old, &change.new].into_iter().all(|key| change.checkpoint.bears_signature_of(key)) {
            return Err(NotTheKey::OneSided(Box::new(change.clone())));
        }
    }
    let before = |noted: &SignedCheckpoint| {
        last.is_some_and(|change| noted.checkpoint().size <= change.position.0 && noted.bears_signature_of(&change.old))
    };
    let noted = noted.map(|noted| &noted.checkpoint);
    match newest.is_signed_by(key) && noted.is_none_or(|noted| noted.is_signed_by(key) || before(noted)) {
        true => Ok(()),
        false => Err(NotTheKey::Foreign),
    }
}
