//! A change of the signing key: the log goes on under a new key of the same origin, and says so itself.
//!
//! The event KeyRotated names both keys, and the checkpoint that makes it durable bears the signatures of both: the
//! old key agrees to the new one, and the log opens under the new one, and under it alone, from there on. Nothing
//! is signed anew; what the old key signed stays and is checked with the old public key.
//!
//! **Repeated how?** With the same command. Cut short before the event is durable, the log is as it was, under the
//! old key, and the new key file, if it was made, is taken. Cut short after it, the log refuses the old key, and
//! the repeat sees that the log names this very new key and brings the rest to its end.

use crate::key::KeyPlace;
use crate::start::{Opening, StartError, open};
use baton_domain::values::PersonId;
use baton_ledger::{Ledger as _, OpenError, ProbeCommand, SledLedger};
use std::path::PathBuf;

/// Which log gets which key.
#[derive(Debug, Clone)]
pub struct Rotation {
    /// The data directory, which nobody serves.
    pub data: PathBuf,
    /// Where the key is that signs up to now.
    pub old: KeyPlace,
    /// Where the new key is made, or was made by an attempt that was cut short.
    pub new: KeyPlace,
    /// Who decided it.
    pub person: String,
    /// How a copy of the store is probed after an unclean stop.
    pub probe: Option<ProbeCommand>,
}

/// What a rotation did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    /// The position of the event that says so.
    pub position: u64,
    /// The public half of the old key.
    pub old_key: String,
    /// The public half of the new key, under which alone the log goes on.
    pub new_key: String,
    /// Whether an earlier attempt had recorded it.
    pub recorded_before: bool,
}

/// Changes the key of a log. A rotation that was cut short is repeated with the same keys.
///
/// # Errors
/// See [`StartError`]. Until the event is durable nothing of the log is changed.
pub async fn rotate_key(asked: Rotation) -> Result<Rotated, StartError> {
    let person: PersonId = asked.person.parse().map_err(|e| StartError::Invalid(format!("person: {e}")))?;
    let old = asked.old.read(&asked.data)?;
    let new = asked.new.create(&asked.data, old.origin())?;
    let keys = (old.verifier_key().to_owned(), new.verifier_key().to_owned());
    let both = old.handing_over_to(&new)?;
    let opening = Opening { probe: asked.probe, ..Opening::default() };
    let recorded = match open(&asked.data, both, &opening).await {
        Ok(ledger) => (record(&ledger, person).await?, false),
        // An earlier attempt came this far, with this key.
        Err(StartError::Store(OpenError::KeyRetired { position, new_key, .. })) if new_key == keys.1 => (position, true),
        Err(refused) => return Err(refused),
    };
    // That it opens under the new key is shown, not supposed; that open also hands out its public half in trust.txt.
    let ledger = open(&asked.data, new, &opening).await?;
    ledger.close().await.map_err(|error| StartError::Log(error.to_string()))?;
    let (position, recorded_before) = recorded;
    Ok(Rotated { position, old_key: keys.0, new_key: keys.1, recorded_before })
}

async fn record(ledger: &SledLedger, person: PersonId) -> Result<u64, StartError> {
    let recorded = baton_engine::record_key_rotation(ledger, person, jiff::Timestamp::now()).await;
    let closed = ledger.close().await;
    let failed = |error: &dyn std::error::Error| {
        let cause = error.source().map_or(String::new(), |cause| format!(": {cause}"));
        StartError::Log(format!("{error}{cause}; repeat the same command, it goes on from wherever this one ended"))
    };
    let position = recorded.map_err(|error| failed(&error))?;
    closed.map_err(|error| failed(&error))?;
    Ok(position.0)
}
