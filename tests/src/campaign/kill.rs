//! Killed under eight writers, again and again: what was acknowledged is there, once, and a repeat is answered as before.

use std::time::{Duration, Instant};

use rand::Rng as _;

use super::load::{Load, compared, compared_whole, moment};
use super::{Plan, Report};
use crate::client::Clients;
use crate::history::{History, Sent, places};
use crate::server::{DataDir, Server};

const WRITERS: usize = 8;

/// A cycle is one kill, one start and one comparison; whoever is compared is the next to be killed.
pub async fn run(plan: Plan) -> Report {
    let mut report = Report::new("kill", &plan);
    let data = DataDir::begun().await;
    let mut history = History::default();
    let mut all: Vec<Sent> = Vec::new();
    let (mut unknown, mut kept, mut starting) = (0, 0, Duration::ZERO);

    let mut server = Server::start(&data);
    for cycle in plan.numbers() {
        let mut random = plan.random(cycle);
        let clients = Clients::connect(server.address()).await;
        let load = Load::start(&clients, &format!("KILL-{cycle}"), WRITERS);
        load.answered(random.random_range(20..200)).await;
        moment(&mut random, 3_000).await;
        server.kill();
        let written = load.end().await;
        report.found_all(cycle, written.not_cut_off());
        let acknowledged = written.acknowledged();
        report.acknowledged += acknowledged;
        unknown += written.sent.len() - acknowledged;

        let began = Instant::now();
        server = Server::start(&data);
        starting += began.elapsed();
        let clients = Clients::connect(server.address()).await;
        report.found_all(cycle, compared(&clients, &mut history, &written.sent).await);
        let unanswered = written.sent.iter().filter(|s| s.acknowledged.is_none());
        kept += unanswered.filter(|s| !history.places(&s.request.command_id).is_empty()).count();
        all.extend(repeat(&clients, &history, written.sent, cycle, &mut report).await);
        report.cycles += 1;
    }
    if !server.stop().success() {
        report.found(plan.cycles, "the last server does not stop in order");
    }

    // Once more from the beginning, by a server that never saw any of it happen.
    let server = Server::start(&data);
    let clients = Clients::connect(server.address()).await;
    report.found_all(plan.cycles, compared_whole(&clients, &all).await);
    if data.log().contains("panicked") {
        report.found(plan.cycles, "a server panicked");
    }
    if report.acknowledged < report.cycles * 20 {
        report.found(plan.cycles, "too few writes to mean anything");
    }
    let start = starting.as_millis() / report.cycles.max(1) as u128;
    report.notes.push(format!("{unknown} without an answer, of which {kept} were there; {start} ms a start after a kill"));
    report
}

/// Sends every request again: what is there is answered as it was, what is not is recorded now.
async fn repeat(clients: &Clients, history: &History, sent: Vec<Sent>, cycle: usize, report: &mut Report) -> Vec<Sent> {
    let asked: Vec<_> = sent
        .into_iter()
        .map(|Sent { request, .. }| {
            let (clients, again) = (clients.clone(), request.clone());
            (request, tokio::spawn(async move { clients.record("admin", again).await }))
        })
        .collect();
    let mut repeated = Vec::new();
    for (request, answer) in asked {
        let id = request.command_id.clone();
        let there = history.places(&id);
        match answer.await.expect("a call ends") {
            Ok(answer) => {
                let given = places(&answer.entries);
                if answer.already_recorded == there.is_empty() {
                    report.found(
                        cycle,
                        format!("request {id} is at {there:?} and is answered as recorded {}", answer.already_recorded),
                    );
                }
                if answer.already_recorded && given != there {
                    report.found(cycle, format!("request {id} is at {there:?} and is answered with {given:?}"));
                }
                repeated.push(Sent { acknowledged: Some(given), request });
            }
            Err(status) => report.found(cycle, format!("the repeat of {id} is not answered: {status:?}")),
        }
    }
    repeated
}
