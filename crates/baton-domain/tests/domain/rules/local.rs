//! Rules I22 to I27: due diligence, ballots, applications, the constitution.

use crate::common::{Act, Given, NHSE, act, diligence, endorsement, eoi, finding, gate, item, signature, words};
use serde_json::{Value, json};

fn closed(id: &str) -> Act {
    act("FindingClosed", json!({ "finding": id, "reason": words("put right") })).by("icb_programme_lead")
}

fn raised(id: &str, severity: u8) -> Act {
    finding(id, "full", severity).by("icb_finance_lead")
}

#[test]
fn i22_open_critical_finding_allows_only_a_qualified_sign_off() {
    let mut log = Given::pod();
    log.take(raised("f4", 4));
    assert!(log.refused(&diligence("full")).is_empty());
    log.take(raised("f5", 5));
    log.refuse_by_rule(diligence("full"), "OPEN_CRITICAL_FINDING", "I22");
    let qualified = diligence("full").with("qualified", json!(true));
    log.refuse_by_rule(qualified.clone(), "REASON_REQUIRED", "I22");
    assert!(log.refused(&qualified.with("qualification", words("but for the leases"))).is_empty());
    assert!(log.refused(&diligence("finance")).is_empty(), "the finding is of another stage");
    log.take(closed("f5"));
    log.take(diligence("full"));
}

#[test]
fn i23_who_raised_a_finding_does_not_sign_its_stage_off() {
    let mut log = Given::pod();
    log.grant("both", "icb_programme_lead", "QUY");
    log.take(finding("f1", "full", 2).by("both"));
    log.refuse_by_rule(diligence("full").by("both"), "SELF_SIGN_OFF", "I23");
    log.refuse_by_rule(diligence("full").done_by("both").by("icb_programme_lead"), "SELF_SIGN_OFF", "I23");
    log.take(diligence("full").by("icb_programme_lead"));
}

#[test]
fn i24_more_votes_than_voters_are_refused() {
    let mut log = Given::ccg().before("GateDecided", "ballot");
    let result = |electorate: u32| {
        let votes = json!({ "in_favour": 31, "against": 20, "spoiled": 1, "electorate": electorate });
        gate("ballot", "support").with("votes", votes)
    };
    log.refuse_by_rule(result(51), "BAD_BALLOT_COUNT", "I24");
    log.take(result(52));
}

#[test]
fn i24_ballot_does_not_close_before_it_opens() {
    let mut log = Given::ccg().before("ItemCompleted", "ballot_closed");
    log.refuse(item("ballot_closed").on("2017-09-10"), &["ITEM_NOT_DONE"]);
    log.take(item("ballot_closed").on("2017-09"));
}

#[test]
fn i25_plan_waits_only_for_outcomes_that_exist() {
    use crate::common::plan_if;
    let mut log = Given::ccg();
    log.refuse_by_rule(plan_if("ItemCompleted:application_submitted", "2017-12", &["ballot=won"]), "UNKNOWN_OUTCOME", "I25");
    log.refuse_by_rule(plan_if("ItemCompleted:application_submitted", "2017-12", &["vote=support"]), "UNKNOWN_SUBJECT", "I25");
    log.refuse_by_rule(plan_if("ItemCompleted:never", "2017-12", &[]), "UNKNOWN_SUBJECT", "I25");
    log.take(plan_if("ItemCompleted:application_submitted", "2017-12", &["ballot=support"]));
}

#[test]
fn i26_application_needs_the_ballot_and_the_sign_off_of_the_governing_body() {
    let mut log = Given::ccg().before("GateDecided", "ballot");
    log.refuse_by_rule(item("application_submitted"), "BALLOT_NOT_IN_SUPPORT", "I26");
    log.refuse_by_rule(gate("governing_body", "apply"), "BALLOT_NOT_IN_SUPPORT", "I26");
    for step in [gate("ballot", "support"), gate("governing_body", "apply"), item("application_documents")] {
        log.take(step);
    }
    log.refuse_by_rule(item("application_submitted"), "NO_GOVERNING_BODY_SIGN_OFF", "I26");
    log.take(gate("application", "signed_off"));
    log.take(item("application_submitted"));
}

#[test]
fn i26_noting_an_expression_of_interest_is_not_endorsing_it() {
    let mut log = Given::cocom();
    log.take(eoi());
    for verb in ["noted", "discussed", "not supported"] {
        log.take(endorsement(verb));
        log.refuse_by_rule(item("application_submitted"), "NO_GOVERNING_BODY_SIGN_OFF", "I26");
    }
    log.take(endorsement("Endorsed"));
    log.take(item("application_submitted"));
}

#[test]
fn i27_constitution_is_amended_before_either_party_signs() {
    let mut log = Given::ccg().before("ItemCompleted", "constitution_amended");
    for party in ["06F", NHSE] {
        log.refuse_by_rule(signature(party, "1"), "CONSTITUTION_NOT_AMENDED", "I27");
    }
    log.take(item("constitution_amended"));
    log.take(signature("06F", "1"));
}

#[test]
fn outcome_that_asks_for_a_reason_or_for_conditions_is_refused_without() {
    let log = Given::pod().before("GateDecided", "national_decision");
    log.refuse(gate("national_decision", "deferred").with("reason", Value::Null), &["REASON_REQUIRED"]);
    log.refuse(gate("national_decision", "approved_with_conditions").with("conditions", json!([])), &["NO_CONDITIONS"]);
    log.refuse(
        gate("national_decision", "approved").with("conditions", json!([{ "obligation": "c" }])),
        &["CONDITIONS_NOT_EXPECTED"],
    );
    log.refuse(gate("national_decision", "maybe"), &["UNKNOWN_OUTCOME"]);
}
