//! `baton receipt`: the proof that an event is in the log, to be kept by whoever has an interest in it.
//!
//! Nothing is judged here: `baton verify --receipt` checks what is written, with a key of one's own.

use super::Context;
use crate::args::{Format, Receipt};
use crate::exit::Failure;
use baton_proto::v1::{GetReceiptRequest, ReadEventsRequest};
use serde_json::json;
use std::path::Path;

pub(super) async fn run(cx: &mut Context, args: &Receipt) -> Result<(), Failure> {
    let client = cx.connect().await?;
    let asked = GetReceiptRequest { event_position: args.position, min_position: None };
    let receipt = client.ledger().get_receipt(asked).await?.into_inner().receipt;
    if let Some(path) = &args.leaf {
        let page = ReadEventsRequest { from_position: args.position, page_size: 1, ..Default::default() };
        let event = client.ledger().read_events(page).await?.into_inner().events.pop();
        let event = event.ok_or_else(|| Failure::Refused(format!("there is no event at position {}", args.position)))?;
        keep(path, &event.leaf)?;
    }
    if let Some(path) = &args.out {
        keep(path, receipt.as_bytes())?;
        return cx.out.line(format!("Kept the receipt of position {} in {}.", args.position, path.display()));
    }
    match cx.out.format {
        Format::Json => cx.out.json(&json!({ "position": args.position, "receipt": receipt })),
        Format::Table | Format::Csv => cx.out.line(receipt.trim_end()),
    }
}

/// A file of its own: what was kept before is not overwritten.
fn keep(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let write = || {
        let mut file = std::fs::File::options().create_new(true).write(true).open(path)?;
        std::io::Write::write_all(&mut file, bytes)?;
        file.sync_all()
    };
    write().map_err(|error| Failure::Usage(format!("failed to write {}: {error}", path.display())))
}
