//! Who is asking. The one place where real credentials will go.
//!
//! For now a development identity: the caller names a registered person in the metadata
//! [`PERSON_KEY`], and is believed. That is why the server listens on loopback only and says so loudly.
//! What is here already holds for real credentials too: the person comes from the credential and never
//! from the message, and must be known to the log.

use crate::status::{self, Reason};
use baton_domain::state::State;
use baton_domain::values::PersonId;
use tonic::Status;
use tonic::metadata::MetadataMap;

/// The metadata key that names the person.
pub(crate) const PERSON_KEY: &str = "baton-person";

/// The person who asks.
///
/// # Errors
/// UNAUTHENTICATED when nobody is named, the name is no person id, or the log does not know the person.
pub(crate) fn person(metadata: &MetadataMap, state: &State) -> Result<PersonId, Status> {
    let refuse = |what: String| status::with_reason(Reason::Unauthenticated, &what, &[]);
    let Some(value) = metadata.get(PERSON_KEY) else {
        return Err(refuse(format!("name the person who asks in the metadata key {PERSON_KEY}")));
    };
    let text = value.to_str().map_err(|_| refuse(format!("metadata key {PERSON_KEY} is not plain text")))?;
    let person: PersonId = text.parse().map_err(|e| refuse(format!("metadata key {PERSON_KEY}: {e}")))?;
    if state.knows(&person) {
        Ok(person)
    } else {
        Err(refuse(format!("the log knows no person {person}; an administrator grants a role first")))
    }
}
