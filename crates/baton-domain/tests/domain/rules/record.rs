//! Rules I37 and I42 to I49: how things are recorded, whatever they are.

use crate::common::{Given, act, correction, date, eoi, fact, registration, set, void};
use baton_domain::decide::{Expected, Refusal, decide, expect};
use baton_domain::event::{Command, GapKind};
use baton_domain::values::{FuzzyDate, Held, Money, Precision, Revision, Rounding, StreamId, Text};
use serde_json::{Value, json};

#[test]
fn i37_money_is_whole_pence_that_agree_with_the_rounding() {
    assert!(Money::new("£72.5m", 7_250_000_000, Rounding::HundredThousand).is_ok());
    assert!(Money::new("£72.5m", 7_250_000_001, Rounding::HundredThousand).is_err());
    let part_of_a_penny = json!({ "printed": "£1.005", "pence": 100.5, "rounded_to": "penny" });
    assert!(serde_json::from_value::<Money>(part_of_a_penny).is_err());
}

#[test]
fn i37_money_field_of_a_fact_takes_money_and_nothing_else() {
    let mut log = Given::pod();
    let amount =
        |value: Value| act("FactRecorded", json!({ "kind": "allocation", "fields": { "amount": value } })).by("icb_finance_lead");
    log.refuse(amount(json!({ "integer": 725 })), &["WRONG_FIELD_TYPE"]);
    log.refuse(
        amount(json!({ "money": { "printed": "£1", "pence": 100, "rounded_to": "pound" } })).with("kind", json!("gift")),
        &["UNKNOWN_FACT_KIND"],
    );
    log.take(amount(json!({ "money": { "printed": "£1", "pence": 100, "rounded_to": "pound" } })));
}

#[test]
fn i42_fact_of_the_future_is_refused_and_one_that_may_be_past_is_taken() {
    let mut log = Given::pod();
    log.today("2021-09-15");
    log.refuse_by_rule(eoi().on("2021-09-16"), "FUTURE_FACT", "I42");
    log.refuse_by_rule(eoi().on("2021-10"), "FUTURE_FACT", "I42");
    log.take(eoi().on("2021-09"));
    log.refuse_by_rule(registration().at("transition/QUY.PHARM.POD-2021").on("2021-09-16"), "FUTURE_FACT", "I42");
}

#[test]
fn i42_days_are_of_london() {
    // 23:30 on 15 September in UTC is half past midnight of the 16th in London.
    let mut log = Given::pod();
    log.today("2021-09-15");
    let mut request = log.request("icb_programme_lead");
    request.now = "2021-09-15T23:30:00Z".parse().expect("instant");
    assert!(decide(&mut log.state.clone(), &request, &[log.command(&eoi().on("2021-09-16"))]).is_ok());
}

#[test]
fn i43_client_does_not_set_the_clock_and_the_clock_does_not_run_backwards() {
    let mut log = Given::pod();
    let mut text = serde_json::to_value(log.command(&eoi())).expect("command");
    assert!(text.get("recorded_at").is_none());
    text["recorded_at"] = json!("2001-01-01T00:00:00Z");
    let command: Command = serde_json::from_value(text).expect("what is no part of a command says nothing");
    let decided = decide(&mut log.state.clone(), &log.request("icb_programme_lead"), &[command]).expect("taken");
    assert_eq!(decided.events[0].recorded_at, log.request("x").now);

    log.today("2021-09-15").take(eoi());
    log.today("2021-09-01").take(fact("engagement").by("icb_programme_lead"));
    assert_eq!(log.events.last().expect("event").recorded_at.to_string(), "2021-09-15T12:00:00Z");
}

#[test]
fn i44_stream_that_moved_on_is_told() {
    let mut log = Given::pod();
    let stream: StreamId = format!("transition/{}", log.transition).parse().expect("stream");
    let seen = [(stream.clone(), Expected::Exact(Revision(1)))];
    assert!(expect(&log.state, &seen).is_ok());
    log.take(eoi());
    assert!(matches!(expect(&log.state, &seen), Err(Refusal::StaleRevision { actual: Some(Revision(2)), .. })));
    assert!(expect(&log.state, &[(stream.clone(), Expected::Any)]).is_ok());
    assert!(expect(&log.state, &[(stream, Expected::NoStream)]).is_err());
}

#[test]
fn i46_correction_names_a_target_that_exists_and_the_value_it_replaces() {
    let mut log = Given::pod();
    let sent = log.take(eoi());
    let to = json!({ "occurred": crate::common::when("2021-07-21") });
    let refused = |log: &mut Given, act| log.try_by_two(&[act]).expect_err("refused");
    assert_eq!(refused(&mut log, correction(Revision(99), Revision(99), to.clone())), set(&["TARGET_MISMATCH"]));
    assert_eq!(refused(&mut log, correction(sent, Revision(1), to.clone())), set(&["TARGET_MISMATCH"]));
    assert_eq!(refused(&mut log, void(Revision(99))), set(&["TARGET_MISMATCH"]));
    assert_eq!(refused(&mut log, correction(sent, sent, json!({}))), set(&["NOTHING_CORRECTED"]));
    let corrected = log.take_by_two(&[correction(sent, sent, to.clone())]);
    let again = json!({ "occurred": crate::common::when("2021-07-20") });
    assert_eq!(refused(&mut log, correction(sent, sent, again.clone())), set(&["TARGET_MISMATCH"]));
    log.take_by_two(&[correction(sent, corrected, again)]);
    let subject = log.subject();
    let entry = subject.story.entry(sent).expect("entry");
    assert_eq!(entry.statement().occurred, date("2021-07-20"));
    assert_eq!(entry.recorded.statement.occurred, date("2021-07-22"), "the first event stays readable");
}

#[test]
fn i46_correction_keeps_the_type_and_makes_nothing_that_could_not_have_been_recorded() {
    let mut log = Given::pod().before("GateDecided", "national_decision");
    let decided = log.take(crate::common::gate("national_decision", "deferred"));
    let event = serde_json::to_value(&log.events.last().expect("event").statement.event).expect("event");
    let refused = |log: &mut Given, event: Value| log.try_by_two(&[correction(decided, decided, json!({ "event": event }))]);
    assert_eq!(refused(&mut log, serde_json::to_value(eoi().event()).expect("event")), Err(set(&["TARGET_MISMATCH"])));
    for (field, value, code) in [("subject", "no_gate", "UNKNOWN_SUBJECT"), ("outcome", "maybe", "UNKNOWN_OUTCOME")] {
        let mut wrong = event.clone();
        wrong["payload"][field] = json!(value);
        assert_eq!(refused(&mut log, wrong), Err(set(&[code])));
    }
    let mut other = event.clone();
    other["payload"]["outcome"] = json!("not_approved");
    other["payload"]["basis"] = json!({ "position": 0, "statements": [1] });
    refused(&mut log, other).expect("another outcome of the gate");
    log.stands_at("NOT_APPROVED");
    let now = serde_json::to_value(&log.subject().story.entry(decided).expect("entry").statement().event).expect("event");
    assert_eq!(now["payload"]["basis"], event["payload"]["basis"], "what the decision rested on is frozen");
}

#[test]
fn i46_correction_and_void_take_two_persons() {
    let mut log = Given::pod();
    let sent = log.take(eoi());
    log.refuse_by_rule(void(sent).by("officer"), "SECOND_PERSON_NEEDED", "I46");
    log.refuse_by_rule(correction(sent, sent, json!({ "standing": "reported" })).by("officer"), "SECOND_PERSON_NEEDED", "I46");
}

#[test]
fn i47_late_entry_names_the_document_it_is_taken_from() {
    let mut log = Given::pod();
    let mut plain = eoi().late();
    plain.evidence.clear();
    assert_eq!(log.try_by_two(&[plain]), Err(set(&["NO_EVIDENCE"])));
    log.take_by_two(&[eoi().late()]);
    assert!(Held::sha256("abc").is_err() && Held::sha256(&"ab".repeat(32)).is_ok());
    let attached = act("EvidenceAttached", json!({})).by("officer");
    log.refuse_by_rule(attached.clone(), "NO_EVIDENCE", "I47");
    log.take(attached.paper_of("2021-09-28"));
}

#[test]
fn i48_unknown_is_a_date_and_an_invented_day_is_not() {
    let mut log = Given::pod();
    log.take(eoi().on("?"));
    let error = FuzzyDate::new("some time in 2021", Precision::Day, None, None, false).expect_err("no day");
    assert!(error.to_string().starts_with("DATE_WITHOUT_PRECISION"));
}

#[test]
fn i49_text_with_an_nhs_number_is_refused() {
    assert!(Text::parse("seen by 943 476 5919 on Monday").is_err());
    assert!(Text::parse("157,902 people").is_ok());
}

#[test]
fn voided_registration_leaves_nothing_to_record_about() {
    let mut log = Given::pod();
    log.take_by_two(&[void(Revision(1))]);
    log.refuse(eoi().by("officer"), &["NOT_REGISTERED", "ROLE_NOT_HELD"]);
    assert!(log.actions().iter().all(|a| !a.allowed()), "nothing is offered either");
}

#[test]
fn gap_of_a_late_entry_says_whether_evidence_speaks_against_it() {
    let mut log = Given::pod();
    let first = log.take(eoi());
    log.take_by_two(&[eoi().late().after(first)]);
    let gaps: Vec<_> = log.events.last().expect("event").gaps.iter().map(|g| (g.code.as_str(), g.kind)).collect();
    assert_eq!(gaps, [("EOI_ALREADY_OPEN", GapKind::Contrary), ("ROLE_NOT_HELD", GapKind::NotEvidenced)]);
}
