//! Readers while the server is killed or loses its power: nobody ever saw an event that was not there afterwards.
//!
//! Every other crash also takes everything that was not synced (the image of `shim.rs`): a server that shows what it has
//! only written is found out by that, and by nothing less.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use baton_proto::v1 as proto;
use proto::subscribe_response::Item;
use rand::Rng as _;

use super::load::{Load, compared, compared_whole, moment};
use super::{Plan, Report};
use crate::client::Clients;
use crate::history::{History, Sent};
use crate::server::{DataDir, Server};
use crate::shim::Shim;

const WRITERS: usize = 4;
const SUBSCRIBERS: usize = 2;
const POLLERS: usize = 2;

/// What readers saw: the hash of the leaf by position, and positions at which two of them saw two.
#[derive(Default)]
struct Seen {
    leaves: BTreeMap<u64, Vec<u8>>,
    torn: Vec<u64>,
    observations: usize,
}

type Shared = Arc<Mutex<Seen>>;

/// A cycle is one crash.
pub async fn run(plan: Plan) -> Report {
    run_with(plan, &[]).await
}

/// The same with further arguments to the server, so that one that shows too much can be found out.
pub async fn run_with(plan: Plan, arguments: &[&str]) -> Report {
    let mut report = Report::new("readers", &plan);
    let data = DataDir::begun().await;
    let shim = Shim::new(&data);
    let seen = Shared::default();
    let mut sent: Vec<Sent> = Vec::new();
    let mut history = History::default();
    for cycle in plan.numbers() {
        let mut random = plan.random(cycle);
        let server = match Server::try_start(&data, shim.server(), arguments) {
            Ok(server) => server,
            Err(refused) => {
                report.found(cycle, format!("it does not start: {}", refused.said));
                return report;
            }
        };
        let clients = Clients::connect(server.address()).await;
        report.found_all(cycle, compared(&clients, &mut history, &sent).await);
        report.found_all(cycle, held_against(&clients, &seen).await);
        if !report.violations.is_empty() {
            // What is lost once is missing in every later cycle as well.
            return report;
        }

        let subscribers = (0..SUBSCRIBERS).map(|_| tokio::spawn(subscribe(clients.clone(), history.next, Arc::clone(&seen))));
        let pollers = (0..POLLERS).map(|_| tokio::spawn(poll(clients.clone(), history.next, Arc::clone(&seen))));
        let readers: Vec<_> = subscribers.chain(pollers).collect();
        let load = Load::start(&clients, &format!("SEEN-{cycle}"), WRITERS);
        load.answered(random.random_range(10..100)).await;
        moment(&mut random, 3_000).await;
        server.kill();
        let written = load.end().await;
        for reader in readers {
            reader.await.expect("a reader ends");
        }
        if cycle % 2 == 1 {
            shim.lose_power();
        }
        report.cycles += 1;
        report.acknowledged += written.acknowledged();
        // Only these are new; the log before was compared when it was read.
        sent = written.sent;
    }
    let server = Server::start(&data);
    let clients = Clients::connect(server.address()).await;
    report.found_all(plan.cycles, compared_whole(&clients, &sent).await);
    report.found_all(plan.cycles, held_against(&clients, &seen).await);
    let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    report.notes.push(format!(
        "readers saw {} events {} times; half of the crashes took what was not synced",
        seen.leaves.len(),
        seen.observations
    ));
    report
}

/// Everything ever seen is there as it was seen.
async fn held_against(clients: &Clients, seen: &Shared) -> Vec<String> {
    let events = match clients.read_all(0).await {
        Ok(events) => events,
        Err(status) => return vec![format!("the log is not read: {status:?}")],
    };
    let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    let gone = seen.leaves.iter().filter(|(position, leaf)| {
        usize::try_from(**position).ok().and_then(|at| events.get(at)).is_none_or(|event| event.leaf_hash != **leaf)
    });
    let gone: Vec<u64> = gone.map(|(position, _)| *position).collect();
    let mut wrong: Vec<String> = seen.torn.iter().map(|position| format!("two readers saw two events at {position}")).collect();
    if let Some(first) = gone.first() {
        wrong.push(format!("{} events were seen and are not there as they were seen, from position {first} on", gone.len()));
    }
    wrong
}

fn take(seen: &Shared, event: &proto::RecordedEvent) {
    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    seen.observations += 1;
    let before = seen.leaves.insert(event.position, event.leaf_hash.clone());
    if before.is_some_and(|leaf| leaf != event.leaf_hash) {
        seen.torn.push(event.position);
    }
}

/// Until the connection ends.
async fn subscribe(clients: Clients, from: u64, seen: Shared) {
    let request = proto::SubscribeRequest { from_position: from, ..Default::default() };
    let Ok(stream) = clients.ledger.clone().subscribe(request).await else { return };
    let mut stream = stream.into_inner();
    while let Ok(Some(item)) = stream.message().await {
        if let Some(Item::Event(event)) = item.item {
            take(&seen, &event);
        }
    }
}

/// Until the connection ends.
async fn poll(clients: Clients, mut from: u64, seen: Shared) {
    loop {
        let request = proto::ReadEventsRequest { from_position: from, page_size: 1_000, ..Default::default() };
        let Ok(page) = clients.ledger.clone().read_events(request).await else { return };
        let page = page.into_inner();
        page.events.iter().for_each(|event| take(&seen, event));
        from = page.next_position.min(page.position + 1);
        tokio::task::yield_now().await;
    }
}
