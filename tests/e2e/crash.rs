//! Killed under load, again and again: what was acknowledged is there, once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use baton_e2e::commands::{fact, request};
use baton_e2e::history::{History, Sent, places};
use baton_e2e::{Clients, DataDir, Server, reason};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::sync::Notify;
use tonic::Code;

/// The long form takes its number from here; every push runs the short one.
const CYCLES_VARIABLE: &str = "BATON_KILL_CYCLES";
const CYCLES: usize = 50;
const WRITERS: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn killed_server_keeps_every_acknowledged_request_exactly_once() {
    let cycles = std::env::var(CYCLES_VARIABLE).ok().and_then(|n| n.parse().ok()).unwrap_or(CYCLES);
    let mut random = StdRng::seed_from_u64(41);
    let data = DataDir::begun().await;
    let mut history = History::default();
    let mut all: Vec<Sent> = Vec::new();
    let (mut acknowledged, mut unknown, mut kept) = (0, 0, 0);

    let mut server = Server::start(&data);
    let mut starting = Duration::ZERO;
    for cycle in 0..cycles {
        let sent = write_until_killed(server, cycle, random.random_range(20..200), random.random_range(0..3_000)).await;

        // Whoever checks is the next to be killed.
        let began = Instant::now();
        server = Server::start(&data);
        starting += began.elapsed();
        let clients = Clients::connect(server.address()).await;
        history.read(&clients.read_all(history.next).await.expect("the log is read"));
        history.compare(&sent);
        assert_eq!(history.violations, Vec::<String>::new(), "cycle {cycle}");
        let found = sent.iter().filter(|s| s.acknowledged.is_none() && !history.places(&s.request.command_id).is_empty());
        kept += found.count();
        acknowledged += sent.iter().filter(|s| s.acknowledged.is_some()).count();
        unknown += sent.iter().filter(|s| s.acknowledged.is_none()).count();
        all.extend(repeat(&clients, &history, sent).await);
    }
    assert!(server.stop().success());

    // Once more from the beginning, by a server that never saw any of it happen.
    let server = Server::start(&data);
    let clients = Clients::connect(server.address()).await;
    let mut whole = History::default();
    whole.read(&clients.read_all(0).await.expect("the log is read"));
    whole.compare(&all);
    assert_eq!(whole.violations, Vec::<String>::new());
    println!(
        "{cycles} kills under {WRITERS} writers: {acknowledged} acknowledged and {acknowledged} there once, \
         {unknown} without an answer of which {kept} were there, {} events in all; {} ms a start after a kill",
        whole.next,
        starting.as_millis() / cycles.max(1) as u128
    );
    assert!(acknowledged >= cycles * 20, "too few writes to mean anything: {acknowledged}");
    assert!(!data.log().contains("panicked"), "{}", data.log());
}

/// Eight writers write until the server is killed after so many answers and a moment more.
async fn write_until_killed(server: Server, cycle: usize, answers: usize, micros: u64) -> Vec<Sent> {
    let clients = Clients::connect(server.address()).await;
    let answered = Arc::new(AtomicUsize::new(0));
    let enough = Arc::new(Notify::new());
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (clients, answered, enough) = (clients.clone(), Arc::clone(&answered), Arc::clone(&enough));
            tokio::spawn(async move {
                let mut sent = Vec::new();
                loop {
                    let one = write(&clients, cycle, writer, sent.len()).await;
                    let more = one.acknowledged.is_some();
                    sent.push(one);
                    if !more {
                        return sent;
                    }
                    if answered.fetch_add(1, Ordering::Relaxed) + 1 == answers {
                        enough.notify_one();
                    }
                }
            })
        })
        .collect();
    tokio::time::timeout(Duration::from_secs(60), enough.notified()).await.expect("writes are answered");
    tokio::time::sleep(Duration::from_micros(micros)).await;
    server.kill();
    let mut sent = Vec::new();
    for writer in writers {
        sent.extend(writer.await.expect("a writer ends"));
    }
    sent
}

/// One write: most are one event, some are two in two streams, one of them everybody's.
async fn write(clients: &Clients, cycle: usize, writer: usize, number: usize) -> Sent {
    let mut commands = vec![fact(&format!("wave/KILL-{cycle}-{writer}"))];
    if number.is_multiple_of(5) {
        commands.push(fact(&format!("wave/KILL-{cycle}")));
    }
    let request = request(commands);
    let acknowledged = match clients.record("admin", request.clone()).await {
        Ok(answer) => Some(places(&answer.entries)),
        // A call cut off in any other way than by the connection would be an answer, and a wrong one.
        Err(status) => {
            assert!(matches!(status.code(), Code::Unavailable | Code::Unknown | Code::Cancelled), "{status:?}");
            assert_eq!(reason(&status), "", "{status:?}");
            None
        }
    };
    Sent { request, acknowledged }
}

/// Sends every request again: what is there is answered as it was, what is not is recorded now.
async fn repeat(clients: &Clients, history: &History, sent: Vec<Sent>) -> Vec<Sent> {
    let asked: Vec<_> = sent
        .into_iter()
        .map(|Sent { request, .. }| {
            let (clients, again) = (clients.clone(), request.clone());
            (request, tokio::spawn(async move { clients.record("admin", again).await }))
        })
        .collect();
    let mut repeated = Vec::new();
    for (request, answer) in asked {
        let answer = answer.await.expect("a call ends").expect("a repeat is answered");
        let there = history.places(&request.command_id);
        assert_eq!(answer.already_recorded, !there.is_empty(), "request {}", request.command_id);
        if answer.already_recorded {
            assert_eq!(places(&answer.entries), there, "request {} is answered as it was", request.command_id);
        }
        repeated.push(Sent { acknowledged: Some(places(&answer.entries)), request });
    }
    repeated
}
