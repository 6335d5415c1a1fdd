//! What is said about the record itself: facts without a rule, evidence, corrections, conflicts, proposals.

use super::bounds::MAX_COMMANDS;
use super::command::{command, corrected_event, event_type};
use super::common::{fact_fields, optional_date, optional_done_by};
use super::values::{
    every, fields, id, mark, name, optional, optional_revision, optional_word, required, revision, revisions, text,
};
use super::violations::At;
use baton_domain::event::*;
use baton_proto::v1 as proto;

pub(super) fn fact_recorded(sent: &proto::FactRecorded, at: &At<'_>) -> Option<FactRecorded> {
    fields!(sent, at => FactRecorded {
        kind: id,
        fields: fact_fields,
        note: text,
    })
}

pub(super) fn evidence_attached(sent: &proto::EvidenceAttached, at: &At<'_>) -> Option<EvidenceAttached> {
    fields!(sent, at => EvidenceAttached {
        about: optional_revision,
        note: text,
    })
}

pub(super) fn statement_corrected(sent: &proto::StatementCorrected, at: &At<'_>) -> Option<StatementCorrected> {
    fields!(sent, at => StatementCorrected {
        target: revision,
        was: revision,
        to: required_correction,
        reason: text,
    })
}

fn required_correction(sent: &Option<proto::Correction>, at: &At<'_>) -> Option<Correction> {
    required(sent, at, correction)
}

fn correction(sent: &proto::Correction, at: &At<'_>) -> Option<Correction> {
    let place = optional(&sent.place, at, correction_place);
    let event = optional(&sent.event, at, corrected_event);
    let correction = fields!(sent, at => Correction {
        occurred: optional_date,
        standing: optional_word,
        done_by: optional_done_by,
    } filled { place: place?, event: event?.map(Box::new) })?;
    if correction == Correction::default() {
        return at.refuse("changes nothing: give at least one part");
    }
    Some(correction)
}

fn correction_place(sent: &proto::correction::Place, at: &At<'_>) -> Option<Placed> {
    match sent {
        proto::correction::Place::End(set) => mark(*set, &at.field("end")).map(|()| Placed::End),
        proto::correction::Place::First(set) => mark(*set, &at.field("first")).map(|()| Placed::First),
        proto::correction::Place::AfterRevision(after) => revision(after, &at.field("after_revision")).map(Placed::After),
    }
}

pub(super) fn statement_voided(sent: &proto::StatementVoided, at: &At<'_>) -> Option<StatementVoided> {
    fields!(sent, at => StatementVoided {
        target: revision,
        reason: text,
    })
}

pub(super) fn conflict_flagged(sent: &proto::ConflictFlagged, at: &At<'_>) -> Option<ConflictFlagged> {
    fields!(sent, at => ConflictFlagged {
        conflict: id,
        statements: revisions,
        description: text,
        size: text,
        handling: text,
    })
}

pub(super) fn conflict_settled(sent: &proto::ConflictSettled, at: &At<'_>) -> Option<ConflictSettled> {
    fields!(sent, at => ConflictSettled {
        conflict: id,
        reading: text,
    })
}

pub(super) fn proposed(sent: &proto::Proposed, at: &At<'_>) -> Option<Proposed> {
    fields!(sent, at => Proposed {
        commands: proposed_commands,
        reason: text,
    })
}

/// The commands of a proposal, one level deep: nothing nested further is even read.
fn proposed_commands(sent: &[proto::Command], at: &At<'_>) -> Option<Vec<Command>> {
    commands(sent, at, |sent, at| match sent.event.as_ref().map(event_type) {
        Some(event) if event.nature() == Nature::Proposal => at.refuse(format_args!("a proposal holds no {event}")),
        _ => command(sent, at),
    })
}

/// Commands of a request or proposal.
pub(super) fn commands(
    sent: &[proto::Command],
    at: &At<'_>,
    read: impl Fn(&proto::Command, &At<'_>) -> Option<Command>,
) -> Option<Vec<Command>> {
    match sent.len() {
        1..=MAX_COMMANDS => every(sent, at, read),
        length => at.refuse(format_args!("holds 1 to {MAX_COMMANDS} commands, this one has {length}")),
    }
}

pub(super) fn approved(sent: &proto::Approved, at: &At<'_>) -> Option<Approved> {
    fields!(sent, at => Approved {
        digest: name,
        note: text,
    })
}

pub(super) fn declined(sent: &proto::Declined, at: &At<'_>) -> Option<Declined> {
    fields!(sent, at => Declined {
        reason: text,
    })
}
