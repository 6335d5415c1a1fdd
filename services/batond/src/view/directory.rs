//! Organisations, bodies, roles and waves.

use super::common::{fuzzy_date, text};
use crate::parse::Word;
use baton_domain::state::State;
use baton_domain::values::{BodyId, Day, OrganisationId, StreamId, WaveId};
use baton_domain::world::{Body, Lineage, Openness, Organisation, RoleHeld, Scope, Wave};
use baton_proto::v1 as proto;

fn day(day: Option<Day>) -> String {
    day.map_or_else(String::new, |d| d.to_string())
}

fn lineage(l: &Lineage) -> proto::Lineage {
    proto::Lineage {
        organisation: l.organisation.to_string(),
        kind: l.kind.number(),
        effective_on: l.effective_on.to_string(),
        part: l.part.number(),
    }
}

/// How an organisation stands on a day.
pub fn status_on(organisation: &Organisation, on: Day) -> proto::OrganisationStatus {
    match organisation.openness_on(on) {
        Openness::Designate => proto::OrganisationStatus::Designate,
        Openness::Closed => proto::OrganisationStatus::Closed,
        Openness::Open => proto::OrganisationStatus::Open,
    }
}

/// An organisation with its lineage, as it stands on a day.
pub fn organisation(state: &State, id: &OrganisationId, o: &Organisation, on: Day) -> proto::Organisation {
    proto::Organisation {
        id: id.to_string(),
        name: o.name.clone(),
        kind: o.kind.number(),
        region: o.region.as_ref().map_or_else(String::new, ToString::to_string),
        status: status_on(o, on).into(),
        opens_on: day(o.opens_on),
        closes_on: day(o.closes_on),
        aliases: o.aliases.clone(),
        predecessors: state.world.predecessors(id).map(lineage).collect(),
        successors: o.successors.iter().map(lineage).collect(),
        revision: state.revision(&StreamId::Organisation(id.clone())).map_or(0, |r| r.0),
    }
}

/// A body, named with its organisation.
pub fn body(organisation: &OrganisationId, id: &BodyId, body: &Body) -> proto::Body {
    proto::Body {
        id: format!("{organisation}/{id}"),
        name: body.name.clone(),
        kind: body.kind.number(),
        powers: body.powers.iter().map(|p| p.number()).collect(),
        aliases: body.aliases.clone(),
        hosts_for: body.hosts_for.iter().map(ToString::to_string).collect(),
    }
}

/// A role and where it is held.
pub fn role(held: &RoleHeld) -> proto::Role {
    let scope = match &held.scope {
        Scope::Installation => StreamId::Log,
        Scope::Organisation(id) => StreamId::Organisation(id.clone()),
        Scope::Transition(id) => StreamId::Transition(id.clone()),
    };
    proto::Role {
        person: held.person.as_ref().map_or_else(String::new, ToString::to_string),
        name: text(held.name.as_ref()),
        role: held.role.to_string(),
        scope: scope.to_string(),
        from: day(held.from),
        to: day(held.to),
    }
}

/// A wave with its timetable.
pub fn wave(state: &State, id: &WaveId, wave: &Wave) -> proto::Wave {
    let date = |name: &str| wave.dates.get(name).map(fuzzy_date);
    let transitions = state.transitions.keys().filter(|t| t.wave() == *id).count();
    proto::Wave {
        id: id.to_string(),
        name: wave.name.clone(),
        services: wave.services.iter().map(ToString::to_string).collect(),
        route: wave.route.as_ref().map_or_else(String::new, ToString::to_string),
        able_by: date("able_by"),
        will_by: date("will_by"),
        interest_due: date("interest_due"),
        assessment_due: date("assessment_due"),
        national_decision_due: date("national_decision_due"),
        note: text(wave.note.as_ref()),
        transitions: u32::try_from(transitions).unwrap_or(u32::MAX),
        revision: state.revision(&StreamId::Wave(id.clone())).map_or(0, |r| r.0),
    }
}
