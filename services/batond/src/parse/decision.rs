//! What leads to a decision and what follows from it: interest, readiness, due diligence, gates, obligations, steps.

use super::bounds::SEVERITIES;
use super::common::{date, optional_date};
use super::values::{as_sent, fields, id, ids, list, name, optional, optional_id, optional_organisation, revision, text, word};
use super::violations::At;
use baton_domain::event::*;
use baton_proto::v1 as proto;

pub(super) fn expression_of_interest_submitted(
    sent: &proto::ExpressionOfInterestSubmitted,
    at: &At<'_>,
) -> Option<ExpressionOfInterestSubmitted> {
    fields!(sent, at => ExpressionOfInterestSubmitted {
        subject: id,
        submitted_to: optional_organisation,
        services: ids,
        functions_requested: ids,
        functions_declined: ids,
        right_to_withdraw: word,
        note: text,
    })
}

pub(super) fn expression_of_interest_endorsed(
    sent: &proto::ExpressionOfInterestEndorsed,
    at: &At<'_>,
) -> Option<ExpressionOfInterestEndorsed> {
    fields!(sent, at => ExpressionOfInterestEndorsed {
        subject: id,
        body: optional_id,
        verb: name,
        retrospective: as_sent,
        note: text,
    })
}

pub(super) fn expression_of_interest_withdrawn(
    sent: &proto::ExpressionOfInterestWithdrawn,
    at: &At<'_>,
) -> Option<ExpressionOfInterestWithdrawn> {
    fields!(sent, at => ExpressionOfInterestWithdrawn {
        subject: id,
        ground: word,
        reason: text,
    })
}

pub(super) fn checklist_answered(sent: &proto::ChecklistAnswered, at: &At<'_>) -> Option<ChecklistAnswered> {
    fields!(sent, at => ChecklistAnswered {
        checklist: id,
        question: id,
        answer: word,
        reason: text,
        narrative: text,
    })
}

pub(super) fn checklist_corroborated(sent: &proto::ChecklistCorroborated, at: &At<'_>) -> Option<ChecklistCorroborated> {
    fields!(sent, at => ChecklistCorroborated {
        checklist: id,
        question: id,
        answer_version: answer_version,
        answer: word,
        evidence_verified: as_sent,
        narrative: text,
    })
}

fn answer_version(sent: &u32, at: &At<'_>) -> Option<u32> {
    if *sent == 0 { at.refuse("is required: the version of the answer that was checked, counted from 1") } else { Some(*sent) }
}

pub(super) fn assessment_submitted(sent: &proto::AssessmentSubmitted, at: &At<'_>) -> Option<AssessmentSubmitted> {
    fields!(sent, at => AssessmentSubmitted {
        subject: id,
        submitted_to: optional_organisation,
        note: text,
    })
}

pub(super) fn due_diligence_stage_completed(
    sent: &proto::DueDiligenceStageCompleted,
    at: &At<'_>,
) -> Option<DueDiligenceStageCompleted> {
    fields!(sent, at => DueDiligenceStageCompleted {
        subject: id,
        qualified: as_sent,
        qualification: text,
        note: text,
    })
}

pub(super) fn finding_raised(sent: &proto::FindingRaised, at: &At<'_>) -> Option<FindingRaised> {
    fields!(sent, at => FindingRaised {
        finding: id,
        subject: optional_id,
        severity: optional_severity,
        note: text,
    })
}

fn optional_severity(sent: &Option<u32>, at: &At<'_>) -> Option<Option<u8>> {
    optional(sent, at, |sent, at| match u8::try_from(*sent) {
        Ok(severity) if SEVERITIES.contains(sent) => Some(severity),
        _ => at.refuse(format_args!("lies outside {}, slight, to {}, critical", SEVERITIES.start(), SEVERITIES.end())),
    })
}

pub(super) fn finding_closed(sent: &proto::FindingClosed, at: &At<'_>) -> Option<FindingClosed> {
    fields!(sent, at => FindingClosed {
        finding: id,
        reason: text,
    })
}

pub(super) fn gate_decided(sent: &proto::GateDecided, at: &At<'_>) -> Option<GateDecided> {
    fields!(sent, at => GateDecided {
        subject: id,
        outcome: id,
        body: optional_id,
        taken: word,
        meeting: optional_id,
        deciders: ids,
        conditions: conditions,
        votes: optional_votes,
        reason: text,
    } filled { basis: None })
}

fn conditions(sent: &[proto::Condition], at: &At<'_>) -> Option<Vec<Condition>> {
    list(sent, at, |sent, at| {
        fields!(sent, at => Condition {
            obligation: id,
            text: text,
            due: optional_date,
        })
    })
}

fn optional_votes(sent: &Option<proto::Votes>, at: &At<'_>) -> Option<Option<Votes>> {
    optional(sent, at, |sent, at| {
        fields!(sent, at => Votes {
            in_favour: as_sent,
            against: as_sent,
            spoiled: as_sent,
            electorate: as_sent,
        })
    })
}

pub(super) fn obligation_raised(sent: &proto::ObligationRaised, at: &At<'_>) -> Option<ObligationRaised> {
    fields!(sent, at => ObligationRaised {
        obligation: id,
        kind: id,
        about: name,
        text: text,
        due: optional_date,
        receiver_agreed: as_sent,
        sender_agreed: as_sent,
    })
}

pub(super) fn obligation_changed(sent: &proto::ObligationChanged, at: &At<'_>) -> Option<ObligationChanged> {
    fields!(sent, at => ObligationChanged {
        obligation: id,
        due: date,
        reason: text,
    })
}

pub(super) fn obligation_discharged(sent: &proto::ObligationDischarged, at: &At<'_>) -> Option<ObligationDischarged> {
    fields!(sent, at => ObligationDischarged {
        obligation: id,
        in_part: as_sent,
        note: text,
    })
}

pub(super) fn item_completed(sent: &proto::ItemCompleted, at: &At<'_>) -> Option<ItemCompleted> {
    fields!(sent, at => ItemCompleted {
        subject: id,
        note: text,
    })
}

pub(super) fn item_verified(sent: &proto::ItemVerified, at: &At<'_>) -> Option<ItemVerified> {
    fields!(sent, at => ItemVerified {
        subject: id,
        checked: revision,
        note: text,
    })
}
