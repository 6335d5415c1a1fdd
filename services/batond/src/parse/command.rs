//! One command: an event with everything that is said about it.

use super::common::{date, done_by, evidence, optional_date};
use super::decision::*;
use super::directory::*;
use super::handover::*;
use super::keeping::*;
use super::meeting::*;
use super::transition::*;
use super::truth::*;
use super::values::{id, mark, optional_id, optional_word, required, revision, text, word};
use super::violations::At;
use baton_domain::event::{Command, Event, EventType, Nature, Place, Standing, Statement};
use baton_domain::values::{FuzzyDate, StreamId};
use baton_proto::v1 as proto;
use proto::command::Event as Sent;
use proto::correction::Event as Corrected;

/// A command at this place of a request.
pub fn command(sent: &proto::Command, at: &At<'_>) -> Option<Command> {
    let event_type = sent.event.as_ref().map(event_type);
    let nature = event_type.map_or(Nature::Statement, EventType::nature);

    let stream = stream(&sent.stream, event_type, &at.field("stream"));
    let place = place(sent, nature, at);
    let late = late(sent.late, nature, &at.field("late"));
    let standing = standing(&sent.standing, nature, &at.field("standing"));
    let occurred = occurred(&sent.occurred, nature, &at.field("occurred"));
    let done_by = done_by(&sent.done_by, &at.field("done_by"));
    let act = optional_id(&sent.act, &at.field("act"));
    let evidence = evidence(&sent.evidence, &at.field("evidence"));
    let remark = text(&sent.remark, &at.field("remark"));
    let event = required(&sent.event, at, event);

    Some(Command {
        stream: stream?,
        place: place?,
        late: late?,
        statement: Statement {
            standing: standing?,
            occurred: occurred?,
            done_by: done_by?,
            act: act?,
            evidence: evidence?.into(),
            remark: remark?,
            event: event?,
        },
    })
}

fn stream(sent: &str, event: Option<EventType>, at: &At<'_>) -> Option<StreamId> {
    let stream: StreamId = id(sent, at)?;
    match event {
        Some(event) if !event.allowed_in(stream.kind()) => {
            at.refuse(format_args!("{event} does not stand in a stream of kind {}", stream.kind()))
        }
        _ => Some(stream),
    }
}

/// Only statements take a place in the story.
fn place(sent: &proto::Command, nature: Nature, at: &At<'_>) -> Option<Place> {
    let (name, place) = match &sent.place {
        None => return Some(Place::ByDates),
        Some(proto::command::Place::First(set)) => ("first", mark(*set, &at.field("first")).map(|()| Place::First)),
        Some(proto::command::Place::AfterRevision(after)) => {
            ("after_revision", revision(after, &at.field("after_revision")).map(Place::After))
        }
    };
    if nature == Nature::Statement { place } else { at.field(name).refuse("only a statement takes a place in the story") }
}

fn late(sent: bool, nature: Nature, at: &At<'_>) -> Option<bool> {
    if sent && nature == Nature::Proposal {
        return at.refuse("a proposal is never a late entry; the commands in it may be");
    }
    Some(sent)
}

/// What a statement is worth must be said; what is about the record itself is its own source.
fn standing(sent: &i32, nature: Nature, at: &At<'_>) -> Option<Standing> {
    match nature {
        Nature::Statement => word(sent, at),
        Nature::Truth | Nature::System | Nature::Proposal | Nature::Keeping => {
            optional_word(sent, at).map(|standing| standing.unwrap_or(Standing::Stated))
        }
    }
}

/// When a statement happened must be said, if only that nobody knows.
fn occurred(sent: &Option<proto::FuzzyDate>, nature: Nature, at: &At<'_>) -> Option<FuzzyDate> {
    match nature {
        Nature::Statement => date(sent, at),
        Nature::Truth | Nature::System | Nature::Proposal | Nature::Keeping => {
            optional_date(sent, at).map(|date| date.unwrap_or_else(FuzzyDate::unknown))
        }
    }
}

/// Matches an event of one of the two messages that hold one. The first list is in both; what
/// follows the name of the message is only in that one.
macro_rules! match_event {
    ($sent:expr, $oneof:ident $(, $only:ident($only_field:ident))*; $read:ident) => {
        match $sent {
            $oneof::WaveOpened(payload) => $read!(WaveOpened, wave_opened, payload),
            $oneof::TimetableChanged(payload) => $read!(TimetableChanged, timetable_changed, payload),
            $oneof::OrganisationRegistered(payload) => $read!(OrganisationRegistered, organisation_registered, payload),
            $oneof::OrganisationRenamed(payload) => $read!(OrganisationRenamed, organisation_renamed, payload),
            $oneof::OrganisationSucceeded(payload) => $read!(OrganisationSucceeded, organisation_succeeded, payload),
            $oneof::BodyRegistered(payload) => $read!(BodyRegistered, body_registered, payload),
            $oneof::BodyChanged(payload) => $read!(BodyChanged, body_changed, payload),
            $oneof::RoleGranted(payload) => $read!(RoleGranted, role_granted, payload),
            $oneof::RoleEnded(payload) => $read!(RoleEnded, role_ended, payload),
            $oneof::TransitionRegistered(payload) => $read!(TransitionRegistered, transition_registered, payload),
            $oneof::TransitionSucceeded(payload) => $read!(TransitionSucceeded, transition_succeeded, payload),
            $oneof::TransferredByStatute(payload) => $read!(TransferredByStatute, transferred_by_statute, payload),
            $oneof::RoundOpened(payload) => $read!(RoundOpened, round_opened, payload),
            $oneof::Planned(payload) => $read!(Planned, planned, payload),
            $oneof::ExpressionOfInterestSubmitted(payload) => $read!(ExpressionOfInterestSubmitted, expression_of_interest_submitted, payload),
            $oneof::ExpressionOfInterestEndorsed(payload) => $read!(ExpressionOfInterestEndorsed, expression_of_interest_endorsed, payload),
            $oneof::ExpressionOfInterestWithdrawn(payload) => $read!(ExpressionOfInterestWithdrawn, expression_of_interest_withdrawn, payload),
            $oneof::ChecklistAnswered(payload) => $read!(ChecklistAnswered, checklist_answered, payload),
            $oneof::ChecklistCorroborated(payload) => $read!(ChecklistCorroborated, checklist_corroborated, payload),
            $oneof::AssessmentSubmitted(payload) => $read!(AssessmentSubmitted, assessment_submitted, payload),
            $oneof::DueDiligenceStageCompleted(payload) => $read!(DueDiligenceStageCompleted, due_diligence_stage_completed, payload),
            $oneof::FindingRaised(payload) => $read!(FindingRaised, finding_raised, payload),
            $oneof::FindingClosed(payload) => $read!(FindingClosed, finding_closed, payload),
            $oneof::GateDecided(payload) => $read!(GateDecided, gate_decided, payload),
            $oneof::ObligationRaised(payload) => $read!(ObligationRaised, obligation_raised, payload),
            $oneof::ObligationChanged(payload) => $read!(ObligationChanged, obligation_changed, payload),
            $oneof::ObligationDischarged(payload) => $read!(ObligationDischarged, obligation_discharged, payload),
            $oneof::ItemCompleted(payload) => $read!(ItemCompleted, item_completed, payload),
            $oneof::ItemVerified(payload) => $read!(ItemVerified, item_verified, payload),
            $oneof::AgreementSigned(payload) => $read!(AgreementSigned, agreement_signed, payload),
            $oneof::AgreementVaried(payload) => $read!(AgreementVaried, agreement_varied, payload),
            $oneof::FunctionAllocated(payload) => $read!(FunctionAllocated, function_allocated, payload),
            $oneof::SenderReceiverPaired(payload) => $read!(SenderReceiverPaired, sender_receiver_paired, payload),
            $oneof::HandoverItemListed(payload) => $read!(HandoverItemListed, handover_item_listed, payload),
            $oneof::HandoverItemSent(payload) => $read!(HandoverItemSent, handover_item_sent, payload),
            $oneof::HandoverItemAccepted(payload) => $read!(HandoverItemAccepted, handover_item_accepted, payload),
            $oneof::HandoverItemReturned(payload) => $read!(HandoverItemReturned, handover_item_returned, payload),
            $oneof::DelegationCommenced(payload) => $read!(DelegationCommenced, delegation_commenced, payload),
            $oneof::AssuranceRated(payload) => $read!(AssuranceRated, assurance_rated, payload),
            $oneof::TerminationNoticeServed(payload) => $read!(TerminationNoticeServed, termination_notice_served, payload),
            $oneof::DelegationEnded(payload) => $read!(DelegationEnded, delegation_ended, payload),
            $oneof::FactRecorded(payload) => $read!(FactRecorded, fact_recorded, payload),
            $oneof::ItemTabled(payload) => $read!(ItemTabled, item_tabled, payload),
            $oneof::MeetingHeld(payload) => $read!(MeetingHeld, meeting_held, payload),
            $oneof::ItemMinuted(payload) => $read!(ItemMinuted, item_minuted, payload),
            $oneof::InterestDeclared(payload) => $read!(InterestDeclared, interest_declared, payload),
            $oneof::DecisionPackFrozen(payload) => $read!(DecisionPackFrozen, decision_pack_frozen, payload),
            $($oneof::$only(payload) => $read!($only, $only_field, payload),)*
        }
    };
}

/// The events that only a command holds: what is about routes or the record itself is not corrected.
macro_rules! match_command_event {
    ($sent:expr; $read:ident) => {
        match_event!(
            $sent,
            Sent,
            RoutePublished(route_published),
            RouteRetired(route_retired),
            RouteMigrated(route_migrated),
            EvidenceAttached(evidence_attached),
            StatementCorrected(statement_corrected),
            StatementVoided(statement_voided),
            ConflictFlagged(conflict_flagged),
            ConflictSettled(conflict_settled),
            Proposed(proposed),
            Approved(approved),
            Declined(declined),
            ErasureAuthorised(erasure_authorised),
            LegalHoldPlaced(legal_hold_placed),
            LegalHoldLifted(legal_hold_lifted),
            ExtractIssued(extract_issued);
            $read
        )
    };
}

fn event(sent: &Sent, at: &At<'_>) -> Option<Event> {
    macro_rules! read {
        ($name:ident, $field:ident, $payload:ident) => {
            $field($payload, &at.field(stringify!($field))).map(Event::from)
        };
    }
    match_command_event!(sent; read)
}

/// The event of a correction.
pub(super) fn corrected_event(sent: &Corrected, at: &At<'_>) -> Option<Event> {
    macro_rules! read {
        ($name:ident, $field:ident, $payload:ident) => {
            $field($payload, &at.field(stringify!($field))).map(Event::from)
        };
    }
    match_event!(sent, Corrected; read)
}

/// The type of an event, also of one that does not parse.
pub(super) fn event_type(sent: &Sent) -> EventType {
    macro_rules! name {
        ($name:ident, $field:ident, $payload:ident) => {{
            let _ = $payload;
            EventType::$name
        }};
    }
    match_command_event!(sent; name)
}
