//! A transition in full: what it owes, what was answered, what disagrees, what can be done next.

use super::common::{fuzzy_date, gap, text, unmet};
use super::summary::{Row, plan, standing};
use crate::parse::Word;
use baton_domain::event::Event;
use baton_domain::transition::{Action, ActionKind, Audit, HandoverState, Obligation, Question, Transition};
use baton_domain::values::{FuzzyDate, Revision};
use baton_proto::v1 as proto;
use std::collections::BTreeMap;

/// The row in full, read at `position`.
pub fn transition(row: &Row, position: u64) -> proto::TransitionView {
    let r = &row.registration;
    proto::TransitionView {
        id: row.transition.id.to_string(),
        receiver: r.receiver.to_string(),
        receiver_name: row.receiver_name.clone(),
        service: r.service.to_string(),
        wave: r.wave.to_string(),
        region: row.region.clone(),
        sender: r.sender.to_string(),
        acting_through: r.acting_through.as_ref().map_or_else(String::new, ToString::to_string),
        route: Some(proto::RoutePin {
            id: r.pin.id.to_string(),
            version: r.pin.version.to_string(),
            sha256: r.pin.sha256.clone(),
        }),
        stage: row.stage.clone(),
        stage_title: row.stage_title.clone(),
        stage_standing: standing(row.standing),
        possible_stages: row.possible.clone(),
        earlier_stages_not_on_record: u32::try_from(row.not_on_record.len()).unwrap_or(u32::MAX),
        round: row.facts.round,
        live_on: row.facts.live_on.as_ref().map(fuzzy_date),
        starting_position: r.starting_position.number(),
        closed: row.closed,
        designate: row.designate,
        plans: row.plans.iter().map(plan).collect(),
        gaps: row.facts.gaps.iter().map(|(revision, g)| proto::OpenGap { revision: revision.0, gap: Some(gap(g)) }).collect(),
        obligations: obligations(row),
        checklists: checklists(row),
        findings: findings(row),
        handovers: handovers(row),
        pairs: pairs(row),
        conflicts: conflicts(&row.transition),
        anomalies: row
            .transition
            .story
            .anomalies()
            .map(|a| proto::Anomaly { revision: a.revision.0, what: a.what.clone() })
            .collect(),
        revision: row.transition.revision.0,
        position,
        continues: r.continues.as_ref().map_or_else(String::new, ToString::to_string),
    }
}

fn obligations(row: &Row) -> Vec<proto::ObligationView> {
    let status = |o: &Obligation| match (o.discharged.is_some(), o.in_part) {
        (true, _) => proto::ObligationStatus::Discharged,
        (false, 0) => proto::ObligationStatus::Open,
        (false, _) => proto::ObligationStatus::DischargedInPart,
    };
    let overdue = |o: &Obligation| {
        o.discharged.is_none() && o.due.as_ref().and_then(FuzzyDate::latest).is_some_and(|latest| latest < row.today)
    };
    let view = |(id, o): (&baton_domain::values::ObligationId, &Obligation)| proto::ObligationView {
        obligation: id.to_string(),
        kind: o.kind.to_string(),
        about: o.about.clone(),
        text: text(o.text.as_ref()),
        due: o.due.as_ref().map(fuzzy_date),
        status: status(o).into(),
        overdue: overdue(o),
        agreed: o.agreed,
        raised: o.raised.revision.0,
        discharged: o.discharged.map(|s| s.revision.0),
    };
    row.facts.obligations.iter().map(view).collect()
}

fn checklists(row: &Row) -> Vec<proto::ChecklistView> {
    use baton_domain::route::{Atom, ChecklistState as S};
    let state = |list: &baton_domain::route::Checklist, state: S| {
        row.facts.holds(&Atom::Checklist { checklist: list.id.clone(), state }, &row.route).is_some()
    };
    let answered = |list: &baton_domain::route::Checklist| row.facts.questions.keys().any(|(id, _)| *id == list.id);
    let view = |list: &baton_domain::route::Checklist| proto::ChecklistView {
        checklist: list.id.to_string(),
        title: list.title.clone(),
        complete: state(list, S::Complete),
        corroborated: state(list, S::Corroborated),
        resolved: answered(list) && state(list, S::Resolved),
        questions: list.questions.iter().map(|q| question(row, list, q)).collect(),
    };
    row.route.checklists().iter().map(view).collect()
}

fn question(row: &Row, list: &baton_domain::route::Checklist, asked: &baton_domain::route::Question) -> proto::QuestionView {
    let given = row.facts.questions.get(&(list.id.clone(), asked.id.clone()));
    let latest = given.and_then(Question::latest);
    let check = given.and_then(Question::corroboration);
    let said = |revision: Revision| row.transition.story.entry(revision).map(|e| &e.statement().event);
    let narrative = latest.and_then(|(_, a)| match said(a.by.revision)? {
        Event::ChecklistAnswered(e) => e.narrative.as_ref(),
        _ => None,
    });
    let verified = check.and_then(|(_, _, by)| match said(by.revision)? {
        Event::ChecklistCorroborated(e) => Some(e.evidence_verified),
        _ => None,
    });
    let prospect = row.facts.obligations.iter().find(|(_, o)| o.about == format!("{}:{}", list.id, asked.id) && o.agreed);
    proto::QuestionView {
        question: asked.id.to_string(),
        text: asked.text.clone(),
        answer: latest.map_or(0, |(_, a)| a.answer.number()),
        version: latest.map_or(0, |(version, _)| version),
        compliant: latest.map(|(_, a)| a.answer == asked.compliant),
        corroborated: check.is_some(),
        corroboration: check.map_or(0, |(_, found, _)| found.number()),
        evidence_verified: verified.unwrap_or_default(),
        resolution: prospect.map_or_else(String::new, |(id, _)| id.to_string()),
        narrative: text(narrative),
        revision: latest.map(|(_, a)| a.by.revision.0),
        checked: check.map(|(_, _, by)| by.revision.0),
    }
}

fn findings(row: &Row) -> Vec<proto::FindingView> {
    let note = |revision: Revision| match row.transition.story.entry(revision).map(|e| &e.statement().event) {
        Some(Event::FindingRaised(e)) => text(e.note.as_ref()),
        _ => String::new(),
    };
    let view = |(id, f): (&baton_domain::values::FindingId, &baton_domain::transition::Finding)| proto::FindingView {
        finding: id.to_string(),
        subject: f.subject.as_ref().map_or_else(String::new, ToString::to_string),
        severity: f.severity.map(u32::from),
        note: note(f.raised.revision),
        raised: f.raised.revision.0,
        closed: f.closed.is_some(),
    };
    row.facts.findings.iter().map(view).collect()
}

fn handovers(row: &Row) -> Vec<proto::HandoverView> {
    let view = |(id, h): (&baton_domain::values::HandoverItemId, &baton_domain::transition::Handover)| {
        let (status, version) = match &h.state {
            HandoverState::Listed => (proto::HandoverStatus::Listed, ""),
            HandoverState::Sent(version) => (proto::HandoverStatus::Sent, version.as_str()),
            HandoverState::Accepted(version) => (proto::HandoverStatus::Accepted, version.as_str()),
            HandoverState::Returned(version) => (proto::HandoverStatus::Returned, version.as_str()),
        };
        proto::HandoverView {
            item: id.to_string(),
            area: h.area.clone(),
            kind: h.kind.number(),
            pair: h.pair.as_ref().map_or_else(String::new, ToString::to_string),
            title: text(h.title.as_ref()),
            status: status.into(),
            version: version.to_owned(),
            open_points: h.open_points,
            revision: h.by.revision.0,
        }
    };
    row.facts.handover.iter().map(view).collect()
}

fn pairs(row: &Row) -> Vec<proto::PairView> {
    let view = |(id, p): (&baton_domain::values::PairId, &baton_domain::transition::Pair)| proto::PairView {
        pair: id.to_string(),
        area: p.area.clone(),
        sender_person: p.sender.as_ref().map_or_else(String::new, ToString::to_string),
        receiver_person: p.receiver.as_ref().map_or_else(String::new, ToString::to_string),
        revision: p.by.revision.0,
    };
    row.facts.pairs.iter().map(view).collect()
}

/// Conflicts flagged in a transition's stream, with how they were settled.
pub(super) fn conflicts(transition: &Transition) -> Vec<proto::ConflictView> {
    let mut views: BTreeMap<String, proto::ConflictView> = BTreeMap::new();
    for recorded in transition.story.truth() {
        match &recorded.statement.event {
            Event::ConflictFlagged(e) => {
                let view = proto::ConflictView {
                    conflict: e.conflict.to_string(),
                    statements: e.statements.iter().map(|r| r.0).collect(),
                    description: text(e.description.as_ref()),
                    size: text(e.size.as_ref()),
                    handling: text(e.handling.as_ref()),
                    reading: String::new(),
                    flagged: recorded.revision.0,
                    settled: None,
                };
                views.insert(view.conflict.clone(), view);
            }
            Event::ConflictSettled(e) => {
                if let Some(view) = views.get_mut(e.conflict.as_str()) {
                    view.reading = text(e.reading.as_ref());
                    view.settled = Some(recorded.revision.0);
                }
            }
            _ => {}
        }
    }
    views.into_values().collect()
}

/// One thing that may be done, or what it lacks.
pub fn action(action: &Action) -> proto::Action {
    let kind = match action.kind {
        ActionKind::Item => proto::ActionKind::Item,
        ActionKind::Verification => proto::ActionKind::Verification,
        ActionKind::Gate => proto::ActionKind::Gate,
        ActionKind::Answer => proto::ActionKind::Answer,
        ActionKind::Corroboration => proto::ActionKind::Corroboration,
        ActionKind::Obligation => proto::ActionKind::Obligation,
        ActionKind::Handover => proto::ActionKind::Handover,
        ActionKind::Reopening => proto::ActionKind::Reopening,
        ActionKind::Proposal => proto::ActionKind::Proposal,
    };
    proto::Action {
        subject: action.subject.clone(),
        kind: kind.into(),
        title: action.title.clone(),
        event_type: action.event.to_string(),
        outcome: action.outcome.as_ref().map_or_else(String::new, ToString::to_string),
        allowed: action.allowed(),
        unmet: action.unmet.iter().map(unmet).collect(),
        roles: action.roles.iter().map(ToString::to_string).collect(),
        people: action.people.iter().map(ToString::to_string).collect(),
        done: action.done,
    }
}

/// The audit of one transition.
pub fn audit(row: &Row, audit: &Audit, position: u64) -> proto::AuditTransitionResponse {
    let statements = audit.findings.iter().map(|finding| proto::StatementAudit {
        revision: finding.revision.0,
        r#type: finding.event.to_string(),
        unmet: finding.unmet.iter().map(unmet).collect(),
        undermined: finding.undermined.clone(),
        closed: finding.closed.clone(),
    });
    proto::AuditTransitionResponse {
        transition: row.transition.id.to_string(),
        stage: row.stage.clone(),
        stage_standing: standing(row.standing),
        statements: statements.collect(),
        judged: u32::try_from(audit.judged).unwrap_or(u32::MAX),
        position,
    }
}
