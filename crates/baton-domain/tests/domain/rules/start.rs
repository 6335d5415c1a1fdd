//! Rules I29 to I31 and I38: the start of delegation, and of a single process.

use crate::common::{Given, NHSE, commencement, discharge, gate, item, signature, variation, words};
use serde_json::json;

#[test]
fn i29_start_needs_the_agreement_of_both() {
    let mut log = Given::pod().before("AgreementSigned", NHSE);
    log.refuse_by_rule(commencement("2023-04-01"), "AGREEMENT_NOT_IN_FORCE", "I29");
    log.take(signature(NHSE, "1"));
    log.take(gate("readiness", "ready"));
    log.today("2023-04-01").take(commencement("2023-04-01"));
}

#[test]
fn i29_effective_date_is_not_before_the_later_signature() {
    let mut log = Given::pod().before("DelegationCommenced", "");
    log.refuse_by_rule(commencement("2023-03-02"), "AGREEMENT_NOT_IN_FORCE", "I29");
    log.take(commencement("2023-03-03"));
}

#[test]
fn i29_agreement_is_the_version_both_signed_whatever_was_signed_before() {
    let mut log = Given::pod().before("AgreementSigned", "QUY");
    for act in [signature("QUY", "1"), signature("QUY", "2"), signature(NHSE, "2"), gate("readiness", "ready")] {
        log.take(act);
    }
    log.today("2023-04-01");
    log.refuse_by_rule(commencement("2023-04-01").with("agreement_version", json!("1")), "VERSION_MISMATCH", "I29");
    log.take(commencement("2023-04-01").with("agreement_version", json!("2")));
}

#[test]
fn i29_start_needs_the_approvals() {
    let log = Given::pod().until("AWAITING_NATIONAL_DECISION");
    log.refuse_by_rule(commencement("2023-04-01"), "NOT_APPROVED", "I29");
    log.refuse_by_rule(commencement("2023-04-01"), "GATE_NOT_DECIDED", "I29");
}

#[test]
fn i29_conditions_are_discharged_before_the_start() {
    let mut log = Given::pod().before("GateDecided", "go_no_go");
    log.take(gate("go_no_go", "go_with_conditions"));
    for act in [signature("QUY", "1"), signature(NHSE, "1"), gate("readiness", "ready")] {
        log.take(act);
    }
    log.today("2023-04-01");
    log.refuse_by_rule(commencement("2023-04-01"), "CONDITION_OPEN", "I29");
    log.take(discharge("go_no_go-c1").with("in_part", json!(true)));
    log.refuse_by_rule(commencement("2023-04-01"), "CONDITION_OPEN", "I29");
    log.take(discharge("go_no_go-c1"));
    log.take(commencement("2023-04-01"));
}

#[test]
fn i29_commissioning_group_discharges_the_conditions_before_it_signs() {
    let mut log = Given::ccg().before("GateDecided", "national_decision");
    log.take(gate("national_decision", "approved_with_conditions"));
    log.take(item("constitution_amended"));
    log.refuse_by_rule(signature("06F", "1"), "CONDITION_OPEN", "I29");
    log.take(discharge("national_decision-c1"));
    log.take(signature("06F", "1"));
}

#[test]
fn i30_receiver_is_established_on_the_effective_date() {
    let mut log = Given::pod();
    // Designate: everything may be decided before 1 July 2022, but nothing may begin.
    for mut step in crate::common::pod_path().into_iter().filter(|s| s.act.kind != "DelegationCommenced") {
        step.act = step.act.on("2021-12-01");
        log.today("2021-12-01").take(step.act);
    }
    log.today("2022-07-01");
    log.refuse_by_rule(commencement("2022-04-01"), "RECEIVER_NOT_ESTABLISHED", "I30");
    log.refuse_by_rule(commencement("2022-06-30"), "RECEIVER_NOT_ESTABLISHED", "I30");
    log.take(commencement("2022-07-01"));
}

#[test]
fn i31_another_day_than_1_april_is_a_warning_and_never_a_refusal() {
    let warned = |effective_on: &str, reason: bool| {
        let mut log = Given::pod().before("DelegationCommenced", "");
        let act = commencement(effective_on);
        log.today("2023-07-03").take(if reason { act.with("off_cycle_reason", words("boards opened in July")) } else { act });
        log.stands_at("LIVE");
        log.warnings
    };
    assert_eq!(warned("2023-07-01", false), ["OFF_CYCLE_REASON_REQUIRED"]);
    assert!(warned("2023-07-01", true).is_empty());
    assert!(warned("2023-04-01", false).is_empty());
}

#[test]
fn i38_process_passes_under_a_version_of_the_agreement_that_covers_it() {
    let mut log = Given::single().until("BUSINESS_CASE");
    log.refuse_by_rule(commencement("2018-07-01"), "AGREEMENT_NOT_VARIED", "I38");
    log.refuse_by_rule(variation(&["PC-RESIL"]), "AGREEMENT_NOT_VARIED", "I38");
    log.refuse_by_rule(variation(&[]), "AGREEMENT_NOT_VARIED", "I38");
    log.take(variation(&["PC-RESIL", "PC-RENT"]));
    log.today("2018-07-01").take(commencement("2018-07-01"));
    log.stands_at("TRANSFERRED");
}

#[test]
fn i38_variation_after_the_start_may_be_about_anything() {
    let mut log = Given::ccg().until("LIVE");
    log.take(variation(&["PC-RENT"]));
    log.take(variation(&[]));
}
