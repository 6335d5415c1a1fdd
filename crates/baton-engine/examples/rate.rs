//! How many requests a second the commit path takes, and how fast a log is folded again.
//!
//! `cargo run --release -p baton-engine --example rate -- [DIR]`: in memory, or on disk in DIR, which
//! must be empty or missing. Requests are one event with one text each.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use baton_domain::event::Command;
use baton_engine::{Engine, Options, Submission, open_log};
use baton_ledger::{Ledger, MemoryLedger, OpenOptions, SigningKey, SledLedger};
use serde_json::json;
use uuid::Uuid;

const MEASURED: Duration = Duration::from_secs(3);

/// About as many statements as a transition has.
const EVENTS_PER_STREAM: u32 = 50;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    println!("{:8} {:>9} {:>12} {:>10} {:>20}", "ledger", "in flight", "requests/s", "mean us", "cpu us per request");
    match std::env::args().nth(1) {
        None => measure("memory", Arc::new(MemoryLedger::new())).await,
        Some(dir) => {
            let ledger =
                SledLedger::open(Path::new(&dir), SigningKey::generate("baton.test/rate").unwrap(), OpenOptions::default())
                    .unwrap();
            measure("sled", Arc::new(ledger)).await;
        }
    }
}

async fn measure(name: &str, ledger: Arc<dyn Ledger>) {
    open_log(ledger.as_ref(), "admin".parse().unwrap(), None, jiff::Timestamp::now()).await.unwrap();
    let engine = Engine::start(Arc::clone(&ledger), Options::default()).await.unwrap();
    for in_flight in [1, 16, 64, 256] {
        let (begin, cpu) = (Instant::now(), cpu_seconds());
        let clients: Vec<_> =
            (0..in_flight).map(|client| tokio::spawn(client_loop(engine.clone(), in_flight, client, begin + MEASURED))).collect();
        let mut taken = 0;
        for client in clients {
            taken += client.await.unwrap();
        }
        let seconds = begin.elapsed().as_secs_f64();
        let rate = f64::from(taken) / seconds;
        let cpu = (cpu_seconds() - cpu) * 1e6 / f64::from(taken);
        println!("{name:8} {in_flight:>9} {rate:>12.0} {:>10.1} {cpu:>20.1}", f64::from(in_flight) * 1e6 / rate);
    }
    let (begin, cpu) = (Instant::now(), cpu_seconds());
    let again = Engine::start(ledger, Options::default()).await.unwrap();
    let events = again.snapshot().size;
    let cpu = (cpu_seconds() - cpu) * 1e6 / events as f64;
    println!(
        "{name:8} folds {events} events at {:.0} events/s, {cpu:.1} cpu us each",
        events as f64 / begin.elapsed().as_secs_f64()
    );
    engine.shutdown().await.unwrap();
}

/// Processor time of this process so far; it says more than a rate where others use the machine.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<f64> = stat.rsplit(") ").next().unwrap().split(' ').filter_map(|field| field.parse().ok()).collect();
    // User and system time, in hundredths of a second; the state before them is no number.
    (fields[10] + fields[11]) / 100.0
}

async fn client_loop(engine: Engine, in_flight: u32, client: u32, until: Instant) -> u32 {
    let mut taken = 0;
    while Instant::now() < until {
        engine.submit(request(&format!("meeting/{in_flight}-{client}-{}", taken / EVENTS_PER_STREAM))).await.unwrap();
        taken += 1;
    }
    taken
}

/// A request as an integrating system would send it: one statement with a note, in one of many streams.
fn request(stream: &str) -> Submission {
    let command: Command = serde_json::from_value(json!({
        "stream": stream, "standing": "stated", "type": "MeetingHeld",
        "payload": { "body_name": "Board", "note": { "$open": "a meeting with the practices of the north" } },
        "occurred": { "precision": "day", "text": "1 March 2022", "earliest": "2022-03-01", "latest": "2022-03-01" },
        "evidence": [{ "title": "Board paper 7", "held": { "sha256": "ab".repeat(32) }, "place": "page 3" }],
    }))
    .unwrap();
    let content = vec![7; 300];
    Submission {
        person: "admin".parse().unwrap(),
        command_id: Uuid::new_v4(),
        expected: Vec::new(),
        commands: vec![command],
        content,
    }
}
