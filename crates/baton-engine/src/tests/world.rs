//! What the tests share: a log with a little in it, and short ways to ask.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use baton_domain::event::Command;
use baton_domain::route::{Route, SHIPPED};
use baton_domain::values::{PersonId, StreamId};
use baton_ledger::{Ledger, MemoryLedger};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::engine::Clock;
use crate::{Answer, Engine, LogEntry, Options, Submission, SubmitError, open_log};

pub(crate) const ADMIN: &str = "admin-1";
pub(crate) const OFFICER: &str = "officer-2";
pub(crate) const STRANGER: &str = "stranger-3";
pub(crate) const TRANSITION: &str = "transition/QUY.DENT.POD-2021";
pub(crate) const WAVE: &str = "wave/POD-2021";

pub(crate) fn person(id: &str) -> PersonId {
    id.parse().unwrap()
}

pub(crate) fn stream(id: &str) -> StreamId {
    id.parse().unwrap()
}

/// A clock that stands a second later whenever it is read.
pub(crate) fn clock() -> Clock {
    let begin: Timestamp = "2026-10-02T12:00:00Z".parse().unwrap();
    let read = AtomicU64::new(0);
    Arc::new(move || begin + SignedDuration::from_secs(read.fetch_add(1, Ordering::Relaxed) as i64))
}

/// Something that was stated to have happened in 2022.
pub(crate) fn command(stream: &str, event: &str, payload: Value) -> Command {
    serde_json::from_value(json!({
        "stream": stream, "standing": "stated", "type": event, "payload": payload,
        "occurred": { "precision": "day", "text": "1 March 2022", "earliest": "2022-03-01", "latest": "2022-03-01" },
    }))
    .unwrap()
}

/// A note about the wave: always taken from an administrator or records officer.
pub(crate) fn note(words: &str) -> Command {
    command(WAVE, "FactRecorded", json!({ "kind": "engagement", "note": { "$open": words } }))
}

/// A command with a leaf of about this size.
pub(crate) fn large(organisation: &str, bytes: usize) -> Command {
    command(
        &format!("organisation/own:{organisation}"),
        "OrganisationRegistered",
        json!({ "name": "x".repeat(bytes), "kind": "other" }),
    )
}

/// A request; equal commands are equal content.
pub(crate) fn request(person_id: &str, id: u128, commands: Vec<Command>) -> Submission {
    let content = serde_json::to_vec(&commands).unwrap();
    Submission { person: person(person_id), command_id: Uuid::from_u128(id), expected: Vec::new(), commands, content }
}

/// A request of the administrator under an id of its own.
pub(crate) async fn ask(engine: &Engine, commands: Vec<Command>) -> Result<Answer, SubmitError> {
    engine.submit(request(ADMIN, Uuid::new_v4().as_u128(), commands)).await
}

pub(crate) async fn start(ledger: &Arc<dyn Ledger>) -> Engine {
    start_with(ledger, Options::default()).await
}

pub(crate) async fn start_with(ledger: &Arc<dyn Ledger>, options: Options) -> Engine {
    Engine::start_with(Arc::clone(ledger), options, clock()).await.unwrap()
}

/// A log in memory with nothing but its opening.
pub(crate) async fn opened() -> Arc<dyn Ledger> {
    let ledger: Arc<dyn Ledger> = Arc::new(memory());
    begin(ledger.as_ref()).await;
    ledger
}

/// The origin of every log here.
pub(crate) const ORIGIN: &str = "baton.test/1";

/// An empty ledger in memory.
pub(crate) fn memory() -> MemoryLedger {
    MemoryLedger::with_key(baton_ledger::SigningKey::generate(ORIGIN).unwrap())
}

pub(crate) async fn begin(ledger: &dyn Ledger) {
    open_log(ledger, person(ADMIN), None, clock()()).await.unwrap();
}

/// Routes, organisations, a wave, two transitions and a records officer.
pub(crate) async fn populate(engine: &Engine) {
    ask(engine, first_commands()).await.unwrap();
}

pub(crate) fn first_commands() -> Vec<Command> {
    let (_, text) = SHIPPED.iter().find(|(name, _)| *name == "pod-2021.toml").unwrap();
    let route = Route::parse(text).unwrap();
    let organisation = |id: &str, kind: &str| {
        command(
            &format!("organisation/{id}"),
            "OrganisationRegistered",
            json!({ "name": format!("Organisation {id}"), "kind": kind }),
        )
    };
    let transition = |id: &str| {
        command(
            &format!("transition/{id}"),
            "TransitionRegistered",
            json!({ "sender": "own:nhs-england", "starting_position": "none" }),
        )
    };
    vec![
        command(
            "log",
            "RoleGranted",
            json!({ "person": OFFICER, "name": { "$open": "Olive Officer" }, "role": "records_officer" }),
        ),
        command("route/pod-2021", "RoutePublished", json!({ "version": route.version().as_str(), "text": text })),
        organisation("own:nhs-england", "nhs_england"),
        organisation("QUY", "icb"),
        organisation("QVV", "icb"),
        command(
            WAVE,
            "WaveOpened",
            json!({ "name": "Services of 2021", "services": ["PHARM", "OPHTH", "DENT"], "route": "pod-2021" }),
        ),
        transition("QUY.DENT.POD-2021"),
        transition("QVV.DENT.POD-2021"),
    ]
}

/// The whole log, page by page.
pub(crate) async fn log(engine: &Engine) -> Vec<LogEntry> {
    let mut all: Vec<LogEntry> = Vec::new();
    loop {
        let page = engine.read(baton_domain::values::Position(all.len() as u64), 100).await.unwrap();
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

/// Waits, without asking for anything, until requests can be recorded again.
pub(crate) async fn recovered(engine: &Engine) {
    let mut writes = engine.writes();
    let open = writes.wait_for(|writes| *writes == crate::Writes::Open);
    tokio::time::timeout(std::time::Duration::from_secs(20), open).await.expect("requests are never recorded again").unwrap();
}
