//! What bodies are asked, and what the records of their meetings say.

use super::values::{as_sent, fields, id, name, name_or_empty, names, optional_id, text, word};
use super::violations::At;
use baton_domain::event::*;
use baton_proto::v1 as proto;

pub(super) fn item_tabled(sent: &proto::ItemTabled, at: &At<'_>) -> Option<ItemTabled> {
    fields!(sent, at => ItemTabled {
        body: optional_id,
        body_name: name_or_empty,
        asks: names,
        meeting: optional_id,
        note: text,
    })
}

pub(super) fn meeting_held(sent: &proto::MeetingHeld, at: &At<'_>) -> Option<MeetingHeld> {
    fields!(sent, at => MeetingHeld {
        body: optional_id,
        body_name: name_or_empty,
        meeting: optional_id,
        quorate: as_sent,
        note: text,
    })
}

pub(super) fn item_minuted(sent: &proto::ItemMinuted, at: &At<'_>) -> Option<ItemMinuted> {
    fields!(sent, at => ItemMinuted {
        body: optional_id,
        body_name: name_or_empty,
        verb: name,
        meeting: optional_id,
        note: text,
    })
}

pub(super) fn interest_declared(sent: &proto::InterestDeclared, at: &At<'_>) -> Option<InterestDeclared> {
    fields!(sent, at => InterestDeclared {
        meeting: id,
        person: id,
        subject: optional_id,
        action: word,
        note: text,
    })
}

pub(super) fn decision_pack_frozen(sent: &proto::DecisionPackFrozen, at: &At<'_>) -> Option<DecisionPackFrozen> {
    fields!(sent, at => DecisionPackFrozen {
        subject: id,
        meeting: optional_id,
        note: text,
    } filled { as_of: None })
}
