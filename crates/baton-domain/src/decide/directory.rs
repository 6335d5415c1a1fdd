//! Organisations, waves, routes, roles, meetings: the streams beside transitions.

use super::{Draft, is_register};
use crate::event::{Command, Event, EventType, Placed};
use crate::route::Route;
use crate::transition::rules::{self, is_officer, records_officer_or_administrator};
use crate::unmet::Unmet;
use crate::values::StreamId;
use sha2::{Digest, Sha256};

impl Draft<'_> {
    pub(super) fn take_directory(&mut self, command: &Command) -> Vec<Unmet> {
        let st = &command.statement;
        let mut unmet: Vec<Unmet> = rules::future(st, self.today()).into_iter().collect();
        unmet.extend(rules::evidence(st, command.late));
        unmet.extend(self.administrator(command));
        unmet.extend(self.existence(command));
        unmet.extend(self.content(command));
        let event = published(&st.event);
        self.settle(command, unmet, event, Some(Placed::End))
    }

    /// Live, the register is kept by an administrator; other records by a records officer as well.
    pub(super) fn administrator(&self, command: &Command) -> Option<Unmet> {
        if command.late {
            return None; // A proposal is made and approved by records officers.
        }
        let (person, today) = (&self.request.person, self.today());
        let kind = command.statement.event.event_type();
        let may = if is_register(kind) {
            is_officer(&self.state.world, person, "administrator", today)
        } else {
            records_officer_or_administrator(&self.state.world, person, today)
        };
        let wanted = if is_register(kind) { "an administrator" } else { "an administrator or a records officer" };
        (!may).then(|| {
            Unmet::hard(
                "NOT_PERMITTED",
                "",
                format!("{person} is not {wanted} of this installation today, and {kind} is recorded by one"),
            )
        })
    }

    /// What comes first in a stream, and what must be there already.
    fn existence(&self, command: &Command) -> Option<Unmet> {
        let known = match &command.stream {
            StreamId::Organisation(id) => self.state.world.organisation(id).is_some(),
            StreamId::Wave(id) => self.state.world.wave(id).is_some_and(|w| w.route.is_some()),
            _ => return None,
        };
        let kind = command.statement.event.event_type();
        let first = matches!(kind, EventType::OrganisationRegistered | EventType::WaveOpened);
        match (first, known) {
            (true, true) => Some(Unmet::hard("ALREADY_REGISTERED", "", format!("{} is registered already", command.stream))),
            // Records about a wave may be older than what opened it; of an organisation nothing is.
            (false, false) if matches!(command.stream, StreamId::Organisation(_)) => {
                Some(Unmet::hard("UNKNOWN_ODS_CODE", "I03", format!("{} is not registered; register it first", command.stream)))
            }
            _ => None,
        }
    }

    fn content(&self, command: &Command) -> Vec<Unmet> {
        let world = &self.state.world;
        match &command.statement.event {
            Event::RoutePublished(e) => self.publication(command, &e.text, e.version.as_str()),
            Event::RouteRetired(e) => {
                let known = matches!(&command.stream, StreamId::Route(id) if world.route(id, &e.version).is_some());
                if known { Vec::new() } else { vec![Unmet::hard("UNKNOWN_ROUTE", "", "that version is not published")] }
            }
            Event::WaveOpened(e) if world.newest_route(&e.route).is_none() => {
                vec![Unmet::hard("UNKNOWN_ROUTE", "", format!("route {} is not published; publish it first", e.route))]
            }
            Event::OrganisationRegistered(e) => e.region.iter().filter_map(|id| rules::known(world, id)).collect(),
            Event::OrganisationSucceeded(e) => rules::known(world, &e.successor).into_iter().collect(),
            Event::BodyChanged(e) => {
                let organisation = match &command.stream {
                    StreamId::Organisation(id) => world.organisation(id),
                    _ => None,
                };
                let known = organisation.is_some_and(|o| o.bodies.contains_key(&e.body));
                if known {
                    Vec::new()
                } else {
                    vec![Unmet::hard("UNKNOWN_BODY", "", format!("body {} is not registered", e.body))]
                }
            }
            Event::RoleEnded(e) => {
                let held = world.roles_in(&command.stream).any(|r| r.person.as_ref() == Some(&e.person) && r.role == e.role);
                if held {
                    Vec::new()
                } else {
                    vec![Unmet::hard("ROLE_NOT_HELD", "", format!("{} does not hold {} here", e.person, e.role))]
                }
            }
            _ => Vec::new(),
        }
    }

    fn publication(&self, command: &Command, text: &str, version: &str) -> Vec<Unmet> {
        let StreamId::Route(id) = &command.stream else { return Vec::new() };
        match Route::parse(text) {
            Err(errors) => {
                errors.iter().map(|e| Unmet::hard("ROUTE_NOT_SOUND", e.rule, format!("line {}: {}", e.line, e.message))).collect()
            }
            Ok(route) if route.id() != id || route.version().as_str() != version => {
                vec![Unmet::hard(
                    "ROUTE_MISMATCH",
                    "",
                    format!("the text is of route {} version {}", route.id(), route.version()),
                )]
            }
            Ok(route) if self.state.world.route(id, route.version()).is_some() => {
                vec![Unmet::hard(
                    "ALREADY_PUBLISHED",
                    "",
                    format!("version {version} is published and can not change; publish another version"),
                )]
            }
            Ok(_) => Vec::new(),
        }
    }
}

/// A published route carries the digest of its text.
fn published(event: &Event) -> Event {
    match event {
        Event::RoutePublished(e) => {
            let mut route = e.clone();
            route.sha256 = Some(hex(&Sha256::digest(e.text.as_bytes())));
            Event::RoutePublished(route)
        }
        other => other.clone(),
    }
}

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
