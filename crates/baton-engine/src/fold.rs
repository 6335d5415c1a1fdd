//! Folding: the state from the log, at start and whenever the log is ahead of the state.
//!
//! Leaf hashes are checked by the ledger, commitments and places when a record is decoded. The first
//! record that does not fit ends it: a state built on the rest would be wrong.

use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};

use baton_domain::event::Recorded;
use baton_domain::state::State;
use baton_ledger::{Ledger, Position, bounds::MAX_READ_RECORDS};

use crate::error::{ReadError, StartError};
use crate::log;

/// How many pages may be decoded ahead. Enough that neither thread waits long for the other.
const PAGES_AHEAD: usize = 4;

type Page = Vec<Arc<Recorded>>;

/// Folds into `state` what the log holds beyond it.
pub(crate) async fn catch_up(ledger: &dyn Ledger, mut state: State) -> Result<State, ReadError> {
    let end = ledger.head().size;
    while state.size < end {
        for recorded in &page(ledger, state.size).await? {
            state.evolve(recorded);
        }
    }
    Ok(state)
}

/// Folds the whole log. A second thread reads and decodes ahead; blocks the calling one.
pub(crate) fn fold(ledger: &dyn Ledger) -> Result<State, StartError> {
    let mut state = State::default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(StartError::Thread)?;
    std::thread::scope(|scope| {
        let (pages, decoded) = sync_channel(PAGES_AHEAD);
        std::thread::Builder::new()
            .name("baton-fold".to_owned())
            .spawn_scoped(scope, move || runtime.block_on(read_ahead(ledger, &pages)))
            .map_err(StartError::Thread)?;
        for page in decoded {
            for recorded in &page? {
                state.evolve(recorded);
            }
        }
        Ok(state)
    })
}

async fn read_ahead(ledger: &dyn Ledger, pages: &SyncSender<Result<Page, ReadError>>) {
    let end = ledger.head().size;
    let mut next = 0;
    while next < end {
        let page = page(ledger, next).await;
        let (count, ends) = page.as_ref().map_or((0, true), |page| (page.len() as u64, false));
        // The receiver goes away only when it has met an error, and this thread then has nothing to do.
        if pages.send(page).is_err() || ends {
            return;
        }
        next += count;
    }
}

/// The records from `from` on, as many as the ledger gives at once; at least one.
async fn page(ledger: &dyn Ledger, from: u64) -> Result<Page, ReadError> {
    let stored = ledger.read(Position(from), MAX_READ_RECORDS).await?;
    if stored.is_empty() {
        let why = "the log ends before its size".to_owned();
        return Err(ReadError::Damaged { position: baton_domain::values::Position(from), why });
    }
    stored.iter().map(|stored| log::read(stored).map(|(recorded, _)| Arc::new(recorded))).collect()
}
