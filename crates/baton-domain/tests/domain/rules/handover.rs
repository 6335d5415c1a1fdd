//! Rules I33 to I35: what is handed over, by whom and to whom.

use crate::common::{Act, Given, act, gate, handed, listed, pairing, words};
use serde_json::{Value, json};

fn sent(version: &str) -> Act {
    handed("HandoverItemSent", "h1", version)
}

fn accepted(version: &str) -> Act {
    handed("HandoverItemAccepted", "h1", version)
}

fn with_item() -> Given {
    let mut log = Given::pod();
    log.take(listed("h1").by("icb_programme_lead"));
    log
}

#[test]
fn i33_receiver_accepts_the_version_that_was_sent() {
    let mut log = with_item();
    log.refuse_by_rule(accepted("1"), "NOT_SENT", "I33");
    log.take(sent("1"));
    log.take(sent("2"));
    log.refuse_by_rule(accepted("1"), "VERSION_MISMATCH", "I33");
    log.refuse_by_rule(accepted("2").by("regional_lead"), "NOT_RECEIVER", "I33");
    log.take(accepted("2"));
    log.refuse_by_rule(accepted("2"), "NOT_SENT", "I33");
}

#[test]
fn i33_only_the_sender_sends_and_a_return_has_a_reason() {
    let mut log = with_item();
    log.refuse_by_rule(sent("1").by("icb_programme_lead"), "NOT_SENDER", "I33");
    log.take(sent("1"));
    let returned = handed("HandoverItemReturned", "h1", "1");
    log.refuse_by_rule(returned.clone(), "REASON_REQUIRED", "I33");
    log.take(returned.with("reason", words("two annexes are missing")));
    log.take(sent("2"));
    log.take(accepted("2"));
}

#[test]
fn i34_each_person_of_a_pair_belongs_to_their_side() {
    let mut log = Given::pod();
    log.refuse_by_rule(pairing("icb_finance_lead", "icb_finance_lead"), "WRONG_SIDE", "I34");
    log.refuse_by_rule(pairing("regional_finance_lead", "regional_lead"), "WRONG_SIDE", "I34");
    log.refuse_by_rule(pairing("nobody-known", "icb_finance_lead"), "WRONG_SIDE", "I34");
    log.refuse_by_rule(pairing("regional_finance_lead", "x").with("receiver_person", Value::Null), "WRONG_SIDE", "I34");
    log.take(pairing("regional_finance_lead", "icb_finance_lead"));
}

#[test]
fn i34_receivers_person_may_work_for_its_host() {
    let mut log = Given::pod();
    log.organisation("QOX", "icb", "2022-07-01");
    log.grant("hosted", "icb_finance_lead", "QOX");
    log.refuse_by_rule(pairing("regional_finance_lead", "hosted"), "WRONG_SIDE", "I34");
    let host = json!({ "body": "hub", "name": "Commissioning hub", "kind": "host", "hosts_for": ["QUY"] });
    log.take(act("BodyRegistered", host).at("organisation/QOX"));
    log.take(pairing("regional_finance_lead", "hosted"));
}

#[test]
fn i34_handover_item_names_a_pair_on_record() {
    let mut log = Given::pod();
    let paired = listed("h1").with("pair", json!("p1")).by("icb_programme_lead");
    log.refuse_by_rule(paired.clone(), "UNKNOWN_PAIR", "I34");
    log.take(pairing("regional_finance_lead", "icb_finance_lead"));
    log.take(paired);
}

#[test]
fn i35_ready_means_every_handover_accepted_or_carried_with_open_points() {
    let mut log = Given::pod().before("GateDecided", "readiness");
    log.take(listed("h2").by("icb_programme_lead"));
    log.refuse_by_rule(gate("readiness", "ready"), "OPEN_PAIR", "I35");
    log.take(handed("HandoverItemSent", "h2", "1"));
    log.refuse_by_rule(gate("readiness", "ready"), "OPEN_PAIR", "I35");
    log.take(gate("readiness", "not_ready"));
    log.take(handed("HandoverItemAccepted", "h2", "1").with("open_points", words("one lease to follow")));
    log.take(gate("readiness", "ready"));
}
