//! What is given to whom, put on record before it is written: the event ExtractIssued.
//!
//! The record names the checkpoint at which the extract is made, and the extract is then made at that one: what the
//! log says was issued is what the recipient holds, whatever is recorded meanwhile.

use super::record::send;
use crate::args::ExportBundle;
use crate::client::Client;
use crate::exit::Failure;
use baton_ledger::SignedCheckpoint;
use baton_proto::v1::{Command, ExtractIssued, ExtractWithheld, GetCheckpointRequest, RecordRequest, command};
use uuid::Uuid;

/// An extract that is on record.
pub(super) struct Issued {
    /// The position of the event that says so.
    pub(super) position: u64,
    /// The size of the checkpoint at which it is to be made.
    pub(super) size: u64,
}

/// Records that an extract is issued to `to`.
pub(super) async fn record(client: &Client, args: &ExportBundle, to: &str) -> Result<Issued, Failure> {
    let newest = client.audit().get_checkpoint(GetCheckpointRequest { min_position: None }).await?.into_inner().checkpoint;
    let newest = SignedCheckpoint::parse_unverified(newest.as_bytes())
        .map_err(|error| Failure::Unavailable(format!("the server sent no checkpoint: {error}")))?;
    let size = newest.checkpoint().size;
    let (first, last) = positions(client, args.transition.as_deref(), size).await?;
    let withheld = if args.with_words { ExtractWithheld::Nothing } else { ExtractWithheld::AllWords };
    let issued = ExtractIssued {
        transition: args.transition.clone().unwrap_or_default(),
        first,
        last,
        checkpoint_size: size,
        withheld: withheld.into(),
        withheld_positions: Vec::new(),
        to: to.to_owned(),
        purpose: args.purpose.clone().unwrap_or_default(),
    };
    let event = Some(command::Event::ExtractIssued(issued));
    let request = RecordRequest {
        command_id: Uuid::new_v4().to_string(),
        commands: vec![Command { stream: "audit".to_owned(), event, ..Default::default() }],
        ..Default::default()
    };
    let answer = send(client, &request).await?;
    match answer.entries.first() {
        Some(entry) => Ok(Issued { position: entry.position, size }),
        None => Err(Failure::Unavailable("the server did not say where it recorded the extract".to_owned())),
    }
}

/// The first and the last position of what is issued, below `size`.
async fn positions(client: &Client, transition: Option<&str>, size: u64) -> Result<(u64, u64), Failure> {
    let Some(id) = transition else { return Ok((0, size.saturating_sub(1))) };
    let events = client.stream(&format!("transition/{id}")).await?;
    let mut inside = events.iter().map(|event| event.position).filter(|position| *position < size);
    let first = inside.next().ok_or_else(|| Failure::Refused(format!("there is no event of transition {id}")))?;
    Ok((first, inside.next_back().unwrap_or(first)))
}
