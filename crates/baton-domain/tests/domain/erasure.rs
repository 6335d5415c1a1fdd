//! Erasure and legal hold: words go with every copy of them, by two persons, and never reasons under hold.

use crate::common::{Act, Given, act, answer, correction, eoi, fact, gate, set, void, words};
use baton_domain::decide::{self, Refusal};
use baton_domain::event::{Event, EventType, Recorded, sealed_fields, without_words};
use baton_domain::state::State;
use baton_domain::values::{Position, Revision};
use serde_json::json;
use std::sync::Arc;

/// Words that stand nowhere else.
const SECRET: &str = "whispered in the corridor";

pub fn erasure(positions: &[Position]) -> Act {
    let payload = json!({ "positions": positions, "ground": "data_subject_request", "note": words("letter 7") });
    act("ErasureAuthorised", payload).at("audit")
}

fn placed(hold: &str) -> Act {
    act("LegalHoldPlaced", json!({ "hold": hold, "reason": words("a judicial review") })).by("officer")
}

fn lifted(hold: &str) -> Act {
    act("LegalHoldLifted", json!({ "hold": hold, "reason": words("it was dismissed") }))
}

/// The position of the newest event.
fn newest(log: &Given) -> Position {
    log.events.last().expect("an event").position
}

/// The newest event of a type.
fn newest_of(log: &Given, kind: EventType) -> Arc<Recorded> {
    let found = log.events.iter().rev().find(|e| e.statement.event.event_type() == kind);
    Arc::clone(found.unwrap_or_else(|| panic!("no {kind}")))
}

fn shows(state: &State, text: &str) -> bool {
    format!("{state:?}").contains(text)
}

/// What erasing these is refused with, sentence by sentence.
fn sentences(log: &Given, positions: &[Position]) -> Vec<String> {
    match log.decide(&log.proposal("tried", &[erasure(positions)])) {
        Ok(_) => Vec::new(),
        Err(Refusal::Rules(unmet)) => unmet.into_iter().map(|(_, u)| format!("{}: {}", u.code, u.what)).collect(),
        Err(other) => panic!("{other:?}"),
    }
}

/// The same log folded again, from events whose words are gone from the beginning, as they are read when
/// their keys are destroyed.
pub fn folded_without_keys(log: &Given) -> State {
    let mut state = State::default();
    for recorded in &log.events {
        let gone = log.state.erased.contains_key(&recorded.position);
        // Which event erases them is not known yet when they are read: any other will do.
        let read = if gone { Arc::new(without_words(recorded, Position(u64::MAX))) } else { Arc::clone(recorded) };
        state.evolve(&forgetful(&read));
    }
    state
}

/// What the codec reads in place of words whose key is destroyed: a commitment.
fn forgetful(recorded: &Recorded) -> Arc<Recorded> {
    let text = serde_json::to_string(recorded).expect("an event");
    let sealed = text.replace(&format!(r#"{{"$erased":{}}}"#, u64::MAX), r#"{"$sealed":"00"}"#);
    Arc::new(serde_json::from_str(&sealed).expect("an event"))
}

/// A log with a secret in a live statement.
fn with_secret() -> (Given, Position) {
    let mut log = Given::pod();
    log.take(eoi().with("note", words(SECRET)));
    let at = newest(&log);
    (log, at)
}

#[test]
fn erasure_by_two_persons_takes_the_words_out_of_the_state_and_changes_no_stage() {
    let (mut log, at) = with_secret();
    assert!(shows(&log.state, SECRET));
    let (stage, audit) = (log.stage(), format!("{:?}", log.audit()));
    log.take_by_two(&[erasure(&[at])]);
    assert!(!shows(&log.state, SECRET));
    assert!(shows(&log.state, &format!("Erased(Position({}))", newest(&log))));
    assert_eq!((log.stage(), format!("{:?}", log.audit())), (stage, audit));
}

#[test]
fn erasure_names_stream_revision_and_every_text_in_plain() {
    let (mut log, at) = with_secret();
    log.take_by_two(&[erasure(&[at])]);
    let authorised = newest_of(&log, EventType::ErasureAuthorised);
    let Event::ErasureAuthorised(e) = &authorised.statement.event else { panic!("another event") };
    assert_eq!((e.records.len(), e.records[0].position, e.records[0].fields.clone()), (1, at, vec!["/payload/note".to_owned()]));
    assert_eq!(e.records[0].stream.to_string(), format!("transition/{}", log.transition));
    assert_eq!(authorised.approval.as_ref().map(|id| id.as_str().starts_with('p')), Some(true));
}

#[test]
fn nobody_erases_alone_or_without_the_role() {
    let (log, at) = with_secret();
    log.refuse(erasure(&[at]).by("officer"), &["SECOND_PERSON_NEEDED"]);
    log.refuse(log.proposal("p", &[erasure(&[at])]).by("icb_programme_lead"), &["NOT_PERMITTED"]);
    let mut log = log;
    let seen = log.propose("p", &[erasure(&[at])]);
    log.refuse(log.approval("p", &seen).by("officer"), &["SELF_APPROVAL"]);
    log.refuse(log.approval("p", &seen).by("icb_programme_lead"), &["NOT_PERMITTED"]);
    assert!(shows(&log.state, SECRET), "proposed is not erased");
    log.take(log.approval("p", &seen));
}

#[test]
fn erasure_is_never_a_late_entry_and_is_proposed_alone() {
    let (log, at) = with_secret();
    log.refuse(log.proposal("p", &[erasure(&[at]).late()]), &["LIVE_ONLY"]);
    log.refuse(log.proposal("p", &[erasure(&[at]), void(Revision(2))]), &["ERASURE_NOT_ALONE"]);
}

#[test]
fn position_without_words_or_without_event_is_refused_by_name() {
    let (log, _) = with_secret();
    assert_eq!(sentences(&log, &[]), ["NOTHING_TO_ERASE: commands[0]: an erasure names at least one position"]);
    let registered = newest_of(&log, EventType::TransitionRegistered).position;
    let said = sentences(&log, &[registered, Position(9_999)]);
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].starts_with("NOTHING_TO_ERASE") && said[0].contains(&format!("position {registered} ")), "{said:?}");
    assert!(said[1].starts_with("UNKNOWN_POSITION") && said[1].contains("position 9999 "), "{said:?}");
}

#[test]
fn words_are_erased_once_and_those_of_an_erasure_stay() {
    let (mut log, at) = with_secret();
    log.take_by_two(&[erasure(&[at])]);
    let by = newest(&log);
    let proposed = newest_of(&log, EventType::Proposed).position;
    let said = sentences(&log, &[at, by, proposed]);
    assert!(said[0].starts_with("ALREADY_ERASED") && said[0].contains(&format!("by event {by}")), "{said:?}");
    let explains = said.iter().filter(|s| s.starts_with("ERASURE_EXPLAINS")).count();
    assert_eq!((said.len(), explains), (3, 2), "{said:?}");
}

#[test]
fn words_recorded_by_approval_go_with_the_proposal_that_holds_them_too() {
    let mut log = Given::pod();
    log.take_by_two(&[eoi().with("note", words(SECRET)).late()]);
    let (at, proposed) = (newest(&log), newest_of(&log, EventType::Proposed).position);
    let said = sentences(&log, &[at]);
    assert!(said[0].starts_with("ERASURE_INCOMPLETE") && said[0].contains(&format!("positions {proposed} ")), "{said:?}");
    let said = sentences(&log, &[proposed]);
    assert!(said[0].starts_with("ERASURE_INCOMPLETE") && said[0].contains(&format!("positions {at} ")), "{said:?}");
    log.take_by_two(&[erasure(&[at, proposed])]);
    assert!(!shows(&log.state, SECRET));
}

#[test]
fn one_event_of_a_larger_proposal_goes_without_the_others() {
    let mut log = Given::pod();
    log.take_by_two(&[eoi().with("note", words(SECRET)).late(), fact("allocation").with("note", words("to be kept")).late()]);
    let proposed = newest_of(&log, EventType::Proposed).position;
    let at = newest_of(&log, EventType::ExpressionOfInterestSubmitted).position;
    log.take_by_two(&[erasure(&[at, proposed])]);
    assert!(!shows(&log.state, SECRET) && shows(&log.state, "to be kept"));
    // The other one can still go: its copy is gone already.
    log.take_by_two(&[erasure(&[newest_of(&log, EventType::FactRecorded).position])]);
    assert!(!shows(&log.state, "to be kept"));
}

#[test]
fn words_of_a_statement_go_with_the_corrections_that_bring_words() {
    let (mut log, at) = with_secret();
    let sent = log.newest();
    let brings = eoi().with("note", words(&format!("{SECRET}, it seems"))).event();
    log.take_by_two(&[correction(sent, sent, json!({ "event": brings }))]);
    let (corrected, proposed) = (newest(&log), newest_of(&log, EventType::Proposed).position);
    log.take_by_two(&[correction(sent, log.newest(), json!({ "standing": "reported" }))]);
    let all = [at, proposed, corrected];
    for left_out in all {
        let named: Vec<Position> = all.into_iter().filter(|p| *p != left_out).collect();
        let said = sentences(&log, &named);
        assert!(said[0].starts_with("ERASURE_INCOMPLETE") && said[0].contains(&format!(" {left_out} ")), "{said:?}");
    }
    log.take_by_two(&[erasure(&all)]);
    assert!(!shows(&log.state, SECRET));
    assert!(shows(&log.state, "misread"), "the reason of a correction that brings no words is no copy");
}

#[test]
fn open_proposal_is_ended_before_its_words_are_erased() {
    let mut log = Given::pod();
    log.propose("p", &[eoi().with("note", words(SECRET)).late()]);
    let at = newest(&log);
    assert!(sentences(&log, &[at])[0].starts_with("PROPOSAL_OPEN"));
    log.take(act("Declined", json!({ "reason": words("no source") })).at("proposal/p").by("checker"));
    log.take_by_two(&[erasure(&[at])]);
    assert!(!shows(&log.state, SECRET) && shows(&log.state, "no source"));
}

#[test]
fn names_of_roles_and_of_the_first_administrator_are_erased() {
    let opened = baton_domain::event::LogOpened {
        origin: "baton.test".to_owned(),
        format: 1,
        administrator: crate::common::person("admin"),
        administrator_name: serde_json::from_value(words(SECRET)).expect("text"),
    };
    let mut log = Given::pod();
    let begun = decide::open_log(&log.request("admin"), opened);
    let mut events = begun.events;
    events.extend(log.events.drain(1..));
    log.state = State::default();
    events.iter().for_each(|event| log.state.evolve(event));
    log.events = events;
    let granted = json!({ "person": "clerk", "role": "auditor", "name": words("Clara Clerk") });
    log.take(act("RoleGranted", granted).at("log").by("admin"));
    let at = newest(&log);
    assert!(shows(&log.state, SECRET) && shows(&log.state, "Clara Clerk"));
    log.take_by_two(&[erasure(&[Position(0), at])]);
    assert!(!shows(&log.state, SECRET) && !shows(&log.state, "Clara Clerk"));
    assert!(log.state.knows(&crate::common::person("clerk")), "the role stays");
}

#[test]
fn reasons_for_decisions_under_hold_are_not_erased_until_it_is_lifted() {
    let mut log = Given::pod().until("APPROVED");
    let decided = newest_of(&log, EventType::GateDecided).position;
    log.take(fact("allocation").with("note", words(SECRET)));
    let other = newest(&log);
    log.take(placed("jr-1"));
    let said = sentences(&log, &[decided]);
    assert!(said[0].starts_with("ERASURE_UNDER_HOLD") && said[0].contains("jr-1"), "{said:?}");
    // Other words of the same transition are nobody's reasons.
    log.take_by_two(&[erasure(&[other])]);
    log.take_by_two(&[lifted("jr-1")]);
    log.take_by_two(&[erasure(&[decided])]);
    assert!(log.state.erased.contains_key(&decided));
}

#[test]
fn hold_placed_after_an_erasure_was_proposed_stops_its_approval() {
    let mut log = Given::pod().until("APPROVED");
    let decided = newest_of(&log, EventType::GateDecided).position;
    let seen = log.propose("p", &[erasure(&[decided])]);
    log.take(placed("jr-1"));
    log.refuse(log.approval("p", &seen), &["ERASURE_UNDER_HOLD"]);
    assert_eq!(log.assess("p").expect_err("held"), set(&["ERASURE_UNDER_HOLD"]));
}

#[test]
fn corrections_and_voids_of_decisions_are_held_with_them() {
    let mut log = Given::pod().until("APPROVED");
    let target = newest_of(&log, EventType::GateDecided).revision;
    log.take_by_two(&[void(target)]);
    let voided = newest(&log);
    let proposed = newest_of(&log, EventType::Proposed).position;
    log.take(placed("jr-1"));
    let said = sentences(&log, &[voided, proposed]);
    assert!(said.len() == 1 && said[0].starts_with("ERASURE_UNDER_HOLD"), "{said:?}");
}

#[test]
fn declined_proposal_of_a_decision_is_held_and_an_approved_one_only_where_it_was_recorded() {
    let mut log = Given::pod();
    log.take_by_two(&[eoi().with("note", words(SECRET)).late(), gate("executive_sign_off", "signed_off").late()]);
    let (proposed, at) =
        (newest_of(&log, EventType::Proposed).position, newest_of(&log, EventType::ExpressionOfInterestSubmitted).position);
    log.take(placed("jr-1"));
    log.take_by_two(&[erasure(&[at, proposed])]);
    assert!(shows(&log.state, "as minuted"), "the reason stands in the decision itself");
    log.today("2021-08-01");
    log.propose("q", &[gate("national_decision", "approved").late()]);
    let open = newest(&log);
    log.take(act("Declined", json!({ "reason": words("no source") })).at("proposal/q").by("checker"));
    assert!(sentences(&log, &[open])[0].starts_with("ERASURE_UNDER_HOLD"));
}

#[test]
fn hold_is_placed_once_by_one_officer_and_lifted_by_two() {
    let mut log = Given::pod();
    log.refuse(placed("h").by("icb_programme_lead"), &["NOT_PERMITTED"]);
    log.refuse(placed("h").with("reason", json!(null)), &["REASON_REQUIRED"]);
    log.take(placed("h"));
    log.refuse(placed("h"), &["ALREADY_HELD"]);
    log.refuse(lifted("h").by("officer"), &["SECOND_PERSON_NEEDED"]);
    log.refuse(log.proposal("p", &[lifted("other")]), &["TARGET_MISMATCH"]);
    let held = log.newest();
    assert_eq!(log.try_by_two(&[void(held)]).expect_err("no statement"), set(&["TARGET_MISMATCH"]));
    log.take_by_two(&[lifted("h")]);
    log.take(placed("h"));
}

#[test]
fn checked_answer_whose_words_alone_are_corrected_stays_outdated_after_erasure() {
    // What a check is worth must not hang on words: they may be gone when somebody asks.
    let mut log = Given::pod().until("UNDER_ASSESSMENT");
    let answered = log.take(answer("3A", "yes").with("narrative", words(SECRET)));
    let at = newest(&log);
    let brings = answer("3A", "yes").with("narrative", words("better said")).event();
    log.take_by_two(&[correction(answered, answered, json!({ "event": brings }))]);
    let (corrected, proposed) = (newest(&log), newest_of(&log, EventType::Proposed).position);
    let facts = |log: &Given| format!("{:?}", log.subject().facts(log.route()).questions);
    let before = facts(&log);
    log.take_by_two(&[erasure(&[at, corrected, proposed])]);
    assert_eq!(facts(&log), before);
    let entry = log.subject().story.entry(answered).expect("an answer").clone();
    assert_ne!(entry.valued_by(), answered);
}

#[test]
fn approval_warns_of_words_that_may_stand_elsewhere() {
    let (mut log, at) = with_secret();
    log.today("2021-08-01");
    log.propose("q", &[eoi().with("note", words(SECRET)).late()]);
    let other = newest(&log);
    log.take(act("Declined", json!({ "reason": words("twice") })).at("proposal/q").by("checker"));
    let seen = log.propose("p", &[erasure(&[at])]);
    let decided = log.decide(&log.approval("p", &seen)).expect("taken");
    assert_eq!(decided.warnings[0].code, "WORDS_ELSEWHERE");
    assert!(decided.warnings[0].what.contains(&format!("positions {other} ")), "{:?}", decided.warnings);
}

#[test]
fn state_folded_without_the_keys_is_the_state_that_was_live() {
    let mut log = Given::pod().until("APPROVED");
    let answered = newest_of(&log, EventType::GateDecided);
    let brings = json!({ "event": { "type": "GateDecided", "payload": answered_payload(&answered) } });
    log.take_by_two(&[correction(answered.revision, answered.revision, brings)]);
    let named = [answered.position, newest_of(&log, EventType::Proposed).position, newest(&log)];
    log.take_by_two(&[erasure(&named)]);
    log.take(fact("allocation").with("note", words("later")));
    assert_eq!(format!("{:?}", folded_without_keys(&log)), format!("{:?}", log.state));
}

fn answered_payload(recorded: &Recorded) -> serde_json::Value {
    let mut payload = serde_json::to_value(&recorded.statement.event).expect("an event")["payload"].clone();
    payload["reason"] = words("put better");
    payload
}

#[test]
fn every_field_with_words_is_found_and_none_is_left() {
    let (log, at) = with_secret();
    let recorded = log.events.iter().find(|e| e.position == at).expect("recorded");
    assert_eq!(sealed_fields(recorded), ["/payload/note"]);
    assert!(sealed_fields(&without_words(recorded, Position(7))).is_empty());
}

#[test]
fn extract_is_issued_by_whoever_holds_a_role_and_says_to_whom_and_what_for() {
    let extract = |log: &Given| {
        let payload = json!({
            "transition": log.transition, "first": 0, "last": 3, "checkpoint_size": 5, "withheld": "some", "withheld_positions": [1],
            "to": words("the inquiry"), "purpose": words("its request 4"),
        });
        act("ExtractIssued", payload).at("audit").by("icb_programme_lead")
    };
    let mut log = Given::pod();
    log.refuse(extract(&log).by("nobody-known"), &["NOT_PERMITTED"]);
    log.refuse(extract(&log).with("to", json!(null)).with("purpose", json!(null)), &["RECIPIENT_REQUIRED", "REASON_REQUIRED"]);
    log.refuse(extract(&log).with("last", json!(9_999)), &["UNKNOWN_POSITION"]);
    log.refuse(extract(&log).with("checkpoint_size", json!(3)), &["UNKNOWN_POSITION"]);
    log.refuse(extract(&log).with("transition", json!("QUY.PHARM.POD-2021")), &["NOT_REGISTERED"]);
    log.refuse(extract(&log).with("withheld", json!("nothing")), &["WITHHELD_MISMATCH"]);
    log.refuse(extract(&log).with("withheld_positions", json!([4])), &["WITHHELD_MISMATCH"]);
    log.take(extract(&log));
    // To whom and what for are words like others.
    log.take_by_two(&[erasure(&[newest(&log)])]);
    assert!(!shows(&log.state, "the inquiry"));
}

#[test]
fn forks_and_keys_are_recorded_by_the_engine_alone() {
    let log = Given::pod();
    let forked = json!({ "old_origin": "a", "new_origin": "b", "restored_size": 3 });
    log.refuse(act("LogForked", forked).at("log").by("admin"), &["NOT_FOR_CLIENTS"]);
    log.refuse(act("KeyRotated", json!({ "old_key": "a", "new_key": "b" })).at("log").by("admin"), &["NOT_FOR_CLIENTS"]);
    let rotated = baton_domain::event::KeyRotated { old_key: "a".to_owned(), new_key: "b".to_owned() };
    let decided = decide::key_rotated(&mut log.state.clone(), &log.request("admin"), rotated);
    assert_eq!((decided.events.len(), decided.events[0].stream.to_string()), (1, "log".to_owned()));
    assert_eq!(decided.events[0].position, Position(log.state.size));
}
