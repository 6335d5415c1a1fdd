//! As of: true on a day, as known at a position or an instant, as documented by a day.

use crate::common::{Act, Given, commencement, correction, day, eoi, gate, item, rating, stage_of, void, when};
use baton_domain::transition::AsOf;
use baton_domain::values::Position;
use serde_json::json;

fn on(log: &Given, text: &str) -> Vec<String> {
    log.subject().possible_on(log.route(), day(text)).stages.iter().map(ToString::to_string).collect()
}

fn history(rows: &[Act]) -> Given {
    let mut log = Given::pod();
    log.today("2024-01-01");
    let rows: Vec<Act> = rows.iter().map(|row| row.clone().late()).collect();
    log.take_by_two(&rows);
    log
}

#[test]
fn certain_days_leave_one_stage() {
    let log = history(&[eoi().on("2021-09-16"), item("assessment_opened").on("2021-09-20")]);
    assert_eq!(on(&log, "2021-09-15"), ["REGISTERED"]);
    assert_eq!(on(&log, "2021-09-16"), ["INTEREST_EXPRESSED"]);
    assert_eq!(on(&log, "2021-09-19"), ["INTEREST_EXPRESSED"]);
    assert_eq!(on(&log, "2021-09-20"), ["UNDER_ASSESSMENT"]);
}

#[test]
fn fuzzy_days_leave_one_of_the_stages_passed_between_certain_and_possible() {
    let log =
        history(&[eoi().on("2021-09"), item("assessment_opened").on("2021-09"), commencement("2023-04-01").on("2023-04-01")]);
    assert_eq!(on(&log, "2021-08-31"), ["REGISTERED"]);
    assert_eq!(on(&log, "2021-09-10"), ["REGISTERED", "INTEREST_EXPRESSED", "UNDER_ASSESSMENT"]);
    assert_eq!(on(&log, "2021-09-30"), ["UNDER_ASSESSMENT"]);
    assert_eq!(on(&log, "2023-04-01"), ["LIVE"]);
}

#[test]
fn what_stands_before_something_certain_has_happened_even_on_an_unknown_day() {
    // Nobody says when it began; that it was rated red in March 2024 says that it had begun.
    let mut log = history(&[commencement("2023-04-01").on("?")]);
    log.today("2024-03-01").take(rating("regional", "whole_function", "red"));
    assert_eq!(on(&log, "2024-03-01"), ["LIVE_WITH_CONCERN"]);
    assert_eq!(on(&log, "2024-02-29"), ["REGISTERED", "LIVE"]);
}

#[test]
fn what_stands_behind_something_that_had_not_happened_has_not_happened_either() {
    let log = history(&[eoi().on("2021-09-16"), item("assessment_opened").on("?").after(baton_domain::values::Revision(2))]);
    assert_eq!(on(&log, "2021-09-15"), ["REGISTERED"]);
    assert_eq!(on(&log, "2021-09-16"), ["INTEREST_EXPRESSED", "UNDER_ASSESSMENT"]);
}

#[test]
fn day_before_everything_is_the_registration() {
    let log = history(&[eoi().on("2021-09-16")]);
    assert_eq!(on(&log, "1948-07-05"), ["REGISTERED"]);
}

#[test]
fn state_at_every_position_is_the_state_as_it_was_known_then() {
    let mut log = Given::pod().until("GO_DECIDED");
    let sent = log.subject().story.entries().nth(1).expect("eoi").revision();
    log.take_by_two(&[correction(sent, sent, json!({ "occurred": when("2021-09-15") }))]);
    let pack = log.subject().facts(log.route()).items[&"decision_pack".parse().unwrap()].by.revision;
    log.take_by_two(&[void(pack)]);
    let mut state = baton_domain::state::State::default();
    for event in &log.events {
        state.evolve(event);
        let Some(then) = state.transition(&log.subject().id) else { continue };
        let known = log.subject().as_known(&AsOf { position: Some(event.position), ..AsOf::default() });
        assert_eq!(stage_of(&known, &log.state), stage_of(&then, &state), "at {}", event.position);
        let order = |t: &baton_domain::transition::Transition| t.story.in_force().map(|e| e.revision()).collect::<Vec<_>>();
        assert_eq!(order(&known), order(&then));
    }
}

#[test]
fn state_at_an_instant_leaves_out_what_was_recorded_later() {
    let mut log = Given::pod();
    log.today("2021-09-16").take(eoi());
    log.today("2021-10-01").take(item("assessment_opened").on("2021-09-17"));
    let at = |instant: &str| {
        let then = log.subject().as_known(&AsOf { known_at: Some(instant.parse().expect("instant")), ..AsOf::default() });
        stage_of(&then, &log.state)
    };
    assert_eq!(at("2021-09-30T00:00:00Z"), "INTEREST_EXPRESSED");
    assert_eq!(at("2021-10-01T12:00:00Z"), "UNDER_ASSESSMENT");
    assert_eq!(at("2021-09-16T11:59:59Z"), "REGISTERED");
}

#[test]
fn nothing_cut_is_all_that_is_known() {
    let log = Given::pod().until("GO_DECIDED");
    assert!(AsOf::default().is_now());
    assert_eq!(stage_of(&log.subject().as_known(&AsOf::default()), &log.state), "GO_DECIDED");
    let before = AsOf { position: Some(Position(0)), ..AsOf::default() };
    assert!(log.subject().as_known(&before).story.is_empty());
}

#[test]
fn documented_by_a_day_keeps_what_papers_of_that_day_say() {
    let log = history(&[
        eoi().on("2021-09-16").paper_of("2021-09-28"),
        item("assessment_opened").on("2021-09-20").paper_of("2022-03-01"),
    ]);
    let by = |text: &str| {
        let then = log.subject().as_known(&AsOf { documented_by: Some(day(text)), ..AsOf::default() });
        stage_of(&then, &log.state)
    };
    assert_eq!([by("2021-09-27"), by("2021-09-28"), by("2022-03-01")], ["REGISTERED", "INTEREST_EXPRESSED", "UNDER_ASSESSMENT"]);
}

#[test]
fn documented_by_keeps_the_order_of_the_story_when_a_neighbour_is_not_documented_yet() {
    // Entered out of order: each row stands after one that only a later paper tells of.
    let mut log = Given::pod();
    log.today("2024-01-01");
    let decided = |outcome: &str, paper: &str| gate("national_decision", outcome).on("?").paper_of(paper).late();
    let last = log.take_by_two(&[decided("approved", "2021-12-01").first()]);
    let hidden = log.take_by_two(&[item("public_involvement").on("?").paper_of("2023-01-01").late().first()]);
    let earlier = log.take_by_two(&[decided("deferred", "2021-10-20").after(hidden)]);
    let then = log.subject().as_known(&AsOf { documented_by: Some(day("2021-12-31")), ..AsOf::default() });
    let order: Vec<_> = then.story.entries().skip(1).map(|e| e.revision()).collect();
    assert_eq!(order, [earlier, last]);
    assert_eq!(stage_of(&then, &log.state), "APPROVED");
    assert!(then.story.anomalies().next().is_none());
}

#[test]
fn corrected_date_changes_what_was_true_and_not_what_was_known() {
    let mut log = Given::pod();
    log.today("2021-09-16");
    let sent = log.take(eoi());
    let known = log.events.last().expect("event").position;
    log.today("2021-10-01").take_by_two(&[correction(sent, sent, json!({ "occurred": when("2021-09-10") }))]);
    assert_eq!(on(&log, "2021-09-12"), ["INTEREST_EXPRESSED"]);
    let then = log.subject().as_known(&AsOf { position: Some(known), ..AsOf::default() });
    let stages = then.possible_on(log.route(), day("2021-09-12")).stages;
    assert_eq!(stages.iter().map(|s| s.as_str()).collect::<Vec<_>>(), ["REGISTERED"]);
}
