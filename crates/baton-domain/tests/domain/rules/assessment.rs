//! Rules I08 to I17: answers, their checks, the assessment and the national decision on it.

use crate::common::{Act, Given, QUESTIONS, answer, assessment, check, compliant, correction, gate, plan, prospect, words};
use baton_domain::event::ChecklistAnswered;
use serde_json::{Value, json};

/// A log awaiting the national decision in which one question is answered otherwise than asked for.
fn awaiting_with(question: &str, yes_or_no: &str) -> Given {
    let mut log = Given::pod().before("GateDecided", "executive_sign_off");
    log.take(answer(question, yes_or_no));
    log.take(gate("executive_sign_off", "signed_off"));
    log.today("2021-09-28").take(assessment());
    for q in QUESTIONS {
        let (version, found) = if q == question { (2, yes_or_no) } else { (1, compliant(q)) };
        log.take(check(q, version, found));
    }
    log
}

fn approved() -> Act {
    gate("national_decision", "approved")
}

#[test]
fn i08_question_outside_the_checklist_is_refused() {
    let log = Given::pod();
    log.refuse_by_rule(answer("5A", "yes"), "UNKNOWN_QUESTION", "I08");
    log.refuse(answer("1A", "yes").with("checklist", json!("other")).by("icb_programme_lead"), &["UNKNOWN_QUESTION"]);
}

#[test]
fn i08_answer_is_yes_or_no_and_nothing_else() {
    let text = json!({ "checklist": "pdaf", "question": "1A", "answer": "partly" });
    assert!(serde_json::from_value::<ChecklistAnswered>(text).is_err());
}

#[test]
fn i09_compliance_is_derived_and_3a_is_compliant_on_no() {
    assert!(awaiting_with("3A", "no").refused(&approved()).is_empty());
    assert_eq!(awaiting_with("3A", "yes").refused(&approved()), crate::common::set(&["UNRESOLVED_NONCOMPLIANCE"]));
    assert_eq!(awaiting_with("3B", "no").refused(&approved()), crate::common::set(&["UNRESOLVED_NONCOMPLIANCE"]));
}

#[test]
fn i10_only_the_regional_director_of_commissioning_corroborates() {
    let mut log = Given::pod();
    log.take(answer("1A", "yes"));
    for other in ["regional_director", "icb_programme_lead", "national_lead"] {
        log.refuse_by_rule(check("1A", 1, "yes").by(other), "NOT_REGIONAL_DIRECTOR", "I10");
    }
    log.take(check("1A", 1, "yes").by("regional_director_of_commissioning"));
}

#[test]
fn i11_check_names_the_latest_version_of_an_answer_that_exists() {
    let mut log = Given::pod();
    log.refuse_by_rule(check("1A", 1, "yes"), "NOTHING_TO_CORROBORATE", "I11");
    log.take(answer("1A", "no"));
    log.take(answer("1A", "yes"));
    log.refuse_by_rule(check("1A", 1, "yes"), "STALE_ANSWER", "I11");
    log.refuse_by_rule(check("1A", 3, "yes"), "STALE_ANSWER", "I11");
    log.take(check("1A", 2, "yes"));
}

#[test]
fn i12_changing_a_corroborated_answer_needs_a_reason_and_leaves_its_check_behind() {
    let mut log = awaiting_with("3A", "no");
    log.refuse_by_rule(answer("1A", "yes"), "REASON_REQUIRED", "I12");
    log.take(answer("1A", "yes").with("reason", words("new governance")));
    log.refuse(approved(), &["NOT_CORROBORATED"]);
    log.take(check("1A", 2, "yes"));
    log.take(approved());
}

#[test]
fn i12_correction_of_a_corroborated_answer_leaves_its_check_behind_as_well() {
    let mut log = Given::pod().before("ChecklistAnswered", "1B");
    let given = log.newest();
    let log = &mut log;
    for q in &QUESTIONS[1..] {
        log.take(answer(q, compliant(q)));
    }
    for step in [gate("executive_sign_off", "signed_off"), assessment()] {
        log.take(step);
    }
    for q in QUESTIONS {
        log.take(check(q, 1, compliant(q)));
    }
    assert!(log.refused(&approved()).is_empty());
    log.take_by_two(&[correction(given, given, json!({ "event": answer("1A", "no").event() }))]);
    log.refuse(approved(), &["NOT_CORROBORATED", "UNRESOLVED_NONCOMPLIANCE"]);
}

#[test]
fn i13_assessment_has_ten_answers_and_the_executive_sign_off() {
    let mut log = Given::pod().before("ChecklistAnswered", "4B");
    log.refuse(assessment(), &["INCOMPLETE_ASSESSMENT", "NOT_SIGNED_OFF"]);
    log.take(answer("4B", "yes"));
    log.refuse_by_rule(assessment(), "NOT_SIGNED_OFF", "I13");
    log.take(gate("executive_sign_off", "not_signed_off"));
    log.refuse_by_rule(assessment(), "NOT_SIGNED_OFF", "I13");
    log.take(gate("executive_sign_off", "signed_off"));
    log.take(assessment());
}

#[test]
fn i13_sign_off_is_of_the_answers_that_are_handed_in() {
    let mut log = Given::pod().before("AssessmentSubmitted", "pdaf");
    log.take(answer("2B", "no"));
    log.refuse_by_rule(assessment(), "NOT_SIGNED_OFF", "I13");
    assert_eq!(log.lacks(&assessment()), Some(crate::common::set(&["NOT_SIGNED_OFF"])));
    log.take(gate("executive_sign_off", "signed_off"));
    log.take(assessment());
}

#[test]
fn i14_late_assessment_is_taken_with_a_warning_and_moves_no_deadline() {
    let mut log = Given::pod().before("AssessmentSubmitted", "pdaf");
    log.today("2021-10-04").take(assessment());
    assert_eq!(log.warnings, ["LATE_SUBMISSION"]);
    let wave = log.state.world.wave(&"POD-2021".parse().unwrap()).expect("wave").clone();
    assert_eq!(wave.dates.get("assessment_due").expect("due").to_string(), "2021-09-30");
}

#[test]
fn i14_assessment_on_the_last_day_is_not_late() {
    let mut log = Given::pod().before("AssessmentSubmitted", "pdaf");
    log.today("2021-09-30").take(assessment());
    assert!(log.warnings.is_empty());
}

#[test]
fn i15_every_answer_is_checked_before_the_national_decision() {
    let mut log = Given::pod().before("ChecklistCorroborated", "4B");
    for outcome in ["approved", "approved_with_conditions", "not_approved", "deferred"] {
        log.refuse_by_rule(gate("national_decision", outcome), "NOT_CORROBORATED", "I15");
    }
    log.take(check("4B", 1, "yes"));
    log.take(approved());
}

#[test]
fn i16_non_compliance_without_a_prospect_leaves_every_outcome_but_a_plain_approval() {
    for outcome in ["approved_with_conditions", "deferred", "not_approved"] {
        awaiting_with("3A", "yes").take(gate("national_decision", outcome));
    }
    let mut log = awaiting_with("3A", "yes");
    log.refuse_by_rule(approved(), "UNRESOLVED_NONCOMPLIANCE", "I16");
    log.take(prospect("o1", "3A", "2022-03-31"));
    log.take(approved());
    log.stands_at("APPROVED");
}

#[test]
fn i17_prospect_is_agreed_by_both_sides() {
    let mut log = awaiting_with("3A", "yes");
    log.refuse_by_rule(prospect("o1", "3A", "2022-03-31").with("sender_agreed", json!(false)), "ONE_SIDED_AGREEMENT", "I17");
    log.refuse_by_rule(prospect("o1", "3A", "2022-03-31").with("receiver_agreed", json!(false)), "ONE_SIDED_AGREEMENT", "I17");
    log.take(prospect("o1", "3A", "2022-03-31"));
}

#[test]
fn i17_prospect_resolves_before_the_planned_start_or_else_before_the_day_of_the_wave() {
    let mut log = awaiting_with("3A", "yes");
    log.refuse_by_rule(prospect("o1", "3A", "2023-04-01"), "RESOLVES_TOO_LATE", "I17");
    log.refuse_by_rule(prospect("o1", "3A", "2022-03-31").with("due", Value::Null), "RESOLVES_TOO_LATE", "I17");
    assert!(log.refused(&prospect("o1", "3A", "2023-03-31")).is_empty());
    log.take(plan("DelegationCommenced:delegation_commenced", "2022-04-01").by("icb_programme_lead"));
    log.refuse_by_rule(prospect("o1", "3A", "2023-03-31"), "RESOLVES_TOO_LATE", "I17");
    log.take(prospect("o1", "3A", "2022-03-31"));
}
