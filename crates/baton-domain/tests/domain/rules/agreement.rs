//! Rules I28 and I32: who signs what, and who holds a function.

use crate::common::{Given, NHSE, allocation, correction, signature};
use serde_json::{Value, json};

#[test]
fn i28_parties_are_the_sender_and_the_receiver_and_nobody_else() {
    let mut log = Given::pod().before("AgreementSigned", "QUY");
    log.organisation("QSL", "icb", "2022-07-01");
    log.refuse_by_rule(signature("QSL", "1"), "WRONG_PARTY", "I28");
    log.take(signature("QUY", "1"));
}

#[test]
fn i28_both_sign_the_same_version() {
    let mut log = Given::pod().before("AgreementSigned", "QUY");
    log.take(signature("QUY", "1"));
    log.refuse_by_rule(signature(NHSE, "2"), "VERSION_MISMATCH", "I28");
    log.take(signature("QUY", "2"));
    log.refuse_by_rule(signature(NHSE, "1"), "VERSION_MISMATCH", "I28");
    log.refuse_by_rule(signature("QUY", "2"), "ALREADY_DONE", "I28");
    log.stands_at("GO_DECIDED");
    log.take(signature(NHSE, "2"));
    log.stands_at("AGREED");
}

#[test]
fn i28_version_of_the_other_party_binds_even_when_ones_own_signature_came_between() {
    let mut log = Given::pod().before("AgreementSigned", "QUY");
    log.take(signature(NHSE, "1"));
    log.take(signature("QUY", "1"));
    log.refuse_by_rule(signature("QUY", "3"), "VERSION_MISMATCH", "I28");
}

#[test]
fn i28_signatory_holds_the_role_of_the_party_for_which_they_sign() {
    let mut log = Given::pod().before("AgreementSigned", "QUY");
    log.refuse_by_rule(signature("QUY", "1").by("regional_director"), "ROLE_NOT_HELD", "I28");
    log.refuse_by_rule(signature(NHSE, "1").by("icb_chief_executive"), "ROLE_NOT_HELD", "I28");
    log.refuse_by_rule(signature("QUY", "1").with("signatory", json!("icb_programme_lead")), "ROLE_NOT_HELD", "I28");
    log.take(signature("QUY", "1").with("signatory", json!("icb_chief_executive")));
    log.take(signature(NHSE, "1").by("regional_director"));
}

#[test]
fn i32_function_has_one_responsible_holder_from_a_day() {
    let mut log = Given::pod();
    log.take(allocation("DENT-CONTRACT", "receiver", "2023-04-01"));
    log.refuse_by_rule(allocation("DENT-CONTRACT", "sender", "2023-04-01"), "TWO_HOLDERS", "I32");
    log.take(allocation("DENT-CONTRACT", "sender", "2024-04-01"));
    log.take(allocation("DENT-PERFORM", "joint", "2023-04-01"));
}

#[test]
fn i32_accountable_and_performing_may_be_others_and_influence_holds_nothing() {
    let mut log = Given::pod();
    let shared = allocation("DENT-CONTRACT", "receiver", "2023-04-01");
    log.take(
        shared.with("accountable", json!("national")).with("performed_by", json!("host")).with("influence", json!(["sender"])),
    );
    log.take(allocation("DENT-CONTRACT", "receiver", "2023-04-01").with("influence", json!(["regional"])));
}

#[test]
fn i32_reserved_function_is_not_given_to_the_receiver() {
    let mut log = Given::pod();
    log.refuse_by_rule(
        allocation("DENT-LIST", "receiver", "2023-04-01").with("reserved", json!(true)),
        "RESERVED_FUNCTION",
        "I32",
    );
    log.take(allocation("DENT-LIST", "national", "2023-04-01").with("reserved", json!(true)));
    log.refuse_by_rule(allocation("DENT-LIST", "receiver", "2024-04-01"), "RESERVED_FUNCTION", "I32");
}

#[test]
fn i32_holds_of_the_result_when_history_is_put_in_before_or_corrected() {
    let mut log = Given::pod();
    log.take(allocation("DENT-CONTRACT", "receiver", "2023-04-01").on("2021-07-22"));
    let earlier = allocation("DENT-CONTRACT", "sender", "2023-04-01").on("2021-07-01").late();
    assert_eq!(log.try_by_two(&[earlier]), Err(crate::common::set(&["TWO_HOLDERS"])));

    let later = log.take(allocation("DENT-CONTRACT", "sender", "2024-04-01"));
    let mut same_day: Value = serde_json::to_value(&log.events.last().expect("event").statement.event).expect("event");
    same_day["payload"]["effective_on"] = crate::common::when("2023-04-01");
    let refused = log.try_by_two(&[correction(later, later, json!({ "event": same_day }))]);
    assert_eq!(refused, Err(crate::common::set(&["TWO_HOLDERS"])));
}

#[test]
fn i32_function_is_allocated_by_a_role_the_route_names() {
    Given::pod().refuse(allocation("DENT-CONTRACT", "receiver", "2023-04-01").by("icb_board_member"), &["ROLE_NOT_HELD"]);
}
