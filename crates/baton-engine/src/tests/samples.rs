//! One sample of every event with every field set.

use baton_domain::event::{EventType, Recorded};
use serde_json::{Value, json};

/// A phrase that stands in every text of the samples and nowhere else.
pub(crate) const SECRET: &str = "whispered words";

fn text(words: &str) -> Value {
    json!({ "$open": format!("{SECRET}: {words}") })
}

fn month() -> Value {
    json!({ "text": "in March 2022", "precision": "month", "earliest": "2022-03-01", "latest": "2022-03-31", "year_inferred": true })
}

fn command() -> Value {
    json!({
        "stream": "transition/QUY.DENT.POD-2021", "place": { "after": 3 }, "late": true,
        "standing": "reported", "occurred": month(), "done_by": done_by(), "act": "act-1",
        "evidence": [evidence()], "remark": text("read from the minutes"),
        "type": "ItemCompleted", "payload": { "subject": "readiness_plan", "note": text("a plan was made") },
    })
}

fn done_by() -> Value {
    json!({ "organisation": "QUY", "body": "QUY/board", "person": "person-7", "printed": text("the chair") })
}

fn evidence() -> Value {
    json!({ "title": "Board paper 7", "held": { "sha256": "ab".repeat(32) }, "place": "page 3", "dated": "2022-03-04" })
}

/// The payload of every event, each field set and each list filled.
pub(crate) fn payload(of: EventType) -> Value {
    use EventType as T;
    match of {
        T::LogOpened => {
            json!({ "origin": "baton.test/1", "format": 1, "administrator": "admin-1", "administrator_name": text("an administrator") })
        }
        T::WaveOpened => json!({
            "name": "Services of 2021", "services": ["PHARM", "DENT"], "route": "pod-2021", "able_by": month(), "will_by": month(),
            "interest_due": month(), "assessment_due": month(), "national_decision_due": month(), "note": text("a letter"),
        }),
        T::TimetableChanged => json!({ "item": "assessment_due", "to": month(), "reason": text("more time") }),
        T::RoutePublished => {
            json!({ "version": "1", "text": "[route]\nid = \"pod-2021\"\n# \"quoted\" \\ é", "sha256": "cd".repeat(32) })
        }
        T::RouteRetired => json!({ "version": "1", "reason": text("a newer one") }),
        T::OrganisationRegistered => json!({
            "name": "NHS Example ICB", "kind": "icb", "region": "own:region-south", "opens_on": "2022-07-01", "closes_on": "2030-03-31",
            "aliases": ["Example"], "note": text("by order"),
        }),
        T::OrganisationRenamed => json!({ "name": "NHS Better Example ICB", "effective_on": "2023-04-01" }),
        T::OrganisationSucceeded => {
            json!({ "successor": "QVV", "kind": "merger", "effective_on": "2022-07-01", "part": "whole", "note": text("by law") })
        }
        T::BodyRegistered => json!({
            "body": "board", "name": "Board", "kind": "board", "powers": ["decide", "note"], "aliases": ["Shadow Board"],
            "hosts_for": ["QVV"], "note": text("terms of reference"),
        }),
        T::BodyChanged => json!({ "body": "board", "name": "The Board", "powers": ["recommend"], "reason": text("new terms") }),
        T::RoleGranted => {
            json!({ "person": "person-7", "name": text("a name"), "role": "regional_lead", "from": "2021-04-01", "to": "2024-03-31", "note": text("acting") })
        }
        T::RoleEnded => json!({ "person": "person-7", "role": "regional_lead", "on": "2022-12-31" }),
        T::TransitionRegistered => json!({
            "sender": "own:nhs-england", "acting_through": "own:region-south", "route": "pod-2021", "route_version": "1",
            "route_sha256": "ef".repeat(32), "starting_position": "joint", "continues": "QVV.DENT.POD-2021", "note": text("from the list"),
        }),
        T::RouteMigrated => json!({ "to_version": "2", "to_sha256": "01".repeat(32), "reason": text("a gate was missing") }),
        T::TransitionSucceeded => {
            json!({ "subject": "succession", "successor": "QVV", "part": "part", "effective_on": "2022-07-01", "note": text("a merger") })
        }
        T::TransferredByStatute => {
            json!({ "subject": "statutory_transfer", "instrument": "SI 2027/1", "effective_on": "2027-04-01" })
        }
        T::RoundOpened => {
            json!({ "stage": "UNDER_ASSESSMENT", "set_aside": [4, 9], "agreed_by": "person-7", "reason": text("asked to come back") })
        }
        T::Planned => json!({
            "event": "GateDecided", "key": "national_decision", "target": month(),
            "depends_on": [{ "event": "AssessmentSubmitted", "key": "pdaf", "outcome": "approved" }],
            "replaces": 5, "reason": text("postponed"), "note": text("a date for the board"),
        }),
        T::ExpressionOfInterestSubmitted => json!({
            "subject": "eoi", "submitted_to": "own:nhs-england", "services": ["DENT"], "functions_requested": ["PC-STRAT"],
            "functions_declined": ["PC-PERF"], "right_to_withdraw": "asserted", "note": text("a form"),
        }),
        T::ExpressionOfInterestEndorsed => {
            json!({ "subject": "endorsement", "body": "QUY/board", "verb": "endorsed", "retrospective": true, "note": text("a minute") })
        }
        T::ExpressionOfInterestWithdrawn => {
            json!({ "subject": "withdrawal", "ground": "capacity", "reason": text("too few people") })
        }
        T::ChecklistAnswered => {
            json!({ "checklist": "pdaf", "question": "3A", "answer": "yes", "reason": text("it changed"), "narrative": text("we have a plan") })
        }
        T::ChecklistCorroborated => json!({
            "checklist": "pdaf", "question": "3A", "answer_version": 2, "answer": "no", "evidence_verified": true, "narrative": text("not seen"),
        }),
        T::AssessmentSubmitted => json!({ "subject": "pdaf", "submitted_to": "own:nhs-england", "note": text("by mail") }),
        T::DueDiligenceStageCompleted => {
            json!({ "subject": "due_diligence", "qualified": true, "qualification": text("but for one contract"), "note": text("signed") })
        }
        T::FindingRaised => {
            json!({ "finding": "finding-1", "subject": "due_diligence", "severity": 3, "note": text("a missing contract") })
        }
        T::FindingClosed => json!({ "finding": "finding-1", "reason": text("found") }),
        T::GateDecided => json!({
            "subject": "national_decision", "outcome": "approved_with_conditions", "body": "own:nhs-england/board", "taken": "urgent_action",
            "meeting": "meeting-1", "deciders": ["person-7"],
            "conditions": [{ "obligation": "condition-1", "text": text("hire somebody"), "due": month() }],
            "votes": { "in_favour": 7, "against": 2, "spoiled": 1, "electorate": 12 }, "reason": text("ready enough"),
            "basis": { "position": 41, "statements": [1, 6] },
        }),
        T::ObligationRaised => json!({
            "obligation": "action-1", "kind": "action", "about": "pdaf:3A", "text": text("send the figures"), "due": month(),
            "receiver_agreed": true, "sender_agreed": true,
        }),
        T::ObligationChanged => json!({ "obligation": "action-1", "due": month(), "reason": text("holidays") }),
        T::ObligationDischarged => json!({ "obligation": "action-1", "in_part": true, "note": text("half of them") }),
        T::ItemCompleted => json!({ "subject": "readiness_plan", "note": text("done") }),
        T::ItemVerified => json!({ "subject": "readiness_plan", "checked": 7, "note": text("seen") }),
        T::AgreementSigned => {
            json!({ "subject": "delegation_agreement", "version": "1.0", "party": "QUY", "signatory": "person-7", "note": text("wet ink") })
        }
        T::AgreementVaried => {
            json!({ "subject": "variation", "from_version": "1.0", "to_version": "1.1", "covers": ["DENT"], "note": text("one clause") })
        }
        T::FunctionAllocated => json!({
            "function": "PC-STRAT", "responsible": "receiver", "accountable": "sender", "liable": "joint", "performed_by": "host",
            "influence": ["national"], "reserved": true, "effective_on": month(), "note": text("schedule 2"),
        }),
        T::SenderReceiverPaired => {
            json!({ "pair": "pair-1", "area": "contracts", "sender_person": "person-7", "receiver_person": "person-8", "note": text("they met") })
        }
        T::HandoverItemListed => {
            json!({ "item": "item-1", "area": "contracts", "kind": "document", "pair": "pair-1", "title": text("the list") })
        }
        T::HandoverItemSent => json!({ "item": "item-1", "version": "a", "note": text("by mail") }),
        T::HandoverItemAccepted => json!({ "item": "item-1", "version": "a", "open_points": text("page 4 is missing") }),
        T::HandoverItemReturned => json!({ "item": "item-1", "version": "a", "reason": text("page 4 is missing") }),
        T::DelegationCommenced => json!({
            "subject": "delegation_commenced", "effective_on": "2023-07-01", "agreement_version": "1.0",
            "off_cycle_reason": text("late approval"), "note": text("it began"),
        }),
        T::AssuranceRated => {
            json!({ "subject": "assurance", "about": "locality", "area": "north", "rating": "amber", "kind": "regional", "note": text("watch it") })
        }
        T::TerminationNoticeServed => {
            json!({ "subject": "termination_notice", "served_by": "QUY", "effective_on": "2025-04-01", "reason": text("money") })
        }
        T::DelegationEnded => {
            json!({ "subject": "delegation_ended", "to_holder": "sender", "revoked": true, "reason": text("failed") })
        }
        T::FactRecorded => json!({
            "kind": "allocation",
            "fields": {
                "what": { "text": text("a sum") }, "count": { "integer": -9_007_199_254_740_993_i64 },
                "sum": { "money": { "printed": "GBP 72.5 million", "pence": 7_250_000_000_u64, "rounded_to": "hundred_thousand" } },
                "on": { "date": month() }, "agreed": { "yes_no": "yes" }, "year": { "code": "2022/23" }, "by": { "ods": "QUY" },
                "a/b~c": { "text": text("an odd name") },
            },
            "note": text("table 4"),
        }),
        T::EvidenceAttached => json!({ "about": 4, "note": text("the letter itself") }),
        T::StatementCorrected => json!({
            "target": 4, "was": 6,
            "to": {
                "occurred": month(), "standing": "inferred", "done_by": done_by(), "place": { "after": 2 },
                "event": { "type": "FindingClosed", "payload": { "finding": "finding-1", "reason": text("found again") } },
            },
            "reason": text("a wrong date"),
        }),
        T::StatementVoided => json!({ "target": 4, "reason": text("of another board") }),
        T::ConflictFlagged => json!({
            "conflict": "conflict-1", "statements": [2, 4], "description": text("two dates"), "size": text("a month"), "handling": text("the minute counts"),
        }),
        T::ConflictSettled => json!({ "conflict": "conflict-1", "reading": text("the minute") }),
        T::Proposed => json!({ "commands": [command(), command()], "reason": text("from the archive") }),
        T::Approved => json!({ "digest": "23".repeat(32), "note": text("checked") }),
        T::Declined => json!({ "reason": text("no source") }),
        T::ItemTabled => {
            json!({ "body": "QUY/board", "body_name": "Shadow Board", "asks": ["note", "endorse"], "meeting": "meeting-1", "note": text("item 9") })
        }
        T::MeetingHeld => {
            json!({ "body": "QUY/board", "body_name": "Shadow Board", "meeting": "meeting-1", "quorate": false, "note": text("by video") })
        }
        T::ItemMinuted => {
            json!({ "body": "QUY/board", "body_name": "Shadow Board", "verb": "supported", "meeting": "meeting-1", "note": text("item 9") })
        }
        T::InterestDeclared => {
            json!({ "meeting": "meeting-1", "person": "person-7", "subject": "national_decision", "action": "left_room", "note": text("a practice") })
        }
        T::DecisionPackFrozen => {
            json!({ "subject": "decision_pack", "meeting": "meeting-1", "as_of": 40, "note": text("sent on Monday") })
        }
        T::CommandRefused => {
            json!({ "stream": "transition/QUY.DENT.POD-2021", "event": "GateDecided", "codes": ["NOT_PERMITTED"] })
        }
        T::ErasureAuthorised => json!({
            "positions": [7, 41], "ground": "data_subject_request", "note": text("letter 7"),
            "records": [
                { "position": 7, "stream": "transition/QUY.DENT.POD-2021", "revision": 3, "fields": ["/payload/note", "/remark"] },
                { "position": 41, "stream": "proposal/proposal-1", "revision": 1, "fields": ["/payload/commands/0/payload/note"] },
            ],
        }),
        T::LegalHoldPlaced => json!({ "hold": "hold-1", "reason": text("a judicial review") }),
        T::LegalHoldLifted => json!({ "hold": "hold-1", "reason": text("it was dismissed") }),
        T::ExtractIssued => json!({
            "transition": "QUY.DENT.POD-2021", "first": 0, "last": 41, "checkpoint_size": 42, "withheld": "some",
            "withheld_positions": [7], "to": text("an inquiry"), "purpose": text("its request"),
        }),
        T::LogForked => json!({
            "old_origin": "baton.test/1", "new_origin": "baton.test/2", "last_known_checkpoint": "baton.test/1\n50\nroot\n\n- key sig\n",
            "restored_size": 42, "note": text("the disk was lost"),
        }),
        T::KeyRotated => json!({ "old_key": "baton.test/1+aaaaaaaa+AAAA", "new_key": "baton.test/1+bbbbbbbb+BBBB" }),
    }
}

/// A record of that event with every part of the envelope set, as the domain serialises it.
pub(crate) fn value(of: EventType) -> Value {
    json!({
        "position": 42, "stream": "transition/QUY.DENT.POD-2021", "revision": 9, "recorded_at": "2026-03-04T05:06:07.000000008Z",
        "recorded_by": "admin-1", "command_id": "6f9619ff-8b86-d011-b42d-00c04fc964ff", "approval": "proposal-1", "placed": { "after": 8 },
        "gaps": [{ "kind": "not_evidenced", "code": "NO_SIGN_OFF", "what": "nobody signed" }],
        "standing": "inferred", "occurred": month(), "done_by": done_by(), "act": "act-1",
        "evidence": [evidence(), { "title": "A letter", "held": { "cited_not_held": "seen by the records officer" } }],
        "remark": text("so we read it"), "type": of.as_str(), "payload": payload(of),
    })
}

/// A record of that event with everything set.
pub(crate) fn recorded(of: EventType) -> Recorded {
    parse(value(of)).unwrap_or_else(|error| panic!("the sample of {of}: {error}"))
}

/// A record from what the domain serialises it as.
pub(crate) fn parse(value: Value) -> Result<Recorded, serde_json::Error> {
    serde_json::from_value(value)
}
