//! Approval with conditions, qualified sign-off, life with concern, and the ends of a life.

use crate::common::{
    Act, Given, act, diligence, discharge, ending, eoi, gate, item, notice, pack, rating, statute, succession, words,
};
use baton_domain::event::Standing;
use baton_domain::values::TransitionId;
use serde_json::json;

#[test]
fn conditional_approval_becomes_plain_when_the_last_condition_is_discharged() {
    let mut log = Given::pod().before("GateDecided", "national_decision");
    let conditions = json!([{ "obligation": "c1", "text": words("a plan") }, { "obligation": "c2", "due": crate::common::when("2022-03-31") }]);
    log.take(gate("national_decision", "approved_with_conditions").with("conditions", conditions));
    log.stands_at("APPROVED_WITH_CONDITIONS");
    log.take(discharge("c1"));
    log.stands_at("APPROVED_WITH_CONDITIONS");
    log.refuse(discharge("c1"), &["ALREADY_DONE"]);
    log.refuse(discharge("c2").by("icb_board_member"), &["ROLE_NOT_HELD"]);
    log.take(discharge("c2").with("in_part", json!(true)));
    log.stands_at("APPROVED_WITH_CONDITIONS");
    log.take(discharge("c2"));
    log.stands_at("APPROVED");
}

#[test]
fn go_may_be_decided_while_a_national_condition_is_open_but_nothing_starts() {
    let mut log = Given::pod().before("GateDecided", "national_decision");
    log.take(gate("national_decision", "approved_with_conditions"));
    for step in log.way().into_iter().skip_while(|s| s.act.kind != "FactRecorded") {
        log.today(step.day);
        if step.act.kind == "DelegationCommenced" {
            log.refuse(step.act.clone(), &["CONDITION_OPEN"]);
            log.take(discharge("national_decision-c1"));
        }
        log.take(step.act);
    }
    log.stands_at("LIVE");
}

#[test]
fn condition_gets_another_date_only_with_a_reason() {
    let mut log = Given::pod().before("GateDecided", "national_decision");
    log.take(gate("national_decision", "approved_with_conditions"));
    let moved =
        act("ObligationChanged", json!({ "obligation": "national_decision-c1", "due": crate::common::when("2022-05-31") }))
            .by("national_lead");
    log.refuse(moved.clone(), &["REASON_REQUIRED"]);
    log.refuse(moved.clone().with("reason", words("we need time")).by("icb_programme_lead"), &["ROLE_NOT_HELD"]);
    log.take(moved.with("reason", words("the plan needs the allocation")));
}

#[test]
fn qualified_sign_off_counts_and_says_that_it_is_qualified() {
    let mut log = Given::pod().before("DueDiligenceStageCompleted", "full");
    log.take(crate::common::finding("f1", "full", 5).by("icb_finance_lead"));
    log.take(diligence("full").with("qualified", json!(true)).with("qualification", words("but for the leases")));
    log.take(diligence("finance"));
    log.take(pack());
    log.take(gate("go_no_go", "go"));
    let done = log.subject().facts(log.route()).items[&"full".parse().unwrap()].clone();
    assert_eq!(done.fields.get("qualified"), Some(&"yes"));
}

fn regional(colour: &str) -> Act {
    rating("regional", "whole_function", colour)
}

#[test]
fn regional_rating_of_the_whole_function_moves_life_to_concern_and_back() {
    let mut log = Given::pod().until("LIVE");
    for (colour, stage) in [
        ("red", "LIVE_WITH_CONCERN"),
        ("unknown", "LIVE_WITH_CONCERN"),
        ("amber", "LIVE"),
        ("red", "LIVE_WITH_CONCERN"),
        ("green", "LIVE"),
    ] {
        log.take(regional(colour));
        log.stands_at(stage);
    }
}

#[test]
fn self_assessed_rating_or_one_of_a_part_moves_nothing() {
    let mut log = Given::pod().until("LIVE");
    log.take(rating("self_assessed", "whole_function", "red").by("icb_programme_lead"));
    for part in ["locality", "programme", "provider"] {
        log.take(rating("regional", part, "red"));
    }
    log.stands_at("LIVE");
    log.take(regional("red"));
    log.take(rating("self_assessed", "whole_function", "green").by("icb_programme_lead"));
    log.stands_at("LIVE_WITH_CONCERN");
}

#[test]
fn receiver_does_not_give_itself_a_regional_rating() {
    let log = Given::pod().until("LIVE");
    log.refuse(regional("green").by("icb_programme_lead"), &["WRONG_SIDE"]);
    Given::pod().refuse(regional("red"), &["ITEM_NOT_DONE"]);
}

#[test]
fn life_ends_with_notice_or_without_and_then_takes_nothing_but_facts() {
    let mut log = Given::pod().until("LIVE");
    log.take(notice("2024-04-01"));
    log.stands_at("ENDING");
    log.today("2024-04-01").take(ending());
    log.stands_at("ENDED");
    log.refuse(regional("green"), &["STAGE_CLOSED"]);
    log.refuse(ending(), &["ALREADY_DONE", "STAGE_CLOSED"]);
    log.take(crate::common::fact("publication").by("icb_programme_lead"));

    let mut revoked = Given::pod().until("LIVE");
    revoked.take(ending().with("revoked", json!(true)));
    revoked.stands_at("ENDED");
}

#[test]
fn transfer_by_law_replaces_a_delegation_and_an_application_alike() {
    let mut live = Given::pod().until("LIVE");
    live.take(statute());
    live.stands_at("STATUTORY");
    let mut registered = Given::pod();
    registered.take(statute());
    registered.stands_at("STATUTORY");
    registered.refuse(eoi(), &["STAGE_CLOSED", "TOO_LATE"]);
    registered.refuse(statute(), &["ALREADY_DONE"]);
}

#[test]
fn transfer_by_law_reaches_a_transition_that_was_not_approved() {
    let mut log = Given::pod().before("GateDecided", "national_decision");
    log.take(gate("national_decision", "not_approved"));
    log.stands_at("NOT_APPROVED");
    log.refuse(item("agreement_issued"), &["GATE_NOT_DECIDED", "STAGE_CLOSED"]);
    log.take(statute());
    log.stands_at("STATUTORY");
}

#[test]
fn succession_closes_the_old_transition_and_the_new_one_names_it() {
    let mut log = Given::pod().until("LIVE");
    log.organisation("QZZ", "icb", "2026-04-01");
    log.succeeded("QUY", "QZZ", "whole", "2026-04-01");
    log.today("2026-04-01").take(succession("QZZ", "whole", "2026-04-01"));
    log.stands_at("SUPERSEDED");
    let continues = crate::common::registration().at("transition/QZZ.DENT.POD-2021").with("continues", json!(log.transition));
    log.take(continues);
    let id: TransitionId = "QZZ.DENT.POD-2021".parse().expect("id");
    let new = log.state.transition(&id).expect("new");
    assert_eq!(new.registration().and_then(|r| r.continues.clone()).map(|id| id.to_string()), Some(log.transition.clone()));
}

#[test]
fn reported_start_alone_makes_a_life_that_says_what_it_rests_on() {
    let mut log = Given::pod();
    log.today("2023-05-01").take_by_two(&[crate::common::commencement("2023-04-01").on("2023-04-01").reported().late()]);
    log.stands_at("LIVE");
    let facts = log.subject().facts(log.route());
    let at = facts.standpoint(log.route()).expect("registered");
    assert_eq!((at.standing, facts.not_on_record(log.route(), at.index).len()), (Standing::Reported, 6));
    assert!(log.lacks(&eoi()).is_some_and(|lacking| lacking.contains("TOO_LATE")), "interest is not offered to the living");
}
