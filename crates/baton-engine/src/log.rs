//! Reading the log: stored records, decoded and checked against where they stand.

use baton_domain::event::{Recorded, without_words};
use baton_domain::state::State;
use baton_domain::values::{Position, StreamId};
use baton_ledger::{LeafHash, NameError, StoredRecord, StreamName};

use crate::codec::Decoder;
use crate::error::ReadError;

/// One event as the log holds it.
#[derive(Debug, Clone)]
pub struct LogEntry {
    /// The event, its texts opened where they are not erased.
    pub recorded: Recorded,
    /// The event that erased its words, when they are.
    pub erased_by: Option<Position>,
    /// The version of the stored form it was written in.
    pub schema_version: u32,
    /// The leaf, byte for byte as appended: what proofs are about.
    pub leaf: Vec<u8>,
    /// SHA-256 of the leaf with the leaf prefix of RFC 6962, checked in this very read.
    pub leaf_hash: LeafHash,
}

impl LogEntry {
    /// Reads a record as it stands in `state`, which must be newer than the read: words whose erasure is
    /// durable are not shown, also while their key is not destroyed yet.
    pub(crate) fn read(stored: StoredRecord, state: &State) -> Result<Self, ReadError> {
        let (mut recorded, schema_version) = read(&mut Decoder::default(), &stored)?;
        let erased_by = state.erased.get(&recorded.position).copied();
        if let Some(by) = erased_by {
            recorded = without_words(&recorded, by);
        }
        Ok(Self { recorded, erased_by, schema_version, leaf: stored.leaf, leaf_hash: stored.leaf_hash })
    }
}

/// Decodes a record. What the leaf says of its place must agree with where the ledger found it.
pub(crate) fn read(decoder: &mut Decoder, stored: &StoredRecord) -> Result<(Recorded, u32), ReadError> {
    let position = Position(stored.position.0);
    let (recorded, schema) =
        decoder.decode(&stored.leaf, &stored.disclosure).map_err(|error| ReadError::decoding(position, &error))?;
    let in_place = recorded.position == position
        && recorded.revision.0 == stored.revision.0
        && recorded.stream.is_written(stored.stream.as_str());
    if !in_place {
        let why = format!(
            "the leaf says position {}, stream {}, revision {}, and it was found as revision {} of {}",
            recorded.position, recorded.stream, recorded.revision, stored.revision, stored.stream
        );
        return Err(ReadError::Damaged { position, why });
    }
    Ok((recorded, schema))
}

/// The ledger's name of a stream: the same text.
pub(crate) fn stream_name(stream: &StreamId) -> Result<StreamName, NameError> {
    StreamName::parse(&stream.to_string())
}
