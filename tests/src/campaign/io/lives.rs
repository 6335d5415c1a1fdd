//! What is lived with one call failing, and what must hold of it and afterwards.
//!
//! Requests are sent one after the other, so that the same calls are made every time. Afterwards the disk is sound, and
//! the next server starts with what the system still holds: what a failed sync lost is read there and is not on the disk.
//! It takes requests, is killed, everything that was not synced is lost, and one more start must find all of it.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::{Duration, Instant};

use baton_proto::v1::RecordRequest as Request;
use tonic::Status;

use super::super::init;
use super::super::load::{compared_whole, cut_off, mixed, not_of_a_disk};
use super::super::syscalls::marked::{Marked, marked};
use super::every::{Failure, Lasts};
use crate::client::{Clients, reason};
use crate::commands::{fact, one, request, worded_fact};
use crate::history::{Sent, places};
use crate::server::{DataDir, Refused, Server, program};
use crate::shim::{Call, Files, Shim};

/// Requests of a life; the seventh has words.
const REQUESTS: usize = 8;

/// Requests of so many words each, which together need more keys than are made ready at once.
const WORDED: (usize, usize) = (9, 128);

/// How long anything may take: a start, an answer, a server that takes no requests.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long a disk goes on failing at least: for the server to try and open its log again.
const MEANWHILE: Duration = Duration::from_millis(400);

/// How often the newest checkpoint is noted, and a little more.
const NOTED: Duration = Duration::from_millis(1_400);

/// What is lived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    /// A log begins.
    Beginning,
    /// A start on a log that was stopped in order.
    AfterAStop,
    /// A start on a log whose server was killed.
    AfterAKill,
    /// A start on a log whose sync failed before its server was killed.
    Rewriting,
    /// A server serves, for a few requests and until it notes where it is.
    Serving,
    /// A server serves so many words that the key file is extended.
    Extending,
    /// A server whose write failed opens its log again.
    ReopeningAfterAWrite,
    /// A server whose sync failed writes its log anew and opens it again.
    ReopeningAfterASync,
    /// A server stops.
    Stopping,
}

impl Life {
    /// All of them.
    pub(super) const ALL: [Self; 9] = [
        Self::Beginning,
        Self::AfterAStop,
        Self::AfterAKill,
        Self::Rewriting,
        Self::Serving,
        Self::Extending,
        Self::ReopeningAfterAWrite,
        Self::ReopeningAfterASync,
        Self::Stopping,
    ];

    /// Whether it is met by a server that serves.
    pub(super) fn serves(self) -> bool {
        matches!(self, Self::Serving | Self::Extending | Self::ReopeningAfterAWrite | Self::ReopeningAfterASync)
    }

    /// Whether calls on these files are met in it; what many words do to others, few do too.
    pub(super) fn is_about(self, files: Files) -> bool {
        self != Self::Extending || files == Files::Keys
    }
}

/// The logs that lives begin with, and what was sent to them.
pub(super) struct Logs {
    stopped: (DataDir, Vec<Sent>),
    killed: (DataDir, Vec<Sent>),
    marked: Marked,
    /// What must not be, before anything failed.
    pub(super) wrong: Vec<String>,
}

impl Logs {
    /// Makes all of them.
    pub(super) async fn make() -> Self {
        let mut wrong = Vec::new();
        let marked = marked(&mut wrong).await;
        let mut logs = Vec::new();
        for stop in [true, false] {
            let data = DataDir::begun().await;
            let shim = Shim::new(&data);
            let mut lived = Lived::new(data, shim, Vec::new());
            let server = Server::start(&lived.data);
            lived.record(&clients(&server), "BEFORE", REQUESTS, None).await;
            match stop {
                true => assert!(server.stop().success(), "{}", lived.data.log()),
                false => server.kill(),
            }
            wrong.append(&mut lived.wrong);
            logs.push((lived.data, lived.sent));
        }
        let [stopped, killed] = <[_; 2]>::try_from(logs).unwrap_or_else(|_| unreachable!("two logs were made"));
        Self { stopped, killed, marked, wrong }
    }

    /// Lives once, with a failure or without, and looks at what is there afterwards.
    pub(super) async fn live(&self, life: Life, failure: Option<&Failure>, arguments: &[&str]) -> Lived {
        let (data, sent) = match life {
            Life::Beginning => (DataDir::empty(), Vec::new()),
            Life::AfterAKill => (self.killed.0.copy(), self.killed.1.clone()),
            Life::Rewriting => (self.marked.begun.0.copy(), self.marked.begun.1.clone()),
            _ => (self.stopped.0.copy(), self.stopped.1.clone()),
        };
        let shim = Shim::new(&data);
        if life == Life::Rewriting {
            shim.take_over(&self.marked.shim);
        }
        let mut lived = Lived::new(data, shim, sent);
        match life {
            Life::Beginning => lived.begin(failure),
            Life::AfterAStop | Life::AfterAKill | Life::Rewriting => lived.start(failure, arguments).await,
            Life::Stopping => lived.stop(failure, arguments).await,
            _ => lived.serve(life, failure, arguments).await,
        }
        lived.afterwards(arguments).await;
        lived
    }
}

/// What was lived.
pub(super) struct Lived {
    data: DataDir,
    shim: Shim,
    sent: Vec<Sent>,
    pub(super) wrong: Vec<String>,
    /// Whether a call came to the failure.
    pub(super) hit: bool,
    /// What came of it.
    pub(super) came: &'static str,
    /// Calls by kind of call and kind of file.
    pub(super) counted: Vec<[u64; 4]>,
}

impl Lived {
    fn new(data: DataDir, shim: Shim, sent: Vec<Sent>) -> Self {
        Self { data, shim, sent, wrong: Vec::new(), hit: false, came: "", counted: Vec::new() }
    }

    pub(super) fn acknowledged(&self) -> usize {
        self.sent.iter().filter(|s| s.acknowledged.is_some()).count()
    }

    fn arm(&self, failure: Option<&Failure>) {
        match failure {
            Some(failure) => failure.arm(&self.shim),
            None => self.shim.watch(&[], Files::All),
        }
    }

    /// What is to be tried ends here; what follows is not counted.
    fn count(&mut self) {
        let of = |call| [Files::Store, Files::Head, Files::Keys, Files::Other].map(|files| self.shim.counted(call, files));
        self.counted = Call::ALL.map(of).to_vec();
    }

    /// The disk is sound from now on.
    fn disarm(&mut self) {
        self.hit |= self.shim.hit() > 0;
        self.shim.disarm();
    }

    fn begin(&mut self, failure: Option<&Failure>) {
        self.arm(failure);
        let (code, said) = init(self.shim.command("baton"), &self.data);
        self.count();
        self.came = if code == Some(0) { "begins" } else { "is refused" };
        if !(code == Some(0) || matches!(code, Some(1 | 3)) && failure.is_some()) {
            self.wrong.push(format!("a log is begun with {code:?}: {said}"));
        }
        self.disarm();
        let (code, said) = init(self.shim.command("baton"), &self.data);
        if code != Some(0) && !said.contains("begun") {
            self.wrong.push(format!("the log can not be begun on a sound disk, {code:?}: {said}"));
        }
    }

    async fn start(&mut self, failure: Option<&Failure>, arguments: &[&str]) {
        self.arm(failure);
        let started = Server::try_start(&self.data, self.shim.server(), arguments);
        self.count();
        match started {
            Ok(server) => {
                self.came = "starts";
                let clients = clients(&server);
                self.record(&clients, "STARTED", 3, failure).await;
                self.read(&clients).await;
                server.kill();
            }
            Err(Refused { code: Some(1), hung: false, .. }) if failure.is_some() => self.came = "is refused",
            Err(Refused { code, said, hung }) => self.wrong.push(format!("a start ends with {code:?}, hung {hung}: {said}")),
        }
        self.disarm();
    }

    async fn stop(&mut self, failure: Option<&Failure>, arguments: &[&str]) {
        let Some(server) = self.started(arguments) else { return };
        self.record(&clients(&server), "STOPPING", 3, None).await;
        self.arm(failure);
        let stopped = tokio::task::spawn_blocking(move || server.stop_if_it_runs()).await.expect("it ends");
        self.count();
        match stopped.map(|status| status.code()) {
            Some(Some(0)) => self.came = "stops",
            Some(Some(1)) if failure.is_some() => self.came = "stops and says what failed",
            ended => self.wrong.push(format!("a stop ends with {ended:?}: {}", self.data.log())),
        }
        self.disarm();
    }

    async fn serve(&mut self, life: Life, failure: Option<&Failure>, arguments: &[&str]) {
        let Some(server) = self.started(arguments) else { return };
        let clients = clients(&server);
        let opening = match life {
            Life::ReopeningAfterAWrite => Some(Call::Pwrite),
            Life::ReopeningAfterASync => Some(Call::Fdatasync),
            _ => None,
        };
        if opening.is_some() {
            self.record(&clients, "SERVING", 3, None).await;
        }
        self.arm(failure);
        match (life, opening) {
            (_, Some(call)) => {
                self.shim.only_after(call);
                self.reopened(&clients, failure).await;
            }
            (Life::Extending, _) => self.extend(&clients, failure).await,
            _ => {
                self.record(&clients, "SERVING", REQUESTS, failure).await;
                self.met_within(NOTED).await;
            }
        }
        self.count();
        let fails = failure.is_some_and(|failure| failure.lasts != Lasts::Once);
        if fails && self.shim.hit() > 0 {
            self.record(&clients, "FAILING", 2, failure).await;
            self.read(&clients).await;
            tokio::time::sleep(MEANWHILE).await;
            self.record(&clients, "FAILING-STILL", 1, failure).await;
        }
        self.read(&clients).await;
        if failure.is_some_and(|failure| failure.lasts == Lasts::ToTheEnd) {
            server.kill();
            self.came = "is killed";
            return self.disarm();
        }
        self.disarm();
        self.resumed(&clients).await;
        self.read(&clients).await;
        server.kill();
    }

    fn started(&mut self, arguments: &[&str]) -> Option<Server> {
        let started = Server::try_start(&self.data, self.shim.server(), arguments);
        started.inspect_err(|refused| self.wrong.push(format!("it does not start on a sound disk: {}", refused.said))).ok()
    }

    /// Sends requests one after the other, and looks at each answer.
    async fn record(&mut self, clients: &Clients, label: &str, requests: usize, failure: Option<&Failure>) {
        for number in 0..requests {
            let _ = self.send(clients, mixed(label, 0, number), failure, failure.is_some()).await;
        }
    }

    async fn extend(&mut self, clients: &Clients, failure: Option<&Failure>) {
        for number in 0..WORDED.0 {
            let words = (0..WORDED.1).map(|_| worded_fact(&format!("wave/WORDS-{number}"), "words")).collect();
            let _ = self.send(clients, request(words), failure, failure.is_some()).await;
        }
    }

    /// Sends a request and looks at its answer, which must be the first receipt unless it may be refused.
    async fn send(
        &mut self,
        clients: &Clients,
        request: Request,
        failure: Option<&Failure>,
        may_fail: bool,
    ) -> Result<(), Status> {
        let met = self.shim.hit() > 0;
        let answer = clients.record("admin", request.clone()).await;
        self.sent.push(Sent { request, acknowledged: answer.as_ref().ok().map(|a| places(&a.entries)) });
        match &answer {
            Ok(_) if met && failure.is_some_and(Failure::forbids_writes) => {
                self.wrong.push("a request is acknowledged while the store takes no write or sync".to_owned());
            }
            Ok(_) => {}
            Err(status) if !may_fail => self.wrong.push(format!("a sound disk is answered with {status:?}")),
            Err(status) if cut_off(status) => self.wrong.push(format!("a call is not answered: {status:?}")),
            Err(status) => self.wrong.extend(not_of_a_disk(std::slice::from_ref(status))),
        }
        answer.map(drop)
    }

    /// Reads the whole log: everything acknowledged is in it, whatever fails.
    async fn read(&mut self, clients: &Clients) {
        match clients.read_all(0).await {
            Ok(events) => {
                let ids: BTreeSet<&str> = events.iter().map(|event| event.command_id.as_str()).collect();
                let acknowledged = self.sent.iter().filter(|s| s.acknowledged.is_some());
                let hidden = acknowledged.filter(|s| !ids.contains(s.request.command_id.as_str())).count();
                if hidden > 0 {
                    self.wrong.push(format!("{hidden} acknowledged requests are not read"));
                }
            }
            Err(status) => self.wrong.push(format!("reads do not go on: {} {status:?}", reason(&status))),
        }
    }

    /// Lets a write or sync fail, and waits until requests are acknowledged again or a failure that lasts was met.
    async fn reopened(&mut self, clients: &Clients, failure: Option<&Failure>) {
        let lasts = failure.is_some_and(|failure| failure.lasts != Lasts::Once);
        let deadline = Instant::now() + PATIENCE;
        while self.send(clients, one(fact("wave/REOPENING")), failure, true).await.is_err() {
            self.read(clients).await;
            if lasts && self.shim.hit() > 0 {
                return;
            }
            if Instant::now() > deadline {
                return self.wrong.push("the log is not opened again".to_owned());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn met_within(&self, patience: Duration) {
        let deadline = Instant::now() + patience;
        while self.shim.hit() == 0 && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// On a sound disk requests are acknowledged again, by themselves.
    async fn resumed(&mut self, clients: &Clients) {
        let deadline = Instant::now() + PATIENCE;
        self.came = "goes on";
        while let Err(status) = self.send(clients, one(worded_fact("wave/AGAIN", "words")), None, true).await {
            self.came = "goes on after a while";
            if Instant::now() > deadline {
                return self.wrong.push(format!("requests are not taken again: {status:?}"));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// A start on the sound disk with what the system still holds, a loss of power, and one more start.
    async fn afterwards(&mut self, arguments: &[&str]) {
        if let Some(server) = self.started(arguments) {
            let clients = clients(&server);
            self.read(&clients).await;
            self.record(&clients, "AFTERWARDS", 3, None).await;
            server.kill();
        }
        self.shim.lose_power();
        match Server::try_start(&self.data, Command::new(program("batond")), &[]) {
            Ok(server) => {
                let clients = clients(&server);
                self.wrong.extend(compared_whole(&clients, &self.sent).await);
                self.record(&clients, "AT-LAST", 1, None).await;
            }
            Err(refused) => self.wrong.push(format!("it does not start when the power was lost: {}", refused.said)),
        }
    }
}

/// A call that is not answered ends.
fn clients(server: &Server) -> Clients {
    Clients::reconnecting(server.address(), PATIENCE)
}
