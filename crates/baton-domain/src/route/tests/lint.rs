//! One broken route for every lint code: the code, the line and the key are what an author sees.

use super::{WHOLE, and, only, refused, with};

#[test]
fn p002_a_name_that_stands_for_nothing() {
    for (from, to, key) in [
        ("home = \"LIVING\"", "home = \"ALIVE\"", "item.finish.home"),
        ("\"done ask\"", "\"done asking\"", "stage.ASKED.entry"),
        ("gate answer is yes|maybe", "gate answers is yes|maybe", "item.start.needs"),
        ("gate answer is yes|maybe", "gate answer is yes|perhaps", "item.start.needs"),
        ("gate answer is yes|maybe", "gate answer is unknown", "item.start.needs"),
        ("obligations answer clear", "obligations answered clear", "item.start.needs"),
        ("checklist = \"form\"", "checklist = \"from\"", "item.form.checklist"),
        ("fact budget recorded", "fact bugdet recorded", "item.start.needs"),
        ("field ask.right_to_withdraw is asserted", "field ask.right is asserted", "item.leave.needs"),
        ("field ask.right_to_withdraw is asserted", "field ask.right_to_withdraw is given", "item.leave.needs"),
        ("\"verified form\"", "\"verified ask\"", "gate.answer.needs"),
        ("after = \"ask\"", "after = \"asked\"", "due[1].after"),
    ] {
        only(&with(from, to), to, "P002", key);
    }
}

#[test]
fn p002_a_handover_nobody_listed() {
    only(&with("[[handover]]\narea = \"papers\"\nitems = [\"Letters\"]", ""), "handover clear", "P002", "item.start.needs");
}

#[test]
fn p002_a_corroboration_nobody_may_give() {
    only(&with("corroborate = [\"giver\"]\n", ""), "checklist form corroborated", "P002", "gate.answer.outcomes.yes.needs");
}

#[test]
fn p003_a_first_stage_that_is_not_the_plain_registered() {
    only(
        &with("entry = \"registered\"", "entry = \"done ask\""),
        "entry = \"done ask\"\n\n[[stage]]\nid = \"ASKED\"",
        "P003",
        "stage.BEGUN.entry",
    );
}

#[test]
fn p004_a_stage_nothing_can_lead_to() {
    let text = and("[[item]]\nid = \"late\"\ntitle = \"Late\"\nhome = \"NEVER\"\nby = [\"giver\"]\nagain = true").replace(
        "[[stage]]\nid = \"REFUSED\"",
        "[[stage]]\nid = \"NEVER\"\nentry = \"done late\"\n\n[[stage]]\nid = \"REFUSED\"",
    );
    only(&text, "entry = \"done late\"", "P004", "stage.NEVER.entry");
}

#[test]
fn p005_work_that_can_never_be_done() {
    let circle = with("needs = \"checklist form complete\"", "needs = \"gate answer is no\"");
    let errors = refused(&circle);
    assert!(errors.iter().any(|e| (e.rule, e.key.as_str()) == ("P005", "item.form.needs")), "{errors:#?}");
    only(
        &with("again = true\n\n[[item]]\nid = \"form\"", "until = \"ASKED\"\n\n[[item]]\nid = \"form\"")
            .replace("from = [\"GONE\"]", "from = [\"ASKED\"]"),
        "until = \"ASKED\"",
        "P005",
        "item.leave.until",
    );
}

#[test]
fn p006_not_exactly_one_live_stage() {
    let errors = refused(&with("live = true\n", ""));
    assert_eq!((errors.len(), errors[0].rule, errors[0].key.as_str()), (1, "P006", "stage"));
    let text = with("entry = \"done finish\"\nclosed = true", "entry = \"done finish\"\nlive = true");
    only(&text, "[[stage]]\nid = \"OVER\"", "P006", "stage.OVER");
}

#[test]
fn p006_a_live_stage_nothing_can_lead_to() {
    let errors = refused(&with("\"gate answer is yes|maybe\"", "\"done finish\""));
    assert!(errors.iter().any(|e| (e.rule, e.key.as_str()) == ("P006", "stage.LIVING.entry")), "{errors:#?}");
}

#[test]
fn p006_a_live_stage_reached_without_commencement() {
    only(&with("kind = \"commencement\"\n", ""), "entry = \"done start\"", "P006", "stage.LIVING.entry");
}

#[test]
fn p008_too_few_outcomes_or_one_twice_or_unknown() {
    let outcomes = "{ id = \"yes\", needs = \"checklist form corroborated\" }, { id = \"maybe\", raises = true }, { id = \"no\", reason = true }";
    let gate = "[[gate]]\nid = \"extra\"\ntitle = \"Extra\"\nhome = \"ASKED\"\nby = [\"giver\"]\n";
    only(&and(&format!("{gate}outcomes = [{{ id = \"only\", reason = true }}]")), "\"only\"", "P008", "gate.extra.outcomes");
    let twice = format!("{outcomes}, {{ id = \"no\", reason = true }}");
    only(&with(outcomes, &twice), "outcomes = [", "P008", "gate.answer.outcomes.no");
    let unknown = format!("{outcomes}, {{ id = \"unknown\" }}");
    only(&with(outcomes, &unknown), "outcomes = [", "P008", "gate.answer.outcomes.unknown");
}

#[test]
fn p009_an_outcome_nothing_waits_for_and_without_reason() {
    only(
        &with("{ id = \"no\", reason = true }", "{ id = \"no\" }, { id = \"later\" }"),
        "later",
        "P009",
        "gate.answer.outcomes.later",
    );
}

#[test]
fn p010_roles_used_and_declared() {
    only(&with("giver = \"sender\"", "giver = \"sender\"\nidler = \"any\""), "idler", "P010", "roles.idler");
    only(&with("agreed_by = [\"giver\"]", "agreed_by = [\"given\"]"), "agreed_by", "P010", "reopen[1].agreed_by");
}

#[test]
fn p012_verification_by_the_only_doer() {
    only(&with("verify = [\"giver\"]", "verify = [\"taker\"]"), "verify", "P012", "item.form.verify");
}

#[test]
fn p015_an_outcome_that_raises_what_the_route_does_not_know() {
    let kind = "[[obligation]]\nkind = \"condition\"\ntitle = \"Condition\"\nraise = [\"giver\"]\ndischarge = [\"taker\"]\n";
    only(&with(kind, ""), "raises = true", "P015", "gate.answer.outcomes.maybe");
}

#[test]
fn p016_no_way_out_before_the_live_stage() {
    let text = WHOLE
        .replace("entry = \"gate answer is no\"\nclosed = true", "entry = \"gate answer is no\"")
        .replace("entry = \"done leave\"\nclosed = true", "entry = \"done leave\"");
    only(&text, "[[stage]]\nid = \"LIVING\"", "P016", "stage.LIVING");
}

#[test]
fn p016_a_reopening_nobody_agrees_to() {
    only(&with("\nagreed_by = [\"giver\"]", ""), "[[reopen]]", "P016", "reopen[1].agreed_by");
}

#[test]
fn p016_a_reopening_into_a_closed_or_a_later_stage() {
    only(&with("to = [\"BEGUN\"]", "to = [\"REFUSED\"]"), "to = [\"REFUSED\"]", "P016", "reopen[1].to");
    only(&with("to = [\"BEGUN\"]", "to = [\"LIVING\"]"), "to = [\"LIVING\"]", "P016", "reopen[1].to");
}

#[test]
fn p016_a_reopening_that_leaves_the_exit_standing() {
    only(
        &with("again = true\n\n[[item]]\nid = \"form\"", "\n[[item]]\nid = \"form\""),
        "to = [\"BEGUN\"]",
        "P016",
        "reopen[1].to",
    );
    only(
        &with("again = true\n\n[[item]]\nid = \"leave\"", "\n[[item]]\nid = \"leave\""),
        "to = [\"BEGUN\"]",
        "P016",
        "reopen[1].to",
    );
}

#[test]
fn p017_a_deadline_counted_from_itself() {
    only(&with("after = \"ask\"", "after = \"answer\""), "after = \"answer\"", "P017", "due[1].after");
}

#[test]
fn p019_a_later_stage_that_holds_at_once() {
    only(
        &with("entry = \"gate answer is no\"", "entry = \"obligations answer clear\""),
        "entry = \"obligations",
        "P019",
        "stage.REFUSED.entry",
    );
}

#[test]
fn p021_an_exit_from_before_that_stands_after_the_live_stage() {
    let refused_stage = "[[stage]]\nid = \"REFUSED\"\nentry = \"gate answer is no\"\nclosed = true\n\n";
    let text = with(refused_stage, "").replace("[[stage]]\nid = \"OVER\"", &format!("{refused_stage}[[stage]]\nid = \"OVER\""));
    only(&text, "entry = \"gate answer is no\"", "P021", "stage.REFUSED.entry");
}

#[test]
fn all_problems_are_reported_together_in_the_order_of_the_lines() {
    let text = with("home = \"LIVING\"", "home = \"ALIVE\"")
        .replace("\nagreed_by = [\"giver\"]", "")
        .replace("verify = [\"giver\"]", "verify = [\"taker\"]")
        .replace("version = \"1\"", "version = \"1\"\ncolour = \"red\"");
    let errors = refused(&text);
    let rules: Vec<_> = errors.iter().map(|e| e.rule).collect();
    assert_eq!(rules, ["P001", "P012", "P002", "P016"]);
    assert!(errors.windows(2).all(|pair| pair[0].line < pair[1].line));
}

#[test]
fn a_problem_names_the_column_in_characters() {
    let text = with("by = [\"taker\"]\nneeds = \"field", "by = [\"taker\", \"täker\"]\nneeds = \"field");
    let errors = refused(&text);
    assert_eq!((errors[0].rule, errors[0].column), ("P001", 16));
    let shown = errors[0].to_string();
    assert!(shown.starts_with(&format!("line {}, column 16: P001 item.leave.by:", errors[0].line)), "{shown}");
}

#[test]
fn p016_a_reopening_asked_and_agreed_by_one_side() {
    only(&with("agreed_by = [\"giver\"]", "agreed_by = [\"giver\", \"taker\"]"), "agreed_by", "P016", "reopen[1].agreed_by");
}

#[test]
fn p016_two_ways_back_between_the_same_stages() {
    let second = "[[reopen]]\nto = [\"BEGUN\"]\nby = [\"giver\"]\nagreed_by = [\"taker\"]";
    only(&and(second), "to = [\"BEGUN\"]\nby", "P016", "reopen[2].to");
}
