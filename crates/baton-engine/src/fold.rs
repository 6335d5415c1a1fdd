//! Folding: the state from the log, at start and whenever the log is ahead of the state.
//!
//! Leaf hashes are checked by the ledger, commitments and places when a record is decoded. The first
//! record that does not fit ends it: a state built on the rest would be wrong.
//!
//! At start one thread reads pages, as many as there are processors decode them, each page on its own,
//! and the calling thread folds them in the order of the log.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, Scope};

use baton_domain::event::Recorded;
use baton_domain::state::State;
use baton_ledger::{Ledger, Position, StoredRecord, bounds::MAX_READ_RECORDS};

use crate::codec::Decoder;
use crate::error::{ReadError, StartError};
use crate::log;

/// How many pages may wait before and after each decoding thread. Enough that none waits long for
/// another; a page is at most 8 MiB.
const PAGES_AHEAD: usize = 2;

/// At most so many threads decode: folding takes the state of one thread and is not much faster than
/// so many decode.
const MAX_DECODERS: usize = 4;

/// A log with more events than this is folded with rests on the way, so that it need not all be open at once. Fewer
/// are folded faster than they are packed.
const REST_EVERY: u64 = 1_000_000;

type Stored = Result<Vec<StoredRecord>, ReadError>;
type Page = Result<Vec<Arc<Recorded>>, ReadError>;

/// Folds into `state` what the log holds beyond it.
pub(crate) async fn catch_up(ledger: &dyn Ledger, mut state: State) -> Result<State, ReadError> {
    let end = ledger.head().size;
    let mut decoder = Decoder::default();
    while state.size < end {
        for recorded in &decode(&mut decoder, read(ledger, state.size).await)? {
            state.evolve(recorded);
        }
    }
    Ok(state)
}

/// Folds the whole log; blocks the calling thread.
pub(crate) fn fold(ledger: &dyn Ledger) -> Result<State, StartError> {
    let mut state = State::default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(StartError::Thread)?;
    let decoders = std::thread::available_parallelism().map_or(1, |n| n.get().min(MAX_DECODERS));
    std::thread::scope(|scope| {
        let (mut stored, mut decoded) = (Vec::new(), Vec::new());
        for _ in 0..decoders {
            let (pages, page) = spawn_decoder(scope).map_err(StartError::Thread)?;
            stored.push(pages);
            decoded.push(page);
        }
        Builder::new()
            .name("baton-read".to_owned())
            .spawn_scoped(scope, move || runtime.block_on(read_ahead(ledger, &stored)))
            .map_err(StartError::Thread)?;
        let mut rested = 0;
        // Pages were given out in turn, so in turn they come back; the first that does not come was never read.
        for turn in 0.. {
            let Ok(page) = decoded[turn % decoders].recv() else { break };
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

type Ends = (SyncSender<Stored>, Receiver<Page>);

/// A thread that decodes pages in the order in which it is given them. It ends with its channels.
fn spawn_decoder<'s>(scope: &'s Scope<'s, '_>) -> std::io::Result<Ends> {
    let (stored, pages) = sync_channel::<Stored>(PAGES_AHEAD);
    let (decoded, page) = sync_channel(PAGES_AHEAD);
    Builder::new().name("baton-decode".to_owned()).spawn_scoped(scope, move || {
        let mut decoder = Decoder::default();
        for page in pages {
            // The receiver goes away only when it has met an error, and this thread then has nothing to do.
            if decoded.send(decode(&mut decoder, page)).is_err() {
                return;
            }
        }
    })?;
    Ok((stored, page))
}

/// Gives pages to the decoders in turn, up to the end of the log or the first that cannot be read.
async fn read_ahead(ledger: &dyn Ledger, decoders: &[SyncSender<Stored>]) {
    let end = ledger.head().size;
    let mut next = 0;
    for decoder in decoders.iter().cycle() {
        if next >= end {
            return;
        }
        let page = read(ledger, next).await;
        let (count, ends) = page.as_ref().map_or((0, true), |page| (page.len() as u64, false));
        if decoder.send(page).is_err() || ends {
            return;
        }
        next += count;
    }
}

/// The records from `from` on, as many as the ledger gives at once; at least one.
async fn read(ledger: &dyn Ledger, from: u64) -> Stored {
    let stored = ledger.read(Position(from), MAX_READ_RECORDS).await?;
    if stored.is_empty() {
        let why = "the log ends before its size".to_owned();
        return Err(ReadError::Damaged { position: baton_domain::values::Position(from), why });
    }
    Ok(stored)
}

fn decode(decoder: &mut Decoder, page: Stored) -> Page {
    page?.iter().map(|stored| log::read(decoder, stored).map(|(recorded, _)| Arc::new(recorded))).collect()
}
