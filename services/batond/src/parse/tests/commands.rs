//! What is said of a command besides its event, and how mistakes are named.

use super::*;
use crate::parse::{Expected, ExpectedRevision};
use baton_domain::event::{DoneBy, Event, Place, Placed, Standing};
use baton_domain::values::{Evidence, FuzzyDate, Held, Revision};

#[test]
fn every_mistake_of_a_request_is_named_at_once() {
    let bad = json!({
        "stream": "transition/nowhere",
        "done_by": { "organisation": "quy", "printed": "ref 943 476 5919" },
        "evidence": [{ "title": "", "sha256": "abc" }],
        "gate_decided": { "subject": "Board", "conditions": [{ "obligation": "" }], "taken": "HOW_TAKEN_BALLOT" },
    });
    let fields: Vec<_> = refused(&[item_completed(), bad]).into_iter().map(|(field, _)| field).collect();
    assert_eq!(
        fields,
        [
            "commands[1].stream",
            "commands[1].standing",
            "commands[1].occurred",
            "commands[1].done_by.organisation",
            "commands[1].done_by.printed",
            "commands[1].evidence[0].sha256",
            "commands[1].evidence[0].title",
            "commands[1].gate_decided.subject",
            "commands[1].gate_decided.outcome",
            "commands[1].gate_decided.conditions[0].obligation",
        ]
    );
}

#[test]
fn absent_parts_of_a_command_are_the_weakest_claims() {
    let parsed = &taken(&[item_completed()]).commands[0];
    assert_eq!((parsed.place, parsed.late), (Place::ByDates, false));
    assert_eq!((&parsed.statement.done_by, &parsed.statement.act), (&DoneBy::default(), &None));
    assert_eq!((parsed.statement.evidence.len(), &parsed.statement.remark), (0, &None));
}

#[test]
fn given_parts_of_a_command_are_kept() {
    let parsed = &taken(&[with(
        item_completed(),
        &json!({
            "after_revision": 4, "late": true, "act": "act-1", "remark": " why ",
            "done_by": { "organisation": "QUY", "body": "QUY/board", "person": "p-1", "printed": "Chair" },
            "evidence": [{ "title": "Board paper", "cited_not_held": "not found by p-1 on 2026-11-01", "place": "p. 3", "dated": "2022-11-30" }],
        }),
    )])
    .commands[0];
    assert_eq!((parsed.place, parsed.late), (Place::After(Revision(4)), true));
    assert_eq!(parsed.statement.done_by.body.as_ref().map(ToString::to_string).as_deref(), Some("QUY/board"));
    assert_eq!(parsed.statement.remark.as_ref().and_then(|r| r.words()), Some("why"));
    assert!(matches!(&parsed.statement.evidence[..], [Evidence { held: Held::CitedNotHeld(_), dated: Some(_), .. }]));
}

#[test]
fn statement_says_what_its_source_is_worth_and_when_it_happened() {
    let bare = json!({ "stream": "transition/QUY.DENT.POD-2021", "item_completed": { "subject": "workforce_plan" } });
    let violations = refused(&[bare]);
    assert_eq!(
        violations.iter().map(|(field, _)| field.as_str()).collect::<Vec<_>>(),
        ["commands[0].standing", "commands[0].occurred"]
    );
}

#[test]
fn record_about_the_record_is_its_own_source() {
    let bare =
        json!({ "stream": "transition/QUY.DENT.POD-2021", "statement_voided": { "target": 3, "reason": "entered twice" } });
    let statement = &taken(&[bare]).commands[0].statement;
    assert_eq!((statement.standing, &statement.occurred), (Standing::Stated, &FuzzyDate::unknown()));
}

#[test]
fn command_without_an_event_is_refused() {
    let bare = json!({ "stream": "log", "standing": "STANDING_STATED", "occurred": day() });
    refused_at(&[bare], "commands[0]", "is required");
}

#[test]
fn only_a_statement_takes_a_place_and_only_with_true() {
    refused_at(&[with(item_completed(), &json!({ "first": false }))], "commands[0].first", "is true when given");
    refused_at(&[with(item_completed(), &json!({ "after_revision": "0" }))], "commands[0].after_revision", "is required");
    let void = command("statement_voided", &json!({ "target": 3 }));
    refused_at(&[with(void, &json!({ "first": true }))], "commands[0].first", "only a statement");
}

#[test]
fn words_that_are_absent_or_not_of_the_set_are_refused() {
    let mut sent = request(&[command("delegation_ended", &json!({ "subject": "ending", "to_holder": "HOLDER_SENDER" }))]);
    let Some(proto::command::Event::DelegationEnded(payload)) = &mut sent.commands[0].event else { panic!("another event") };
    payload.to_holder = 0;
    let required = pairs(record_request(&sent).expect_err("absent"));
    expect_one(&required, "commands[0].delegation_ended.to_holder", "is required: one of HOLDER_RECEIVER, HOLDER_SENDER");
    let Some(proto::command::Event::DelegationEnded(payload)) = &mut sent.commands[0].event else { panic!("another event") };
    payload.to_holder = 99;
    let unknown = pairs(record_request(&sent).expect_err("unknown"));
    expect_one(&unknown, "commands[0].delegation_ended.to_holder", "99 is not one of HOLDER_RECEIVER");
}

#[test]
fn rule_codes_stand_at_the_front() {
    let noted = |note: &str| command("item_completed", &json!({ "subject": "workforce_plan", "note": note }));
    refused_at(&[noted("patient 943 476 5919")], "commands[0].item_completed.note", "PATIENT_DATA_REFUSED: ");
    let titled = json!({ "evidence": [{ "title": "Letter about 9434765919", "cited_not_held": "p-1" }] });
    refused_at(&[with(item_completed(), &titled)], "commands[0].evidence[0].title", "PATIENT_DATA_REFUSED: ");
    let loose = json!({ "evidence": [{ "title": "Letter" }] });
    refused_at(&[with(item_completed(), &loose)], "commands[0].evidence[0]", "NO_EVIDENCE: ");
    refused_at(
        &[command("agreement_signed", &json!({ "subject": "agreement", "version": "1", "party": "QUYZ" }))],
        "commands[0].agreement_signed.party",
        "UNKNOWN_ODS_CODE: \"QUYZ\" is not an ODS code",
    );
}

#[test]
fn dates_without_precision_are_refused_and_unknown_ones_taken() {
    let on = |date: Value| with(item_completed(), &json!({ "occurred": date }));
    let code = "DATE_WITHOUT_PRECISION: ";
    refused_at(&[on(json!({ "text": "soon" }))], "commands[0].occurred.precision", code);
    refused_at(&[on(json!({ "precision": "PRECISION_DAY", "earliest": "2023-04-01" }))], "commands[0].occurred", code);
    refused_at(&[on(json!({ "precision": "PRECISION_SINCE" }))], "commands[0].occurred", code);
    taken(&[on(json!({ "text": "at that time", "precision": "PRECISION_UNKNOWN" }))]);
}

#[test]
fn day_has_one_form() {
    let signed = |on: &str| command("role_ended", &json!({ "person": "p-1", "role": "auditor", "on": on }));
    for bad in ["20230401", "2023-4-1", "2023-02-30", "2023-04-01T10:00", "2023-04-01 ", "01/04/2023", "+002023-04-01"] {
        refused_at(&[signed(bad)], "commands[0].role_ended.on", "is not a day written YYYY-MM-DD");
    }
    refused_at(&[signed("")], "commands[0].role_ended.on", "is required");
}

#[test]
fn proposal_holds_commands_but_no_proposals() {
    let proposed = |inner: &[Value]| json!({ "stream": "proposal/p-1", "proposed": { "commands": inner } });
    let Event::Proposed(taken) = taken(&[proposed(&[item_completed()])]).commands.remove(0).statement.event else {
        panic!("not proposed")
    };
    assert_eq!(taken.commands.len(), 1);
    refused_at(&[proposed(&[])], "commands[0].proposed.commands", "holds 1 to 128");
    let nested = proposed(&[item_completed(), proposed(&[json!({})])]);
    refused_at(&[nested], "commands[0].proposed.commands[1]", "a proposal holds no Proposed");
    let late = with(proposed(&[item_completed()]), &json!({ "late": true }));
    refused_at(&[late], "commands[0].late", "a proposal is never a late entry");
    let inner = proposed(&[command("item_completed", &json!({ "subject": "NO" }))]);
    refused_at(&[inner], "commands[0].proposed.commands[0].item_completed.subject", "\"NO\" is not");
}

#[test]
fn correction_changes_something_and_names_its_mistakes() {
    let corrected = |to: Value| command("statement_corrected", &json!({ "target": 3, "was": 3, "to": to }));
    let Event::StatementCorrected(taken) =
        taken(&[corrected(json!({ "end": true, "occurred": day() }))]).commands.remove(0).statement.event
    else {
        panic!("not corrected")
    };
    assert_eq!((taken.to.place, taken.to.standing, taken.to.event), (Some(Placed::End), None, None));
    assert_eq!(taken.to.occurred.map(|d| d.is_day()), Some(true));

    let at = "commands[0].statement_corrected.to";
    refused_at(&[corrected(json!({}))], at, "changes nothing");
    refused_at(&[corrected(json!({ "end": false }))], &format!("{at}.end"), "is true when given");
    refused_at(&[corrected(json!({ "item_completed": {} }))], &format!("{at}.item_completed.subject"), "is required");
    refused_at(&[command("statement_corrected", &json!({ "target": 3, "was": 3 }))], at, "is required");
}

#[test]
fn fields_of_a_fact_are_named_by_their_keys() {
    let fact = |fields: Value| command("fact_recorded", &json!({ "kind": "allocation", "fields": fields }));
    let at = "commands[0].fact_recorded.fields";
    refused_at(&[fact(json!({ "Amount": { "integer": 1 } }))], &format!("{at}[\"Amount\"]"), "\"Amount\" is not a field name");
    refused_at(&[fact(json!({ "a": {} }))], &format!("{at}[\"a\"]"), "is required");
    refused_at(&[fact(json!({ "a": { "ods": "q" } }))], &format!("{at}[\"a\"].ods"), "UNKNOWN_ODS_CODE");
    let money = json!({ "a": { "money": { "printed": "GBP 1.50", "pence": 150, "rounded_to": "ROUNDING_POUND" } } });
    refused_at(&[fact(money)], &format!("{at}[\"a\"].money"), "150 pence is not a whole multiple");
}

#[test]
fn naming_something_twice_is_refused() {
    let decided =
        json!({ "subject": "board", "outcome": "approved", "taken": "HOW_TAKEN_MEETING", "deciders": ["p-1", "p-2", "p-1"] });
    refused_at(&[command("gate_decided", &decided)], "commands[0].gate_decided.deciders[2]", "is named twice");
}

#[test]
fn command_id_has_one_spelling_and_is_not_nil() {
    let with_id = |id: &str| message("RecordRequest", &json!({ "command_id": id, "commands": [item_completed()] }));
    assert!(record_request(&with_id(&ID.to_uppercase())).is_ok());
    let nil = "00000000-0000-0000-0000-000000000000";
    for bad in ["", "1", nil, &ID.replace('-', ""), &format!("{{{ID}}}"), &format!("urn:uuid:{ID}")] {
        let violations = pairs(record_request(&with_id(bad)).expect_err(bad));
        expect_one(&violations, "command_id", "is ");
    }
}

#[test]
fn expected_revisions_name_each_stream_once() {
    let expecting = |expected: Value| {
        message::<proto::RecordRequest>(
            "RecordRequest",
            &json!({ "command_id": ID, "commands": [item_completed()], "expected": expected }),
        )
    };
    let parsed = record_request(&expecting(json!([
        { "stream": "log", "exact": 7 }, { "stream": "wave/POD-2021", "no_stream": true }, { "stream": "audit", "any": true },
    ])))
    .expect("taken");
    assert_eq!(parsed.expected.len(), 3);
    assert!(matches!(parsed.expected[0], ExpectedRevision { expected: Expected::Exact(Revision(7)), .. }));

    for (expected, field, what) in [
        (json!([{ "stream": "log", "any": true }, { "stream": "log", "exact": 1 }]), "expected[1].stream", "is named twice"),
        (json!([{ "stream": "log" }]), "expected[0]", "is required"),
        (json!([{ "stream": "log", "exact": 0 }]), "expected[0].exact", "is required"),
        (json!([{ "stream": "log", "no_stream": false }]), "expected[0].no_stream", "is true when given"),
        (json!([{ "stream": "pond", "any": true }]), "expected[0].stream", "a stream is"),
    ] {
        expect_one(&pairs(record_request(&expecting(expected)).expect_err(field)), field, what);
    }
}
