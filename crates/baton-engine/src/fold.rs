//! Folding: the state from the log, at start and whenever the log is ahead of the state.
//!
//! Leaf hashes are checked by the ledger, commitments and places when a record is decoded. The first
//! record that does not fit ends it: a state built on the rest would be wrong.
//!
//! At start as many threads as there are processors read pages and decode them, each page on its own, and the calling
//! thread folds them in the order of the log. What reads a page also decodes it: records that pass from thread
//! to thread cost fresh memory for each.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{Builder, Scope};

use baton_domain::event::Recorded;
use baton_domain::state::State;
use baton_ledger::{Ledger, Position, StoredRecord, bounds::MAX_READ_RECORDS};

use crate::codec::Decoder;
use crate::error::{ReadError, StartError};
use crate::log;

/// Records of a page.
const PAGE: u64 = MAX_READ_RECORDS as u64;

/// How many pages may wait behind each reading thread: enough that it seldom waits for another.
const PAGES_AHEAD: usize = 2;

/// At most so many threads read: folding takes the state of one thread and is not much faster than
/// so many read and decode.
const MAX_READERS: usize = 4;

/// A log with more events than this is folded with rests on the way, so that it need not all be open at once. Fewer
/// are folded faster than they are packed.
const REST_EVERY: u64 = 1_000_000;

type Page = Result<Vec<Arc<Recorded>>, ReadError>;

/// Folds into `state` what the log holds beyond it.
pub(crate) async fn catch_up(ledger: &dyn Ledger, mut state: State) -> Result<State, ReadError> {
    let end = ledger.head().size;
    let mut decoder = Decoder::default();
    while state.size < end {
        for recorded in &decode(&mut decoder, &read(ledger, state.size, end).await?)? {
            state.evolve(recorded);
        }
    }
    Ok(state)
}

/// Folds the whole log; blocks the calling thread.
pub(crate) fn fold(ledger: &dyn Ledger) -> Result<State, StartError> {
    let mut state = State::default();
    let readers = std::thread::available_parallelism().map_or(1, |n| n.get().min(MAX_READERS));
    std::thread::scope(|scope| {
        let pages: Result<Vec<_>, _> =
            (0..readers).map(|first| spawn_reader(scope, ledger, first as u64, readers as u64)).collect();
        let pages = pages.map_err(StartError::Thread)?;
        let mut rested = 0;
        // Pages were taken in turn, so in turn they come; the first that does not come is beyond the end.
        for turn in 0.. {
            let Ok(page) = pages[turn % readers].recv() else { break };
            for recorded in &page? {
                state.evolve(recorded);
            }
            if state.size - rested > REST_EVERY {
                state.rest(REST_EVERY, u64::MAX);
                rested = state.size;
            }
        }
        Ok(state)
    })
}

/// A thread that reads and decodes every `step`th page of the log from the `first` on, in order. It ends at the end of the
/// log, with the first page that cannot be read, or with its channel.
fn spawn_reader<'s>(scope: &'s Scope<'s, '_>, ledger: &'s dyn Ledger, first: u64, step: u64) -> std::io::Result<Receiver<Page>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let (decoded, page) = sync_channel(PAGES_AHEAD);
    let end = ledger.head().size;
    Builder::new().name("baton-read".to_owned()).spawn_scoped(scope, move || {
        let mut decoder = Decoder::default();
        let mut from = first * PAGE;
        while from < end {
            let page = runtime.block_on(read_page(ledger, &mut decoder, from, end.min(from + PAGE)));
            let ends = page.is_err();
            // The receiver goes away only when it has met an error, and this thread then has nothing to do.
            if decoded.send(page).is_err() || ends {
                return;
            }
            from += step * PAGE;
        }
    })?;
    Ok(page)
}

/// The records from one position up to another, decoded. The ledger may give them bit by bit.
async fn read_page(ledger: &dyn Ledger, decoder: &mut Decoder, from: u64, to: u64) -> Page {
    let mut page = decode(decoder, &read(ledger, from, to).await?)?;
    while from + (page.len() as u64) < to {
        page.extend(decode(decoder, &read(ledger, from + page.len() as u64, to).await?)?);
    }
    Ok(page)
}

/// The records from one position up to another, as many as the ledger gives at once; at least one.
async fn read(ledger: &dyn Ledger, from: u64, to: u64) -> Result<Vec<StoredRecord>, ReadError> {
    let limit = usize::try_from(to - from).unwrap_or(usize::MAX);
    let stored = ledger.read(Position(from), limit).await?;
    if stored.is_empty() {
        let why = "the log ends before its size".to_owned();
        return Err(ReadError::Damaged { position: baton_domain::values::Position(from), why });
    }
    Ok(stored)
}

fn decode(decoder: &mut Decoder, stored: &[StoredRecord]) -> Page {
    stored.iter().map(|stored| log::read(decoder, stored).map(|(recorded, _)| Arc::new(recorded))).collect()
}
