//! What is handed over, and by which pair.

use super::values::{fields, id, name, optional_id, text, word};
use super::violations::At;
use baton_domain::event::*;
use baton_proto::v1 as proto;

pub(super) fn sender_receiver_paired(sent: &proto::SenderReceiverPaired, at: &At<'_>) -> Option<SenderReceiverPaired> {
    fields!(sent, at => SenderReceiverPaired {
        pair: id,
        area: name,
        sender_person: optional_id,
        receiver_person: optional_id,
        note: text,
    })
}

pub(super) fn handover_item_listed(sent: &proto::HandoverItemListed, at: &At<'_>) -> Option<HandoverItemListed> {
    fields!(sent, at => HandoverItemListed {
        item: id,
        area: name,
        kind: word,
        pair: optional_id,
        title: text,
    })
}

pub(super) fn handover_item_sent(sent: &proto::HandoverItemSent, at: &At<'_>) -> Option<HandoverItemSent> {
    fields!(sent, at => HandoverItemSent {
        item: id,
        version: name,
        note: text,
    })
}

pub(super) fn handover_item_accepted(sent: &proto::HandoverItemAccepted, at: &At<'_>) -> Option<HandoverItemAccepted> {
    fields!(sent, at => HandoverItemAccepted {
        item: id,
        version: name,
        open_points: text,
    })
}

pub(super) fn handover_item_returned(sent: &proto::HandoverItemReturned, at: &At<'_>) -> Option<HandoverItemReturned> {
    fields!(sent, at => HandoverItemReturned {
        item: id,
        version: name,
        reason: text,
    })
}
