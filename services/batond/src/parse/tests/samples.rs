//! One payload for every event that a client may record, and what holds for all of them.

use super::{command_in, refused, taken};
use baton_domain::event::{EventType, Nature};
use baton_domain::values::StreamId;
use baton_proto::descriptor_pool;
use prost_reflect::Kind;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const STREAMS: [&str; 8] = [
    "log",
    "audit",
    "wave/POD-2021",
    "route/pod-2021",
    "organisation/QUY",
    "transition/QUY.DENT.POD-2021",
    "meeting/quy-2022-11",
    "proposal/p-1",
];

/// A stream in which the event may stand.
pub(super) fn stream_for(event: EventType) -> &'static str {
    let stands = |stream: &&str| event.allowed_in(stream.parse::<StreamId>().expect("a stream").kind());
    STREAMS.into_iter().rev().find(stands).expect("some stream takes it")
}

/// The name of the event in a message.
pub(super) fn member(event: EventType) -> String {
    let mut name = String::new();
    for c in event.as_str().chars() {
        if c.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(c.to_ascii_lowercase());
    }
    name
}

pub(super) fn command_for(event: EventType) -> Option<Value> {
    payload(event).map(|payload| command_in(stream_for(event), &member(event), &payload))
}

/// Every event that a client may record has a payload here: a new one does not compile without.
fn payload(event: EventType) -> Option<Value> {
    use EventType as E;
    let month = json!({ "text": "April 2023", "precision": "PRECISION_MONTH", "earliest": "2023-04-01", "latest": "2023-04-30" });
    Some(match event {
        E::LogOpened | E::CommandRefused | E::LogForked | E::KeyRotated => return None,
        E::WaveOpened => {
            json!({ "name": "POD delegation", "route": "pod-2021", "services": ["PHARM", "DENT"], "will_by": month, "note": "n" })
        }
        E::TimetableChanged => json!({ "item": "TIMETABLE_ITEM_ABLE_BY", "to": month, "reason": "moved" }),
        E::RoutePublished => json!({ "version": "1", "text": "[route]\n" }),
        E::RouteRetired => json!({ "version": "1", "reason": "replaced" }),
        E::OrganisationRegistered => json!({
            "name": "NHS Bath ICB", "kind": "ORGANISATION_KIND_ICB", "region": "own:south-west", "opens_on": "2022-07-01", "aliases": ["Bath"] }),
        E::OrganisationRenamed => json!({ "name": "NHS Bath and Wiltshire ICB", "effective_on": "2026-04-01" }),
        E::OrganisationSucceeded => json!({
            "successor": "S1Y5D", "kind": "SUCCESSION_KIND_MERGER", "effective_on": "2026-04-01", "part": "PART_WHOLE" }),
        E::BodyRegistered => json!({
            "body": "board", "name": "The Board", "kind": "BODY_KIND_BOARD", "powers": ["BODY_POWER_DECIDE"], "hosts_for": ["QUY"] }),
        E::BodyChanged => json!({ "body": "board", "powers": { "powers": ["BODY_POWER_NOTE"] } }),
        E::RoleGranted => json!({ "person": "p-1", "name": "A. Person", "role": "records_officer", "from": "2022-07-01" }),
        E::RoleEnded => json!({ "person": "p-1", "role": "records_officer", "on": "2023-07-01" }),
        E::TransitionRegistered => json!({
            "sender": "own:nhs-england", "starting_position": "STARTING_POSITION_NONE", "continues": "06F.DENT.CCG-2015" }),
        E::RouteMigrated => json!({ "to_version": "2", "reason": "new gate" }),
        E::TransitionSucceeded => json!({
            "subject": "succession", "successor": "S1Y5D", "part": "PART_WHOLE", "effective_on": "2026-04-01" }),
        E::TransferredByStatute => json!({ "subject": "statute", "instrument": "The Act", "effective_on": "2027-04-01" }),
        E::RoundOpened => json!({ "stage": "ASSESSMENT", "agreed_by": "p-2", "reason": "new evidence" }),
        E::Planned => json!({
            "event": "DelegationCommenced", "target": month, "replaces": 4,
            "depends_on": [{ "event": "GateDecided", "key": "board", "outcome": "approved" }] }),
        E::ExpressionOfInterestSubmitted => json!({
            "subject": "interest", "services": ["DENT"], "functions_requested": ["PC-STRAT"], "right_to_withdraw": "RIGHT_TO_WITHDRAW_NONE" }),
        E::ExpressionOfInterestEndorsed => {
            json!({ "subject": "endorsement", "body": "QUY/board", "verb": "endorsed", "retrospective": true })
        }
        E::ExpressionOfInterestWithdrawn => json!({ "subject": "withdrawal", "ground": "WITHDRAWAL_GROUND_RISK" }),
        E::ChecklistAnswered => json!({ "checklist": "pdaf", "question": "3A", "answer": "ANSWER_NO", "narrative": "n" }),
        E::ChecklistCorroborated => json!({
            "checklist": "pdaf", "question": "3A", "answer_version": 1, "answer": "ANSWER_NO", "evidence_verified": true }),
        E::AssessmentSubmitted => json!({ "subject": "assessment", "submitted_to": "own:nhs-england" }),
        E::DueDiligenceStageCompleted => json!({ "subject": "finance", "qualified": true, "qualification": "subject to audit" }),
        E::FindingRaised => json!({ "finding": "f-1", "severity": 3, "note": "n" }),
        E::FindingClosed => json!({ "finding": "f-1", "reason": "done" }),
        E::GateDecided => json!({
            "subject": "board", "outcome": "approved", "body": "QUY/board", "taken": "HOW_TAKEN_MEETING", "meeting": "quy-2022-11",
            "deciders": ["p-1", "p-2"], "conditions": [{ "obligation": "o-1", "text": "t", "due": month }],
            "votes": { "in_favour": 3, "against": 1, "electorate": 5 } }),
        E::ObligationRaised => {
            json!({ "obligation": "o-1", "kind": "condition", "about": "pdaf:3A", "due": month, "receiver_agreed": true })
        }
        E::ObligationChanged => json!({ "obligation": "o-1", "due": month }),
        E::ObligationDischarged => json!({ "obligation": "o-1", "in_part": true }),
        E::ItemCompleted => json!({ "subject": "workforce_plan" }),
        E::ItemVerified => json!({ "subject": "workforce_plan", "checked": 3 }),
        E::AgreementSigned => json!({ "subject": "agreement", "version": "1.0", "party": "QUY", "signatory": "p-1" }),
        E::AgreementVaried => json!({ "subject": "variation", "to_version": "1.1", "covers": ["PHARM"] }),
        E::FunctionAllocated => {
            json!({ "function": "PC-STRAT", "responsible": "HOLDER_RECEIVER", "influence": ["HOLDER_NATIONAL"] })
        }
        E::SenderReceiverPaired => json!({ "pair": "pair-1", "area": "contracts", "sender_person": "p-1" }),
        E::HandoverItemListed => json!({ "item": "h-1", "area": "contracts", "kind": "HANDOVER_KIND_CONTRACT", "title": "t" }),
        E::HandoverItemSent => json!({ "item": "h-1", "version": "1" }),
        E::HandoverItemAccepted => json!({ "item": "h-1", "version": "1", "open_points": "two" }),
        E::HandoverItemReturned => json!({ "item": "h-1", "version": "1", "reason": "wrong" }),
        E::DelegationCommenced => json!({ "subject": "commencement", "effective_on": "2023-04-01", "agreement_version": "1.0" }),
        E::AssuranceRated => json!({
            "subject": "assurance", "about": "RATED_SUBJECT_WHOLE_FUNCTION", "rating": "RATING_GREEN", "kind": "RATING_KIND_REGIONAL" }),
        E::TerminationNoticeServed => json!({ "subject": "notice", "served_by": "QUY", "effective_on": "2025-04-01" }),
        E::DelegationEnded => json!({ "subject": "ending", "to_holder": "HOLDER_SENDER" }),
        E::FactRecorded => json!({ "kind": "allocation", "fields": {
            "amount": { "money": { "printed": "GBP 72.5 million", "pence": "7250000000", "rounded_to": "ROUNDING_HUNDRED_THOUSAND" } },
            "when": { "date": month }, "agreed": { "yes_no": "ANSWER_YES" }, "kind": { "code": "recurrent" }, "count": { "integer": "-3" },
            "who": { "ods": "QUY" }, "words": { "text": "t" } } }),
        E::EvidenceAttached => json!({ "about": 3, "note": "the signed copy" }),
        E::StatementCorrected => json!({ "target": 3, "was": 5, "to": {
            "standing": "STANDING_REPORTED", "after_revision": 2, "item_completed": { "subject": "workforce_plan" } } }),
        E::StatementVoided => json!({ "target": 3, "reason": "entered twice" }),
        E::ConflictFlagged => json!({ "conflict": "c-1", "statements": [3, 5], "description": "two dates" }),
        E::ConflictSettled => json!({ "conflict": "c-1", "reading": "the minute" }),
        E::Proposed => json!({ "commands": [command_in("log", "role_granted", &json!({ "role": "auditor" }))], "reason": "r" }),
        E::Approved => json!({ "digest": "8a1f", "note": "seen" }),
        E::Declined => json!({ "reason": "not now" }),
        E::ItemTabled => json!({ "body_name": "Executive Team", "asks": ["note", "endorse"] }),
        E::MeetingHeld => json!({ "body": "QUY/board", "body_name": "Board", "quorate": true }),
        E::ItemMinuted => json!({ "body_name": "Board", "verb": "supported" }),
        E::InterestDeclared => json!({ "meeting": "quy-2022-11", "person": "p-1", "action": "INTEREST_ACTION_LEFT_ROOM" }),
        E::DecisionPackFrozen => json!({ "subject": "pack", "meeting": "quy-2022-11" }),
        E::ErasureAuthorised => json!({
            "positions": ["7", "41"], "ground": "ERASURE_GROUND_DATA_SUBJECT_REQUEST", "note": "letter 7" }),
        E::LegalHoldPlaced => json!({ "hold": "jr-1", "reason": "a judicial review" }),
        E::LegalHoldLifted => json!({ "hold": "jr-1", "reason": "dismissed" }),
        E::ExtractIssued => json!({
            "transition": "QUY.DENT.POD-2021", "last": "41", "checkpoint_size": "42", "withheld": "EXTRACT_WITHHELD_SOME",
            "withheld_positions": ["7"], "to": "an inquiry", "purpose": "its request" }),
    })
}

#[test]
fn every_event_a_client_may_record_parses() {
    for event in EventType::ALL.iter().copied() {
        match command_for(event) {
            None => assert_eq!(event.nature(), Nature::System, "{event} has no payload"),
            Some(command) => assert_eq!(taken(&[command]).commands[0].statement.event.event_type(), event),
        }
    }
}

#[test]
fn command_holds_every_event_a_client_may_record_and_no_other() {
    let may: BTreeSet<_> = EventType::ALL.iter().filter(|e| e.nature() != Nature::System).map(|e| member(*e)).collect();
    assert_eq!(members("Command"), may);
}

#[test]
fn correction_holds_every_statement_that_can_be_corrected() {
    let in_corrected_streams = |event: &EventType| {
        STREAMS
            .iter()
            .map(|s| s.parse::<StreamId>().expect("a stream").kind())
            .any(|kind| event.allowed_in(kind) && EventType::StatementCorrected.allowed_in(kind))
    };
    let can: BTreeSet<_> = EventType::ALL
        .iter()
        .filter(|e| e.nature() == Nature::Statement && in_corrected_streams(e))
        .map(|e| member(*e))
        .collect();
    assert_eq!(members("Correction"), can);
}

fn members(message: &str) -> BTreeSet<String> {
    let message = descriptor_pool().get_message_by_name(&format!("baton.v1.{message}")).expect("in the package");
    let events = message.oneofs().find(|oneof| oneof.name() == "event").expect("a oneof of events");
    events.fields().map(|field| field.name().to_owned()).collect()
}

#[test]
fn payload_has_the_same_fields_on_the_wire_and_in_the_domain() {
    let filled = ["sha256", "route_sha256", "to_sha256", "set_aside", "basis", "as_of", "records"];
    let message = descriptor_pool().get_message_by_name("baton.v1.Command").expect("in the package");
    for event in EventType::ALL.iter().copied() {
        let Some(command) = command_for(event) else { continue };
        let stored = serde_json::to_value(&taken(&[command]).commands[0].statement.event).expect("serialises");
        let domain: BTreeSet<_> =
            stored["payload"].as_object().expect("an object").keys().filter(|k| !filled.contains(&k.as_str())).cloned().collect();
        let Some(Kind::Message(payload)) = message.get_field_by_name(&member(event)).map(|field| field.kind()) else {
            panic!("{event} is no member")
        };
        let wire: BTreeSet<_> = payload.fields().map(|field| field.name().to_owned()).collect();
        assert_eq!(wire, domain, "{event}");
    }
}

#[test]
fn event_in_a_stream_where_it_does_not_stand_is_refused() {
    for event in EventType::ALL.iter().copied() {
        let Some(command) = command_for(event) else { continue };
        for stream in STREAMS {
            if event.allowed_in(stream.parse::<StreamId>().expect("a stream").kind()) {
                continue;
            }
            let violations = refused(&[super::with(command.clone(), &json!({ "stream": stream }))]);
            assert!(violations[0].0 == "commands[0].stream" && violations[0].1.starts_with(event.as_str()), "{violations:?}");
        }
    }
}
