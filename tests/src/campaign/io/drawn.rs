//! Failures that are drawn, under four writers at once.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, Instant};

use rand::Rng as _;
use rand::rngs::StdRng;

use super::super::load::{Load, compared_whole, not_of_a_disk};
use super::{EIO, ENOSPC, Plan, Report};
use crate::client::{Clients, reason};
use crate::commands::{one, request, worded_fact};
use crate::history::{Sent, places};
use crate::server::{DataDir, Server, program};
use crate::shim::{Action, Call, FOR_EVER, Files, Shim};

const WRITERS: usize = 4;

const ERRORS: [(&str, i32); 2] = [("EIO", EIO), ("ENOSPC", ENOSPC)];

/// How long a writer may take to meet the failure, and how long writes may take to resume.
const PATIENCE: Duration = Duration::from_secs(60);

/// When the disk fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Start,
    Serve,
    Stop,
}

/// One failure.
#[derive(Debug, Clone, Copy)]
struct Failure {
    phase: Phase,
    files: Files,
    call: Call,
    /// `None` is half a write.
    error: Option<(&'static str, i32)>,
    from: u64,
    for_ever: bool,
}

impl Failure {
    fn drawn(random: &mut StdRng) -> Self {
        let phase = [Phase::Start, Phase::Serve, Phase::Serve, Phase::Serve, Phase::Stop][random.random_range(0..5)];
        let files = [Files::Store, Files::Store, Files::Head, Files::Keys][random.random_range(0..4)];
        let call = match (phase, files) {
            // What a server that serves does to its files.
            (Phase::Serve, _) => [Call::Pwrite, Call::Fdatasync][random.random_range(0..2)],
            (Phase::Stop, _) => [Call::Pwrite, Call::Fdatasync, Call::Fsync][random.random_range(0..3)],
            (Phase::Start, _) => [Call::Pwrite, Call::Fdatasync, Call::Fsync, Call::Open, Call::Write, Call::Copy, Call::Rename]
                [random.random_range(0..7)],
        };
        let halves = matches!(call, Call::Pwrite | Call::Write) && random.random_range(0..4) == 0;
        let error = (!halves).then(|| ERRORS[random.random_range(0..2)]);
        let from = match phase {
            Phase::Start => random.random_range(1..12),
            Phase::Stop => random.random_range(1..3),
            Phase::Serve if files == Files::Store => random.random_range(1..40),
            _ => 1,
        };
        // What starts and stops writes to more than the files named: copies, the format, the lock, directories.
        let files = if phase == Phase::Serve { files } else { Files::All };
        Self { phase, files, call, error, from, for_ever: !halves && random.random_range(0..2) == 0 }
    }

    fn arm(&self, shim: &Shim) {
        let action = self.error.map_or(Action::Short, |(_, error)| Action::Fail(error));
        shim.arm(action, &[self.call], self.files, self.from, if self.for_ever { FOR_EVER } else { 1 });
    }
}

/// A cycle is one failure on a log of its own.
pub(super) async fn run(plan: Plan, arguments: &'static [&'static str]) -> Report {
    let mut report = Report::new("io", &plan);
    let mut seen = BTreeMap::new();
    let (mut unhit, mut resumed, mut stayed) = (0, 0, 0);
    for cycle in plan.numbers() {
        let mut random = plan.random(cycle);
        let failure = Failure::drawn(&mut random);
        let mut case = Case::new(arguments).await;
        case.live(&failure).await;
        report.cycles += 1;
        report.acknowledged += case.sent.iter().filter(|s| s.acknowledged.is_some()).count();
        report.found_all(cycle, case.wrong.into_iter().map(|what| format!("{failure:?}: {what}")));
        *seen.entry(format!("{:?}", failure.phase).to_lowercase()).or_insert(0) += usize::from(case.hit);
        unhit += usize::from(!case.hit);
        resumed += usize::from(case.resumed == Some(true));
        stayed += usize::from(case.resumed == Some(false));
    }
    report.notes.push(format!(
        "failures met: {seen:?}, and {unhit} that no call came to; writes resumed by themselves in {resumed} and not in {stayed}"
    ));
    report
}

struct Case {
    data: DataDir,
    shim: Shim,
    arguments: &'static [&'static str],
    sent: Vec<Sent>,
    wrong: Vec<String>,
    hit: bool,
    resumed: Option<bool>,
}

impl Case {
    async fn new(arguments: &'static [&'static str]) -> Self {
        let data = DataDir::begun().await;
        let shim = Shim::new(&data);
        Self { data, shim, arguments, sent: Vec::new(), wrong: Vec::new(), hit: false, resumed: None }
    }

    /// A life with one failure, its end by force, the loss of what was not synced, and a start that must find the rest.
    async fn live(&mut self, failure: &Failure) {
        if failure.phase == Phase::Start {
            // Something to be found, and an unclean stop, which has more to do at the next start.
            self.serve(None).await;
            self.shim.lose_power();
            failure.arm(&self.shim);
        }
        let serving = (failure.phase != Phase::Start).then_some(failure);
        self.serve(serving).await;
        self.hit |= self.shim.hit() > 0;
        self.shim.disarm();
        self.shim.lose_power();
        match Server::try_start(&self.data, Command::new(program("batond")), &[]) {
            Ok(server) => {
                let clients = Clients::connect(server.address()).await;
                self.wrong.extend(compared_whole(&clients, &self.sent).await);
                if let Err(status) = clients.record("admin", one(worded_fact("wave/AFTER", "words"))).await {
                    self.wrong.push(format!("a sound disk is not written to: {status:?}"));
                }
            }
            Err(refused) => self.wrong.push(format!("it does not start on a sound disk: {}", refused.said)),
        }
    }

    async fn serve(&mut self, failure: Option<&Failure>) {
        let server = match Server::try_start(&self.data, self.shim.server(), self.arguments) {
            Ok(server) => server,
            Err(refused) => {
                if refused.hung || refused.code != Some(1) {
                    let said = &refused.said;
                    self.wrong.push(format!("a start that fails ends with {:?}, hung {}: {said}", refused.code, refused.hung));
                }
                return;
            }
        };
        let clients = Clients::connect(server.address()).await;
        let load = Load::start(&clients, "IO", WRITERS);
        load.answered(10).await;
        let Some(failure) = failure else {
            self.shim.watch(&[], Files::All);
            server.kill();
            return self.sent.extend(load.end().await.sent);
        };
        if failure.phase == Phase::Serve {
            failure.arm(&self.shim);
            self.meet(failure, &clients, &load).await;
        }
        let written = load.end().await;
        self.wrong.extend(not_of_a_disk(&written.ended));
        self.sent.extend(written.sent);
        // Whatever failed, what is durable is served.
        match clients.read_all(0).await {
            Ok(events) => self.nothing_is_hidden(&events),
            Err(status) => self.wrong.push(format!("reads do not go on: {} {status:?}", reason(&status))),
        }
        if failure.phase == Phase::Stop {
            failure.arm(&self.shim);
            drop(clients);
            if tokio::task::spawn_blocking(move || server.stop_if_it_runs()).await.expect("it ends").is_none() {
                self.wrong.push("it does not stop".to_owned());
            }
            return;
        }
        self.hit |= self.shim.hit() > 0;
        self.try_again(&clients).await;
        server.kill();
    }

    /// Lets writes go on until the failure was met and each writer has its answer, or nothing comes of it.
    async fn meet(&mut self, failure: &Failure, clients: &Clients, load: &Load) {
        let deadline = Instant::now() + Duration::from_secs(3);
        let mut number = 0;
        while self.shim.hit() == 0 && Instant::now() < deadline {
            if failure.files == Files::Keys {
                // Only many words bring the key file to be extended.
                let commands = (0..128).map(|_| worded_fact(&format!("wave/KEYS-{number}"), "words")).collect();
                let request = request(commands);
                let answer = clients.record("admin", request.clone()).await;
                self.sent.push(Sent { request, acknowledged: answer.as_ref().ok().map(|a| places(&a.entries)) });
                self.wrong.extend(not_of_a_disk(&answer.err().into_iter().collect::<Vec<_>>()));
                number += 1;
            } else {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        }
        // Writers that go on after half a write or a failure of the head file are right to.
        load.all_ended(Duration::from_millis(1_500)).await;
    }

    fn nothing_is_hidden(&mut self, events: &[baton_proto::v1::RecordedEvent]) {
        let ids: std::collections::BTreeSet<&str> = events.iter().map(|e| e.command_id.as_str()).collect();
        let acknowledged = self.sent.iter().filter(|s| s.acknowledged.is_some());
        let hidden = acknowledged.filter(|s| !ids.contains(s.request.command_id.as_str())).count();
        if hidden > 0 {
            self.wrong.push(format!("{hidden} acknowledged requests are not read while the disk fails"));
        }
    }

    /// With the disk sound again: do writes resume by themselves?
    async fn try_again(&mut self, clients: &Clients) {
        self.shim.disarm();
        let deadline = Instant::now() + PATIENCE;
        loop {
            let request = one(worded_fact("wave/AGAIN", "words"));
            let answer = clients.record("admin", request.clone()).await;
            self.sent.push(Sent { request, acknowledged: answer.as_ref().ok().map(|a| places(&a.entries)) });
            let Err(status) = answer else {
                self.resumed = Some(true);
                return;
            };
            self.resumed = Some(false);
            self.wrong.extend(not_of_a_disk(std::slice::from_ref(&status)));
            if Instant::now() > deadline {
                return self.wrong.push(format!("writes do not resume: {} {status:?}", reason(&status)));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
