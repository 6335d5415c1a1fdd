//! Rules I39 to I41: notice, succession, and organisations that have closed.

use crate::common::{Given, correction, eoi, fact, notice, succession};
use serde_json::json;

#[test]
fn i39_commissioning_group_gives_notice_by_30_september_for_the_1_april_after() {
    let mut log = Given::ccg().until("LIVE");
    log.today("2018-10-01");
    log.refuse_by_rule(notice("2019-04-01"), "NOTICE_TOO_LATE", "I39");
    log.refuse_by_rule(notice("2020-03-31"), "NOTICE_TOO_LATE", "I39");
    log.take(notice("2019-04-01").on("2018-09-30"));
    log.stands_at("ENDING");
}

#[test]
fn i39_board_is_not_bound_by_the_day_of_the_commissioning_groups() {
    let mut log = Given::pod().until("LIVE");
    log.today("2023-12-01").take(notice("2024-04-01"));
}

#[test]
fn i40_successor_is_open_on_the_day_and_succeeds_by_the_register() {
    let mut log = Given::pod().until("LIVE");
    log.organisation("QZZ", "icb", "2026-04-01");
    log.refuse_by_rule(succession("QZZ", "whole", "2026-04-01"), "SPLIT_NOT_COVERED", "I40");
    log.succeeded("QUY", "QZZ", "whole", "2026-04-01");
    log.refuse_by_rule(succession("QZZ", "whole", "2026-03-31"), "SUCCESSOR_NOT_OPEN", "I40");
    log.refuse_by_rule(succession("QZZ", "part", "2026-04-01"), "SPLIT_NOT_COVERED", "I40");
    log.take(succession("QZZ", "whole", "2026-04-01"));
    log.stands_at("SUPERSEDED");
}

#[test]
fn i40_each_successor_of_a_split_is_recorded_once_and_in_part() {
    let mut log = Given::pod().until("LIVE");
    for new in ["QAA", "QBB"] {
        log.organisation(new, "icb", "2026-04-01");
        log.succeeded("QUY", new, "part", "2026-04-01");
    }
    log.refuse_by_rule(succession("QAA", "whole", "2026-04-01"), "SPLIT_NOT_COVERED", "I40");
    log.take(succession("QAA", "part", "2026-04-01"));
    log.refuse_by_rule(succession("QAA", "part", "2026-04-01"), "ALREADY_DONE", "I40");
    log.take(succession("QBB", "part", "2026-04-01"));
    log.stands_at("LIVE");
}

#[test]
fn i41_nothing_new_happens_to_a_closed_organisation_but_facts_and_corrections() {
    let mut log = Given::pod();
    log.organisation("QZZ", "icb", "2026-04-01");
    log.succeeded("QUY", "QZZ", "whole", "2026-04-01");
    log.today("2026-04-01");
    log.refuse_by_rule(eoi(), "ORGANISATION_CLOSED", "I41");
    let sent = log.take(eoi().on("2026-03-31"));
    log.take(fact("publication").by("icb_programme_lead"));
    log.take_by_two(&[correction(sent, sent, json!({ "occurred": crate::common::when("2026-03-30") }))]);
}
