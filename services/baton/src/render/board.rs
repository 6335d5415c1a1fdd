//! Where every transition stands, by region and receiver.

use super::{dates, stage};
use crate::output::{Table, flagged, table, trouble};
use crate::words;
use baton_proto::v1::{OpenGap, Organisation, PlanStatus, PlanView, TransitionSummary, TransitionView};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Names of regions by id.
pub(crate) type Regions = BTreeMap<String, String>;

/// The names of the regions.
pub(crate) fn regions(organisations: Vec<Organisation>) -> Regions {
    organisations.into_iter().map(|o| (o.id, o.name)).collect()
}

/// In the order of the board: region, receiver, service, wave; receivers without a region last.
pub(crate) fn sort(transitions: &mut [TransitionSummary], regions: &Regions) {
    let key = |t: &TransitionSummary| {
        let region = (t.region.is_empty(), region_name(&t.region, regions));
        (region, t.receiver_name.clone(), t.receiver.clone(), t.service.clone(), t.wave.clone(), t.id.clone())
    };
    transitions.sort_by_cached_key(key);
}

fn region_name(id: &str, regions: &Regions) -> String {
    match regions.get(id) {
        Some(name) => format!("{name} ({id})"),
        None if id.is_empty() => "Region not on record".to_owned(),
        None => id.to_owned(),
    }
}

/// For people: a heading and a table per region. The receiver is named once, and services that stand alike share a
/// line.
pub(crate) fn tables(transitions: &[TransitionSummary], regions: &Regions) -> Vec<(String, Table)> {
    let mut all: Vec<(String, Table)> = Vec::new();
    for of_region in transitions.chunk_by(|a, b| a.region == b.region) {
        let mut table = table(["Receiver", "Services", "Wave", "Stage", "Live on", "Plans", "Gaps", "Overdue"]);
        for of_receiver in of_region.chunk_by(|a, b| a.receiver == b.receiver) {
            for (index, (t, services)) in alike(of_receiver).into_iter().enumerate() {
                let receiver = if index == 0 { receiver(t) } else { String::new() };
                table.row([
                    receiver.into(),
                    services.join(", ").into(),
                    t.wave.as_str().into(),
                    stage::words(t.into()).into(),
                    dates::optional(t.live_on.as_ref()).into(),
                    flagged(plans(t), t.late_plans > 0),
                    trouble(t.open_gaps),
                    trouble(t.overdue_obligations),
                ]);
            }
        }
        all.push((region_name(&of_region[0].region, regions), table));
    }
    all
}

/// The lines of one receiver: of transitions that stand alike the first, with the services of all.
fn alike(of_receiver: &[TransitionSummary]) -> Vec<(&TransitionSummary, Vec<&str>)> {
    let line = |t: &TransitionSummary| {
        let live_on = dates::optional(t.live_on.as_ref());
        (t.wave.clone(), stage::words(t.into()), live_on, plans(t), t.open_gaps, t.overdue_obligations)
    };
    let mut lines: Vec<(&TransitionSummary, Vec<&str>)> = Vec::new();
    for t in of_receiver {
        match lines.iter_mut().find(|(first, _)| line(first) == line(t)) {
            Some((_, services)) => services.push(&t.service),
            None => lines.push((t, vec![&t.service])),
        }
    }
    lines
}

fn receiver(t: &TransitionSummary) -> String {
    let name = if t.receiver_name.is_empty() { t.receiver.clone() } else { format!("{} ({})", t.receiver_name, t.receiver) };
    if t.designate { format!("{name}, designate") } else { name }
}

/// The plan waited for, how many are late (past their day with nothing on record) and how many were missed (it happened
/// after their day).
fn plans(t: &TransitionSummary) -> String {
    let missed = (t.missed_plans > 0).then(|| format!("{} missed", t.missed_plans));
    [waited_for(t), missed].into_iter().flatten().collect::<Vec<_>>().join("; ")
}

fn waited_for(t: &TransitionSummary) -> Option<String> {
    let Some(plan) = &t.next_plan else {
        return (t.late_plans > 0).then(|| format!("{} late", t.late_plans));
    };
    let when = dates::optional(plan.target.as_ref());
    let first = format!("{} {when}", plan_subject(plan));
    let first = first.trim_end();
    Some(match (plan.status() == PlanStatus::Late, t.late_plans) {
        (true, 0 | 1) => format!("late: {first}"),
        (true, late) => format!("late: {first}, and {} more", late - 1),
        (false, 0) => format!("next: {first}"),
        (false, late) => format!("next: {first}; {late} late"),
    })
}

/// What is planned: the event, and its key where there is one.
pub(crate) fn plan_subject(plan: &PlanView) -> String {
    if plan.key.is_empty() { plan.event.clone() } else { format!("{} {}", plan.event, plan.key) }
}

/// For programs: one flat row for each transition.
pub(crate) fn flat(transitions: &[TransitionSummary], regions: &Regions) -> Table {
    let mut table = table([
        "id",
        "receiver",
        "receiver_name",
        "region",
        "region_name",
        "service",
        "wave",
        "stage",
        "stage_standing",
        "possible_stages",
        "earlier_stages_not_on_record",
        "live_on",
        "next_plan",
        "next_plan_target",
        "late_plans",
        "open_gaps",
        "open_obligations",
        "overdue_obligations",
        "open_conflicts",
        "closed",
    ]);
    for t in transitions {
        let next = t.next_plan.as_ref();
        let name = regions.get(&t.region).cloned().unwrap_or_default();
        table.row([
            t.id.as_str().into(),
            t.receiver.as_str().into(),
            t.receiver_name.as_str().into(),
            t.region.as_str().into(),
            name.into(),
            t.service.as_str().into(),
            t.wave.as_str().into(),
            t.stage.as_str().into(),
            words::standing(t.stage_standing).into(),
            t.possible_stages.join(" ").into(),
            t.earlier_stages_not_on_record.to_string().into(),
            dates::optional(t.live_on.as_ref()).into(),
            next.map(plan_subject).unwrap_or_default().into(),
            next.map(|plan| dates::optional(plan.target.as_ref())).unwrap_or_default().into(),
            t.late_plans.to_string().into(),
            t.open_gaps.to_string().into(),
            t.open_obligations.to_string().into(),
            t.overdue_obligations.to_string().into(),
            t.open_conflicts.to_string().into(),
            t.closed.to_string().into(),
        ]);
    }
    table
}

/// For programs: one object for each transition, with its plans and gaps.
pub(crate) fn objects(transitions: &[TransitionSummary], views: &[TransitionView], regions: &Regions) -> Value {
    transitions.iter().zip(views).map(|(summary, view)| object(summary, view, regions)).collect()
}

fn object(t: &TransitionSummary, view: &TransitionView, regions: &Regions) -> Value {
    let given = |text: &str| if text.is_empty() { Value::Null } else { text.into() };
    json!({
        "id": t.id,
        "receiver": t.receiver,
        "receiver_name": given(&t.receiver_name),
        "region": given(&t.region),
        "region_name": regions.get(&t.region),
        "service": t.service,
        "wave": t.wave,
        "stage": given(&t.stage),
        "stage_title": given(&t.stage_title),
        "stage_standing": given(&words::standing(t.stage_standing)),
        "stage_words": stage::words(t.into()),
        "possible_stages": t.possible_stages,
        "earlier_stages_not_on_record": t.earlier_stages_not_on_record,
        "round": t.round,
        "live_on": dates::value(t.live_on.as_ref()),
        "closed": t.closed,
        "designate": t.designate,
        "plans": plan_objects(&view.plans),
        "late_plans": t.late_plans,
        "missed_plans": t.missed_plans,
        "gaps": gap_objects(&view.gaps),
        "open_obligations": t.open_obligations,
        "overdue_obligations": t.overdue_obligations,
        "open_conflicts": t.open_conflicts,
        "revision": t.revision,
    })
}

/// Plans for programs: dates as words, and their bounds beside them.
pub(crate) fn plan_objects(plans: &[PlanView]) -> Value {
    plans.iter().map(plan_object).collect()
}

fn plan_object(plan: &PlanView) -> Value {
    let mut object = match words::json("PlanView", plan) {
        Value::Object(object) => object,
        _ => Map::new(),
    };
    object.insert("target".to_owned(), dates::value(plan.target.as_ref()));
    object.insert("target_date".to_owned(), dates::whole(plan.target.as_ref()));
    object.insert("actual".to_owned(), dates::value(plan.actual.as_ref()));
    object.insert("actual_date".to_owned(), dates::whole(plan.actual.as_ref()));
    Value::Object(object)
}

/// Gaps for programs, each with the revision of its statement.
pub(crate) fn gap_objects(gaps: &[OpenGap]) -> Value {
    let object = |open: &OpenGap| {
        let gap = open.gap.clone().unwrap_or_default();
        json!({ "revision": open.revision, "code": gap.code, "kind": words::gap_kind(gap.kind), "what": gap.what })
    };
    gaps.iter().map(object).collect()
}

/// Whether a plan wants attention.
pub(crate) fn is_trouble(plan: &PlanView) -> bool {
    matches!(plan.status(), PlanStatus::Missed | PlanStatus::Late)
}

#[cfg(test)]
mod tests {
    use super::*;
    use baton_proto::v1::{FuzzyDate, Gap, GapKind, Standing};

    fn summary(id: &str, receiver: &str, region: &str) -> TransitionSummary {
        TransitionSummary {
            id: id.into(),
            receiver: receiver.into(),
            receiver_name: format!("NHS {receiver}"),
            region: region.into(),
            service: id.split('.').nth(1).unwrap_or_default().into(),
            wave: "POD-2021".into(),
            stage: "LIVE".into(),
            stage_standing: Standing::Reported as i32,
            earlier_stages_not_on_record: 7,
            ..Default::default()
        }
    }

    fn regions() -> Regions {
        [("Y58", "South West"), ("Y60", "Midlands")].map(|(id, name)| (id.to_owned(), name.to_owned())).into()
    }

    #[test]
    fn board_is_grouped_by_region_then_receiver() {
        let mut all = [
            summary("QUY.PHARM.POD-2021", "QUY", "Y58"),
            summary("X.DENT.W", "X", ""),
            summary("QGH.DENT.POD-2021", "QGH", "Y60"),
            summary("QUY.DENT.POD-2021", "QUY", "Y58"),
        ];
        sort(&mut all, &regions());
        let tables = tables(&all, &regions());
        let headings: Vec<&str> = tables.iter().map(|(heading, _)| heading.as_str()).collect();
        assert_eq!(headings, ["Midlands (Y60)", "South West (Y58)", "Region not on record"]);
        let south_west = &tables[1].1;
        assert_eq!(south_west.rows[0][0].text, "NHS QUY (QUY)");
        assert_eq!((south_west.rows.len(), south_west.rows[0][1].text.as_str()), (1, "DENT, PHARM"));
        assert_eq!(south_west.rows[0][3].text, "LIVE (reported; 7 earlier stages not on record)");
        assert!(tables.iter().all(|(_, t)| t.rows.iter().all(|row| row.len() == t.headers.len())));
    }

    #[test]
    fn object_has_what_programs_rely_on() {
        let mut t = summary("QUY.DENT.POD-2021", "QUY", "Y58");
        t.live_on = Some(FuzzyDate {
            earliest: "2023-04-01".into(),
            latest: "2023-04-01".into(),
            text: "April 2023".into(),
            ..Default::default()
        });
        let gap = Gap { kind: GapKind::NotEvidenced as i32, code: "QUORUM_NOT_MET".into(), what: "not said".into() };
        let plan = PlanView {
            event: "DelegationCommenced".into(),
            status: PlanStatus::Met as i32,
            target: t.live_on.clone(),
            ..Default::default()
        };
        let view =
            TransitionView { gaps: vec![OpenGap { revision: 3, gap: Some(gap) }], plans: vec![plan], ..Default::default() };
        let shown = objects(&[t], &[view], &regions());
        let object = &shown[0];
        assert_eq!(object["id"], "QUY.DENT.POD-2021");
        assert_eq!((&object["stage"], &object["live_on"]), (&json!("LIVE"), &json!("2023-04-01")));
        assert_eq!(
            object["gaps"],
            json!([{ "revision": 3, "code": "QUORUM_NOT_MET", "kind": "not_evidenced", "what": "not said" }])
        );
        let plan = &object["plans"][0];
        assert_eq!(
            (&plan["event"], &plan["status"], &plan["target"], &plan["actual"]),
            (&json!("DelegationCommenced"), &json!("met"), &json!("2023-04-01"), &Value::Null)
        );
    }

    #[test]
    fn plan_that_is_late_is_not_called_next() {
        let words = |status: PlanStatus, late_plans| {
            let plan =
                PlanView { event: "AssessmentSubmitted".into(), key: "pdaf".into(), status: status as i32, ..Default::default() };
            plans(&TransitionSummary { next_plan: Some(plan), late_plans, ..Default::default() })
        };
        assert_eq!(words(PlanStatus::Open, 2), "next: AssessmentSubmitted pdaf; 2 late");
        assert_eq!(words(PlanStatus::Late, 3), "late: AssessmentSubmitted pdaf, and 2 more");
    }

    #[test]
    fn services_that_stand_otherwise_have_a_line_of_their_own() {
        let mut dental = summary("QYG.DENT.POD-2021", "QYG", "Y58");
        dental.missed_plans = 1;
        let all = [dental, summary("QYG.OPHTH.POD-2021", "QYG", "Y58"), summary("QYG.PHARM.POD-2021", "QYG", "Y58")];
        let table = &tables(&all, &regions())[0].1;
        let lines: Vec<_> = table.rows.iter().map(|r| (r[0].text.as_str(), r[1].text.as_str(), r[5].text.as_str())).collect();
        assert_eq!(lines, [("NHS QYG (QYG)", "DENT", "1 missed"), ("", "OPHTH, PHARM", "")]);
    }

    #[test]
    fn flat_rows_have_a_cell_for_every_header() {
        let table = flat(&[summary("QUY.DENT.POD-2021", "QUY", "Y58")], &regions());
        assert_eq!(table.rows[0].len(), table.headers.len());
        assert_eq!(table.rows[0][4].text, "South West");
    }
}
