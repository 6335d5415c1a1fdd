//! Plans: what was said to come, and what became of it.

use crate::common::{Act, Given, act, commencement, fact, gate, item, plan, plan_if, words};
use baton_domain::transition::PlanStatus as S;
use serde_json::json;

const START: &str = "DelegationCommenced:delegation_commenced";

fn planned(log: &mut Given, act: Act) -> baton_domain::values::Revision {
    log.take(act.by("officer"))
}

#[test]
fn plan_is_open_until_its_last_day_and_late_after_it() {
    let mut log = Given::pod();
    planned(&mut log, plan("FactRecorded:allocation", "2022-01-31"));
    planned(&mut log, plan(START, "?"));
    log.today("2022-01-31");
    assert_eq!(log.plan_status("FactRecorded:allocation"), S::Open);
    log.today("2022-02-01");
    assert_eq!(log.plan_status("FactRecorded:allocation"), S::Late);
    assert_eq!(log.plan_status(START), S::Open, "no time was given, so it can not be late");
    log.stands_at("REGISTERED");
}

#[test]
fn plan_is_met_missed_or_undetermined_as_the_dates_allow() {
    let became = |target: &str, happened: &str| {
        let mut log = Given::pod();
        planned(&mut log, plan("FactRecorded:allocation", target));
        log.today("2022-12-31").take(fact("allocation").on(happened).by("icb_finance_lead"));
        log.plan_status("FactRecorded:allocation")
    };
    assert_eq!(became("2022-01-31", "2022-01-31"), S::Met);
    assert_eq!(became("2022-01-31", "2022-02-01"), S::Missed);
    assert_eq!(became("2022-01", "2022-01"), S::Met);
    assert_eq!(became("2022-01-15", "2022-01"), S::Undetermined);
    assert_eq!(became("2022-01-15", "?"), S::Undetermined);
    assert_eq!(became("2022-01-01..", "2022-06-01"), S::Met, "not before January has no last day");
    assert_eq!(became("?", "2022-06-01"), S::Met);
}

#[test]
fn what_stands_before_the_plan_neither_meets_nor_misses_it() {
    let mut log = Given::pod();
    log.take(fact("engagement").by("icb_programme_lead"));
    planned(&mut log, plan("FactRecorded:engagement", "2021-09-30"));
    log.today("2021-10-01");
    assert_eq!(log.plan_status("FactRecorded:engagement"), S::Late);
}

#[test]
fn postponed_start_is_a_newer_plan_with_a_reason_and_moves_no_stage() {
    let mut log = Given::pod();
    let first = planned(&mut log, plan(START, "2022-04-01"));
    let second = plan(START, "2023-04-01").with("replaces", json!(first));
    log.refuse(second.clone().by("officer"), &["REASON_REQUIRED"]);
    log.refuse(second.clone().with("replaces", json!(1)).with("reason", words("x")).by("officer"), &["TARGET_MISMATCH"]);
    planned(&mut log, second.with("reason", words("boards open in July")));
    let plans = log.subject().story.plans(crate::common::day("2022-05-01"));
    assert_eq!(plans.iter().map(|p| p.status).collect::<Vec<_>>(), [S::Superseded, S::Open]);
    log.stands_at("REGISTERED");
}

#[test]
fn planned_start_that_was_missed_says_so_in_a_live_transition() {
    let mut log = Given::pod();
    planned(&mut log, plan(START, "2022-04-01"));
    log.today("2023-05-01").take_by_two(&[commencement("2023-04-01").on("2023-04-01").reported().late()]);
    log.stands_at("LIVE");
    assert_eq!(log.plan_status(START), S::Missed);
}

/// The timeline of the paper of 7 September 2017: all hangs on the ballot, some of it on the governing body too.
fn bedfordshire() -> Given {
    let mut log = Given::ccg();
    log.today("2016-11-30").take(gate("governing_body", "deferred"));
    log.take(crate::common::reopening("REGISTERED", "regional_lead"));
    log.today("2017-09-07");
    planned(&mut log, plan("GateDecided:ballot", "2017-10"));
    planned(&mut log, plan_if("ItemCompleted:application_documents", "2017-10-01..2017-11-30", &["ballot=support"]));
    planned(
        &mut log,
        plan_if("ItemCompleted:application_submitted", "2017-12-04..2017-12-10", &["ballot=support", "governing_body=apply"]),
    );
    planned(&mut log, plan_if(START, "2018-04", &["ballot=support", "governing_body=apply"]));
    log
}

fn ballot(log: &mut Given, outcome: &str) {
    log.today("2017-10-09");
    for step in [item("ballot_opened").on("2017-09-11"), item("ballot_closed"), gate("ballot", outcome)] {
        log.take(step);
    }
}

const DEPENDANTS: [&str; 3] = ["ItemCompleted:application_documents", "ItemCompleted:application_submitted", START];

#[test]
fn i25_lost_ballot_makes_everything_that_waited_for_support_fall_away() {
    let mut log = bedfordshire();
    ballot(&mut log, "not_support");
    log.today("2018-06-01");
    assert_eq!(log.plan_status("GateDecided:ballot"), S::Met);
    assert_eq!(DEPENDANTS.map(|of| log.plan_status(of)), [S::FallenAway; 3]);
    log.stands_at("CLOSED_NOT_SUPPORTED");
}

#[test]
fn i25_ballot_in_support_leaves_the_plans_standing_until_another_gate_goes_against_them() {
    let mut log = bedfordshire();
    ballot(&mut log, "support");
    assert_eq!(DEPENDANTS.map(|of| log.plan_status(of)), [S::Open; 3]);
    log.take(gate("governing_body", "not_apply"));
    assert_eq!(DEPENDANTS.map(|of| log.plan_status(of)), [S::Open, S::FallenAway, S::FallenAway]);
}

#[test]
fn i25_earlier_deferral_unknown_outcome_or_later_deferral_makes_nothing_fall_away() {
    let mut log = bedfordshire();
    assert_eq!(DEPENDANTS.map(|of| log.plan_status(of)), [S::Open; 3], "the deferral of 2016 stands before the plans");
    log.today("2017-11-02").take(gate("governing_body", "unknown"));
    log.take(gate("governing_body", "deferred"));
    assert_eq!(DEPENDANTS.map(|of| log.plan_status(of)), [S::Open; 3]);
}

#[test]
fn i25_gate_decided_otherwise_before_the_plan_was_made_is_no_answer_to_it() {
    let mut log = Given::ccg();
    log.today("2017-12-31");
    log.take_by_two(&[gate("ballot", "not_support").on("2016-11").late()]);
    log.take_by_two(&[plan_if(START, "2018-04", &["ballot=support"]).on("2017-09-07").late()]);
    assert_eq!(log.plan_status(START), S::Open);
    log.take_by_two(&[gate("ballot", "not_support").on("2017-10").late()]);
    assert_eq!(log.plan_status(START), S::FallenAway);
}

#[test]
fn approval_with_conditions_is_the_approval_a_plan_waited_for() {
    let mut log = Given::pod().before("GateDecided", "national_decision");
    planned(&mut log, plan_if(START, "2022-04-01", &["national_decision=approved"]));
    log.take(gate("national_decision", "approved_with_conditions"));
    assert_eq!(log.plan_status(START), S::Open);
}

#[test]
fn voided_plan_is_no_plan_and_a_plan_of_any_key_is_met_by_any() {
    let mut log = Given::pod();
    let gone = planned(&mut log, plan(START, "2022-04-01"));
    planned(&mut log, plan("MeetingHeld", "2021-08"));
    log.take_by_two(&[crate::common::void(gone)]);
    log.today("2021-08-31").take(act("MeetingHeld", json!({ "body_name": "Board" })).by("icb_programme_lead"));
    let plans = log.subject().story.plans(crate::common::day("2023-01-01"));
    assert_eq!(plans.iter().map(|p| p.status).collect::<Vec<_>>(), [S::Met]);
}
