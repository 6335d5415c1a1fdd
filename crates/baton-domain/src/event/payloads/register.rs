//! The register: the log itself, waves, routes, organisations, bodies and roles.

use crate::event::words::{BodyPower, OrganisationKind, Part, SuccessionKind, TimetableItem};
use crate::route::{BodyKind, RoleId, RouteId, RouteVersion};
use crate::values::{BodyId, Day, FuzzyDate, OrganisationId, PersonId, ServiceCode, Text};
use serde::{Deserialize, Serialize};

payloads! {
    /// The log begins. Always position 0.
    LogOpened {
        /// The origin of the log: a name that no other log bears.
        origin: String,
        /// Version of the stored form.
        format: u32,
        /// The first administrator.
        administrator: PersonId,
        /// Name of the first administrator.
        administrator_name: Option<Text>,
    }
    /// A programme opens.
    WaveOpened {
        /// Name of the programme.
        name: String,
        /// Services in scope (rule I05).
        #[serde(default)]
        services: Vec<ServiceCode>,
        /// The route its transitions take unless one names another.
        route: RouteId,
        /// By when receivers may be able to take the services.
        able_by: Option<FuzzyDate>,
        /// By when receivers will take the services.
        will_by: Option<FuzzyDate>,
        /// When expressions of interest are due.
        interest_due: Option<FuzzyDate>,
        /// When assessments are due.
        assessment_due: Option<FuzzyDate>,
        /// When the national decision is due.
        national_decision_due: Option<FuzzyDate>,
        /// What opened it, in words.
        note: Option<Text>,
    }
    /// A date of the programme's timetable moves.
    TimetableChanged {
        /// Which date.
        item: TimetableItem,
        /// The new date.
        to: FuzzyDate,
        /// Why.
        reason: Option<Text>,
    }
    /// A version of a route is published. Transitions pin its digest.
    RoutePublished {
        /// Version, as in the text.
        version: RouteVersion,
        /// The whole route file.
        text: String,
        /// SHA-256 of the text, lower-case hexadecimal; filled by the engine.
        sha256: Option<String>,
    }
    /// No new transition may take this version.
    RouteRetired {
        /// The version.
        version: RouteVersion,
        /// Why.
        reason: Option<Text>,
    }
    /// An organisation becomes known.
    OrganisationRegistered {
        /// Name.
        name: String,
        /// Kind.
        kind: OrganisationKind,
        /// The region it lies in.
        region: Option<OrganisationId>,
        /// First day on which it is open; later than today means designate; absent means not known.
        opens_on: Option<Day>,
        /// Last day on which it is open.
        closes_on: Option<Day>,
        /// Other names it bears in the papers.
        #[serde(default)]
        aliases: Vec<String>,
        /// What else the source says.
        note: Option<Text>,
    }
    /// An organisation changes its name.
    OrganisationRenamed {
        /// The new name.
        name: String,
        /// First day of the new name.
        effective_on: Day,
    }
    /// An organisation is succeeded by law, in whole or in part.
    OrganisationSucceeded {
        /// The successor.
        successor: OrganisationId,
        /// How.
        kind: SuccessionKind,
        /// First day of the successor's responsibility; the predecessor's last day is the day before.
        effective_on: Day,
        /// Whether the whole passes to this successor.
        part: Part,
        /// What else the source says.
        note: Option<Text>,
    }
    /// A body of an organisation becomes known.
    BodyRegistered {
        /// The body.
        body: BodyId,
        /// Name as printed.
        name: String,
        /// Kind, which routes name.
        kind: BodyKind,
        /// What the body may do; empty when the source does not say.
        #[serde(default)]
        powers: Vec<BodyPower>,
        /// Other names it bears in the papers.
        #[serde(default)]
        aliases: Vec<String>,
        /// The organisation responsible for which it works, when it is a host.
        #[serde(default)]
        hosts_for: Vec<OrganisationId>,
        /// What else the source says.
        note: Option<Text>,
    }
    /// A body changes.
    BodyChanged {
        /// The body.
        body: BodyId,
        /// The new name; absent means unchanged.
        name: Option<String>,
        /// The new powers; absent means unchanged.
        powers: Option<Vec<BodyPower>>,
        /// Why.
        reason: Option<Text>,
    }
    /// A person takes a role: in an organisation, for one transition, or (stream `log`) for the installation.
    RoleGranted {
        /// The person; absent when the source does not name one.
        person: Option<PersonId>,
        /// Name of the person.
        name: Option<Text>,
        /// The role: one of a route, or `administrator`, `records_officer`, `auditor`.
        role: RoleId,
        /// First day; absent means since before anything recorded here.
        from: Option<Day>,
        /// Last day; absent means open.
        to: Option<Day>,
        /// What else the source says.
        note: Option<Text>,
    }
    /// A person gives up a role.
    RoleEnded {
        /// The person.
        person: PersonId,
        /// The role.
        role: RoleId,
        /// Last day of the role.
        on: Day,
    }
}
