//! Whole ways: every step tried too early, then offered, then taken; from registration to life.

use crate::common::{Given, Step, ccg_path, cocom_path, pod_path, single_path};

/// At each point of a way, what the log offers and what it takes are the same, for every step still to come.
fn walk(mut log: Given, way: Vec<Step>) -> Given {
    for step in &way {
        log.refuse(step.act.clone(), step.early);
    }
    for (at, step) in way.iter().enumerate() {
        log.today(step.day);
        for later in &way[at..] {
            if let Some(lacking) = log.lacks(&later.act) {
                assert_eq!(lacking, log.refused(&later.act), "at {}: {} {}", log.stage(), later.act.kind, later.act.payload);
            }
        }
        assert!(log.lacks(&step.act).is_none_or(|lacking| lacking.is_empty()), "{} is not offered", step.act.payload);
        log.take(step.act.clone());
        assert_eq!(log.stage(), step.stage, "after {} {}", step.act.kind, step.act.payload);
    }
    assert!(log.audit().findings.is_empty(), "{:#?}", log.audit());
    assert!(log.subject().story.anomalies().next().is_none());
    log
}

#[test]
fn pod_path_leads_from_registration_to_life_with_every_gate_met() {
    let log = walk(Given::pod(), pod_path());
    let facts = log.subject().facts(log.route());
    let at = facts.standpoint(log.route()).expect("registered");
    assert!(facts.not_on_record(log.route(), at.index).is_empty());
    assert_eq!(facts.live_day().map(|d| d.to_string()).as_deref(), Some("2023-04-01"));
}

#[test]
fn ccg_path_leads_from_the_ballot_to_life() {
    walk(Given::ccg(), ccg_path());
}

#[test]
fn co_commissioning_path_leads_from_interest_to_life() {
    walk(Given::cocom(), cocom_path());
}

#[test]
fn single_process_path_leads_from_the_proposal_to_the_transfer() {
    let log = walk(Given::single(), single_path());
    assert_eq!(log.warnings, ["OFF_CYCLE_REASON_REQUIRED"]);
}
