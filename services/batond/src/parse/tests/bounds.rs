//! Every bound: taken at it, refused one past it.

use super::*;
use crate::parse::bounds::*;
use baton_domain::route::MAX_ROUTE_BYTES;
use baton_domain::values::{FuzzyDate, MAX_TEXT};

/// `at` is taken; `past` is refused, in this field, beginning so.
fn bound(at: Value, past: Value, field: &str, description: &str) {
    taken(&[at]);
    refused_at(&[past], field, description);
}

/// A command whose payload has `value` in `field`.
fn given(event: &str, rest: &Value, field: &str, value: Value) -> Value {
    let mut payload = rest.clone();
    payload[field] = value;
    command(event, &payload)
}

fn numbered(count: usize) -> Value {
    (0..count).map(|n| json!(format!("P-{n}"))).collect()
}

#[test]
fn commands_of_a_request_and_of_a_proposal() {
    let many = |count| vec![item_completed(); count];
    assert_eq!(taken(&many(MAX_COMMANDS)).commands.len(), MAX_COMMANDS);
    refused_at(&many(MAX_COMMANDS + 1), "commands", "holds 1 to 128 commands, this one has 129");
    refused_at(&[], "commands", "holds 1 to 128 commands, this one has 0");
    let proposed = |count| json!({ "stream": "proposal/p-1", "proposed": { "commands": many(count) } });
    bound(proposed(MAX_COMMANDS), proposed(MAX_COMMANDS + 1), "commands[0].proposed.commands", "holds 1 to 128");
}

#[test]
fn expected_revisions() {
    let expecting = |count: usize| {
        let expected: Vec<_> = (0..count).map(|n| json!({ "stream": format!("meeting/m-{n}"), "any": true })).collect();
        record_request(&message(
            "RecordRequest",
            &json!({ "command_id": ID, "commands": [item_completed()], "expected": expected }),
        ))
    };
    assert!(expecting(MAX_COMMANDS).is_ok());
    expect_one(&pairs(expecting(MAX_COMMANDS + 1).expect_err("one too many")), "expected", "holds at most 128");
}

#[test]
fn lists() {
    let tabled = |count: usize| given("item_tabled", &json!({}), "asks", vec!["note"; count].into());
    bound(tabled(MAX_LIST), tabled(MAX_LIST + 1), "commands[0].item_tabled.asks", "holds at most 100 elements, this one has 101");

    let interest = json!({ "subject": "interest", "right_to_withdraw": "RIGHT_TO_WITHDRAW_NONE" });
    let services = |count| given("expression_of_interest_submitted", &interest, "services", numbered(count));
    bound(
        services(MAX_LIST),
        services(MAX_LIST + 1),
        "commands[0].expression_of_interest_submitted.services",
        "holds at most 100",
    );

    let evidence =
        |count| with(item_completed(), &json!({ "evidence": vec![json!({ "title": "t", "cited_not_held": "p-1" }); count] }));
    bound(evidence(MAX_LIST), evidence(MAX_LIST + 1), "commands[0].evidence", "holds at most 100");

    let facts = |count: usize| {
        let fields: serde_json::Map<_, _> = (0..count).map(|n| (format!("f{n}"), json!({ "integer": n }))).collect();
        given("fact_recorded", &json!({ "kind": "allocation" }), "fields", fields.into())
    };
    bound(facts(MAX_LIST), facts(MAX_LIST + 1), "commands[0].fact_recorded.fields", "holds at most 100");
}

#[test]
fn positions_of_an_erasure() {
    let ground = json!({ "ground": "ERASURE_GROUND_COURT_ORDER" });
    let erasure = |positions: Value| {
        let mut payload = ground.clone();
        payload["positions"] = positions;
        command_in("audit", "erasure_authorised", &payload)
    };
    let many = |count: usize| -> Value { (0..count).collect() };
    let field = "commands[0].erasure_authorised.positions";
    bound(erasure(many(MAX_LIST)), erasure(many(MAX_LIST + 1)), field, "holds at most 100 elements, this one has 101");
    refused_at(&[erasure(json!([]))], field, "is required: 1 to 100 positions");
    refused_at(&[erasure(json!([7, 41, 7]))], &format!("{field}[2]"), "is named twice");
}

#[test]
fn names_count_characters_and_hold_one_line() {
    let held = |name: String| given("meeting_held", &json!({}), "body_name", name.into());
    let field = "commands[0].meeting_held.body_name";
    bound(held("é".repeat(MAX_NAME)), held("é".repeat(MAX_NAME + 1)), field, "holds at most 200 characters, this one has 201");
    refused_at(&[held("Board\nof".to_owned())], field, "holds no control characters");
    let minuted = |verb: &str| given("item_minuted", &json!({}), "verb", verb.into());
    bound(minuted(" x "), minuted("  "), "commands[0].item_minuted.verb", "is required: 1 to 200 characters");
}

#[test]
fn titles_places_and_texts() {
    let evidence = |title: usize, place: usize| {
        let document = json!({ "title": "t".repeat(title), "place": "p".repeat(place), "cited_not_held": "p-1" });
        with(item_completed(), &json!({ "evidence": [document] }))
    };
    bound(evidence(MAX_TITLE, 0), evidence(MAX_TITLE + 1, 0), "commands[0].evidence[0].title", "holds at most 300");
    bound(evidence(1, MAX_NAME), evidence(1, MAX_NAME + 1), "commands[0].evidence[0].place", "holds at most 200");
    let remark = |length| with(item_completed(), &json!({ "remark": "é".repeat(length) }));
    bound(remark(MAX_TEXT), remark(MAX_TEXT + 1), "commands[0].remark", "a text holds at most 4000 characters");
}

#[test]
fn codes_amounts_and_words_of_dates() {
    let fact = |value: Value| given("fact_recorded", &json!({ "kind": "allocation" }), "fields", json!({ "a": value }));
    let at = "commands[0].fact_recorded.fields[\"a\"]";
    let code = |length: usize| fact(json!({ "code": "c".repeat(length) }));
    bound(code(MAX_CODE), code(MAX_CODE + 1), &format!("{at}.code"), "holds at most 60");
    let money = |length: usize| fact(json!({ "money": { "printed": "1".repeat(length), "rounded_to": "ROUNDING_NOT_SAID" } }));
    bound(money(MAX_PRINTED), money(MAX_PRINTED + 1), &format!("{at}.money.printed"), "holds at most 100");
    let date = |length: usize| fact(json!({ "date": { "text": "d".repeat(length), "precision": "PRECISION_UNKNOWN" } }));
    bound(date(FuzzyDate::MAX_TEXT), date(FuzzyDate::MAX_TEXT + 1), &format!("{at}.date.text"), "holds at most 120");
}

#[test]
fn route_text_counts_bytes_and_is_kept_as_it_is() {
    let published = |text: String| command_in("route/pod-2021", "route_published", &json!({ "version": "1", "text": text }));
    let field = "commands[0].route_published.text";
    bound(published(" ".repeat(MAX_ROUTE_BYTES)), published(" ".repeat(MAX_ROUTE_BYTES + 1)), field, "holds at most 49152 bytes");
    refused_at(&[published(String::new())], field, "is required");
}

#[test]
fn days_severities_and_counts_from_one() {
    let commenced = |on: &str| given("delegation_commenced", &json!({ "subject": "commencement" }), "effective_on", on.into());
    let field = "commands[0].delegation_commenced.effective_on";
    bound(commenced("1900-01-01"), commenced("1899-12-31"), field, "lies outside the years 1900 to 2199");
    bound(commenced("2199-12-31"), commenced("2200-01-01"), field, "lies outside the years 1900 to 2199");

    let raised = |severity: u32| given("finding_raised", &json!({ "finding": "f-1" }), "severity", severity.into());
    let field = "commands[0].finding_raised.severity";
    bound(raised(1), raised(0), field, "lies outside 1, slight, to 5, critical");
    bound(raised(5), raised(6), field, "lies outside 1, slight, to 5, critical");
    refused_at(&[raised(257)], field, "lies outside");

    let checked = json!({ "checklist": "pdaf", "question": "3A", "answer": "ANSWER_YES" });
    let version = |version: u32| given("checklist_corroborated", &checked, "answer_version", version.into());
    bound(version(1), version(0), "commands[0].checklist_corroborated.answer_version", "is required");
    let voided = |target: u64| given("statement_voided", &json!({}), "target", target.into());
    bound(voided(1), voided(0), "commands[0].statement_voided.target", "is required: a revision, counted from 1");
}
