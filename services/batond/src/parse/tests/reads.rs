//! Requests that read.

use super::*;
use crate::parse::bounds::*;
use crate::parse::*;
use baton_domain::values::Position;
use baton_domain::world::Openness;

#[test]
fn absent_parts_ask_for_the_present_and_a_default_page() {
    let parsed = list_transitions(&proto::ListTransitionsRequest::default()).expect("taken");
    assert!(parsed.as_of.is_now());
    assert_eq!((parsed.page_size, parsed.page_token, parsed.min_position), (100, None, None));
    assert_eq!(parsed.order_by, OrderBy { key: OrderKey::Id, descending: false });
}

#[test]
fn every_mistake_of_a_read_is_named_at_once() {
    let sent = message(
        "ListTransitionsRequest",
        &json!({
            "wave": "pod", "region": "x", "order_by": "colour", "page_size": 5000, "as_of": { "on": "today", "documented_by": "2020-13-01" },
        }),
    );
    let fields: Vec<_> = pairs(list_transitions(&sent).expect_err("refused")).into_iter().map(|(field, _)| field).collect();
    assert_eq!(fields, ["wave", "region", "order_by", "page_size", "as_of.on", "as_of.documented_by"]);
}

#[test]
fn page_sizes_and_tokens_are_bounded() {
    let page = |page_size, token: usize| {
        list_waves(&proto::ListWavesRequest { page_size, page_token: "t".repeat(token), min_position: None })
    };
    assert_eq!(page(MAX_PAGE, 0).expect("at the bound").page_size, 1_000);
    expect_one(&pairs(page(MAX_PAGE + 1, 0).expect_err("past it")), "page_size", "is at most 1000");
    assert!(page(1, MAX_PAGE_TOKEN).is_ok());
    expect_one(&pairs(page(1, MAX_PAGE_TOKEN + 1).expect_err("past it")), "page_token", "is no page token");
}

#[test]
fn past_is_asked_for_by_day_position_instant_and_documents() {
    let sent = message(
        "GetTransitionRequest",
        &json!({
            "transition": "QUY.DENT.POD-2021",
            "as_of": { "on": "2022-07-01", "position": 0, "documented_by": "2022-06-30", "known_at": "2026-11-22T10:00:00.000001Z" },
            "min_position": 12,
        }),
    );
    let parsed = get_transition(&sent).expect("taken");
    assert_eq!((parsed.as_of.position, parsed.min_position), (Some(Position(0)), Some(Position(12))));
    assert_eq!(parsed.as_of.known_at.map(|t| t.to_string()).as_deref(), Some("2026-11-22T10:00:00.000001Z"));
    assert!(parsed.as_of.on.is_some() && parsed.as_of.documented_by.is_some());

    let never = baton_proto::Timestamp { seconds: i64::MAX, nanos: 0 };
    let as_of = Some(proto::AsOf { known_at: Some(never), ..proto::AsOf::default() });
    let sent = proto::GetTransitionRequest { transition: "QUY.DENT.POD-2021".to_owned(), as_of, min_position: None };
    expect_one(&pairs(get_transition(&sent).expect_err("no such instant")), "as_of.known_at", "is not an instant");
}

#[test]
fn order_is_one_of_four_keys_in_either_direction() {
    let ordered = |order_by: &str| {
        list_transitions(&proto::ListTransitionsRequest { order_by: order_by.to_owned(), ..Default::default() })
            .map(|p| p.order_by)
    };
    assert_eq!(ordered("live_on desc"), Ok(OrderBy { key: OrderKey::LiveOn, descending: true }));
    assert_eq!(ordered("stage"), Ok(OrderBy { key: OrderKey::Stage, descending: false }));
    for bad in [" desc", "desc", "id  desc", "ID", "id,stage"] {
        assert!(ordered(bad).is_err(), "{bad}");
    }
}

#[test]
fn filters_are_ids_words_and_scopes() {
    let sent = message(
        "ListOrganisationsRequest",
        &json!({ "kind": "ORGANISATION_KIND_ICB", "status": "ORGANISATION_STATUS_DESIGNATE" }),
    );
    assert_eq!(list_organisations(&sent).expect("taken").status, Some(Openness::Designate));
    let scoped = |scope: &str| list_roles(&proto::ListRolesRequest { scope: scope.to_owned(), ..Default::default() });
    assert!(scoped("organisation/QUY").is_ok() && scoped("log").is_ok());
    expect_one(&pairs(scoped("wave/POD-2021").expect_err("no scope")), "scope", "is not log, organisation/ID");
    let sent = message("SubscribeRequest", &json!({ "event_types": ["GateDecided", "Nothing"] }));
    expect_one(&pairs(subscribe(&sent).expect_err("no type")), "event_types[1]", "\"Nothing\" is not an event type");
}

#[test]
fn ids_of_what_is_asked_for_are_required() {
    let required = [
        pairs(get_proposal(&proto::GetProposalRequest::default()).expect_err("no id")),
        pairs(get_transition(&proto::GetTransitionRequest::default()).expect_err("no id")),
        pairs(explain_transition(&proto::ExplainTransitionRequest::default()).expect_err("no id")),
        pairs(replay_transition(&proto::ReplayTransitionRequest::default()).expect_err("no id")),
        pairs(audit_transition(&proto::AuditTransitionRequest::default()).expect_err("no id")),
        pairs(get_route(&proto::GetRouteRequest::default()).expect_err("no id")),
        pairs(get_organisation(&proto::GetOrganisationRequest::default()).expect_err("no id")),
    ];
    for violations in required {
        assert!(matches!(&violations[..], [(_, what)] if what == "is required"), "{violations:?}");
    }
}

#[test]
fn lists_ask_for_nothing() {
    assert!(list_proposals(&proto::ListProposalsRequest::default()).is_ok());
    assert!(list_routes(&proto::ListRoutesRequest::default()).is_ok());
    assert!(list_organisations(&proto::ListOrganisationsRequest::default()).is_ok());
    assert!(list_bodies(&proto::ListBodiesRequest::default()).is_ok());
    assert!(list_roles(&proto::ListRolesRequest::default()).is_ok());
    assert!(read_events(&proto::ReadEventsRequest::default()).is_ok());
    assert!(subscribe(&proto::SubscribeRequest::default()).is_ok());
}
