//! How fast the parts of the engine are, and how much memory a state takes.
//!
//! `cargo run --release -p baton-engine --example rate -- PART [EVENTS] [DIR]`
//!
//! | Part | What |
//! |---|---|
//! | `fold` | encode, hash, decode, evolve, rebuild (`baton bench` does it without hashes too); bytes of memory for each event |
//! | `rest` | transitions packed and opened again, each by itself; bytes of memory for each of their events |
//! | `read` | what a read of one transition costs, now and as of a position |
//! | `decide` | one statement decided and encoded on a state of so many events, and through the writer |
//! | `submit` | requests a second through the writer, in memory or on disk in DIR, which must be empty |
//!
//! EVENTS is 200,000 where it is left out. Processor time is printed beside every rate: it says more
//! where others use the machine.
#![allow(clippy::unwrap_used)]

mod history;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use baton_domain::decide::{self, Request};
use baton_domain::event::{Command, Recorded};
use baton_domain::state::State;
use baton_domain::transition::AsOf;
use baton_domain::values::{Position, TransitionId};
use baton_engine::{Engine, Options, Submission, codec, open_log};
use baton_ledger::{Ledger, MemoryLedger, OpenOptions, SigningKey, SledLedger, StoredRecord};
use history::History;
use serde_json::json;
use uuid::Uuid;

const MEASURED: Duration = Duration::from_secs(3);

/// So many statements in a row go to one stream where requests are counted.
const REQUESTS_PER_STREAM: u32 = 50;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let mut args = std::env::args().skip(1);
    let part = args.next().unwrap_or_else(|| "fold".to_owned());
    let events = args.next().map_or(200_000, |events| events.parse().unwrap());
    match (part.as_str(), args.next()) {
        ("fold", _) => fold(events).await,
        ("rest", _) => rest(events).await,
        ("read", _) => read(events).await,
        ("decide", _) => decide_on(events).await,
        ("submit", None) => submit("memory", begun(Arc::new(MemoryLedger::new())).await).await,
        ("submit", Some(dir)) => {
            let ledger =
                SledLedger::open(Path::new(&dir), SigningKey::generate("baton.test/rate").unwrap(), OpenOptions::default())
                    .unwrap();
            submit("sled", begun(Arc::new(ledger)).await).await;
        }
        _ => panic!("the parts are fold, rest, read, decide and submit"),
    }
}

async fn begun(ledger: Arc<dyn Ledger>) -> Arc<dyn Ledger> {
    open_log(ledger.as_ref(), "admin".parse().unwrap(), None, jiff::Timestamp::now()).await.unwrap();
    ledger
}

/// A ledger in memory with a history of about so many events; says what encoding took.
async fn written(events: u64) -> Arc<dyn Ledger> {
    let ledger = begun(Arc::new(MemoryLedger::new())).await;
    let mut history = History::new(ledger.head().size);
    let (mut number, mut bytes, mut clock) = (0, 0, Clock::stopped());
    let mut next = history.beginning();
    while ledger.head().size < events {
        let encoded: Vec<_> = clock.time(|| next.iter().map(|r| (&r.stream, codec::encode(r).unwrap())).collect());
        bytes += encoded.iter().map(|(_, e)| e.leaf.len() + e.disclosure.as_ref().map_or(0, Vec::len)).sum::<usize>();
        history::append(ledger.as_ref(), encoded).await;
        next = history.receiver(number);
        number += 1;
    }
    let size = ledger.head().size;
    clock.say("encode", size);
    println!("{:28} {:>12}", "bytes a leaf and its words", bytes as u64 / size);
    ledger
}

async fn fold(events: u64) {
    let ledger = written(events).await;
    let size = ledger.head().size;
    let mut records: Vec<StoredRecord> = Vec::new();
    while (records.len() as u64) < size {
        records.extend(ledger.read(baton_ledger::Position(records.len() as u64), usize::MAX).await.unwrap());
    }

    let mut clock = Clock::started();
    records.iter().for_each(|r| assert!(baton_ledger::leaf_hash(&r.leaf) == r.leaf_hash));
    clock.say("hash, one thread", size);

    let before = resident();
    let mut clock = Clock::started();
    let mut decoder = codec::Decoder::default();
    let decode = |stored: &StoredRecord| Arc::new(decoder.decode(&stored.leaf, &stored.disclosure).unwrap().0);
    let decoded: Vec<Arc<Recorded>> = records.iter().map(decode).collect();
    clock.say("decode, one thread", size);
    let mut state = State::default();
    let mut clock = Clock::started();
    decoded.iter().for_each(|recorded| state.evolve(recorded));
    clock.say("evolve, one thread", size);
    drop(decoded);
    println!("{:28} {:>12}", "resident bytes an event", (resident() - before) / size);
    let mut clock = Clock::started();
    drop(state);
    clock.say("drop, one thread", size);

    drop(records);
    let mut clock = Clock::started();
    let engine = Engine::start(ledger, Options::default()).await.unwrap();
    clock.say("rebuild, hashes checked", size);
    assert_eq!(engine.snapshot().size, size);
}

async fn rest(events: u64) {
    let engine = Engine::start(written(events).await, Options::default()).await.unwrap();
    let state = engine.snapshot();
    let events = state.transitions.values().map(|held| held.revision().0).sum();
    let mut clock = Clock::started();
    // Everything was asked for since the last rest.
    state.rest(0, u64::MAX);
    state.rest(0, u64::MAX);
    clock.say("pack, one thread", events);
    let bytes: usize = state.pieces().map(|piece| piece.len()).sum();
    println!("{:28} {:>12}", "packed bytes an event", bytes as u64 / events);
    let mut clock = Clock::started();
    state.transitions.values().for_each(|held| drop(held.look()));
    clock.say("open, one thread", events);
}

async fn read(events: u64) {
    let engine = Engine::start(written(events).await, Options::default()).await.unwrap();
    let state = engine.snapshot();
    let ids: Vec<&TransitionId> = state.transitions.keys().collect();
    let mut clock = Clock::stopped();
    for id in ids.iter().take(5_000) {
        clock.time(|| {
            let transition = state.transitions[*id].open();
            let route = transition.route(&state.world).unwrap();
            let facts = transition.facts(route);
            assert!(facts.standpoint(route).is_some());
            std::hint::black_box(transition.story.plans("2024-01-01".parse().unwrap()));
        });
    }
    clock.say("facts, stage and plans", ids.len().min(5_000) as u64);
    let mut times = Vec::new();
    for id in ids.iter().take(5_000) {
        let begin = Instant::now();
        let transition = state.transitions[*id].open();
        let then = transition.as_known(&AsOf { position: Some(Position(events / 2)), ..AsOf::default() });
        std::hint::black_box(then.route(&state.world).map(|route| then.facts(route)));
        times.push(begin.elapsed());
    }
    times.sort();
    println!(
        "{:28} {:>12?} median, {:?} at 99 in 100",
        "as of a position",
        times[times.len() / 2],
        times[times.len() * 99 / 100]
    );
}

async fn decide_on(events: u64) {
    let ledger = written(events).await;
    let engine = Engine::start(ledger, Options::default()).await.unwrap();
    let state = engine.snapshot();
    let ids: Vec<TransitionId> = state.transitions.keys().cloned().collect();
    let (mut deciding, mut encoding) = (Clock::stopped(), Clock::stopped());
    let mut count = 0;
    while deciding.wall + encoding.wall < MEASURED {
        let stream = format!("transition/{}", ids[count % ids.len()]);
        let command = statement(
            &stream,
            "FactRecorded",
            json!({ "kind": "risk", "fields": {}, "note": { "$open": "a risk to the plan" } }),
        );
        let request = Request { person: "admin".parse().unwrap(), command_id: Uuid::new_v4(), now: jiff::Timestamp::now() };
        let decided = deciding.time(|| decide::decide(&mut (*state).clone(), &request, std::slice::from_ref(&command))).unwrap();
        encoding.time(|| std::hint::black_box(codec::encode(&decided.events[0]).unwrap()));
        count += 1;
    }
    println!("{:28} {:>12}", "transitions", ids.len());
    deciding.say("decide", count as u64);
    encoding.say("encode", count as u64);
    requests("memory", &engine, 256).await;
}

async fn submit(name: &str, ledger: Arc<dyn Ledger>) {
    let engine = Engine::start(ledger, Options::default()).await.unwrap();
    for in_flight in [1, 16, 64, 256] {
        requests(name, &engine, in_flight).await;
    }
    engine.shutdown().await.unwrap();
}

async fn requests(name: &str, engine: &Engine, in_flight: u32) {
    let mut clock = Clock::started();
    let until = Instant::now() + MEASURED;
    let clients: Vec<_> =
        (0..in_flight).map(|client| tokio::spawn(client_loop(engine.clone(), in_flight, client, until))).collect();
    let mut taken = 0;
    for client in clients {
        taken += client.await.unwrap();
    }
    clock.say(&format!("submit, {name}, {in_flight} in flight"), u64::from(taken));
}

async fn client_loop(engine: Engine, in_flight: u32, client: u32, until: Instant) -> u32 {
    let mut taken = 0;
    while Instant::now() < until {
        let stream = format!("meeting/{in_flight}-{client}-{}", taken / REQUESTS_PER_STREAM);
        let note = json!({ "body_name": "Board", "note": { "$open": "a meeting with the practices of the north" } });
        let submission = Submission {
            person: "admin".parse().unwrap(),
            command_id: Uuid::new_v4(),
            expected: Vec::new(),
            commands: vec![statement(&stream, "MeetingHeld", note)],
            content: vec![7; 300],
        };
        engine.submit(submission).await.unwrap();
        taken += 1;
    }
    taken
}

/// A statement as an integrating system would send it, with a note and a paper.
fn statement(stream: &str, event: &str, payload: serde_json::Value) -> Command {
    serde_json::from_value(json!({
        "stream": stream, "standing": "stated", "type": event, "payload": payload,
        "occurred": { "precision": "day", "text": "1 March 2022", "earliest": "2022-03-01", "latest": "2022-03-01" },
        "evidence": [{ "title": "Board paper 7", "held": { "sha256": "ab".repeat(32) }, "place": "page 3" }],
    }))
    .unwrap()
}

/// Adds up the time and the processor time of what it is shown.
struct Clock {
    wall: Duration,
    cpu: f64,
    since: Option<(Instant, f64)>,
}

impl Clock {
    fn stopped() -> Self {
        Self { wall: Duration::ZERO, cpu: 0.0, since: None }
    }

    fn started() -> Self {
        Self { since: Some((Instant::now(), cpu_seconds())), ..Self::stopped() }
    }

    fn stop(&mut self) {
        if let Some((wall, cpu)) = self.since.take() {
            self.wall += wall.elapsed();
            self.cpu += cpu_seconds() - cpu;
        }
    }

    /// Short pieces of work on this thread: their processor time is not looked at.
    fn time<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let begin = Instant::now();
        let done = work();
        self.wall += begin.elapsed();
        done
    }

    fn say(&mut self, what: &str, count: u64) {
        self.stop();
        let each = self.wall.as_secs_f64() * 1e6 / count as f64;
        let cpu =
            if self.cpu > 0.0 { format!(", {:.2} us of processor each", self.cpu * 1e6 / count as f64) } else { String::new() };
        println!("{what:28} {:>12.0} a second, {each:.2} us each{cpu}", 1e6 / each);
    }
}

/// Processor time of this process so far.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<f64> = stat.rsplit(") ").next().unwrap().split(' ').filter_map(|field| field.parse().ok()).collect();
    // User and system time, in hundredths of a second; the state before them is no number.
    (fields[10] + fields[11]) / 100.0
}

/// Bytes of this process that are in memory.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}
