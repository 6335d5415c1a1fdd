//! Roles: who may act, where, and from when to when.

use crate::event::{Event, LogOpened};
use crate::route::RoleId;
use crate::story::Story;
use crate::values::{Day, OrganisationId, PersonId, StreamId, Text, TransitionId};
use serde::{Deserialize, Serialize};

/// Roles that exist whatever the routes say; held in stream `log`.
/// An administrator keeps organisations, waves, routes and roles; a records officer enters history;
/// an auditor reads.
pub const SYSTEM_ROLES: [&str; 3] = ["administrator", "records_officer", "auditor"];

/// Where a role is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scope {
    /// In the whole installation.
    Installation,
    /// In an organisation.
    Organisation(OrganisationId),
    /// For one transition.
    Transition(TransitionId),
}

/// A role a person holds or held.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RoleHeld {
    /// The person; absent when the source names none.
    pub person: Option<PersonId>,
    /// Name of the person.
    pub name: Option<Text>,
    /// The role.
    pub role: RoleId,
    /// Where.
    pub scope: Scope,
    /// First day; absent means as far back as anything goes.
    pub from: Option<Day>,
    /// Last day; absent means open.
    pub to: Option<Day>,
    /// Whether it comes from the opening of the log.
    pub founding: bool,
}

impl RoleHeld {
    /// Whether it is held on `day`.
    pub fn on(&self, day: Day) -> bool {
        self.from.is_none_or(|from| from <= day) && self.to.is_none_or(|to| day <= to)
    }
}

pub(super) fn read(stream: &StreamId, story: &Story) -> Vec<RoleHeld> {
    let scope = match stream {
        StreamId::Organisation(id) => Scope::Organisation(id.clone()),
        StreamId::Transition(id) => Scope::Transition(id.clone()),
        _ => Scope::Installation,
    };
    let mut held: Vec<RoleHeld> = Vec::new();
    for entry in story.in_force() {
        match &entry.statement().event {
            Event::RoleGranted(g) => held.push(RoleHeld {
                person: g.person.clone(),
                name: g.name.clone(),
                role: g.role.clone(),
                scope: scope.clone(),
                from: g.from,
                to: g.to,
                founding: false,
            }),
            Event::RoleEnded(end) => {
                for role in held.iter_mut().filter(|r| r.person.as_ref() == Some(&end.person) && r.role == end.role) {
                    role.to = Some(role.to.map_or(end.on, |to| to.min(end.on)));
                }
            }
            _ => {}
        }
    }
    held
}

pub(super) fn first_administrator(opened: &LogOpened) -> RoleHeld {
    RoleHeld {
        person: Some(opened.administrator.clone()),
        name: opened.administrator_name.clone(),
        role: administrator(),
        scope: Scope::Installation,
        from: None,
        to: None,
        founding: true,
    }
}

/// The role of an administrator.
#[allow(clippy::unwrap_used)] // A constant that a test parses.
pub(crate) fn administrator() -> RoleId {
    "administrator".parse().unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_system_role_is_a_role_id() {
        for role in SYSTEM_ROLES {
            assert!(role.parse::<RoleId>().is_ok(), "{role}");
        }
    }
}
