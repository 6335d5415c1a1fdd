//! The path of one transition: what was said to come and what happened, told apart.

use super::board::{gap_objects, is_trouble, plan_objects, plan_subject};
use super::{dates, events, stage};
use crate::output::{Table, flagged, number, table};
use crate::words;
use baton_proto::v1::*;
use serde_json::{Value, json};

/// What stands at the top, a line each.
pub(crate) fn head(t: &TransitionView) -> Vec<String> {
    let name = if t.receiver_name.is_empty() { t.receiver.clone() } else { format!("{} ({})", t.receiver_name, t.receiver) };
    let route = t.route.clone().unwrap_or_default();
    let through = if t.acting_through.is_empty() { String::new() } else { format!(", acting through {}", t.acting_through) };
    let region = if t.region.is_empty() { "not on record".to_owned() } else { t.region.clone() };
    let mut lines = vec![
        format!("{}: {} to {name}{}", t.id, t.service, if t.designate { ", designate" } else { "" }),
        format!("Stage: {}{}", stage::words(t.into()), if t.closed { ", closed" } else { "" }),
    ];
    lines.push(match &t.live_on {
        Some(date) => format!("Live on: {}", dates::words(date)),
        None => "Live on: not on record".to_owned(),
    });
    lines.push(format!("Sender: {}{through}. Region: {region}. Wave: {}. Round: {}", t.sender, t.wave, t.round));
    lines.push(format!("Route: {} {}, sha256 {}", route.id, route.version, route.sha256));
    if !t.continues.is_empty() {
        lines.push(format!("Goes on from: {}", t.continues));
    }
    let before = words::starting_position(t.starting_position);
    if !before.is_empty() {
        lines.push(format!("Before it began: {}", before.replace('_', " ")));
    }
    lines
}

/// The steps that an as-of view can rest on: those that may have happened by that day.
pub(crate) fn by_day(steps: Vec<ReplayStep>, day: Option<&str>) -> Vec<ReplayStep> {
    let Some(day) = day else { return steps };
    let not_after = |step: &ReplayStep| {
        let earliest =
            step.event.as_ref().and_then(|e| e.occurred.as_ref()).map(|date| date.earliest.as_str()).unwrap_or_default();
        earliest <= day // ISO days compare as text; an unknown one may be any day.
    };
    steps.into_iter().filter(not_after).collect()
}

/// What was said to come. The plans of the view have every status; those of events are not read.
pub(crate) fn plans(plans: &[PlanView]) -> Table {
    let mut table = table(["Rev", "Planned", "For", "Status", "Happened"]).wide("Planned");
    for plan in plans {
        table.row([
            number(plan.revision),
            in_full(plan).into(),
            dates::optional(plan.target.as_ref()).into(),
            flagged(words::plan_status(plan.status).replace('_', " "), is_trouble(plan)),
            dates::optional(plan.actual.as_ref()).into(),
        ]);
    }
    table
}

/// What is planned and how its source knows, what it waits for, and the words of the plan; a line each.
fn in_full(plan: &PlanView) -> String {
    let waits = plan.depends_on.iter().map(dependency).collect::<Vec<_>>().join("; ");
    let waits = if waits.is_empty() { String::new() } else { format!("waits for {waits}") };
    let subject = format!("{} ({})", plan_subject(plan), words::standing(plan.standing));
    [subject, waits, plan.note.clone()].into_iter().filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

fn dependency(d: &Dependency) -> String {
    [d.event.as_str(), d.key.as_str(), d.outcome.as_str()]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// What happened, in the order of the story.
pub(crate) fn statements(steps: &[ReplayStep]) -> Table {
    let mut table = table(["Rev", "When", "What", "Standing", "Who", "Gaps when accepted", "Stage after"]).wide("What");
    for step in steps.iter().filter(|step| step.in_story && !is_plan(step)) {
        let event = step.event.clone().unwrap_or_default();
        let codes = event.gaps.iter().map(|gap| gap.code.as_str()).collect::<Vec<_>>().join("\n");
        table.row([
            number(event.revision),
            dates::optional(event.occurred.as_ref()).into(),
            format!("{}\n{}", event.r#type, events::said_by(&event)).trim_end().to_owned().into(),
            words::standing(event.standing).into(),
            dates::doer(event.done_by.as_ref()).into(),
            flagged(codes, !event.gaps.is_empty()),
            events::stage_after(step).into(),
        ]);
    }
    table
}

fn is_plan(step: &ReplayStep) -> bool {
    step.event.as_ref().is_some_and(|event| event.r#type == "Planned")
}

/// Everything else there is, with its heading; what holds nothing is left out.
pub(crate) fn sections(t: &TransitionView) -> Vec<(String, Table)> {
    let mut all = vec![("Obligations".to_owned(), obligations(&t.obligations))];
    for checklist in &t.checklists {
        all.push((checklist_heading(checklist), questions(checklist)));
    }
    all.push(("Findings of due diligence".to_owned(), findings(&t.findings)));
    all.push(("Handover".to_owned(), handovers(&t.handovers)));
    all.push(("Sender and receiver pairs".to_owned(), pairs(&t.pairs)));
    all.push(("Gaps still open".to_owned(), gaps(&t.gaps)));
    all.push(("Conflicts between sources".to_owned(), conflicts(&t.conflicts)));
    all.push(("What could not be read as meant".to_owned(), anomalies(&t.anomalies)));
    all.retain(|(_, table)| !table.rows.is_empty());
    all
}

fn obligations(all: &[ObligationView]) -> Table {
    let mut table = table(["Obligation", "Kind", "About", "What", "Due", "Status", "Agreed by"]);
    for o in all {
        let status = words::obligation_status(o.status).replace('_', " ");
        table.row([
            o.obligation.as_str().into(),
            o.kind.as_str().into(),
            o.about.as_str().into(),
            o.text.as_str().into(),
            dates::optional(o.due.as_ref()).into(),
            flagged(if o.overdue { format!("{status}, overdue") } else { status }, o.overdue),
            if o.agreed { "both sides" } else { "" }.into(),
        ]);
    }
    table
}

fn checklist_heading(c: &ChecklistView) -> String {
    let answered = c.questions.iter().filter(|q| q.version > 0).count();
    let title = if c.title.is_empty() { c.checklist.clone() } else { format!("{} ({})", c.title, c.checklist) };
    let state = match (c.complete, c.corroborated, c.resolved) {
        (true, true, true) => ", complete, checked and resolved",
        (true, true, false) => ", complete and checked",
        (true, false, _) => ", complete, not yet checked",
        _ => "",
    };
    format!("Checklist {title}: {answered} of {} answered{state}", c.questions.len())
}

/// Only questions that have an answer: the rest is what `next` shows.
fn questions(c: &ChecklistView) -> Table {
    let mut table = table(["Question", "Text", "Answer", "Complies", "Checked", "Resolution", "Narrative"]);
    for q in c.questions.iter().filter(|q| q.version > 0) {
        let checked = match (q.corroborated, q.evidence_verified) {
            (true, true) => format!("{}, evidence verified", words::answer(q.corroboration)),
            (true, false) => words::answer(q.corroboration),
            (false, _) => "not yet".to_owned(),
        };
        table.row([
            q.question.as_str().into(),
            q.text.as_str().into(),
            format!("{} (version {})", words::answer(q.answer), q.version).into(),
            flagged(q.compliant.map_or("", |c| if c { "yes" } else { "no" }), q.compliant == Some(false)),
            checked.into(),
            q.resolution.as_str().into(),
            q.narrative.as_str().into(),
        ]);
    }
    table
}

fn findings(all: &[FindingView]) -> Table {
    let mut table = table(["Finding", "About", "Severity", "What", "Raised", "Closed"]);
    for f in all {
        table.row([
            f.finding.as_str().into(),
            f.subject.as_str().into(),
            f.severity.map(|s| s.to_string()).unwrap_or_default().into(),
            f.note.as_str().into(),
            format!("revision {}", f.raised).into(),
            if f.closed { "yes" } else { "no" }.into(),
        ]);
    }
    table
}

fn handovers(all: &[HandoverView]) -> Table {
    let mut table = table(["Item", "Area", "Kind", "What", "Pair", "Status", "Version", "Points left open"]);
    for h in all {
        table.row([
            h.item.as_str().into(),
            h.area.as_str().into(),
            words::handover_kind(h.kind).replace('_', " ").into(),
            h.title.as_str().into(),
            h.pair.as_str().into(),
            words::handover_status(h.status).into(),
            h.version.as_str().into(),
            flagged(if h.open_points { "yes" } else { "" }, h.open_points),
        ]);
    }
    table
}

fn pairs(all: &[PairView]) -> Table {
    let mut table = table(["Pair", "Area", "Sender's person", "Receiver's person"]);
    for p in all {
        table.row([
            p.pair.as_str().into(),
            p.area.as_str().into(),
            p.sender_person.as_str().into(),
            p.receiver_person.as_str().into(),
        ]);
    }
    table
}

fn gaps(all: &[OpenGap]) -> Table {
    let mut table = table(["Rev", "Code", "Kind", "What is missing"]);
    for open in all {
        let gap = open.gap.clone().unwrap_or_default();
        table.row([
            number(open.revision),
            gap.code.into(),
            flagged(words::gap_kind(gap.kind).replace('_', " "), gap.kind == GapKind::Contrary as i32),
            gap.what.into(),
        ]);
    }
    table
}

fn conflicts(all: &[ConflictView]) -> Table {
    let mut table = table(["Conflict", "Statements", "What disagrees", "By how much", "How it is dealt with", "Settled as"])
        .wide("What disagrees");
    for c in all {
        let statements = c.statements.iter().map(|r| format!("revision {r}")).collect::<Vec<_>>().join(", ");
        table.row([
            c.conflict.as_str().into(),
            statements.into(),
            c.description.as_str().into(),
            c.size.as_str().into(),
            c.handling.as_str().into(),
            if c.settled.is_none() { flagged("not settled", true) } else { c.reading.as_str().into() },
        ]);
    }
    table
}

fn anomalies(all: &[Anomaly]) -> Table {
    let mut table = table(["Rev", "What is wrong"]);
    for a in all {
        table.row([number(a.revision), flagged(a.what.as_str(), true)]);
    }
    table
}

/// The whole for programs: the view as it came, with plans, gaps and statements in the shapes of the board and the replay.
pub(crate) fn object(t: &TransitionView, steps: &[ReplayStep]) -> Value {
    let mut object = words::json("TransitionView", t);
    object["stage_words"] = stage::words(t.into()).into();
    object["live_on"] = dates::value(t.live_on.as_ref());
    object["live_on_date"] = dates::whole(t.live_on.as_ref());
    object["plans"] = plan_objects(&t.plans);
    object["gaps"] = gap_objects(&t.gaps);
    let statements: Vec<ReplayStep> = steps.iter().filter(|step| step.in_story && !is_plan(step)).cloned().collect();
    object["statements"] = events::replay_objects(&statements);
    for key in ["stage", "stage_title", "region", "receiver_name", "acting_through", "continues"] {
        if object[key] == json!("") {
            object[key] = Value::Null;
        }
    }
    object
}

/// Plans and statements for programs that read tables, told apart by the first column.
pub(crate) fn flat(t: &TransitionView, steps: &[ReplayStep]) -> Table {
    let mut table = table(["row", "revision", "type", "date", "standing", "status", "stage_after", "what"]);
    for plan in &t.plans {
        table.row([
            "plan".into(),
            plan.revision.to_string().into(),
            plan_subject(plan).into(),
            dates::optional(plan.target.as_ref()).into(),
            words::standing(plan.standing).into(),
            words::plan_status(plan.status).into(),
            "".into(),
            plan.note.as_str().into(),
        ]);
    }
    for step in steps.iter().filter(|step| step.in_story && !is_plan(step)) {
        let event = step.event.clone().unwrap_or_default();
        table.row([
            "statement".into(),
            event.revision.to_string().into(),
            event.r#type.as_str().into(),
            dates::optional(event.occurred.as_ref()).into(),
            words::standing(event.standing).into(),
            "".into(),
            step.stage.as_str().into(),
            events::said_by(&event).into(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(kind: &str, earliest: &str) -> ReplayStep {
        let occurred = FuzzyDate { earliest: earliest.into(), ..Default::default() };
        let event = RecordedEvent { r#type: kind.into(), occurred: Some(occurred), ..Default::default() };
        ReplayStep { event: Some(event), in_story: true, ..Default::default() }
    }

    fn view() -> TransitionView {
        TransitionView {
            id: "06F.PMED.CCG-2015".into(),
            receiver: "06F".into(),
            stage: "ASSESSMENT".into(),
            plans: vec![PlanView {
                event: "GateDecided".into(),
                key: "ballot".into(),
                status: PlanStatus::Late as i32,
                standing: baton_proto::v1::Standing::Stated as i32,
                note: "Outcome of the vote".into(),
                ..Default::default()
            }],
            obligations: vec![ObligationView {
                obligation: "o1".into(),
                status: ObligationStatus::Open as i32,
                overdue: true,
                ..Default::default()
            }],
            checklists: vec![ChecklistView {
                checklist: "pdaf".into(),
                questions: vec![QuestionView::default()],
                ..Default::default()
            }],
            conflicts: vec![ConflictView { conflict: "C1".into(), ..Default::default() }],
            ..Default::default()
        }
    }

    #[test]
    fn plans_and_statements_stand_in_tables_of_their_own() {
        let steps = [step("Planned", ""), step("ItemTabled", "")];
        assert_eq!(statements(&steps).rows.len(), 1);
        let plans = plans(&view().plans);
        let words = "GateDecided ballot (stated)\nOutcome of the vote";
        assert_eq!((plans.rows[0][1].text.as_str(), plans.rows[0][3].text.as_str()), (words, "late"));
    }

    #[test]
    fn section_without_content_is_left_out() {
        let sections = sections(&view());
        let headings: Vec<&str> = sections.iter().map(|(heading, _)| heading.as_str()).collect();
        assert_eq!(headings, ["Obligations", "Conflicts between sources"]);
        assert_eq!(sections[0].1.rows[0][5].text, "open, overdue");
        assert!(sections.iter().all(|(_, t)| t.rows.iter().all(|row| row.len() == t.headers.len())));
    }

    #[test]
    fn view_of_a_day_drops_what_certainly_came_later() {
        let steps = vec![step("A", "2020-01-01"), step("B", ""), step("C", "2022-07-01")];
        let kept = by_day(steps, Some("2021-01-01"));
        let kinds: Vec<&str> = kept.iter().filter_map(|s| s.event.as_ref()).map(|e| e.r#type.as_str()).collect();
        assert_eq!(kinds, ["A", "B"]);
    }

    #[test]
    fn object_keeps_the_view_and_adds_statements() {
        let shown = object(&view(), &[step("Planned", ""), step("ItemTabled", "")]);
        assert_eq!(shown["obligations"][0]["status"], "open");
        assert_eq!(shown["plans"][0]["status"], "late");
        assert_eq!(shown["statements"].as_array().map(Vec::len), Some(1));
        assert_eq!(shown["live_on"], Value::Null);
    }
}
