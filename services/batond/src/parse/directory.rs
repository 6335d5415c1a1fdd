//! What there is: waves, routes, organisations, bodies, roles.

use super::common::{date, optional_date};
use super::values::{
    day, fields, id, ids, name, names, optional, optional_day, optional_id, optional_name, optional_organisation, organisation,
    organisations, text, word, words,
};
use super::violations::At;
use baton_domain::event::*;
use baton_domain::route::MAX_ROUTE_BYTES;
use baton_proto::v1 as proto;

pub(super) fn wave_opened(sent: &proto::WaveOpened, at: &At<'_>) -> Option<WaveOpened> {
    fields!(sent, at => WaveOpened {
        name: name,
        services: ids,
        route: id,
        able_by: optional_date,
        will_by: optional_date,
        interest_due: optional_date,
        assessment_due: optional_date,
        national_decision_due: optional_date,
        note: text,
    })
}

pub(super) fn timetable_changed(sent: &proto::TimetableChanged, at: &At<'_>) -> Option<TimetableChanged> {
    fields!(sent, at => TimetableChanged {
        item: word,
        to: date,
        reason: text,
    })
}

pub(super) fn route_published(sent: &proto::RoutePublished, at: &At<'_>) -> Option<RoutePublished> {
    fields!(sent, at => RoutePublished {
        version: id,
        text: route_text,
    } filled { sha256: None })
}

/// The text of a route, verbatim: its digest is what transitions pin. What it says is a matter of
/// the rules, which name every mistake with its line.
fn route_text(sent: &str, at: &At<'_>) -> Option<String> {
    match sent.len() {
        0 => at.refuse("is required: the whole route file"),
        length if length > MAX_ROUTE_BYTES => {
            at.refuse(format_args!("holds at most {MAX_ROUTE_BYTES} bytes, this one has {length}"))
        }
        _ => Some(sent.to_owned()),
    }
}

pub(super) fn route_retired(sent: &proto::RouteRetired, at: &At<'_>) -> Option<RouteRetired> {
    fields!(sent, at => RouteRetired {
        version: id,
        reason: text,
    })
}

pub(super) fn organisation_registered(sent: &proto::OrganisationRegistered, at: &At<'_>) -> Option<OrganisationRegistered> {
    fields!(sent, at => OrganisationRegistered {
        name: name,
        kind: word,
        region: optional_organisation,
        opens_on: optional_day,
        closes_on: optional_day,
        aliases: names,
        note: text,
    })
}

pub(super) fn organisation_renamed(sent: &proto::OrganisationRenamed, at: &At<'_>) -> Option<OrganisationRenamed> {
    fields!(sent, at => OrganisationRenamed {
        name: name,
        effective_on: day,
    })
}

pub(super) fn organisation_succeeded(sent: &proto::OrganisationSucceeded, at: &At<'_>) -> Option<OrganisationSucceeded> {
    fields!(sent, at => OrganisationSucceeded {
        successor: organisation,
        kind: word,
        effective_on: day,
        part: word,
        note: text,
    })
}

pub(super) fn body_registered(sent: &proto::BodyRegistered, at: &At<'_>) -> Option<BodyRegistered> {
    fields!(sent, at => BodyRegistered {
        body: id,
        name: name,
        kind: word,
        powers: words,
        aliases: names,
        hosts_for: organisations,
        note: text,
    })
}

pub(super) fn body_changed(sent: &proto::BodyChanged, at: &At<'_>) -> Option<BodyChanged> {
    fields!(sent, at => BodyChanged {
        body: id,
        name: optional_name,
        powers: optional_powers,
        reason: text,
    })
}

fn optional_powers(sent: &Option<proto::BodyPowers>, at: &At<'_>) -> Option<Option<Vec<BodyPower>>> {
    optional(sent, at, |sent, at| words(&sent.powers, &at.field("powers")))
}

pub(super) fn role_granted(sent: &proto::RoleGranted, at: &At<'_>) -> Option<RoleGranted> {
    fields!(sent, at => RoleGranted {
        person: optional_id,
        name: text,
        role: id,
        from: optional_day,
        to: optional_day,
        note: text,
    })
}

pub(super) fn role_ended(sent: &proto::RoleEnded, at: &At<'_>) -> Option<RoleEnded> {
    fields!(sent, at => RoleEnded {
        person: id,
        role: id,
        on: day,
    })
}
