//! Rules I01 to I03: who may receive what.

use crate::common::{Given, act, eoi, fact, registration, withdrawal};
use serde_json::json;

#[test]
fn i01_receiver_that_has_closed_is_refused_and_a_designate_one_is_taken() {
    let mut log = Given::pod_unregistered();
    log.organisation("15C", "ccg", "2018-04-01");
    log.succeeded("15C", "QUY", "whole", "2022-07-01");
    log.today("2023-04-03");
    log.refuse_by_rule(registration().at("transition/15C.OPHTH.POD-2021"), "RECEIVER_NOT_OPEN", "I01");
    log.take(registration().at("transition/15C.OPHTH.POD-2021").on("2022-06-30"));
    // QUY opens on 1 July 2022: designate in 2021, and open enough to be registered.
    log.take(registration().on("2021-07-22"));
}

#[test]
fn i02_second_open_transition_of_the_same_receiver_and_service_is_refused() {
    let mut log = two_waves();
    log.refuse_by_rule(registration().at("transition/QUY.DENT.SECOND"), "DUPLICATE_OPEN_TRANSITION", "I02");
    log.take(registration().at("transition/QUY.PHARM.SECOND"));
}

#[test]
fn i02_group_counts_as_its_parts() {
    let log = two_waves();
    log.refuse(registration().at("transition/QUY.POD.SECOND"), &["DUPLICATE_OPEN_TRANSITION"]);
    log.refuse(registration().at("transition/QUY.DENT-SEC.SECOND"), &["DUPLICATE_OPEN_TRANSITION"]);
}

#[test]
fn i02_holds_of_the_result_when_a_void_would_open_a_closed_transition_again() {
    let mut log = two_waves();
    log.take(eoi());
    let gone = log.take(withdrawal());
    log.stands_at("WITHDRAWN");
    log.take(registration().at("transition/QUY.DENT.SECOND"));
    let refused = log.try_by_two(&[crate::common::void(gone)]).expect_err("two would be open");
    assert_eq!(refused, crate::common::set(&["DUPLICATE_OPEN_TRANSITION"]));
}

fn two_waves() -> Given {
    let mut log = Given::pod();
    let services = json!(["POD", "DENT", "DENT-SEC", "PHARM"]);
    log.take(
        act("WaveOpened", json!({ "name": "Second", "services": services, "route": "pod-2021" })).at("wave/SECOND").by("admin"),
    );
    log
}

#[test]
fn i03_organisation_that_is_not_registered_is_refused_wherever_it_is_named() {
    let mut log = Given::pod();
    log.refuse_by_rule(registration().at("transition/QWO.DENT.POD-2021"), "UNKNOWN_ODS_CODE", "I03");
    log.refuse_by_rule(eoi().with("submitted_to", json!("Y58")), "UNKNOWN_ODS_CODE", "I03");
    log.refuse_by_rule(eoi().of("Y58"), "UNKNOWN_ODS_CODE", "I03");
    let access = fact("data_access").with("fields", json!({ "granted_to": { "ods": "Y58" } })).by("icb_programme_lead");
    log.refuse_by_rule(access.clone(), "UNKNOWN_ODS_CODE", "I03");
    log.organisation("Y58", "region", "2019-04-01");
    log.take(access);
    log.take(eoi().with("submitted_to", json!("Y58")));
}

#[test]
fn i03_code_is_three_or_five_characters_or_an_id_of_our_own() {
    use baton_domain::values::OrganisationId;
    assert!("QUYX".parse::<OrganisationId>().is_err());
    assert!("own:south-west".parse::<OrganisationId>().is_ok_and(|id| id.is_own()));
}
