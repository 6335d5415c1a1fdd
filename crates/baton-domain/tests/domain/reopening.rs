//! Ways back: what a new round sets aside, and what it leaves.

use crate::common::{
    Act, Given, NHSE, act, commencement, correction, diligence, discharge, eoi, gate, item, pack, reopening, set, signature,
    verification, withdrawal,
};
use baton_domain::event::Event;
use baton_domain::values::Revision;
use serde_json::{Value, json};

fn frozen(log: &Given) -> Vec<Revision> {
    match &log.events.last().expect("event").statement.event {
        Event::RoundOpened(round) => round.set_aside.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn deferred_decision_is_taken_up_again_in_a_new_round_and_answers_stay() {
    let mut log = Given::pod().before("GateDecided", "national_decision");
    log.take(diligence("quality"));
    let deferred = log.take(gate("national_decision", "deferred"));
    log.stands_at("DEFERRED");
    log.refuse(gate("national_decision", "approved"), &["ALREADY_DECIDED"]);

    log.take(reopening("AWAITING_NATIONAL_DECISION", "national_lead"));
    assert_eq!(frozen(&log), [deferred]);
    log.stands_at("AWAITING_NATIONAL_DECISION");
    let facts = log.subject().facts(log.route());
    assert_eq!((facts.round, facts.questions.len()), (2, 10));
    assert!(facts.items.contains_key(&"quality".parse().unwrap()), "due diligence stays");

    log.take(gate("national_decision", "approved"));
    log.stands_at("APPROVED");
    let subject = log.subject();
    let entry = subject.story.entry(deferred).expect("entry");
    assert!(entry.in_force(), "what is set aside is neither voided nor gone");
}

#[test]
fn local_deferral_goes_back_to_a_decision_with_a_new_pack() {
    let mut log = Given::pod().before("GateDecided", "go_no_go");
    log.take(gate("go_no_go", "defer"));
    log.stands_at("DEFERRED");
    log.take(reopening("APPROVED_WITH_CONDITIONS", "regional_lead"));
    log.stands_at("APPROVED");
    log.refuse(gate("go_no_go", "go"), &["NO_DECISION_PACK"]);
    log.take(pack());
    log.take(gate("go_no_go", "go"));
    log.stands_at("GO_DECIDED");
}

#[test]
fn reopening_is_asked_by_one_side_agreed_by_the_other_and_has_a_reason() {
    let mut log = Given::pod().before("GateDecided", "national_decision");
    log.take(gate("national_decision", "deferred"));
    let back = reopening("AWAITING_NATIONAL_DECISION", "national_lead");
    log.refuse(back.clone().by("icb_board_member"), &["ROLE_NOT_HELD"]);
    log.refuse(back.clone().with("agreed_by", Value::Null), &["NOT_AGREED"]);
    log.refuse(back.clone().with("agreed_by", "icb_board_member".into()), &["ROLE_NOT_HELD"]);
    log.refuse(back.clone().with("agreed_by", "icb_programme_lead".into()), &["ROLE_NOT_HELD", "SELF_APPROVAL"]);
    log.refuse(back.clone().with("reason", Value::Null), &["REASON_REQUIRED"]);
    log.refuse(reopening("REGISTERED", "national_lead").by("icb_programme_lead"), &["NO_WAY_BACK"]);
    log.take(back);
}

#[test]
fn nothing_leads_back_from_life() {
    let log = Given::pod().until("LIVE");
    for stage in ["REGISTERED", "UNDER_ASSESSMENT", "GO_DECIDED"] {
        log.refuse(reopening(stage, "national_lead").by("icb_programme_lead"), &["NO_WAY_BACK"]);
    }
}

#[test]
fn withdrawal_is_taken_back_by_a_new_round_and_all_that_was_done_is_asked_for_again() {
    let mut log = Given::pod().until("AWAITING_NATIONAL_DECISION");
    log.take(withdrawal());
    log.stands_at("WITHDRAWN");
    assert!(
        log.lacks(&reopening("INTEREST_EXPRESSED", "regional_lead")).is_some_and(|lacking| lacking.is_empty()),
        "the way back is offered"
    );
    log.take(reopening("REGISTERED", "regional_lead"));
    log.stands_at("REGISTERED");
    log.take(eoi());
    log.take(item("assessment_opened"));
    log.refuse(crate::common::assessment(), &["NOT_SIGNED_OFF"]);
}

#[test]
fn signatures_are_set_aside_with_the_agreement_and_signed_anew() {
    let mut log = Given::pod().until("AGREED");
    log.take(reopening("GO_DECIDED", "regional_director"));
    assert_eq!(frozen(&log).len(), 3, "two signatures and the issued text");
    log.stands_at("GO_DECIDED");
    log.take(signature("QUY", "1"));
    log.stands_at("GO_DECIDED");
    log.take(signature(NHSE, "1"));
    log.stands_at("AGREED");
}

#[test]
fn conditions_of_a_decision_that_is_set_aside_bind_nobody() {
    let mut log = Given::pod().before("GateDecided", "go_no_go");
    log.take(gate("go_no_go", "go_with_conditions"));
    log.take(reopening("APPROVED_WITH_CONDITIONS", "regional_director"));
    log.take(pack());
    for step in [gate("go_no_go", "go"), signature("QUY", "1"), signature(NHSE, "1"), gate("readiness", "ready")] {
        log.take(step);
    }
    log.refuse(discharge("go_no_go-c1"), &["UNKNOWN_OBLIGATION"]);
    log.today("2023-04-01").take(commencement("2023-04-01"));
}

#[test]
fn what_a_round_sets_aside_is_frozen_and_does_not_grow_with_what_comes_later() {
    let mut log = Given::pod().before("GateDecided", "national_decision");
    log.take(gate("national_decision", "deferred"));
    log.take(reopening("UNDER_ASSESSMENT", "national_lead"));
    let aside = frozen(&log);
    log.take(gate("executive_sign_off", "signed_off"));
    log.take(crate::common::assessment());
    let facts = log.subject().facts(log.route());
    assert_eq!(facts.set_aside.iter().copied().collect::<Vec<_>>(), aside);
    log.stands_at("AWAITING_NATIONAL_DECISION");
}

#[test]
fn client_does_not_say_what_is_set_aside() {
    let mut log = Given::pod().before("GateDecided", "national_decision");
    let deferred = log.take(gate("national_decision", "deferred"));
    log.take(reopening("AWAITING_NATIONAL_DECISION", "national_lead").with("set_aside", json!([1, 2])));
    assert_eq!(frozen(&log), [deferred]);
}

fn verified(log: &mut Given, checked: Revision) -> Act {
    log.today("2022-03-01");
    verification("full", checked)
}

#[test]
fn verification_counts_for_the_completion_it_checked_only() {
    let mut log = Given::pod().before("DueDiligenceStageCompleted", "finance");
    let first = log.newest();
    let check = verified(&mut log, first);
    log.refuse(check.clone().by("icb_programme_lead"), &["ROLE_NOT_HELD", "SELF_VERIFIED"]);
    log.refuse(verification("full", Revision(2)), &["STALE_VERIFICATION"]);
    log.refuse(verification("finance", first), &["ITEM_NOT_DONE"]);
    log.refuse(verification("eoi", first).by("regional_lead"), &["NOT_TO_BE_VERIFIED"]);
    log.take(check.clone());
    let is_verified = |log: &Given| log.subject().facts(log.route()).items[&"full".parse().unwrap()].verified.is_some();
    assert!(is_verified(&log));

    log.take_by_two(&[crate::common::void(first)]);
    let second = log.take(diligence("full"));
    assert!(!is_verified(&log), "the check was of another completion");
    log.refuse(check, &["STALE_VERIFICATION"]);
    log.take(verification("full", second));
    assert!(is_verified(&log));
    assert_eq!(
        log.lacks(&act("ItemVerified", json!({ "subject": "full", "checked": second }))),
        None,
        "nothing is left to verify"
    );
}

#[test]
fn correction_of_what_was_checked_leaves_the_check_behind_and_one_of_its_date_does_not() {
    let mut log = Given::pod().before("DueDiligenceStageCompleted", "finance");
    let done = log.newest();
    log.take(verification("full", done));
    let is_verified = |log: &Given| log.subject().facts(log.route()).items[&"full".parse().unwrap()].verified.is_some();
    let dated = log.take_by_two(&[correction(done, done, json!({ "occurred": crate::common::when("2022-01-31") }))]);
    assert!(is_verified(&log));
    let qualified =
        diligence("full").with("qualified", json!(true)).with("qualification", crate::common::words("but for the leases"));
    log.take_by_two(&[correction(done, dated, json!({ "event": qualified.event() }))]);
    assert!(!is_verified(&log), "the check was of an unqualified sign-off");
    log.take(verification("full", done));
    assert!(is_verified(&log));
}

#[test]
fn who_did_it_does_not_verify_it_even_when_nobody_was_named() {
    let mut log = Given::pod();
    log.grant("both", "icb_programme_lead", "QUY");
    log.grant("both", "regional_lead", NHSE);
    let done = log.take(diligence("full").by("both"));
    assert_eq!(log.refused(&verification("full", done).by("both")), set(&["SELF_VERIFIED"]));
    log.take(verification("full", done).by("regional_lead"));
}
