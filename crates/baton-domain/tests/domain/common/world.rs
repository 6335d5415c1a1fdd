//! Worlds to begin in: a log with routes, organisations, bodies, a wave, and people who hold roles.

use super::{Act, Given, act};
use baton_domain::decide::{Request, open_log};
use baton_domain::event::LogOpened;
use baton_domain::route::{BodyKind, RoleSide, Route, SHIPPED};
use baton_domain::state::State;
use serde_json::{Value, json};
use std::sync::LazyLock;

/// The sender of every transition here.
pub const NHSE: &str = "own:nhs-england";

/// Bodies that belong to the sender; every other kind belongs to the receiver.
const OF_SENDER: [BodyKind; 2] = [BodyKind::NationalBoard, BodyKind::Regional];

/// The body of this kind that the worlds here register.
pub fn body_name(receiver: &str, kind: BodyKind) -> String {
    let organisation = if OF_SENDER.contains(&kind) { NHSE } else { receiver };
    format!("{organisation}/{kind}")
}

/// What differs between the worlds.
struct Shape<'s> {
    route: &'static str,
    wave: &'static str,
    services: &'s [&'static str],
    receiver: &'static str,
    kind: &'static str,
    opens_on: &'static str,
    begins: &'static str,
    timetable: Value,
}

// Each world is made once: a copy costs little, because state is shared.
static POD: LazyLock<Given> = LazyLock::new(|| {
    Given::new(&Shape {
        route: "pod-2021",
        wave: "POD-2021",
        services: &["DENT", "PHARM", "OPHTH"],
        receiver: "QUY",
        kind: "icb",
        opens_on: "2022-07-01",
        begins: "2021-07-22",
        timetable: json!({ "assessment_due": super::when("2021-09-30"), "will_by": super::when("..2023-04-01") }),
    })
});

static CCG: LazyLock<Given> = LazyLock::new(|| group("ccg-2017", "CCG-2015", "PMED", "06F", "2016-10-03"));
static COCOM: LazyLock<Given> = LazyLock::new(|| group("cocom-2014", "COCOM-2014", "PMED", "99N", "2014-05-01"));
static SINGLE: LazyLock<Given> = LazyLock::new(|| group("single-process-2018", "DORSET-2018", "PC-RENT", "11J", "2018-03-01"));

/// A world whose receiver is a commissioning group.
fn group(route: &'static str, wave: &'static str, service: &'static str, receiver: &'static str, begins: &'static str) -> Given {
    Given::new(&Shape {
        route,
        wave,
        services: &[service],
        receiver,
        kind: "ccg",
        opens_on: "2013-04-01",
        begins,
        timetable: json!({}),
    })
}

impl Given {
    /// Dental services of 2021, to a board that opens on 1 July 2022.
    pub fn pod() -> Self {
        POD.clone()
    }

    /// Primary medical services of 2015 to 2018, to a commissioning group.
    pub fn ccg() -> Self {
        CCG.clone()
    }

    /// Primary medical services of 2014, by expression of interest.
    pub fn cocom() -> Self {
        COCOM.clone()
    }

    /// One process left behind, moved in 2018.
    pub fn single() -> Self {
        SINGLE.clone()
    }

    /// A world that begins when its route did.
    fn new(shape: &Shape<'_>) -> Self {
        let mut log = Self::unregistered(shape);
        log.take(registration());
        log
    }

    /// The dental world before the transition is registered.
    pub fn pod_unregistered() -> Self {
        let mut log = Self::pod();
        log.transition = "QUY.OPHTH.POD-2021".to_owned();
        log
    }

    fn unregistered(shape: &Shape<'_>) -> Self {
        let mut log = Self::opened(shape);
        let text = |id: &str| SHIPPED.iter().find(|(name, _)| *name == format!("{id}.toml")).expect("shipped").1;
        let published = json!({ "version": "1", "text": text(shape.route) });
        log.take(act("RoutePublished", published).at(&format!("route/{}", shape.route)));
        log.organisation(NHSE, "nhs_england", "2013-04-01");
        log.organisation(shape.receiver, shape.kind, shape.opens_on);
        for kind in BodyKind::ALL {
            let name = body_name(shape.receiver, *kind);
            let (organisation, body) = name.split_once('/').expect("body");
            log.take(
                act("BodyRegistered", json!({ "body": body, "name": body, "kind": kind }))
                    .at(&format!("organisation/{organisation}")),
            );
        }
        let mut wave = json!({ "name": shape.wave, "services": shape.services, "route": shape.route });
        for (name, date) in shape.timetable.as_object().expect("timetable") {
            wave[name] = date.clone();
        }
        log.take(act("WaveOpened", wave).at(&format!("wave/{}", shape.wave)));
        let route = Route::parse(text(shape.route)).expect("route");
        for role in route.roles() {
            let organisation = if role.side == RoleSide::Sender { NHSE } else { shape.receiver };
            log.grant(role.id.as_str(), role.id.as_str(), organisation);
        }
        log
    }

    fn opened(shape: &Shape<'_>) -> Self {
        let now = format!("{}T08:00:00Z", shape.begins).parse().expect("day");
        let request = Request { person: super::person("admin"), command_id: uuid::Uuid::nil(), now };
        let opened = LogOpened {
            origin: "baton.test".to_owned(),
            format: 1,
            administrator: super::person("admin"),
            administrator_name: None,
        };
        let decided = open_log(&request, opened);
        let mut log = Self {
            state: State::default(),
            events: Vec::new(),
            warnings: Vec::new(),
            transition: format!("{}.{}.{}", shape.receiver, shape.services[0], shape.wave),
            now,
            requests: 0,
        };
        log.keep(decided);
        for person in ["officer", "checker"] {
            log.take(act("RoleGranted", json!({ "person": person, "role": "records_officer" })).at("log"));
        }
        log
    }

    /// Registers an organisation that opens on a day.
    pub fn organisation(&mut self, id: &str, kind: &str, opens_on: &str) {
        let payload = json!({ "name": id, "kind": kind, "opens_on": opens_on });
        self.take(act("OrganisationRegistered", payload).at(&format!("organisation/{id}")).by("admin"));
    }

    /// Gives a person a role in an organisation, since ever.
    pub fn grant(&mut self, person: &str, role: &str, organisation: &str) {
        let payload = json!({ "person": person, "role": role });
        self.take(act("RoleGranted", payload).at(&format!("organisation/{organisation}")).by("admin"));
    }

    /// Says that one organisation succeeds another from a day.
    pub fn succeeded(&mut self, old: &str, new: &str, part: &str, effective_on: &str) {
        let kind = if part == "part" { "split" } else { "merger" };
        let payload = json!({ "successor": new, "kind": kind, "effective_on": effective_on, "part": part });
        self.take(act("OrganisationSucceeded", payload).at(&format!("organisation/{old}")).by("admin"));
    }
}

/// The registration of the world's transition.
pub fn registration() -> Act {
    act("TransitionRegistered", json!({ "sender": NHSE, "starting_position": "none" })).by("admin")
}
