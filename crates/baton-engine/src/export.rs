//! Records as the ledger holds them, for whoever hands the log on: leaves verbatim, and what lies
//! beside them. Nothing is decoded; a leaf is still checked against its hash.

use baton_domain::values::{Position, Revision, StreamId};
use baton_ledger::StoredRecord;

use crate::engine::Engine;
use crate::error::ReadError;
use crate::log::stream_name;

impl Engine {
    /// Records in log order, from `from` on, at most `limit`; otherwise as [`read`](Engine::read).
    ///
    /// # Errors
    /// See [`ReadError`]; a damaged record ends the read and is not returned.
    pub async fn stored(&self, from: Position, limit: usize) -> Result<Vec<StoredRecord>, ReadError> {
        Ok(self.ledger().read(baton_ledger::Position(from.0), limit).await?)
    }

    /// Records of one stream in order of revision, from `from` on; otherwise as [`stored`](Engine::stored).
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn stored_in(&self, stream: &StreamId, from: Revision, limit: usize) -> Result<Vec<StoredRecord>, ReadError> {
        // A stream whose name the ledger does not take holds nothing.
        let Ok(name) = stream_name(stream) else { return Ok(Vec::new()) };
        Ok(self.ledger().read_stream(&name, baton_ledger::Revision(from.0), limit).await?)
    }
}
