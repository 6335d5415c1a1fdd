//! Requests and commands with as little in them as a test needs.

use baton_proto::v1 as proto;
use proto::command::Event;
use uuid::Uuid;

/// A request with a new id.
pub fn request(commands: Vec<proto::Command>) -> proto::RecordRequest {
    proto::RecordRequest { command_id: Uuid::new_v4().to_string(), commands, ..Default::default() }
}

/// A request with one command.
pub fn one(command: proto::Command) -> proto::RecordRequest {
    request(vec![command])
}

/// A statement of an unknown day.
pub fn command(stream: &str, event: Event) -> proto::Command {
    proto::Command {
        stream: stream.to_owned(),
        standing: proto::Standing::Stated.into(),
        occurred: Some(unknown_date()),
        event: Some(event),
        ..Default::default()
    }
}

/// The cheapest thing to record: a fact about a wave.
pub fn fact(stream: &str) -> proto::Command {
    command(stream, Event::FactRecorded(proto::FactRecorded { kind: "note".to_owned(), ..Default::default() }))
}

/// The same with words, which are stored sealed.
pub fn worded_fact(stream: &str, words: &str) -> proto::Command {
    let fact = proto::FactRecorded { kind: "note".to_owned(), note: words.to_owned(), ..Default::default() };
    command(stream, Event::FactRecorded(fact))
}

/// An integrated care board of this code.
pub fn organisation(id: &str, kind: proto::OrganisationKind) -> proto::Command {
    let registered = proto::OrganisationRegistered { name: id.to_owned(), kind: kind.into(), ..Default::default() };
    command(&format!("organisation/{id}"), Event::OrganisationRegistered(registered))
}

/// What transitions of `services` to `receivers` in wave TEST rest on, in the order in which it is recorded.
pub fn register(receivers: &[&str], services: &[&str]) -> Vec<proto::Command> {
    let route = include_str!("../../crates/baton-domain/routes/pod-2021.toml").to_owned();
    let published = proto::RoutePublished { version: "1".to_owned(), text: route };
    let wave = proto::WaveOpened {
        name: "Test".to_owned(),
        services: services.iter().map(|s| (*s).to_owned()).collect(),
        route: "pod-2021".to_owned(),
        ..Default::default()
    };
    let mut commands = vec![
        command("route/pod-2021", Event::RoutePublished(published)),
        command("wave/TEST", Event::WaveOpened(wave)),
        organisation(SENDER, proto::OrganisationKind::NhsEngland),
    ];
    commands.extend(receivers.iter().map(|id| organisation(id, proto::OrganisationKind::Icb)));
    commands
}

/// The sender of every transition here.
pub const SENDER: &str = "own:nhs-england";

/// A transition begins.
pub fn transition(id: &str) -> proto::Command {
    let registered = proto::TransitionRegistered {
        sender: SENDER.to_owned(),
        starting_position: proto::StartingPosition::None.into(),
        ..Default::default()
    };
    command(&format!("transition/{id}"), Event::TransitionRegistered(registered))
}

/// A role of the installation.
pub fn role(person: &str, role: &str) -> proto::Command {
    let granted = proto::RoleGranted { person: person.to_owned(), role: role.to_owned(), ..Default::default() };
    command("log", Event::RoleGranted(granted))
}

/// A date of which nothing is known.
pub fn unknown_date() -> proto::FuzzyDate {
    proto::FuzzyDate { precision: proto::Precision::Unknown.into(), ..Default::default() }
}
