//! Two persons: what one proposes has no effect until another, who saw what it does, approves it.

use crate::common::{Act, Given, act, correction, eoi, gate, item, registration, set, void, when, withdrawal, words};
use baton_domain::decide::decide;
use baton_domain::event::{GapKind, Placed};
use serde_json::{Value, json};

fn declined(id: &str) -> Act {
    act("Declined", json!({ "reason": words("the minute says otherwise") })).at(&format!("proposal/{id}")).by("checker")
}

#[test]
fn proposal_has_no_effect_until_it_is_approved() {
    let mut log = Given::pod();
    let seen = log.propose("p", &[eoi().late()]);
    log.stands_at("REGISTERED");
    let approval = log.approval("p", &seen);
    log.take(approval);
    log.stands_at("INTEREST_EXPRESSED");
    let entered = log.events.last().expect("event");
    assert_eq!(entered.approval.as_ref().map(|id| id.as_str()), Some("p"));
    assert_eq!(entered.recorded_by.as_str(), "checker");
}

#[test]
fn nobody_approves_their_own_proposal() {
    let mut log = Given::pod();
    let seen = log.propose("p", &[eoi().late()]);
    log.refuse_by_rule(log.approval("p", &seen).by("officer"), "SELF_APPROVAL", "I46");
    log.take(declined("p").by("officer"));
}

#[test]
fn only_records_officers_and_administrators_propose_and_approve() {
    let mut log = Given::pod();
    log.refuse(log.proposal("p", &[eoi().late()]).by("icb_programme_lead"), &["NOT_PERMITTED"]);
    let seen = log.propose("p", &[eoi().late()]);
    log.refuse(log.approval("p", &seen).by("icb_programme_lead"), &["NOT_PERMITTED"]);
    log.take(log.approval("p", &seen).by("admin"));
}

#[test]
fn officer_whose_role_has_ended_does_not_approve() {
    let mut log = Given::pod();
    let seen = log.propose("p", &[eoi().late()]);
    log.take(act("RoleEnded", json!({ "person": "checker", "role": "records_officer", "on": "2021-07-22" })).at("log"));
    assert!(log.refused(&log.approval("p", &seen)).is_empty(), "the last day counts");
    log.today("2021-07-23");
    log.refuse(log.approval("p", &seen), &["NOT_PERMITTED"]);
}

#[test]
fn approval_of_what_another_event_has_changed_is_stale() {
    let mut log = Given::pod();
    log.today("2021-09-20");
    let seen = log.propose("p", &[eoi().on("2021-09-16").late()]);
    // The same act is recorded live meanwhile: the late entry would now leave another gap.
    log.take(eoi().on("2021-09-16"));
    let refused = log.refused(&log.approval("p", &seen));
    assert!(refused == set(&["ORDER_NEEDED"]) || refused == set(&["STALE_PROPOSAL"]), "{refused:?}");

    let sent = log.newest();
    let seen = log.propose("q", &[void(sent)]);
    log.take(item("assessment_opened"));
    log.refuse(log.approval("q", &seen), &["STALE_PROPOSAL"]);
    let again = log.assess("q").expect("still possible");
    assert_ne!(again.digest, seen.digest);
    assert_eq!(again.consequences[0].undermined.len(), 1, "opening the assessment rests on the expression of interest");
    log.take(log.approval("q", &again));
}

#[test]
fn approval_of_what_nothing_has_changed_stays_good() {
    let mut log = Given::pod();
    let sent = log.take(eoi());
    let seen = log.propose("p", &[void(sent)]);
    log.take(registration().at("transition/QUY.PHARM.POD-2021"));
    log.take(log.approval("p", &seen));
    log.stands_at("REGISTERED");
}

#[test]
fn declined_or_approved_proposal_has_ended() {
    let mut log = Given::pod();
    let seen = log.propose("p", &[eoi().late()]);
    log.refuse(declined("p").with("reason", Value::Null), &["REASON_REQUIRED"]);
    log.take(declined("p"));
    log.refuse(log.approval("p", &seen), &["PROPOSAL_ENDED"]);
    assert_eq!(log.assess("p").expect_err("ended"), set(&["UNKNOWN_PROPOSAL"]));
    log.refuse(log.proposal("p", &[eoi().late()]), &["ALREADY_PROPOSED"]);

    let seen = log.propose("q", &[eoi().late()]);
    log.take(log.approval("q", &seen));
    log.refuse(log.approval("q", &seen), &["PROPOSAL_ENDED"]);
    log.refuse(declined("q"), &["PROPOSAL_ENDED"]);
    log.refuse(log.approval("never", &seen), &["UNKNOWN_PROPOSAL"]);
}

#[test]
fn proposal_holds_something_and_no_other_proposal() {
    let log = Given::pod();
    log.refuse(log.proposal("p", &[]), &["NOTHING_PROPOSED"]);
    let inner = log.proposal("inner", &[eoi().late()]);
    log.refuse(log.proposal("p", &[inner]), &["NESTED_PROPOSAL"]);
}

#[test]
fn what_can_not_be_taken_at_all_is_refused_when_proposed() {
    let log = Given::pod();
    log.refuse(log.proposal("p", &[gate("no_such_gate", "go").with("body", Value::Null).late()]), &["UNKNOWN_SUBJECT"]);
    log.refuse(log.proposal("p", &[eoi().on("2021-12-01").late()]), &["FUTURE_FACT"]);
}

#[test]
fn late_entry_and_truth_without_a_proposal_are_refused() {
    let mut log = Given::pod();
    let sent = log.take(eoi());
    log.refuse(withdrawal().late(), &["SECOND_PERSON_NEEDED"]);
    log.refuse(void(sent), &["SECOND_PERSON_NEEDED"]);
    log.refuse(correction(sent, sent, json!({ "standing": "reported" })), &["SECOND_PERSON_NEEDED"]);
    log.refuse(act("RouteMigrated", json!({ "to_version": "2" })), &["SECOND_PERSON_NEEDED"]);
}

#[test]
fn warning_from_inside_a_proposal_belongs_to_its_approval() {
    let mut log = Given::pod();
    log.today("2023-08-01");
    let rows = [eoi().on("2021-09-16").late(), crate::common::commencement("2023-07-01").on("2023-07-01").late()];
    let seen = log.propose("p", &rows);
    let decided = log.decide(&log.approval("p", &seen)).expect("taken");
    let warned: Vec<_> = decided.warnings.iter().map(|w| (w.command, w.code.as_str())).collect();
    assert_eq!(warned, [(0, "OFF_CYCLE_REASON_REQUIRED")]);
}

#[test]
fn live_act_does_not_choose_its_place() {
    let mut log = Given::pod();
    let sent = log.take(eoi());
    log.take(withdrawal());
    for act in [item("assessment_opened").after(sent), item("assessment_opened").first()] {
        log.refuse(act, &["SECOND_PERSON_NEEDED"]);
    }
}

#[test]
fn nobody_with_a_part_in_a_transition_grants_roles_in_it() {
    let mut log = Given::pod();
    let granted = act("RoleGranted", json!({ "person": "icb_programme_lead", "role": "national_lead" }));
    log.refuse(granted.clone().by("icb_programme_lead"), &["NOT_PERMITTED"]);
    log.refuse(granted.clone().by("officer"), &["NOT_PERMITTED"]);
    let here = format!("transition/{}", log.transition);
    log.take(act("RoleGranted", json!({ "person": "dr-a", "role": "icb_programme_lead" })).at(&here).by("admin"));
    log.take(eoi());
    log.take(item("assessment_opened").by("dr-a"));
    log.take(
        act("RoleEnded", json!({ "person": "dr-a", "role": "icb_programme_lead", "on": "2021-07-22" })).at(&here).by("admin"),
    );
    log.today("2021-07-23");
    log.refuse(item("public_involvement").by("dr-a"), &["NO_ROLE_HERE", "ROLE_NOT_HELD"]);
}

#[test]
fn gap_is_contrary_when_evidence_speaks_and_not_evidenced_when_the_sources_are_silent() {
    let mut log = Given::pod();
    log.today("2022-01-10");
    let rows = [
        eoi().on("2021-09-16").done_by("icb_programme_lead").late(),
        gate("national_decision", "approved").on("2021-10-14").done_by("icb_board_member").late(),
    ];
    log.take_by_two(&rows);
    let gaps = |back: usize| -> Vec<(&str, GapKind)> {
        log.events[log.events.len() - back].gaps.iter().map(|g| (g.code.as_str(), g.kind)).collect()
    };
    assert_eq!(gaps(2), []);
    let silent = GapKind::NotEvidenced;
    let expected = [
        ("ROLE_NOT_HELD", GapKind::Contrary),
        ("ITEM_NOT_DONE", silent),
        ("NOT_CORROBORATED", silent),
        ("UNRESOLVED_NONCOMPLIANCE", silent),
    ];
    assert_eq!(gaps(1), expected);
    let audit = log.audit();
    assert_eq!(audit.findings.len(), 1);
    assert!(audit.findings[0].undermined.is_empty() && audit.findings[0].closed.is_empty());
}

#[test]
fn audit_finds_in_a_late_entry_the_gaps_it_was_accepted_with() {
    let mut log = Given::pod();
    log.take_by_two(&[item("assessment_opened").late()]);
    let gaps: Vec<_> = log.events.last().expect("event").gaps.iter().map(|g| (g.code.clone(), g.kind)).collect();
    let found: Vec<_> = log.audit().findings[0].unmet.iter().map(|u| (u.code.clone(), u.kind)).collect();
    assert_eq!(gaps.len(), 2);
    assert_eq!(found.into_iter().collect::<std::collections::BTreeSet<_>>(), gaps.into_iter().collect());
}

#[test]
fn gap_is_closed_when_what_was_missing_is_found_and_opened_when_it_is_voided() {
    let mut log = Given::pod();
    log.today("2022-01-10");
    log.take_by_two(&[item("assessment_opened").on("2021-09-20").done_by("icb_programme_lead").late()]);
    assert_eq!(log.audit().findings[0].unmet.len(), 1);
    let found = log.take_by_two(&[eoi().on("2021-09-16").done_by("icb_programme_lead").late()]);
    let audit = log.audit();
    assert_eq!((audit.findings[0].unmet.len(), audit.findings[0].closed.clone()), (0, vec!["ITEM_NOT_DONE".to_owned()]));
    log.take_by_two(&[void(found)]);
    assert_eq!(log.audit().findings[0].unmet[0].code, "ITEM_NOT_DONE");
}

#[test]
fn late_entry_goes_where_dates_leave_one_place_and_names_one_otherwise() {
    let mut log = Given::pod();
    let first = log.take(eoi());
    log.today("2021-09-20");
    let second = log.take(item("assessment_opened"));
    let between = item("public_involvement").late();
    let placed = |log: &mut Given, act: &Act| log.take_by_two(std::slice::from_ref(act));
    assert_eq!(log.try_by_two(&[between.clone().on("2021-07-22..2021-09-20")]), Err(set(&["ORDER_NEEDED"])));
    assert_eq!(log.try_by_two(&[between.clone().on("2021-08-10").after(second)]), Err(set(&["ORDER_CONTRADICTED"])));
    let at = placed(&mut log, &between.on("2021-08-10"));
    let order: Vec<_> = log.subject().story.entries().map(|e| e.revision()).collect();
    assert_eq!(order[1..], [first, at, second]);
    assert_eq!(log.events.last().expect("event").placed, Some(Placed::After(first)));
}

#[test]
fn rows_of_one_proposal_stand_in_their_order_where_dates_leave_it_open() {
    let mut log = Given::pod();
    log.take(item("equality_impact_assessment").on("?"));
    let rows = ["2021-07", "?", "2021-07", "?"].map(|on| crate::common::fact("engagement").on(on).late());
    assert_eq!(log.try_by_two(&rows), Err(set(&["ORDER_NEEDED"])), "the first row must say where");
    let mut rows = rows.to_vec();
    rows[0] = rows[0].clone().first();
    log.take_by_two(&rows);
    let order: Vec<u64> = log.subject().story.entries().map(|e| e.revision().0).collect();
    assert_eq!(order, [1, 3, 4, 5, 6, 2]);
}

#[test]
fn receiver_that_is_only_designate_is_registered_by_proposal_as_well() {
    let mut log = Given::pod_unregistered();
    log.today("2021-09-01").take_by_two(&[registration().on("2021-07-22").late()]);
    log.stands_at("REGISTERED");
    assert!(log.events.last().expect("event").gaps.is_empty());
}

#[test]
fn migration_keeps_every_decision_and_pins_the_new_text() {
    let mut log = Given::pod().before("GateDecided", "go_no_go");
    let text = baton_domain::route::SHIPPED.iter().find(|(name, _)| *name == "pod-2021.toml").expect("shipped").1;
    let second = text.replacen("version = \"1\"", "version = \"2\"", 1);
    log.take(act("RoutePublished", json!({ "version": "2", "text": second })).at("route/pod-2021").by("admin"));
    let migrated = act("RouteMigrated", json!({ "to_version": "2", "reason": words("a deadline was wrong") })).by("officer");
    assert_eq!(log.try_by_two(&[migrated.clone().with("to_version", json!("3"))]), Err(set(&["UNKNOWN_ROUTE"])));
    log.take_by_two(&[migrated]);
    assert_eq!(log.subject().registration().expect("registered").pin.version.as_str(), "2");
    log.stands_at("APPROVED");
    log.take(gate("go_no_go", "go"));
}

#[test]
fn approval_that_is_refused_leaves_nothing_of_itself() {
    let mut log = Given::pod();
    let seen = log.propose("p", &[eoi().late()]);
    let wrong = log.approval("p", &seen).with("digest", json!("0"));
    log.refuse(wrong.clone(), &["STALE_PROPOSAL"]);
    let size = log.state.size;
    let commands = [log.command(&wrong), log.command(&log.approval("p", &seen))];
    assert!(decide(&mut log.state.clone(), &log.request("checker"), &commands).is_err());
    assert_eq!(log.state.size, size);
}

#[test]
fn correction_of_a_date_is_shown_with_when_it_was_made() {
    let mut log = Given::pod();
    let sent = log.take(eoi());
    let corrected = log.take_by_two(&[correction(sent, sent, json!({ "occurred": when("2021-07-20"), "standing": "reported" }))]);
    let entry = log.subject().story.entry(sent).expect("entry").clone();
    assert_eq!((entry.corrected_by(), entry.value_revision()), ([corrected].as_slice(), corrected));
    assert_eq!(entry.statement().standing, baton_domain::event::Standing::Reported);
}
