//! The keeping of the log: erasures, legal holds, extracts.

use super::values::{as_sent, fields, id, optional_id, position, positions, text, word};
use super::violations::At;
use baton_domain::event::*;
use baton_domain::values::Position;
use baton_proto::v1 as proto;

pub(super) fn erasure_authorised(sent: &proto::ErasureAuthorised, at: &At<'_>) -> Option<ErasureAuthorised> {
    fields!(sent, at => ErasureAuthorised {
        positions: some_positions,
        ground: word,
        note: text,
    } filled { records: Vec::new() })
}

fn some_positions(sent: &[u64], at: &At<'_>) -> Option<Vec<Position>> {
    if sent.is_empty() { at.refuse("is required: 1 to 100 positions") } else { positions(sent, at) }
}

pub(super) fn legal_hold_placed(sent: &proto::LegalHoldPlaced, at: &At<'_>) -> Option<LegalHoldPlaced> {
    fields!(sent, at => LegalHoldPlaced {
        hold: id,
        reason: text,
    })
}

pub(super) fn legal_hold_lifted(sent: &proto::LegalHoldLifted, at: &At<'_>) -> Option<LegalHoldLifted> {
    fields!(sent, at => LegalHoldLifted {
        hold: id,
        reason: text,
    })
}

pub(super) fn extract_issued(sent: &proto::ExtractIssued, at: &At<'_>) -> Option<ExtractIssued> {
    fields!(sent, at => ExtractIssued {
        transition: optional_id,
        first: position,
        last: position,
        checkpoint_size: as_sent,
        withheld: word,
        withheld_positions: positions,
        to: text,
        purpose: text,
    })
}
