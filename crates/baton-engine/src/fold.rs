//! Folding: the state from the log, at start and whenever the log is ahead of the state.

use std::sync::Arc;

use baton_domain::state::State;
use baton_ledger::{Ledger, Position, bounds::MAX_READ_RECORDS};

use crate::error::ReadError;
use crate::log;

/// Folds into `state` everything the log holds beyond it. Leaf hashes are checked by the ledger,
/// commitments and places here; the first record that does not fit ends it.
pub(crate) async fn fold(ledger: &dyn Ledger, mut state: State) -> Result<State, ReadError> {
    let end = ledger.head().size;
    while state.size < end {
        for stored in ledger.read(Position(state.size), MAX_READ_RECORDS).await? {
            let (recorded, _) = log::read(&stored)?;
            state.evolve(&Arc::new(recorded));
        }
    }
    Ok(state)
}
