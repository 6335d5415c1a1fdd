//! What can be done next and by whom, and what is blocked by which rules.

use super::stage::{self, Stage};
use crate::output::{Table, flagged, table};
use crate::words;
use baton_proto::v1::{Action, ExplainTransitionResponse, Unmet};
use serde_json::Value;

/// What stands at the top.
pub(crate) fn head(e: &ExplainTransitionResponse) -> String {
    let stage = Stage { id: &e.stage, standing: e.stage_standing, possible: &[], not_on_record: 0 };
    format!("{}: stage {}", e.transition, stage::words(stage))
}

/// The actions of one kind, with their heading.
pub(crate) fn tables(e: &ExplainTransitionResponse) -> Vec<(&'static str, Table)> {
    let of = |wanted: fn(&Action) -> bool| e.actions.iter().filter(move |a| wanted(a));
    let mut all = vec![
        ("Can be done now", allowed(of(|a| a.allowed))),
        ("Blocked", blocked(of(|a| !a.allowed && !a.done))),
        ("Done in this round", blocked(of(|a| !a.allowed && a.done))),
    ];
    all.retain(|(_, table)| !table.rows.is_empty());
    all
}

fn allowed<'a>(actions: impl Iterator<Item = &'a Action>) -> Table {
    let mut table = table(["What", "Recorded as", "By"]);
    for action in actions {
        table.row([subject(action).into(), recorded_as(action).into(), who(action).into()]);
    }
    table
}

fn blocked<'a>(actions: impl Iterator<Item = &'a Action>) -> Table {
    let mut table = table(["What", "Recorded as", "By", "What stands in the way"]).wide("What stands in the way");
    for action in actions {
        let unmet = action.unmet.iter().map(rule).collect::<Vec<_>>().join("\n");
        table.row([
            subject(action).into(),
            recorded_as(action).into(),
            who(action).into(),
            flagged(unmet, action.unmet.iter().any(|u| u.contrary)),
        ]);
    }
    table
}

fn subject(action: &Action) -> String {
    let subject = if action.title.is_empty() { action.subject.clone() } else { format!("{} ({})", action.title, action.subject) };
    if action.allowed && action.done { format!("{subject}, again") } else { subject }
}

fn recorded_as(action: &Action) -> String {
    if action.outcome.is_empty() { action.event_type.clone() } else { format!("{}, {}", action.event_type, action.outcome) }
}

/// The roles, and the persons who hold one now.
fn who(action: &Action) -> String {
    match (action.roles.as_slice(), action.people.as_slice()) {
        ([], []) => "anybody known".to_owned(),
        ([], people) => people.join(", "),
        (roles, []) => format!("{}: nobody on record", roles.join(" or ")),
        (roles, people) => format!("{}: {}", roles.join(" or "), people.join(", ")),
    }
}

/// An unmet rule in words.
pub(crate) fn rule(unmet: &Unmet) -> String {
    let rule = if unmet.rule.is_empty() { String::new() } else { format!(" (rule {})", unmet.rule) };
    format!("{}: {}{rule}", unmet.code, unmet.what)
}

/// The whole for programs.
pub(crate) fn object(e: &ExplainTransitionResponse) -> Value {
    words::json("ExplainTransitionResponse", e)
}

/// Everything in one table for programs.
pub(crate) fn flat(e: &ExplainTransitionResponse) -> Table {
    let mut table = table(["subject", "title", "event_type", "outcome", "allowed", "done", "roles", "people", "unmet"]);
    for a in &e.actions {
        table.row([
            a.subject.as_str().into(),
            a.title.as_str().into(),
            a.event_type.as_str().into(),
            a.outcome.as_str().into(),
            a.allowed.to_string().into(),
            a.done.to_string().into(),
            a.roles.join(" ").into(),
            a.people.join(" ").into(),
            a.unmet.iter().map(rule).collect::<Vec<_>>().join("\n").into(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allowed_and_blocked_are_told_apart_with_every_rule() {
        let unmet = |code: &str| Unmet { code: code.into(), rule: "I19".into(), what: "is missing".into(), ..Default::default() };
        let actions = vec![
            Action {
                subject: "eoi".into(),
                event_type: "ExpressionOfInterestSubmitted".into(),
                allowed: true,
                roles: vec!["lead".into()],
                people: vec!["p1".into()],
                ..Default::default()
            },
            Action {
                subject: "board".into(),
                event_type: "GateDecided".into(),
                outcome: "approved".into(),
                unmet: vec![unmet("A"), unmet("B")],
                ..Default::default()
            },
            Action { subject: "old".into(), done: true, ..Default::default() },
        ];
        let explained = ExplainTransitionResponse { actions, ..Default::default() };
        let tables = tables(&explained);
        assert_eq!(
            tables.iter().map(|(heading, _)| *heading).collect::<Vec<_>>(),
            ["Can be done now", "Blocked", "Done in this round"]
        );
        assert_eq!(tables[0].1.rows[0][2].text, "lead: p1");
        assert_eq!(tables[1].1.rows[0][3].text, "A: is missing (rule I19)\nB: is missing (rule I19)");
        assert_eq!(flat(&explained).rows.len(), 3);
        assert_eq!(object(&explained)["actions"][1]["unmet"][1]["code"], "B");
    }
}
