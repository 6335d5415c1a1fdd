//! Events that only the engine writes into a log that nobody serves: forks and keys.

use baton_domain::decide::{self, Decided, Request};
use baton_domain::event::{Event, KeyRotated, LogForked};
use baton_domain::state::State;
use baton_domain::values::{PersonId, Position, StreamId};
use baton_ledger::{Batch, Ledger, Revision};
use jiff::Timestamp;
use uuid::Uuid;

use crate::codec::Decoder;
use crate::error::{ReadError, SystemEventError};
use crate::{batch, fold, log};

/// How many events are read at a time.
const PAGE: usize = 256;

/// Records that the log goes on under another origin, and gives the position. The size of the restored
/// copy is read from the log.
///
/// Durable when it returns `Ok`. Not to be repeated after an unknown outcome: open the ledger and look.
///
/// # Errors
/// See [`SystemEventError`].
pub async fn record_fork(
    ledger: &dyn Ledger,
    person: PersonId,
    forked: LogForked,
    now: Timestamp,
) -> Result<Position, SystemEventError> {
    let forked = LogForked { restored_size: ledger.head().size, ..forked };
    record(ledger, person, now, |state, request| decide::log_forked(state, request, forked)).await
}

/// What the log says of how it came to its present origin: its newest [`LogForked`], if it holds any.
///
/// # Errors
/// See [`ReadError`].
pub async fn newest_fork(ledger: &dyn Ledger) -> Result<Option<LogForked>, ReadError> {
    let Ok(stream) = log::stream_name(&StreamId::Log) else { return Ok(None) };
    let (mut newest, mut from) = (None, Revision::FIRST);
    loop {
        let page = ledger.read_stream(&stream, from, PAGE).await?;
        let Some(last) = page.last() else { return Ok(newest) };
        from = Revision(last.revision.0 + 1);
        for stored in &page {
            if let Event::LogForked(forked) = log::read(&mut Decoder::default(), stored)?.0.statement.event {
                newest = Some(*forked);
            }
        }
    }
}

/// Records that another key signs from here on, and gives the position. The keys are the ledger's own and the one it
/// hands over to, so that the event names those, and no others, that sign the checkpoint over it. Otherwise as
/// [`record_fork`].
///
/// # Errors
/// See [`SystemEventError`].
pub async fn record_key_rotation(ledger: &dyn Ledger, person: PersonId, now: Timestamp) -> Result<Position, SystemEventError> {
    let new_key = ledger.successor_key().ok_or(SystemEventError::NoSuccessor)?.to_owned();
    let rotated = KeyRotated { old_key: ledger.verifier_key().to_owned(), new_key };
    record(ledger, person, now, |state, request| decide::key_rotated(state, request, rotated)).await
}

async fn record(
    ledger: &dyn Ledger,
    person: PersonId,
    now: Timestamp,
    decide: impl FnOnce(&mut State, &Request) -> Decided,
) -> Result<Position, SystemEventError> {
    if ledger.head().size == 0 {
        return Err(SystemEventError::NotBegun);
    }
    let mut state = fold::fold(ledger)?;
    let request = Request { person, command_id: Uuid::new_v4(), now };
    let decided = decide(&mut state, &request);
    let records = decided.events.iter().map(|event| batch::record(event)).collect::<Result<_, _>>()?;
    let appended = ledger.append(Batch { at: ledger.head().next(), sets: vec![batch::unasked(records)] }).await?;
    Ok(Position(appended.first.0))
}
