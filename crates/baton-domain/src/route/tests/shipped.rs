//! The files that come with the program.

use std::collections::BTreeSet;

use super::parsed;
use crate::route::{FieldType, ItemKind, RoleSide, Route, SHIPPED, Subject, YesNo};

fn shipped(name: &str) -> Route {
    let text = SHIPPED.iter().find(|(file, _)| *file == name).map(|(_, text)| *text);
    parsed(text.expect("the file is shipped"))
}

fn stage_names(route: &Route) -> Vec<&str> {
    route.stages().iter().map(|stage| stage.id.as_str()).collect()
}

#[test]
fn every_shipped_route_is_whole_and_named_after_its_file() {
    for (file, text) in SHIPPED {
        let route = parsed(text);
        assert_eq!(format!("{}.toml", route.id()), *file);
        assert_eq!(route.version().as_str(), "1");
        assert_eq!(route.text_len(), text.len());
    }
}

#[test]
fn every_shipped_route_starts_and_ends_by_the_same_item_names() {
    for (_, text) in SHIPPED {
        let route = parsed(text);
        for (name, kind) in [
            ("delegation_commenced", ItemKind::Commencement),
            ("delegation_ended", ItemKind::Ending),
            ("statutory_transfer", ItemKind::Statutory),
            ("succession", ItemKind::Succession),
        ] {
            let id = name.parse().expect("a name");
            assert_eq!(route.item(&id).map(|item| item.kind), Some(kind), "{}: {name}", route.id());
        }
    }
}

#[test]
fn exits_from_before_the_start_stand_before_the_live_stage() {
    for (_, text) in SHIPPED {
        let route = parsed(text);
        let before = &route.stages()[..route.live_index()];
        assert!(before.iter().any(|stage| stage.closed), "{}", route.id());
    }
}

#[test]
fn the_pharmacy_ophthalmic_and_dental_route_has_its_stages_in_order() {
    assert_eq!(
        stage_names(&shipped("pod-2021.toml")),
        [
            "REGISTERED",
            "INTEREST_EXPRESSED",
            "UNDER_ASSESSMENT",
            "AWAITING_NATIONAL_DECISION",
            "APPROVED_WITH_CONDITIONS",
            "APPROVED",
            "DEFERRED",
            "GO_DECIDED",
            "AGREED",
            "WITHDRAWN",
            "NOT_APPROVED",
            "NO_GO",
            "LIVE",
            "LIVE_WITH_CONCERN",
            "ENDING",
            "ENDED",
            "STATUTORY",
            "SUPERSEDED",
        ]
    );
}

#[test]
fn the_other_routes_have_other_orders() {
    assert_eq!(
        stage_names(&shipped("ccg-2017.toml"))[..9],
        [
            "REGISTERED",
            "CONSULTING",
            "LOCALLY_SUPPORTED",
            "AWAITING_NATIONAL_DECISION",
            "APPROVED_WITH_CONDITIONS",
            "APPROVED",
            "DEFERRED",
            "AGREED",
            "CLOSED_NOT_SUPPORTED",
        ]
    );
    assert_eq!(
        stage_names(&shipped("cocom-2014.toml"))[..6],
        ["REGISTERED", "INTEREST_EXPRESSED", "AWAITING_NATIONAL_DECISION", "APPROVED_WITH_CONDITIONS", "APPROVED", "DEFERRED",]
    );
    assert_eq!(
        stage_names(&shipped("single-process-2018.toml"))[..5],
        ["PROPOSED", "BUSINESS_CASE", "AGREEMENT_VARIED", "WITHDRAWN", "TRANSFERRED"]
    );
}

#[test]
fn due_diligence_comes_before_the_approval_in_one_route_and_after_it_in_another() {
    let needs_approval = |file: &str, item: &str| {
        let route = shipped(file);
        let item = route.item(&item.parse().expect("a name")).expect("an item").clone();
        item.needs.requires(&|atom| atom.to_string().starts_with("gate national_decision is approved"))
    };
    assert!(!needs_approval("pod-2021.toml", "finance"));
    assert!(needs_approval("ccg-2017.toml", "budget_transfer"));
}

#[test]
fn the_assessment_has_ten_questions_and_only_3a_is_well_answered_with_no() {
    let route = shipped("pod-2021.toml");
    let list = route.checklist(&"pdaf".parse().expect("a name")).expect("a checklist");
    let ids: Vec<_> = list.questions.iter().map(|question| question.id.as_str()).collect();
    assert_eq!(ids, ["1A", "1B", "2A", "2B", "2C", "2D", "3A", "3B", "4A", "4B"]);
    let no: Vec<_> = list.questions.iter().filter(|q| q.compliant == YesNo::No).collect();
    assert_eq!(no.iter().map(|q| q.id.as_str()).collect::<Vec<_>>(), ["3A"]);
    let sides = |roles: &[crate::route::RoleId]| -> BTreeSet<Option<RoleSide>> {
        roles.iter().map(|role| route.role_side(role)).collect()
    };
    assert_eq!(sides(&list.answer), BTreeSet::from([Some(RoleSide::Receiver)]));
    assert_eq!(sides(&list.corroborate), BTreeSet::from([Some(RoleSide::Sender)]));
}

#[test]
fn every_key_of_the_worked_histories_is_a_subject_or_a_fact_of_its_route() {
    let subjects = [
        ("pod-2021.toml", "eoi pdaf executive_sign_off national_decision full finance go_no_go"),
        (
            "ccg-2017.toml",
            "ballot_closed ballot governing_body application_documents application \
             application_submitted national_decision budget_transfer constitution_amended \
             delegation_agreement memorandum_agreed conflict_of_interest_guidance risks_mitigated",
        ),
        ("cocom-2014.toml", "risk_assessment shadow_working_started"),
        ("single-process-2018.toml", "business_case"),
    ];
    for (file, names) in subjects {
        let route = shipped(file);
        for name in names.split_whitespace() {
            assert!(route.subject(&name.parse().expect("a name")).is_some(), "{file}: {name}");
        }
    }
    let facts = "publication uptake joint_commissioning engagement application_window baseline \
                 stakeholder_position future_intent allocation bid project budget_position \
                 trajectory impact_assessment feedback staff_transfer data_access";
    for (file, text) in SHIPPED {
        let route = parsed(text);
        for kind in facts.split_whitespace() {
            assert!(route.fact_spec(&kind.parse().expect("a kind")).is_some(), "{file}: {kind}");
        }
    }
}

#[test]
fn the_reject_codes_of_the_rules_are_attached_where_the_route_decides() {
    let codes = |file: &str| -> BTreeSet<String> {
        let route = shipped(file);
        let items = route.items().iter().map(|item| &item.needs);
        let gates = route
            .gates()
            .iter()
            .flat_map(|gate| std::iter::once(&gate.needs).chain(gate.outcomes.iter().map(|outcome| &outcome.needs)));
        let needs = items.chain(gates).flat_map(|guard| guard.needs());
        needs.map(|need| need.code().to_owned()).collect()
    };
    let wanted = "NO_RIGHT_TO_WITHDRAW INCOMPLETE_ASSESSMENT NOT_SIGNED_OFF NOT_CORROBORATED \
                  UNRESOLVED_NONCOMPLIANCE NO_DECISION_PACK FINANCE_NOT_SIGNED_OFF NO_ALLOCATION \
                  AGREEMENT_NOT_IN_FORCE NOT_APPROVED CONDITION_OPEN OPEN_PAIR";
    let pod = codes("pod-2021.toml");
    assert!(wanted.split_whitespace().all(|code| pod.contains(code)), "{pod:?}");
    let ccg = codes("ccg-2017.toml");
    let wanted = "BALLOT_NOT_IN_SUPPORT NO_GOVERNING_BODY_SIGN_OFF CONSTITUTION_NOT_AMENDED";
    assert!(wanted.split_whitespace().all(|code| ccg.contains(code)), "{ccg:?}");
    assert!(codes("single-process-2018.toml").contains("AGREEMENT_NOT_VARIED"));
}

#[test]
fn work_from_before_the_start_ends_there_unless_it_outlasts_it() {
    for (_, text) in SHIPPED {
        let route = parsed(text);
        let subjects = route.items().iter().map(Subject::Item);
        for subject in subjects.chain(route.gates().iter().map(Subject::Gate)) {
            let early = route.stage_index(subject.home()) < Some(route.live_index());
            let outlasts = matches!(subject, Subject::Item(item) if item.kind.outlasts_live());
            assert_eq!(subject.until().is_some(), early && !outlasts, "{}", subject.id());
        }
    }
}

#[test]
fn facts_are_typed() {
    let route = shipped("pod-2021.toml");
    let allocation = route.fact_spec(&"allocation".parse().expect("a kind")).expect("declared");
    assert_eq!(allocation.title, "Allocation announced");
    assert_eq!(allocation.field(&"amount".parse().expect("a name")), Some(FieldType::Money));
    assert_eq!(allocation.fields[0].name.as_str(), "financial_year");
}
