//! Connections cut at random, and callers who send a request again by its id: recorded once, however often it was sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::load::{compared_whole, cut_off, mixed};
use super::{Plan, Report};
use crate::client::{Clients, reason};
use crate::history::{Sent, places};
use crate::proxy::Proxy;
use crate::server::{DataDir, Server};

const CALLERS: usize = 32;
const CONNECTIONS: usize = 8;

/// A call that is not answered by then is sent again; half a connection never answers.
const PATIENCE: Duration = Duration::from_secs(2);

/// A request is sent at most so often.
const TRIES: usize = 200;

/// A cycle is one request.
pub async fn run(plan: Plan) -> Report {
    let mut report = Report::new("cut", &plan);
    let data = DataDir::begun().await;
    let server = Server::start(&data);
    let proxy = Proxy::start(server.address(), plan.seed).await;
    let connections: Vec<_> = (0..CONNECTIONS).map(|_| Clients::reconnecting(proxy.address(), PATIENCE)).collect();
    let next = Arc::new(AtomicUsize::new(plan.first));
    let callers = (0..CALLERS).map(|caller| {
        let (clients, next) = (connections[caller % CONNECTIONS].clone(), Arc::clone(&next));
        tokio::spawn(call(clients, next, plan, caller))
    });
    let (mut sent, mut again, mut repeated) = (Vec::new(), 0, 0);
    for caller in callers.collect::<Vec<_>>() {
        let called = caller.await.expect("a caller ends");
        report.violations.extend(called.wrong);
        again += called.again;
        repeated += called.repeated;
        sent.extend(called.sent);
    }
    report.cycles = sent.len();
    report.acknowledged = sent.iter().filter(|s| s.acknowledged.is_some()).count();

    // Not through the proxy: this is the truth the callers are held against.
    let clients = Clients::connect(server.address()).await;
    report.found_all(plan.cycles, compared_whole(&clients, &sent).await);
    drop(clients);
    server.kill();
    let server = Server::start(&data);
    report.found_all(plan.cycles, compared_whole(&Clients::connect(server.address()).await, &sent).await);
    let cut = proxy.connections();
    if again == 0 {
        report.found(plan.cycles, "no connection was cut, so nothing was tried");
    }
    report.notes.push(format!(
        "{cut} connections, {again} calls sent again, {repeated} of them had been recorded already, {} given up",
        report.cycles - report.acknowledged
    ));
    report
}

#[derive(Default)]
struct Called {
    sent: Vec<Sent>,
    again: usize,
    repeated: usize,
    wrong: Vec<String>,
}

async fn call(clients: Clients, next: Arc<AtomicUsize>, plan: Plan, caller: usize) -> Called {
    let mut called = Called::default();
    loop {
        let cycle = next.fetch_add(1, Ordering::Relaxed);
        if cycle >= plan.first + plan.cycles {
            return called;
        }
        let request = mixed("CUT", caller, cycle);
        // Some callers give up; their request is recorded once or not at all.
        let tries = if cycle.is_multiple_of(8) { 1 } else { TRIES };
        let mut acknowledged = None;
        for try_number in 0..tries {
            match clients.record("admin", request.clone()).await {
                Ok(answer) => {
                    acknowledged = Some(places(&answer.entries));
                    called.repeated += usize::from(answer.already_recorded);
                    if answer.already_recorded && try_number == 0 {
                        called.wrong.push(format!("cycle {cycle}: recorded before it was sent"));
                    }
                    break;
                }
                Err(status) if cut_off(&status) || reason(&status) == "OUTCOME_UNKNOWN" => called.again += 1,
                Err(status) => {
                    called.wrong.push(format!("cycle {cycle}: answered with {status:?}"));
                    break;
                }
            }
        }
        if tries == TRIES && acknowledged.is_none() {
            called.wrong.push(format!("cycle {cycle}: not answered in {TRIES} tries"));
        }
        called.sent.push(Sent { request, acknowledged });
    }
}
