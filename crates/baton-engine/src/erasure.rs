//! Destroying the keys of words whose erasure is durable.
//!
//! **Durable when?** The event that authorises an erasure is durable before any key is touched; when
//! the keys are gone, so are the words, for everybody and for ever.
//! **Who retries?** The engine: after the append, before every later batch until it worked, and at every
//! start for every erasure in the log. Destroying a key twice is harmless.
//! **After a crash?** The event is in the log, so the next start destroys what is left. Until then the
//! words are not shown all the same: readers get them through [`crate::LogEntry`], which asks the state.

use std::collections::BTreeSet;

use baton_domain::state::State;
use baton_domain::values::Position;
use baton_ledger::Ledger;

/// What `after` erases and `before` did not.
pub(crate) fn newly(before: &State, after: &State) -> BTreeSet<Position> {
    // Erasures are rare and are never taken back: equal counts are equal sets.
    if before.erased.len() == after.erased.len() {
        return BTreeSet::new();
    }
    after.erased.keys().copied().filter(|position| !before.erased.contains_key(position)).collect()
}

/// Destroys the keys of `left` and empties it, or keeps it for the next time and says so.
pub(crate) async fn destroy(ledger: &dyn Ledger, left: &mut BTreeSet<Position>) {
    if left.is_empty() {
        return;
    }
    let positions: Vec<_> = left.iter().map(|position| baton_ledger::Position(position.0)).collect();
    match ledger.erase(&positions).await {
        Ok(()) => {
            tracing::info!(events = positions.len(), "destroyed the keys of erased words");
            left.clear();
        }
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, events = positions.len(), "keys of erased words are left");
        }
    }
}
