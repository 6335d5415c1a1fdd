//! One line of the board.

use super::common::{fuzzy_date, text};
use crate::parse::Word;
use baton_domain::event::{Event, Standing};
use baton_domain::route::Route;
use baton_domain::state::State;
use baton_domain::transition::{AsOf, Facts, Plan, PlanStatus, Registration, Transition};
use baton_domain::values::{Day, FuzzyDate};
use baton_domain::world::Openness;
use baton_proto::v1 as proto;
use std::sync::Arc;

/// A transition read in full, for a view.
pub struct Row {
    /// The transition, cut as asked.
    pub transition: Transition,
    /// Its registration.
    pub registration: Registration,
    /// Its route.
    pub route: Arc<Route>,
    /// What its story adds up to.
    pub facts: Facts,
    /// Plans, judged on the day.
    pub plans: Vec<Plan>,
    /// The stage; empty when it is not registered at that time.
    pub stage: String,
    /// Title of the stage.
    pub stage_title: String,
    /// The weakest standing of the stage.
    pub standing: Option<Standing>,
    /// Open stages of the main path before it that are not on record.
    pub not_on_record: Vec<String>,
    /// Stages possible on the day asked for; one is certain.
    pub possible: Vec<String>,
    /// Whether the stage is closed.
    pub closed: bool,
    /// Whether the receiver is not yet open.
    pub designate: bool,
    /// The receiver's name and region.
    pub receiver_name: String,
    /// Region of the receiver.
    pub region: String,
    /// The day on which due dates are judged.
    pub today: Day,
}

/// Reads a transition; `None` when it was not registered at the time asked for.
pub fn row(state: &State, transition: &Transition, as_of: &AsOf, today: Day) -> Option<Row> {
    let transition = if as_of.is_now() { transition.clone() } else { transition.as_known(as_of) };
    let registration = transition.registration()?.clone();
    let route = Arc::clone(transition.route(&state.world)?);
    let facts = match as_of.on {
        // What had certainly happened by then; what may have is in the possible stages.
        Some(day) => Facts::read(transition.story.in_force().filter(|e| happened(e, day)), &route),
        None => transition.facts(&route),
    };
    let day = as_of.on.unwrap_or(today);
    let possible = as_of.on.map(|day| transition.possible_on(&route, day).stages.iter().map(ToString::to_string).collect());
    let at = facts.standpoint(&route);
    let not_on_record = at.as_ref().map_or_else(Vec::new, |at| facts.not_on_record(&route, at.index));
    let organisation = state.world.organisation(&registration.receiver);
    Some(Row {
        plans: transition.story.plans(day),
        stage: at.as_ref().map_or_else(String::new, |at| at.stage.id.to_string()),
        stage_title: at.as_ref().map_or_else(String::new, |at| at.stage.title.clone()),
        standing: at.as_ref().map(|at| at.standing),
        not_on_record: not_on_record.into_iter().map(|s| s.to_string()).collect(),
        possible: possible.unwrap_or_default(),
        closed: at.as_ref().is_some_and(|at| at.stage.closed),
        designate: organisation.is_some_and(|o| o.openness_on(day) == Openness::Designate),
        receiver_name: organisation.map_or_else(String::new, |o| o.name.clone()),
        region: organisation.and_then(|o| o.region.as_ref()).map_or_else(String::new, ToString::to_string),
        today: day,
        transition,
        registration,
        route,
        facts,
    })
}

fn happened(entry: &baton_domain::story::Entry, day: Day) -> bool {
    matches!(entry.statement().event, Event::TransitionRegistered(_))
        || entry.statement().occurred.latest().is_some_and(|l| l <= day)
}

/// The row as one line.
pub fn summary(row: &Row) -> proto::TransitionSummary {
    let overdue = |due: &Option<FuzzyDate>| due.as_ref().and_then(FuzzyDate::latest).is_some_and(|latest| latest < row.today);
    let open: Vec<_> = row.facts.obligations.values().filter(|o| o.discharged.is_none()).collect();
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    proto::TransitionSummary {
        id: row.transition.id.to_string(),
        receiver: row.registration.receiver.to_string(),
        receiver_name: row.receiver_name.clone(),
        service: row.registration.service.to_string(),
        wave: row.registration.wave.to_string(),
        region: row.region.clone(),
        stage: row.stage.clone(),
        stage_title: row.stage_title.clone(),
        stage_standing: standing(row.standing),
        possible_stages: row.possible.clone(),
        earlier_stages_not_on_record: count(row.not_on_record.len()),
        round: row.facts.round,
        live_on: row.facts.live_on.as_ref().map(fuzzy_date),
        closed: row.closed,
        designate: row.designate,
        next_plan: next_plan(&row.plans).map(plan),
        late_plans: count(row.plans.iter().filter(|p| p.status == PlanStatus::Late).count()),
        missed_plans: count(row.plans.iter().filter(|p| p.status == PlanStatus::Missed).count()),
        open_obligations: count(open.len()),
        overdue_obligations: count(open.iter().filter(|o| overdue(&o.due)).count()),
        open_gaps: count(row.facts.gaps.len()),
        open_conflicts: count(super::transition::conflicts(&row.transition).iter().filter(|c| c.settled.is_none()).count()),
        revision: row.transition.revision.0,
    }
}

/// The plan that is due first among those still waited for: late ones before open ones.
fn next_plan(plans: &[Plan]) -> Option<&Plan> {
    let waited = plans.iter().filter(|p| matches!(p.status, PlanStatus::Late | PlanStatus::Open));
    waited.min_by_key(|p| (p.planned.target.latest().is_none(), p.planned.target.latest()))
}

/// A standing on the wire; unspecified when there is none.
pub(super) fn standing(standing: Option<Standing>) -> i32 {
    standing.map_or(0, Word::number)
}

/// A plan and what became of it.
pub fn plan(plan: &Plan) -> proto::PlanView {
    let status = match plan.status {
        PlanStatus::Open => proto::PlanStatus::Open,
        PlanStatus::Met => proto::PlanStatus::Met,
        PlanStatus::Late => proto::PlanStatus::Late,
        PlanStatus::Missed => proto::PlanStatus::Missed,
        PlanStatus::Undetermined => proto::PlanStatus::Undetermined,
        PlanStatus::Superseded => proto::PlanStatus::Superseded,
        PlanStatus::FallenAway => proto::PlanStatus::FallenAway,
    };
    let depends_on = plan.planned.depends_on.iter().map(|d| proto::Dependency {
        event: d.event.to_string(),
        key: d.key.clone(),
        outcome: d.outcome.as_ref().map_or_else(String::new, ToString::to_string),
    });
    proto::PlanView {
        revision: plan.revision.0,
        event: plan.planned.event.to_string(),
        key: plan.planned.key.clone(),
        target: Some(fuzzy_date(&plan.planned.target)),
        status: status.into(),
        actual_revision: plan.actual.as_ref().map(|(revision, _)| revision.0),
        actual: plan.actual.as_ref().map(|(_, date)| fuzzy_date(date)),
        depends_on: depends_on.collect(),
        note: text(plan.planned.note.as_ref()),
        standing: plan.standing.number(),
    }
}
