//! Organisations over time: open, designate or closed on a day, with bodies and lineage.

use crate::event::{BodyKind, BodyPower, Event, OrganisationKind, Part, SuccessionKind};
use crate::story::Story;
use crate::values::{BodyId, Day, FuzzyDate, OrganisationId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A body of an organisation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Body {
    /// Name as printed.
    pub name: String,
    /// Kind.
    pub kind: BodyKind,
    /// What it may do; empty when the sources do not say.
    pub powers: Vec<BodyPower>,
    /// Other names.
    pub aliases: Vec<String>,
    /// Receivers for which it works as a host.
    pub hosts_for: Vec<OrganisationId>,
}

/// One link between a predecessor and a successor.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Lineage {
    /// The organisation at the other end.
    pub organisation: OrganisationId,
    /// How.
    pub kind: SuccessionKind,
    /// Whole or part.
    pub part: Part,
    /// First day of the successor's responsibility.
    pub effective_on: Day,
}

/// How an organisation stands on a day, or in a span of days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Openness {
    /// Open, or possibly so: nothing known speaks against it.
    Open,
    /// Known to open later.
    Designate,
    /// Known to have closed before.
    Closed,
}

/// An organisation as it stands.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Organisation {
    /// Whether its registration is in force.
    pub registered: bool,
    /// Name in use now.
    pub name: String,
    /// Kind.
    pub kind: OrganisationKind,
    /// The region it lies in.
    pub region: Option<OrganisationId>,
    /// First day, when known.
    pub opens_on: Option<Day>,
    /// Last day, when known.
    pub closes_on: Option<Day>,
    /// Other names, earlier ones included.
    pub aliases: Vec<String>,
    /// Its bodies.
    pub bodies: BTreeMap<BodyId, Body>,
    /// Who succeeds it.
    pub successors: Vec<Lineage>,
}

impl Organisation {
    pub(super) fn read(story: &Story) -> Self {
        let mut organisation = Self {
            registered: false,
            name: String::new(),
            kind: OrganisationKind::Other,
            region: None,
            opens_on: None,
            closes_on: None,
            aliases: Vec::new(),
            bodies: BTreeMap::new(),
            successors: Vec::new(),
        };
        for entry in story.in_force() {
            organisation.apply(&entry.statement().event);
        }
        organisation
    }

    fn apply(&mut self, event: &Event) {
        match event {
            Event::OrganisationRegistered(r) => {
                self.registered = true;
                self.name.clone_from(&r.name);
                self.kind = r.kind;
                self.region.clone_from(&r.region);
                self.opens_on = r.opens_on;
                self.closes_on = r.closes_on;
                self.aliases.extend(r.aliases.iter().cloned());
            }
            Event::OrganisationRenamed(r) => {
                let old = std::mem::replace(&mut self.name, r.name.clone());
                self.aliases.push(old);
            }
            Event::OrganisationSucceeded(s) => {
                if s.part == Part::Whole || self.closes_on.is_none() {
                    self.closes_on = s.effective_on.yesterday().ok().or(self.closes_on);
                }
                self.successors.push(Lineage {
                    organisation: s.successor.clone(),
                    kind: s.kind,
                    part: s.part,
                    effective_on: s.effective_on,
                });
            }
            Event::BodyRegistered(b) => {
                let body = Body {
                    name: b.name.clone(),
                    kind: b.kind,
                    powers: b.powers.clone(),
                    aliases: b.aliases.clone(),
                    hosts_for: b.hosts_for.clone(),
                };
                self.bodies.insert(b.body.clone(), body);
            }
            Event::BodyChanged(change) => {
                if let Some(body) = self.bodies.get_mut(&change.body) {
                    if let Some(name) = &change.name {
                        let old = std::mem::replace(&mut body.name, name.clone());
                        body.aliases.push(old);
                    }
                    if let Some(powers) = &change.powers {
                        body.powers.clone_from(powers);
                    }
                }
            }
            _ => {}
        }
    }

    /// How it stood at some time between the bounds of `when`. Said to be closed or designate only when certain.
    pub fn openness(&self, when: &FuzzyDate) -> Openness {
        match (when.earliest(), when.latest()) {
            (Some(earliest), _) if self.closes_on.is_some_and(|last| earliest > last) => Openness::Closed,
            (_, Some(latest)) if self.opens_on.is_some_and(|first| latest < first) => Openness::Designate,
            _ => Openness::Open,
        }
    }

    /// How it stood on a day.
    pub fn openness_on(&self, day: Day) -> Openness {
        self.openness(&FuzzyDate::day(day))
    }
}
