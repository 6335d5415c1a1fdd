//! Rules I04 to I07: the expression of interest.

use crate::common::{Given, NHSE, discharge, endorsement, eoi, reopening, signature, withdrawal};
use serde_json::{Value, json};

#[test]
fn i04_second_expression_of_interest_is_refused_until_the_first_is_withdrawn_and_taken_up_again() {
    let mut log = Given::pod();
    log.take(eoi());
    log.refuse_by_rule(eoi(), "EOI_ALREADY_OPEN", "I04");
    log.take(withdrawal());
    log.take(reopening("REGISTERED", "national_lead"));
    log.take(eoi());
}

#[test]
fn i05_service_outside_the_wave_is_refused() {
    let mut log = Given::pod();
    log.refuse_by_rule(eoi().with("services", json!(["DENT", "PMED"])), "SERVICE_NOT_IN_WAVE", "I05");
    log.refuse(crate::common::registration().at("transition/QUY.PMED.POD-2021"), &["SERVICE_NOT_IN_WAVE"]);
    log.take(eoi().with("services", json!(["DENT"])));
}

#[test]
fn i06_withdrawal_needs_a_right_asserted_or_accepted() {
    for (right, may) in [("none", false), ("unknown", false), ("asserted", true), ("accepted", true)] {
        let mut log = Given::pod();
        log.take(eoi().with("right_to_withdraw", json!(right)));
        if may {
            log.take(withdrawal());
            log.stands_at("WITHDRAWN");
        } else {
            log.refuse_by_rule(withdrawal(), "NO_RIGHT_TO_WITHDRAW", "I06");
            log.stands_at("INTEREST_EXPRESSED");
        }
    }
}

#[test]
fn i06_withdrawal_is_too_late_once_the_agreement_is_in_force() {
    let mut log = Given::pod().until("GO_DECIDED");
    log.take(signature("QUY", "1"));
    assert!(log.refused(&withdrawal()).is_empty(), "one signature binds nobody yet");
    log.take(signature(NHSE, "1"));
    log.refuse(withdrawal(), &["NO_RIGHT_TO_WITHDRAW", "TOO_LATE"]);
}

#[test]
fn i06_withdrawal_needs_a_reason_in_words() {
    let mut log = Given::pod();
    log.take(eoi());
    log.refuse(withdrawal().with("reason", Value::Null), &["REASON_REQUIRED"]);
}

#[test]
fn i07_endorsement_after_the_submission_says_so() {
    let mut log = Given::cocom();
    log.today("2014-06-19").take(eoi());
    log.today("2014-07-22");
    log.refuse_by_rule(endorsement("endorsed"), "RETROSPECTIVE_NOT_MARKED", "I07");
    log.take(endorsement("endorsed").with("retrospective", json!(true)));
}

#[test]
fn i07_endorsement_of_the_same_day_or_of_an_unknown_one_need_not_say_so() {
    let mut log = Given::cocom();
    log.today("2014-06-19").take(eoi());
    log.take(endorsement("endorsed"));
    log.take(endorsement("endorsed").on("2014-06"));
}

#[test]
fn withdrawn_transition_takes_no_business_until_it_is_reopened() {
    let mut log = Given::pod();
    log.take(eoi());
    log.take(withdrawal());
    log.refuse(crate::common::item("assessment_opened"), &["STAGE_CLOSED"]);
    log.refuse(discharge("nothing"), &["UNKNOWN_OBLIGATION"]);
    let offered: Vec<_> = log.actions().into_iter().filter(|a| a.allowed()).map(|a| a.subject).collect();
    assert_eq!(offered, ["statutory_transfer", "succession", "REGISTERED", "INTEREST_EXPRESSED"], "law and the ways back");
}
