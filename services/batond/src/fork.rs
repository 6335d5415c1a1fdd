//! A fork: a restored older copy goes on under a new origin and a new key, and says so in its log.
//!
//! The old origin has signed more than the copy holds, or nobody can say that it has not; going on under it
//! could sign two histories of one log. Nothing is sealed anew: leaves, positions and old receipts stay,
//! and the first event after them names the old origin, its last known checkpoint and the size of the copy.

use crate::key::KeyPlace;
use crate::start::{Opening, StartError, open};
use baton_domain::event::LogForked;
use baton_domain::values::{PersonId, Text};
use baton_ledger::{
    Checkpoint, Ledger as _, ProbeCommand, SignedCheckpoint, SigningKey, SledLedger, TrustedKeys, claim_fork, end_fork,
    is_fork_claimed, noted_checkpoint,
};
use std::path::PathBuf;

/// What to fork, and into what.
#[derive(Debug, Clone)]
pub struct Fork {
    /// The data directory, which nobody serves.
    pub data: PathBuf,
    /// Where the new key is made.
    pub key: KeyPlace,
    /// The new origin.
    pub origin: String,
    /// The newest checkpoint of the old origin that is known, as a signed note; the one noted in the
    /// directory counts as known as well.
    pub last_known: Option<Vec<u8>>,
    /// Further keys that may have signed it, besides those in the directory's own `trust.txt`.
    pub trust: Option<TrustedKeys>,
    /// Who decided it.
    pub person: String,
    /// How it came to that.
    pub note: String,
    /// How a copy of the store is probed after an unclean stop.
    pub probe: Option<ProbeCommand>,
}

/// What a fork did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forked {
    /// The old origin.
    pub old_origin: String,
    /// How many events the copy held: the position of the event that says so.
    pub restored_size: u64,
    /// The size of the last checkpoint known of the old origin.
    pub last_known_size: u64,
    /// Whether an earlier attempt had recorded it.
    pub recorded_before: bool,
}

/// Forks a log. A fork that was cut short is repeated with the same key and origin, and goes on from wherever it
/// ended; a key that lies there otherwise is refused, because two logs under one key would be a log that tells two stories.
///
/// # Errors
/// See [`StartError`]. Nothing is changed when the log has the origin already, the key is there already, or the last known
/// checkpoint is not to be relied on.
pub async fn fork(asked: Fork) -> Result<Forked, StartError> {
    let person: PersonId = asked.person.parse().map_err(|e| StartError::Invalid(format!("person: {e}")))?;
    let note = Text::parse(&asked.note).map_err(|e| StartError::Invalid(format!("note: {e}")))?;
    let noted = noted_checkpoint(&asked.data)?;
    let old_origin = noted.checkpoint().origin.clone();
    // An earlier attempt came so far that the log opens under its key.
    let opens = old_origin == asked.origin;
    let last_known = if opens { noted } else { last_known(&asked, noted)? };
    let key = key(&asked, opens)?;
    let opening = Opening { probe: asked.probe.clone(), fork: !opens, ..Opening::default() };
    let ledger = open(&asked.data, key, &opening).await?;
    // Or it came so far that its event is durable, and no further.
    let recorded_before = ledger.checkpoint().checkpoint().origin == asked.origin;
    let recorded = match recorded_before {
        true => Ok(()),
        false => {
            let forked = LogForked {
                old_origin,
                new_origin: asked.origin,
                last_known_checkpoint: Some(last_known.note().to_owned()),
                restored_size: ledger.head().size,
                note,
            };
            baton_engine::record_fork(&ledger, person, forked, jiff::Timestamp::now()).await.map(drop)
        }
    };
    let told = told(&ledger, recorded_before).await;
    let closed = ledger.close().await;
    recorded.map_err(|error| StartError::Log(error.to_string()))?;
    closed.map_err(|error| StartError::Log(error.to_string()))?;
    let forked = told?;
    end_fork(&asked.data)?;
    Ok(forked)
}

/// What the log says of its newest fork.
async fn told(ledger: &SledLedger, recorded_before: bool) -> Result<Forked, StartError> {
    let newest = baton_engine::newest_fork(ledger).await.map_err(|error| StartError::Log(error.to_string()))?;
    let newest = newest.ok_or_else(|| StartError::Log("the log tells of no fork".to_owned()))?;
    let LogForked { old_origin, restored_size, last_known_checkpoint, .. } = newest;
    let known = last_known_checkpoint.and_then(|note| SignedCheckpoint::parse_unverified(note.as_bytes()).ok());
    let last_known_size = known.map_or(restored_size, |known| known.checkpoint().size);
    Ok(Forked { old_origin, restored_size, last_known_size, recorded_before })
}

/// A new key, or the one that this very fork left when it was cut short: the only one under which the log may open already.
fn key(asked: &Fork, opens: bool) -> Result<SigningKey, StartError> {
    let path = asked.key.outside(&asked.data)?;
    let left = path.exists().then(|| SigningKey::read(&path)).transpose()?;
    match left {
        Some(key) if is_fork_claimed(&asked.data, key.verifier_key()) => Ok(key),
        _ if opens => {
            let what =
                format!("the log in {} has the origin {:?} already; give the fork a new one", asked.data.display(), asked.origin);
            Err(StartError::Invalid(what))
        }
        Some(_) => Err(StartError::KeyUsed { path }),
        None => {
            let key = SigningKey::generate(&asked.origin)?;
            // Durable before the key is, so that a key which no claim names is never taken for the one of this fork.
            claim_fork(&asked.data, key.verifier_key())?;
            key.save(&path)?;
            Ok(key)
        }
    }
}

/// The newer of what is noted in the directory and what was given, which the old key must have signed.
fn last_known(asked: &Fork, noted: SignedCheckpoint) -> Result<SignedCheckpoint, StartError> {
    let Some(given) = &asked.last_known else { return Ok(noted) };
    let path = asked.data.join("trust.txt");
    let refuse = |why: String| StartError::Invalid(format!("last known checkpoint: {why}"));
    let trust = std::fs::read_to_string(&path).map_err(|e| refuse(format!("{} cannot be read: {e}", path.display())))?;
    let lines: Vec<&str> = trust.lines().chain(asked.trust.iter().flat_map(TrustedKeys::keys)).collect();
    let trusted = TrustedKeys::parse(&lines.join("\n")).map_err(|e| refuse(e.to_string()))?;
    let given = trusted.verify(given).map_err(|e| refuse(e.to_string()))?;
    let Checkpoint { origin, size, .. } = given.checkpoint();
    match origin == &noted.checkpoint().origin {
        true if *size >= noted.checkpoint().size => Ok(given),
        true => Ok(noted),
        false => Err(refuse(format!("it is of origin {origin:?}, the log has {:?}", noted.checkpoint().origin))),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::start::init;
    use std::path::Path;

    fn asked(dir: &Path, data: &str) -> Fork {
        Fork {
            data: dir.join(data),
            key: KeyPlace::At(dir.join("fork.key")),
            origin: "baton.test/fork".to_owned(),
            last_known: None,
            trust: None,
            person: "admin".to_owned(),
            note: String::new(),
            probe: None,
        }
    }

    /// A log, and a copy of it.
    async fn two_copies(dir: &Path) {
        init(&dir.join("data"), &KeyPlace::At(dir.join("key")), "baton.test/log", "admin", None).await.unwrap();
        let copied = std::process::Command::new("cp").arg("-r").arg(dir.join("data")).arg(dir.join("copy")).status();
        assert!(copied.unwrap().success());
    }

    #[tokio::test]
    async fn second_copy_does_not_go_on_under_the_key_of_the_fork_of_the_first() {
        let dir = tempfile::tempdir().unwrap();
        two_copies(dir.path()).await;
        fork(asked(dir.path(), "data")).await.unwrap();
        for _ in 0..2 {
            let refused = fork(asked(dir.path(), "copy")).await.unwrap_err();
            assert!(matches!(&refused, StartError::KeyUsed { path } if *path == dir.path().join("fork.key")), "{refused}");
        }
        assert!(!dir.path().join("copy/FORKING").exists(), "what is refused claims nothing");
    }

    #[tokio::test]
    async fn fork_that_was_cut_short_after_its_key_is_made_with_that_key_and_claims_nothing_afterwards() {
        let dir = tempfile::tempdir().unwrap();
        two_copies(dir.path()).await;
        let asked = asked(dir.path(), "data");
        let left = key(&asked, false).unwrap();
        fork(asked.clone()).await.unwrap();
        let trust = std::fs::read_to_string(dir.path().join("data/trust.txt")).unwrap();
        assert!(trust.contains(left.verifier_key()), "{trust}");
        assert!(!is_fork_claimed(&asked.data, left.verifier_key()));
    }

    #[tokio::test]
    async fn fork_that_was_cut_short_before_its_key_is_made_with_another_one() {
        let dir = tempfile::tempdir().unwrap();
        two_copies(dir.path()).await;
        let asked = asked(dir.path(), "data");
        claim_fork(&asked.data, SigningKey::generate(&asked.origin).unwrap().verifier_key()).unwrap();
        fork(asked).await.unwrap();
    }
}
