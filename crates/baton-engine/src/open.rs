//! Opening a log: its first event.

use baton_domain::decide::{self, Request};
use baton_domain::event::LogOpened;
use baton_domain::values::{PersonId, Text};
use baton_ledger::{AppendError, Batch, Ledger};
use jiff::Timestamp;
use uuid::Uuid;

use crate::batch;
use crate::codec;
use crate::error::OpenLogError;

/// Records that the log begins: position 0, with the ledger's origin and its first administrator.
///
/// Durable when it returns `Ok`. Not to be repeated: a log that has begun refuses. After a failure
/// with an unknown outcome, open the ledger again and look.
///
/// # Errors
/// See [`OpenLogError`].
pub async fn open_log(
    ledger: &dyn Ledger,
    administrator: PersonId,
    name: Option<Text>,
    now: Timestamp,
) -> Result<(), OpenLogError> {
    let size = ledger.head().size;
    if size > 0 {
        return Err(OpenLogError::HasBegun { size });
    }
    let request = Request { person: administrator.clone(), command_id: Uuid::new_v4(), now };
    let opened = LogOpened { origin: ledger.origin().to_owned(), format: codec::SCHEMA, administrator, administrator_name: name };
    let decided = decide::open_log(&request, opened);
    let records = decided.events.iter().map(|event| batch::record(event)).collect::<Result<_, _>>()?;
    let sets = vec![batch::unasked(records)];
    match ledger.append(Batch { at: ledger.head().next(), sets }).await {
        Ok(_) => Ok(()),
        Err(AppendError::HeadMoved { actual, .. }) => Err(OpenLogError::HasBegun { size: actual.0 }),
        Err(error) => Err(OpenLogError::Append(error)),
    }
}
