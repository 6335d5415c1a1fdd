//! Sixty-four clients at once, and one order that all of them saw: the load whose history `order.rs` judges.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use baton_proto::v1 as proto;
use proto::expected_revision::Expected;
use rand::Rng as _;
use rand::rngs::StdRng;

use super::{Plan, Report};
use crate::client::{Clients, reason};
use crate::commands::{fact, request};
use crate::order::{Answer, Entry, Read, Write, violations};
use crate::server::{DataDir, Server};

const CLIENTS: usize = 64;
const CONNECTIONS: usize = 8;

/// Streams that everybody writes to, so that expectations are broken often.
const STREAMS: u32 = 16;

/// A read begins so many positions before the newest that its client knows.
const BACK: u64 = 20;

/// A cycle is one operation.
pub async fn run(plan: Plan) -> Report {
    let mut report = Report::new("history", &plan);
    let data = DataDir::begun().await;
    let server = Server::start(&data);
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(Clients::connect(server.address()).await);
    }
    let shared = Arc::new(Shared::default());
    let clients = (0..CLIENTS).map(|number| {
        let client = Client {
            clients: connections[number % CONNECTIONS].clone(),
            shared: Arc::clone(&shared),
            random: plan.random(number),
            seen: Seen::default(),
        };
        tokio::spawn(client.run(plan.cycles))
    });
    let (mut ids, mut writes, mut reads) = (BTreeMap::new(), Vec::new(), Vec::new());
    for client in clients.collect::<Vec<_>>() {
        let seen = client.await.expect("a client ends");
        report.violations.extend(seen.wrong);
        for (id, write) in seen.writes {
            ids.insert(id, writes.len());
            writes.push(write);
        }
        reads.extend(seen.reads);
    }
    let mut log: Vec<Entry> = Vec::new();
    match connections[0].read_pages(0, |page| log.extend(page.iter().map(|event| entry(event, &ids)))).await {
        Ok(()) => report.violations.extend(violations(&log, &writes, &reads)),
        Err(status) => report.found(0, format!("the log is not read: {status:?}")),
    }
    report.cycles = writes.len() + reads.len();
    report.acknowledged = writes.iter().filter(|w| matches!(w.answer, Answer::Recorded(_))).count();
    let stale = writes.iter().filter(|w| w.answer == Answer::Stale).count();
    report.notes.push(format!("{} writes, {stale} of them refused as stale, and {} reads", writes.len(), reads.len()));
    report
}

#[derive(Default)]
struct Shared {
    tick: AtomicU64,
    operations: AtomicUsize,
    /// The newest position that anybody was told.
    newest: AtomicU64,
    /// The newest revision of each stream that anybody was told.
    revisions: [AtomicU64; STREAMS as usize],
}

impl Shared {
    fn tick(&self) -> u64 {
        self.tick.fetch_add(1, Ordering::SeqCst)
    }
}

#[derive(Default)]
struct Seen {
    writes: Vec<(String, Write)>,
    reads: Vec<Read>,
    wrong: Vec<String>,
}

struct Client {
    clients: Clients,
    shared: Arc<Shared>,
    random: StdRng,
    seen: Seen,
}

impl Client {
    async fn run(mut self, operations: usize) -> Seen {
        while self.shared.operations.fetch_add(1, Ordering::SeqCst) < operations {
            match self.random.random_range(0..10) {
                0..3 => self.read().await,
                number => self.write(number < 6).await,
            }
        }
        self.seen
    }

    async fn write(&mut self, expecting: bool) {
        let stream = self.random.random_range(0..STREAMS);
        let events = if self.random.random_range(0..5) == 0 { 2 } else { 1 };
        let mut request = request((0..events).map(|_| fact(&name(stream))).collect());
        let expected = expecting.then(|| self.shared.revisions[stream as usize].load(Ordering::SeqCst));
        request.expected.extend(expected.map(|revision| {
            let expected = if revision == 0 { Expected::NoStream(true) } else { Expected::Exact(revision) };
            proto::ExpectedRevision { stream: name(stream), expected: Some(expected) }
        }));
        let id = request.command_id.clone();
        let began = self.shared.tick();
        let answered = self.clients.record("admin", request).await;
        let ended = self.shared.tick();
        let answer = match answered {
            Ok(answer) => {
                for entry in &answer.entries {
                    self.shared.revisions[stream as usize].fetch_max(entry.revision, Ordering::SeqCst);
                    self.shared.newest.fetch_max(entry.position, Ordering::SeqCst);
                }
                Answer::Recorded(answer.entries.iter().map(|e| e.position).collect())
            }
            Err(status) if reason(&status) == "STALE_REVISION" => Answer::Stale,
            Err(status) => {
                self.seen.wrong.push(format!("a write is answered with {status:?}"));
                Answer::Unknown
            }
        };
        let expected = expected.map(|revision| (stream, revision));
        self.seen.writes.push((id, Write { began, ended, events, expected, answer }));
    }

    async fn read(&mut self) {
        let from = self.shared.newest.load(Ordering::SeqCst).saturating_sub(self.random.random_range(0..BACK));
        let request = proto::ReadEventsRequest { from_position: from, page_size: 1_000, ..Default::default() };
        let began = self.shared.tick();
        let answered = self.clients.ledger.clone().read_events(request).await;
        let ended = self.shared.tick();
        match answered.map(tonic::Response::into_inner) {
            Ok(page) => self.seen.reads.push(Read {
                began,
                ended,
                from,
                seen: page.events.iter().map(|event| (event.position, print(event))).collect(),
                newest: page.position,
                to_the_end: page.next_position > page.position,
            }),
            Err(status) => self.seen.wrong.push(format!("a read is answered with {status:?}")),
        }
    }
}

fn name(stream: u32) -> String {
    format!("wave/ORDER-{stream}")
}

fn entry(event: &proto::RecordedEvent, ids: &BTreeMap<String, usize>) -> Entry {
    let stream = event.stream.strip_prefix("wave/ORDER-").and_then(|n| n.parse().ok()).unwrap_or(u32::MAX);
    let write = ids.get(&event.command_id).copied();
    Entry { position: event.position, stream, revision: event.revision, write, print: print(event) }
}

/// The first bytes of the hash of a leaf tell leaves apart.
fn print(event: &proto::RecordedEvent) -> u64 {
    event.leaf_hash.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}
