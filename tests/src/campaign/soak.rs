//! Everything at once for a long time: no call stalls, memory grows no more than the log explains, descriptors do not grow.
//!
//! The server keeps every projection in memory, so memory is held against the number of events; a line is fitted to both
//! after a warm-up. A call counts as stalled when it takes longer than [`STALL`], which is a bound for deadlocks and not
//! a measurement of speed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use baton_proto::v1 as proto;
use tonic::{Code, Status};

use super::load::mixed;
use super::{Plan, Report};
use crate::client::{Clients, ask, reason};
use crate::commands::{fact, one, register, transition};
use crate::server::{DataDir, Server};

/// The longest a call may take in the full form.
pub const STALL: Duration = Duration::from_secs(5);

/// Memory that may be added for each event recorded, and once: allocator and page cache of the storage engine.
const BYTES_PER_EVENT: u64 = 8 * 1024;
const BYTES_ONCE: u64 = 96 * 1024 * 1024;

/// Descriptors that may come and go.
const DESCRIPTORS: usize = 16;

/// A cycle is one second.
pub async fn run(plan: Plan) -> Report {
    run_with(plan, STALL).await
}

/// The same with another bound for one call.
pub async fn run_with(plan: Plan, stall: Duration) -> Report {
    let mut report = Report::new("soak", &plan);
    let data = DataDir::begun().await;
    let server = Server::start(&data);
    let clients = Clients::connect(server.address()).await;
    for command in register(&["QUY", "QOX"], &["DENT", "PHARM"]) {
        clients.record("admin", one(command)).await.expect("recorded");
    }
    for id in ["QUY.DENT.TEST", "QUY.PHARM.TEST", "QOX.DENT.TEST", "QOX.PHARM.TEST"] {
        clients.record("admin", one(transition(id))).await.expect("recorded");
    }

    let shared = Arc::new(Shared::default());
    let mut tasks = Vec::new();
    for worker in 0..4 {
        tasks.push(tokio::spawn(write(Clients::connect(server.address()).await, worker, Arc::clone(&shared))));
        tasks.push(tokio::spawn(read(Clients::connect(server.address()).await, Arc::clone(&shared))));
    }
    for _ in 0..2 {
        tasks.push(tokio::spawn(subscribe(Clients::connect(server.address()).await, Arc::clone(&shared))));
        tasks.push(tokio::spawn(be_refused(clients.clone(), Arc::clone(&shared))));
    }

    let mut samples = Vec::new();
    let began = Instant::now();
    for second in 1..=plan.cycles {
        tokio::time::sleep_until((began + Duration::from_secs(second as u64)).into()).await;
        samples.push(Sample::of(&server, &shared));
        // A call that never ends is not in anybody's list of calls that took long.
        let (calls, last) = (shared.calls.load(Ordering::SeqCst), samples.len().checked_sub(1 + stall.as_secs() as usize));
        if last.is_some_and(|at| samples[at].calls == calls) {
            report.found(second, format!("no call was answered for {stall:?}"));
            break;
        }
        report.cycles += 1;
    }
    shared.stop.store(true, Ordering::SeqCst);
    report.acknowledged = shared.recorded.load(Ordering::SeqCst) as usize;
    judge(&samples, &mut report);
    let longest = Duration::from_micros(shared.longest.load(Ordering::SeqCst));
    if longest > stall {
        report.found(plan.cycles, format!("a call took {longest:?}"));
    }
    if !tokio::task::spawn_blocking(move || server.stop_if_it_runs()).await.expect("it ends").is_some_and(|s| s.success()) {
        report.found(plan.cycles, "it does not stop in order");
    }
    for task in tasks {
        report.violations.extend(task.await.expect("a worker ends"));
    }
    report.notes.push(format!("the longest call took {longest:?}; {} calls in all", shared.calls.load(Ordering::SeqCst)));
    report
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    calls: AtomicUsize,
    recorded: AtomicU64,
    /// The longest call, in microseconds.
    longest: AtomicU64,
}

impl Shared {
    /// Makes a call under the watchdog; `None` when it failed because the server stops.
    async fn call<T>(&self, call: impl Future<Output = Result<T, Status>>) -> Option<Result<T, Status>> {
        let began = Instant::now();
        let answer = call.await;
        self.longest.fetch_max(began.elapsed().as_micros() as u64, Ordering::SeqCst);
        self.calls.fetch_add(1, Ordering::SeqCst);
        match answer {
            Err(_) if self.stop.load(Ordering::SeqCst) => None,
            answer => Some(answer),
        }
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }
}

async fn write(clients: Clients, worker: usize, shared: Arc<Shared>) -> Vec<String> {
    let mut number = 0;
    while !shared.stopped() {
        match shared.call(clients.record("admin", mixed("SOAK", worker, number))).await {
            Some(Ok(answer)) => drop(shared.recorded.fetch_add(answer.entries.len() as u64, Ordering::SeqCst)),
            Some(Err(status)) => return vec![format!("a write is answered with {status:?}")],
            None => break,
        }
        number += 1;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Vec::new()
}

async fn read(clients: Clients, shared: Arc<Shared>) -> Vec<String> {
    let mut wrong = Vec::new();
    let (mut ledger, mut transitions, mut audit) = (clients.ledger.clone(), clients.transitions.clone(), clients.audit.clone());
    while !shared.stopped() && wrong.is_empty() {
        let from = shared.recorded.load(Ordering::SeqCst).saturating_sub(50);
        let page = proto::ReadEventsRequest { from_position: from, page_size: 100, ..Default::default() };
        let one = proto::GetTransitionRequest { transition: "QUY.DENT.TEST".to_owned(), ..Default::default() };
        let replay = proto::ReplayTransitionRequest { transition: "QOX.PHARM.TEST".to_owned(), ..Default::default() };
        let answers = [
            shared.call(async { ledger.read_events(page).await.map(drop) }).await,
            shared.call(async { transitions.list_transitions(proto::ListTransitionsRequest::default()).await.map(drop) }).await,
            shared.call(async { transitions.get_transition(one).await.map(drop) }).await,
            shared.call(async { audit.replay_transition(replay).await.map(drop) }).await,
        ];
        let refused = answers.into_iter().flatten().filter_map(Result::err);
        wrong.extend(refused.map(|status| format!("a read is answered with {status:?}")));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    wrong
}

async fn subscribe(clients: Clients, shared: Arc<Shared>) -> Vec<String> {
    let mut next = 0;
    while !shared.stopped() {
        let request = proto::SubscribeRequest { from_position: next, ..Default::default() };
        let mut ledger = clients.ledger.clone();
        let Some(Ok(stream)) = shared.call(ledger.subscribe(request)).await else { return Vec::new() };
        let mut stream = stream.into_inner();
        // Some come back often, as subscribers do whose network is bad.
        for _ in 0..500 {
            match stream.message().await {
                Ok(Some(item)) if item.next_position < next => {
                    return vec![format!("a subscriber at {next} is sent back to {}", item.next_position)];
                }
                Ok(Some(item)) => next = item.next_position,
                _ if shared.stopped() => return Vec::new(),
                other => return vec![format!("a subscription ended with {other:?}")],
            }
        }
    }
    Vec::new()
}

async fn be_refused(clients: Clients, shared: Arc<Shared>) -> Vec<String> {
    let (malformed, unknown) = (one(fact("no stream at all")), one(fact("wave/SOAK-REFUSED")));
    while !shared.stopped() {
        let not_there = proto::GetTransitionRequest { transition: "QUY.NONE.TEST".to_owned(), ..Default::default() };
        let mut transitions = clients.transitions.clone();
        let answers = [
            (shared.call(clients.record("admin", malformed.clone())).await.map(|a| a.err()), Code::InvalidArgument),
            (shared.call(clients.record("", unknown.clone())).await.map(|a| a.err()), Code::Unauthenticated),
            (shared.call(transitions.get_transition(ask("admin", not_there))).await.map(|a| a.err()), Code::NotFound),
        ];
        for (answer, code) in answers {
            match answer {
                None => return Vec::new(),
                Some(Some(status)) if status.code() == code && !reason(&status).is_empty() => {}
                Some(other) => return vec![format!("{code:?} was due and {other:?} came")],
            }
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Vec::new()
}

/// The server at one moment.
struct Sample {
    calls: usize,
    events: u64,
    bytes: u64,
    descriptors: usize,
}

impl Sample {
    fn of(server: &Server, shared: &Shared) -> Self {
        let process = format!("/proc/{}", server.process());
        let status = std::fs::read_to_string(format!("{process}/status")).unwrap_or_default();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes: u64 = resident.and_then(|r| r.split_whitespace().next()?.parse().ok()).unwrap_or_default();
        Self {
            calls: shared.calls.load(Ordering::SeqCst),
            events: shared.recorded.load(Ordering::SeqCst),
            bytes: kilobytes * 1024,
            descriptors: std::fs::read_dir(format!("{process}/fd")).map(Iterator::count).unwrap_or_default(),
        }
    }
}

/// Memory and descriptors after the warm-up, the first quarter.
fn judge(samples: &[Sample], report: &mut Report) {
    let warm = &samples[samples.len() / 4..];
    let (Some(first), Some(last)) = (warm.first(), warm.last()) else { return };
    let events = last.events - first.events;
    let grown = slope(warm) * (warm.len() - 1) as f64;
    let least = warm.iter().map(|s| s.descriptors).min().unwrap_or_default();
    let most = warm.iter().map(|s| s.descriptors).max().unwrap_or_default();
    report.notes.push(format!(
        "after the warm-up of {} s: memory {:.1} MiB and {:+.1} MiB by the fitted line over {events} events, {least} to {most} descriptors",
        samples.len() / 4,
        first.bytes as f64 / 1_048_576.0,
        grown / 1_048_576.0
    ));
    if first.bytes == 0 || least == 0 {
        report.found(0, "the process can not be looked at");
    }
    if grown > (events * BYTES_PER_EVENT + BYTES_ONCE) as f64 {
        report.found(report.cycles, format!("memory grew by {grown:.0} bytes over {events} events"));
    }
    if most - least > DESCRIPTORS {
        report.found(report.cycles, format!("descriptors went from {least} to {most}"));
    }
}

/// Bytes a second, by least squares.
fn slope(samples: &[Sample]) -> f64 {
    let n = samples.len() as f64;
    let mean_at = (n - 1.0) / 2.0;
    let mean_bytes = samples.iter().map(|s| s.bytes as f64).sum::<f64>() / n;
    let (mut along, mut spread) = (0.0, 0.0);
    for (at, sample) in samples.iter().enumerate() {
        along += (at as f64 - mean_at) * (sample.bytes as f64 - mean_bytes);
        spread += (at as f64 - mean_at).powi(2);
    }
    if spread == 0.0 { 0.0 } else { along / spread }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(bytes: impl Fn(u64) -> u64, descriptors: impl Fn(u64) -> u64) -> Vec<String> {
        let sample = |second| Sample {
            calls: second as usize,
            events: second * 100,
            bytes: bytes(second),
            descriptors: descriptors(second) as usize,
        };
        let mut report = Report::new("soak", &Plan::short(1));
        judge(&(0..100).map(sample).collect::<Vec<_>>(), &mut report);
        report.violations
    }

    #[test]
    fn memory_that_follows_the_log_and_steady_descriptors_are_right() {
        assert_eq!(judged(|s| (50 << 20) + s * 100 * 4096, |s| 30 + s % 8), Vec::<String>::new());
    }

    #[test]
    fn leak_of_memory_or_descriptors_is_found() {
        assert_eq!(judged(|s| (50 << 20) + s * (8 << 20), |_| 30).len(), 1);
        assert_eq!(judged(|_| 50 << 20, |s| 30 + s).len(), 1);
        assert_eq!(judged(|_| 0, |_| 0).len(), 1);
    }
}
