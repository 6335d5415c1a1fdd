//! The world: what transitions read of other streams. A read-only view; only events change it.
//!
//! Each organisation, wave and meeting is read anew from its own story, so a correction or a void
//! there simply gives another world.

mod organisation;
mod published;
mod roles;
mod services;

pub use organisation::{Body, Lineage, Openness, Organisation};
pub use published::PublishedRoute;
pub use roles::{RoleHeld, SYSTEM_ROLES, Scope};
pub use services::{overlaps, parts};

use crate::event::{Event, EventType, InterestAction, LogOpened, Nature, Recorded};
use crate::rest::Held;
use crate::route::{Route, RouteId, RouteVersion};
use crate::story::Story;
use crate::values::{BodyRef, FuzzyDate, MeetingId, OrganisationId, PersonId, Revision, ServiceCode, StreamId, Text, WaveId};
use imbl::{OrdMap, OrdSet, Vector};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A programme as it stands.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Wave {
    /// Name.
    pub name: String,
    /// Services in scope.
    pub services: Vec<ServiceCode>,
    /// The route of its transitions.
    pub route: Option<RouteId>,
    /// What opened it, in words.
    pub note: Option<Text>,
    /// Dates of the timetable by name: `able_by`, `will_by`, `interest_due`, `assessment_due`, `national_decision_due`.
    pub dates: OrdMap<String, FuzzyDate>,
}

/// An interest declared at a meeting.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Interest {
    /// The person.
    pub person: PersonId,
    /// The gate concerned; empty means the whole meeting.
    pub subject: Option<crate::route::SubjectId>,
    /// What was done about it.
    pub action: InterestAction,
}

/// What is known beyond a single transition.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct World {
    #[serde(skip)]
    stories: OrdMap<StreamId, Arc<Held<Story>>>,
    organisations: OrdMap<OrganisationId, Arc<Organisation>>,
    predecessors: OrdMap<OrganisationId, Vector<Lineage>>,
    waves: OrdMap<WaveId, Arc<Wave>>,
    routes: OrdMap<RouteId, Vector<PublishedRoute>>,
    roles: OrdMap<StreamId, Arc<Vec<RoleHeld>>>,
    /// The streams that say of a person that they hold a role, now or once.
    roles_by_person: OrdMap<PersonId, OrdSet<StreamId>>,
    interests: OrdMap<MeetingId, Vector<Interest>>,
}

impl World {
    /// Folds one event of a stream that is not a transition or a proposal.
    pub fn evolve(&mut self, recorded: &Arc<Recorded>) {
        let stream = &recorded.stream;
        let story = self.stories.entry(stream.clone()).or_insert_with(|| Arc::new(Held::of(Story::default())));
        Held::fold(story, recorded);
        let story = Arc::clone(story);
        let kind = recorded.statement.event.event_type();
        // A view is read anew, and the story opened, only when something it shows may have changed: streams of records
        // grow long.
        match stream {
            StreamId::Organisation(id) if shows(stream, kind) => self.read_organisation(id, &story.open()),
            StreamId::Wave(id) if shows(stream, kind) || !self.waves.contains_key(id) => {
                self.waves.insert(id.clone(), Arc::new(read_wave(&story.open())));
            }
            StreamId::Route(id) => self.read_route(id, recorded),
            StreamId::Meeting(id) if shows(stream, kind) => self.read_meeting(id, &story.open()),
            _ => {}
        }
        if shows_in_roles(kind) {
            self.read_roles(stream, &story.open(), recorded);
        }
    }

    /// Takes note of roles held for one transition.
    pub fn read_roles(&mut self, stream: &StreamId, story: &Story, recorded: &Recorded) {
        if shows_in_roles(recorded.statement.event.event_type()) {
            let mut held = roles::read(stream, story);
            if let Event::LogOpened(opened) = &recorded.statement.event {
                held.push(roles::first_administrator(opened));
            } else if *stream == StreamId::Log {
                let first = self.roles.get(stream).and_then(|r| r.iter().find(|r| r.founding).cloned());
                held.extend(first);
            }
            let before = self.roles.insert(stream.clone(), Arc::new(held));
            self.index_persons(stream, before.as_deref());
        }
    }

    /// Keeps `roles_by_person` in step with the roles of one stream.
    fn index_persons(&mut self, stream: &StreamId, before: Option<&Vec<RoleHeld>>) {
        for person in before.into_iter().flatten().filter_map(|held| held.person.as_ref()) {
            if let Some(streams) = self.roles_by_person.get_mut(person) {
                streams.remove(stream);
                if streams.is_empty() {
                    self.roles_by_person.remove(person);
                }
            }
        }
        let now = self.roles.get(stream).cloned();
        for person in now.iter().flat_map(|held| held.iter()).filter_map(|held| held.person.as_ref()) {
            self.roles_by_person.entry(person.clone()).or_default().insert(stream.clone());
        }
    }

    /// Puts another form of an event in its place, and reads what shows it anew.
    pub(crate) fn replace(&mut self, stream: &StreamId, revision: Revision, with: impl Fn(&Recorded) -> Recorded) {
        let Some(story) = self.stories.get_mut(stream) else { return };
        Held::change(story, |story| story.replace(revision, with));
        let story = story.open();
        if let StreamId::Wave(id) = stream
            && self.waves.contains_key(id)
        {
            self.waves.insert(id.clone(), Arc::new(read_wave(&story)));
        }
        // Organisations, routes and meetings show no words.
        self.read_roles_again(stream, &story);
    }

    /// Reads the roles of a stream anew, if there are any.
    pub(crate) fn read_roles_again(&mut self, stream: &StreamId, story: &Story) {
        if let Some(before) = self.roles.get(stream) {
            let founding = before.iter().find(|role| role.founding).cloned();
            self.roles.insert(stream.clone(), Arc::new(roles::read(stream, story).into_iter().chain(founding).collect()));
        }
    }

    /// Takes note of another form of the opening of the log.
    pub(crate) fn first_administrator_again(&mut self, opened: &LogOpened) {
        if let Some(held) = self.roles.get_mut(&StreamId::Log) {
            for role in Arc::make_mut(held).iter_mut().filter(|role| role.founding) {
                *role = roles::first_administrator(opened);
            }
        }
    }

    /// The story of an organisation, wave or meeting.
    pub fn story(&self, stream: &StreamId) -> Option<Arc<Story>> {
        self.stories.get(stream).map(|held| held.open())
    }

    /// Every story of a stream that is not a transition, in the order of stream names.
    pub fn stories(&self) -> impl Iterator<Item = (&StreamId, &Arc<Held<Story>>)> {
        self.stories.iter()
    }

    /// Whether an event of this type, in a stream that is not a transition, takes the story of its stream to decide on or
    /// to fold in. Most are only put behind it.
    pub(crate) fn takes_story(stream: &StreamId, kind: EventType) -> bool {
        kind.nature() == Nature::Truth || shows(stream, kind) || shows_in_roles(kind)
    }

    /// Holds a story that was held before, by another process.
    pub(crate) fn hold(&mut self, stream: StreamId, story: Arc<Held<Story>>) {
        self.stories.insert(stream, story);
    }

    /// One organisation.
    pub fn organisation(&self, id: &OrganisationId) -> Option<&Arc<Organisation>> {
        self.organisations.get(id)
    }

    /// Every organisation, in the order of ids.
    pub fn organisations(&self) -> impl Iterator<Item = (&OrganisationId, &Arc<Organisation>)> {
        self.organisations.iter()
    }

    /// The organisations that this one succeeded.
    pub fn predecessors(&self, id: &OrganisationId) -> impl Iterator<Item = &Lineage> {
        self.predecessors.get(id).into_iter().flatten()
    }

    /// One body.
    pub fn body(&self, body: &BodyRef) -> Option<&Body> {
        self.organisations.get(&body.organisation()).and_then(|o| o.bodies.get(&body.body()))
    }

    /// One wave.
    pub fn wave(&self, id: &WaveId) -> Option<&Arc<Wave>> {
        self.waves.get(id)
    }

    /// Every wave, in the order of ids.
    pub fn waves(&self) -> impl Iterator<Item = (&WaveId, &Arc<Wave>)> {
        self.waves.iter()
    }

    /// One version of a route.
    pub fn route(&self, id: &RouteId, version: &RouteVersion) -> Option<&PublishedRoute> {
        self.routes.get(id).and_then(|versions| versions.iter().find(|p| p.route.version() == version))
    }

    /// The newest version of a route that is not retired.
    pub fn newest_route(&self, id: &RouteId) -> Option<&PublishedRoute> {
        self.routes.get(id).and_then(|versions| versions.iter().rev().find(|p| !p.retired))
    }

    /// Every published version, by route id and in the order of publication.
    pub fn routes(&self) -> impl Iterator<Item = &PublishedRoute> {
        self.routes.values().flatten()
    }

    /// Interests declared at a meeting.
    pub fn interests(&self, meeting: &MeetingId) -> impl Iterator<Item = &Interest> {
        self.interests.get(meeting).into_iter().flatten()
    }

    /// Every role held, now or once, by the stream that says so.
    pub fn roles(&self) -> impl Iterator<Item = (&StreamId, &RoleHeld)> {
        self.roles.iter().flat_map(|(stream, held)| held.iter().map(move |role| (stream, role)))
    }

    /// The roles that one person holds, now or once, in the order of the streams that say so. Does not
    /// look at what others hold: it is asked for every request.
    pub fn roles_of<'w>(&'w self, person: &'w PersonId) -> impl Iterator<Item = &'w RoleHeld> {
        let streams = self.roles_by_person.get(person).into_iter().flatten();
        streams.flat_map(|stream| self.roles_in(stream)).filter(move |held| held.person.as_ref() == Some(person))
    }

    /// The roles recorded in one stream.
    pub fn roles_in(&self, stream: &StreamId) -> impl Iterator<Item = &RoleHeld> {
        self.roles.get(stream).into_iter().flat_map(|held| held.iter())
    }

    fn read_organisation(&mut self, id: &OrganisationId, story: &Story) {
        let before = self.organisations.get(id).cloned();
        let organisation = Organisation::read(story);
        for old in before.iter().flat_map(|o| o.successors.iter()) {
            if let Some(list) = self.predecessors.get_mut(&old.organisation) {
                list.retain(|l| l.organisation != *id);
            }
        }
        for lineage in &organisation.successors {
            let list = self.predecessors.entry(lineage.organisation.clone()).or_default();
            list.push_back(Lineage { organisation: id.clone(), ..lineage.clone() });
        }
        if organisation.registered {
            self.organisations.insert(id.clone(), Arc::new(organisation));
        } else {
            self.organisations.remove(id);
        }
    }

    fn read_route(&mut self, id: &RouteId, recorded: &Recorded) {
        let versions = self.routes.entry(id.clone()).or_default();
        match &recorded.statement.event {
            // A text that no longer parses could only be damage: decide refuses it, and the ledger checks bytes.
            Event::RoutePublished(published) => {
                if let Ok(route) = Route::parse(&published.text) {
                    versions.push_back(PublishedRoute {
                        route: Arc::new(route),
                        text: published.text.as_str().into(),
                        sha256: published.sha256.clone().unwrap_or_default(),
                        retired: false,
                        position: recorded.position,
                        published_at: recorded.recorded_at,
                    });
                }
            }
            Event::RouteRetired(retired) => {
                for version in versions.iter_mut().filter(|v| *v.route.version() == retired.version) {
                    version.retired = true;
                }
            }
            _ => {}
        }
    }

    fn read_meeting(&mut self, id: &MeetingId, story: &Story) {
        let interests = story.in_force().filter_map(|entry| match &entry.statement().event {
            Event::InterestDeclared(i) => {
                Some(Interest { person: i.person.clone(), subject: i.subject.clone(), action: i.action })
            }
            _ => None,
        });
        self.interests.insert(id.clone(), interests.collect());
    }
}

fn shows_in_roles(kind: EventType) -> bool {
    use EventType as T;
    matches!(kind, T::RoleGranted | T::RoleEnded | T::LogOpened | T::StatementVoided | T::StatementCorrected)
}

/// Whether an event of this type may change what is shown of an organisation, wave or meeting.
fn shows(stream: &StreamId, kind: EventType) -> bool {
    use EventType as T;
    let of_any = matches!(kind, T::StatementVoided | T::StatementCorrected);
    of_any
        || match stream {
            StreamId::Organisation(_) => matches!(
                kind,
                T::OrganisationRegistered
                    | T::OrganisationRenamed
                    | T::OrganisationSucceeded
                    | T::BodyRegistered
                    | T::BodyChanged
            ),
            StreamId::Wave(_) => matches!(kind, T::WaveOpened | T::TimetableChanged),
            StreamId::Meeting(_) => kind == T::InterestDeclared,
            _ => false,
        }
}

fn read_wave(story: &Story) -> Wave {
    let mut wave = Wave::default();
    for entry in story.in_force() {
        match &entry.statement().event {
            Event::WaveOpened(opened) => {
                wave.name.clone_from(&opened.name);
                wave.services.clone_from(&opened.services);
                wave.route = Some(opened.route.clone());
                wave.note.clone_from(&opened.note);
                let dates = [
                    ("able_by", &opened.able_by),
                    ("will_by", &opened.will_by),
                    ("interest_due", &opened.interest_due),
                    ("assessment_due", &opened.assessment_due),
                    ("national_decision_due", &opened.national_decision_due),
                ];
                for (name, date) in dates {
                    if let Some(date) = date {
                        wave.dates.insert(name.to_owned(), date.clone());
                    }
                }
            }
            Event::TimetableChanged(change) => {
                wave.dates.insert(change.item.as_str().to_owned(), change.to.clone());
            }
            _ => {}
        }
    }
    wave
}
