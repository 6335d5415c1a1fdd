//! Rules I18 to I21: the local go or no-go.

use crate::common::{Act, Given, act, diligence, fact, gate, interest, pack};
use serde_json::{Value, json};

fn go() -> Act {
    gate("go_no_go", "go")
}

#[test]
fn i18_decision_needs_a_pack_that_shows_the_latest_due_diligence() {
    let mut log = Given::pod().before("DecisionPackFrozen", "decision_pack");
    log.refuse_by_rule(go(), "NO_DECISION_PACK", "I18");
    log.refuse_by_rule(gate("go_no_go", "no_go"), "NO_DECISION_PACK", "I18");
    log.take(pack());
    log.take(diligence("quality"));
    log.refuse_by_rule(go(), "NO_DECISION_PACK", "I18");
    assert_eq!(log.lacks(&go()), Some(crate::common::set(&["NO_DECISION_PACK"])), "what is refused is not offered");
    log.take(pack());
    log.take(go());
}

#[test]
fn i18_pack_is_frozen_for_the_meeting_that_decides() {
    let mut log = Given::pod().before("DecisionPackFrozen", "decision_pack");
    log.take(pack().with("meeting", json!("board-sept")));
    log.refuse_by_rule(go().with("meeting", json!("board-october")), "NO_DECISION_PACK", "I18");
    log.take(go().with("meeting", json!("board-sept")));
}

#[test]
fn i19_go_needs_the_finance_sign_off_in_force() {
    let mut log = Given::pod().before("DueDiligenceStageCompleted", "finance");
    log.take(pack());
    log.refuse_by_rule(go(), "FINANCE_NOT_SIGNED_OFF", "I19");
    log.refuse_by_rule(gate("go_no_go", "go_with_conditions"), "FINANCE_NOT_SIGNED_OFF", "I19");
    let signed = log.take(diligence("finance"));
    log.take(pack());
    assert!(log.refused(&go()).is_empty());
    log.take_by_two(&[crate::common::void(signed)]);
    log.refuse(go(), &["FINANCE_NOT_SIGNED_OFF"]);
}

#[test]
fn i19_go_needs_an_allocation_announced() {
    let mut log = Given::pod().before("FactRecorded", "allocation");
    for step in [diligence("full"), diligence("finance"), pack()] {
        log.take(step);
    }
    log.refuse_by_rule(go(), "NO_ALLOCATION", "I19");
    log.take(fact("allocation").by("icb_finance_lead"));
    log.take(go());
}

#[test]
fn i20_deciding_body_is_the_one_the_route_names() {
    let mut log = Given::pod().before("GateDecided", "go_no_go");
    log.organisation("QSL", "icb", "2022-07-01");
    log.take(body("QSL", "board", "board", &[]));
    log.take(body("QUY", "shadow-committee", "board", &["recommend"]));
    log.take(body("QUY", "shadow-board", "board", &["decide"]));
    let wrong =
        [Value::Null, json!("QUY/committee"), json!("QUY/never-heard-of"), json!("QSL/board"), json!("QUY/shadow-committee")];
    for body in wrong {
        log.refuse_by_rule(go().with("body", body), "WRONG_BODY", "I20");
    }
    log.take(go().with("body", json!("QUY/shadow-board")));
}

#[test]
fn i20_governing_body_decides_for_a_commissioning_group() {
    let log = Given::ccg().until("LOCALLY_SUPPORTED");
    log.refuse_by_rule(gate("governing_body", "apply").with("body", json!("06F/board")), "WRONG_BODY", "I20");
    assert!(log.refused(&gate("governing_body", "apply").with("body", json!("06F/governing_body"))).is_empty());
}

fn body(organisation: &str, id: &str, kind: &str, powers: &[&str]) -> Act {
    let payload = json!({ "body": id, "name": id, "kind": kind, "powers": powers });
    act("BodyRegistered", payload).at(&format!("organisation/{organisation}"))
}

#[test]
fn i21_person_who_left_for_an_interest_is_not_counted_as_deciding() {
    for (done, counted) in [("left_room", false), ("excluded", false), ("stayed_no_vote", true), ("none", true)] {
        let mut log = Given::pod().before("GateDecided", "go_no_go");
        log.take(interest("m1", "dr-a", done));
        let decided = go().with("meeting", json!("m1")).with("deciders", json!(["dr-a", "dr-b"]));
        if counted {
            log.take(decided);
        } else {
            log.refuse_by_rule(decided, "CONFLICTED_DECIDER", "I21");
            log.take(go().with("meeting", json!("m1")).with("deciders", json!(["dr-b"])));
        }
    }
}

#[test]
fn i21_interest_in_another_gate_excludes_from_that_gate_only() {
    let mut log = Given::pod().before("GateDecided", "go_no_go");
    let decided = go().with("meeting", json!("m1")).with("deciders", json!(["dr-a"]));
    let here = format!("transition/{}", log.transition);
    log.take(interest("m1", "dr-a", "left_room").with("subject", json!("readiness")));
    log.take(interest("m1", "dr-a", "left_room").with("subject", json!("readiness")).at(&here));
    assert!(log.refused(&decided).is_empty());
    log.take(interest("m1", "dr-a", "left_room").with("subject", json!("go_no_go")).at(&here));
    log.refuse_by_rule(decided, "CONFLICTED_DECIDER", "I21");
}
