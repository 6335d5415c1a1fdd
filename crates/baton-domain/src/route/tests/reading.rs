//! P001: what can not be read at all, and how far reading goes on.

use super::{WHOLE, and, only, parsed, refused, with};
use crate::route::{MAX_GUARD_DEPTH, MAX_ROUTE_BYTES, MAX_TEXT_CHARS, Route, SHIPPED};

#[test]
fn the_sample_is_whole() {
    parsed(WHOLE);
}

#[test]
fn p001_text_that_is_not_toml() {
    only(&with("closed = true\n\n[[stage]]\nid = \"GONE\"", "closed = \n\n[[stage]]\nid = \"GONE\""), "closed = \n", "P001", "");
}

#[test]
fn p001_unknown_key() {
    only(&with("offset_days = 30", "offset_days = 30\noffset_weeks = 4"), "offset_weeks", "P001", "due[1].offset_weeks");
    only(&and("[[track]]\nid = \"x\""), "[[track]]", "P001", "track");
}

#[test]
fn p001_missing_key() {
    only(&with("title = \"The start\"\n", ""), "[[item]]\nid = \"start\"", "P001", "item.start.title");
}

#[test]
fn p001_wrong_type() {
    only(&with("live = true", "live = \"yes\""), "live = \"yes\"", "P001", "stage.LIVING.live");
    only(&with("offset_days = 30", "offset_days = 99999"), "99999", "P001", "due[1].offset_days");
}

#[test]
fn p001_bad_name() {
    only(&with("id = \"finish\"", "id = \"Finish\""), "id = \"Finish\"", "P001", "item.Finish.id");
    only(&with("2B = {", "2b = {"), "2b = {", "P001", "checklist.form.questions.2b");
    only(&with("kind = \"ending\"", "kind = \"end\""), "kind = \"end\"", "P001", "item.finish.kind");
}

#[test]
fn p001_a_name_declared_twice() {
    only(&and("[[fact]]\nkind = \"budget\"\nfields = {}"), "kind = \"budget\"\nfields = {}", "P001", "fact.budget.kind");
}

#[test]
fn p001_an_item_and_a_gate_of_one_name() {
    let text = and(
        "[[gate]]\nid = \"ask\"\ntitle = \"Twin\"\nhome = \"ASKED\"\nby = [\"giver\"]\noutcomes = [{ id = \"up\", reason = true }, { id = \"down\", reason = true }]",
    );
    let errors = refused(&text);
    assert!(errors.iter().any(|e| e.rule == "P001" && e.key == "gate.ask.id"), "{errors:#?}");
}

#[test]
fn p001_a_phrase_that_is_no_condition() {
    only(&with("\"verified form\"", "\"not verified form\""), "not verified", "P001", "gate.answer.needs");
}

#[test]
fn p001_a_guard_with_two_forms_or_no_parts() {
    only(&with("\"verified form\"", "{ all = [\"done ask\"], any = [\"done ask\"] }"), "any = [", "P001", "gate.answer.needs");
    only(&with("\"verified form\"", "{ any = [] }"), "any = []", "P001", "gate.answer.needs.any");
}

#[test]
fn p001_a_guard_deeper_than_its_bound() {
    let nested = |depth: usize| {
        let (open, close) = ("{ all = [".repeat(depth - 1), "] }".repeat(depth - 1));
        with("\"verified form\"", &format!("{open}\"verified form\"{close}"))
    };
    parsed(&nested(MAX_GUARD_DEPTH));
    let errors = refused(&nested(MAX_GUARD_DEPTH + 1));
    assert_eq!((errors.len(), errors[0].rule), (1, "P001"));
}

#[test]
fn p001_a_text_longer_than_its_bound() {
    let titled = |length: usize| with("The end", &"x".repeat(length));
    parsed(&titled(MAX_TEXT_CHARS));
    only(&titled(MAX_TEXT_CHARS + 1), "title = \"xx", "P001", "item.finish.title");
}

#[test]
fn p001_a_file_longer_than_its_bound() {
    let padded = |length: usize| format!("{WHOLE}#{}", "x".repeat(length - WHOLE.len() - 1));
    parsed(&padded(MAX_ROUTE_BYTES));
    let errors = refused(&padded(MAX_ROUTE_BYTES + 1));
    assert_eq!((errors.len(), errors[0].rule, errors[0].line), (1, "P001", 1));
}

#[test]
fn p001_a_checklist_belongs_to_an_assessment_and_an_assessment_has_one() {
    only(&with("kind = \"assessment\"\n", ""), "checklist = \"form\"", "P001", "item.form.checklist");
    only(&with("checklist = \"form\"\n", ""), "[[item]]\nid = \"form\"", "P001", "item.form.checklist");
}

#[test]
fn a_file_cut_anywhere_is_answered_and_never_panics() {
    for (_, text) in SHIPPED {
        for at in (0..text.len()).step_by(61).filter(|at| text.is_char_boundary(*at)) {
            let _ = Route::parse(&text[..at]);
        }
    }
}
