//! What is lived until it is cut short: a log that begins, and servers and an export on logs that were left in some way.

use std::process::Command;
use std::time::Duration;

use super::super::init;
use super::super::load::{cut_off, mixed};
use super::marked::{Marked, marked};
use super::{End, Point, export};
use crate::client::Clients;
use crate::history::{Sent, places};
use crate::server::{DataDir, Server};
use crate::shim::{Action, Call, Files, Shim};

/// Requests of a life, one after the other, so that the calls come in the same order every time.
const REQUESTS: usize = 10;

/// What is lived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Life {
    /// A log begins.
    Init,
    /// A server on a log that was stopped in order.
    AfterAStop,
    /// A server on a log whose server was killed.
    AfterAKill,
    /// A server that begins an archive.
    ArchiveBegins,
    /// A server that goes on with an archive, after one that was killed.
    ArchiveGoesOn,
    /// The whole log is exported from a server.
    Export,
    /// A server on a log whose sync failed before its server was killed.
    Rewriting,
}

impl Life {
    /// All of them.
    pub(super) const ALL: [Self; 7] =
        [Self::Init, Self::AfterAStop, Self::AfterAKill, Self::ArchiveBegins, Self::ArchiveGoesOn, Self::Export, Self::Rewriting];

    /// Whether its server keeps an archive.
    pub(super) fn archives(self) -> bool {
        matches!(self, Self::ArchiveBegins | Self::ArchiveGoesOn)
    }
}

/// The logs that lives begin with, and what was sent to them.
pub(super) struct Before {
    stopped: (DataDir, Vec<Sent>),
    pub(super) killed: (DataDir, Vec<Sent>),
    archived: (DataDir, Vec<Sent>),
    marked: Marked,
    /// Serves what is exported.
    exported: Server,
    /// What must not be, before any of it was cut short.
    pub(super) wrong: Vec<String>,
    /// Holds the log of that server.
    _exported: DataDir,
}

impl Before {
    /// Makes all of them.
    pub(super) async fn make() -> Self {
        let mut wrong = Vec::new();
        let stopped = begun(&mut wrong, true, false).await;
        let killed = begun(&mut wrong, false, false).await;
        let archived = begun(&mut wrong, false, true).await;
        let marked = marked(&mut wrong).await;
        let served = stopped.0.copy();
        let exported = Server::start(&served);
        Self { stopped, killed, archived, marked, exported, wrong, _exported: served }
    }

    /// Takes away what says that a sync failed.
    pub(super) fn unmark(&self) {
        self.marked.unmark();
    }

    fn of(&self, life: Life) -> (DataDir, Vec<Sent>) {
        let (data, sent) = match life {
            Life::Init | Life::Export => return (DataDir::empty(), Vec::new()),
            Life::AfterAStop | Life::ArchiveBegins => &self.stopped,
            Life::AfterAKill => &self.killed,
            Life::ArchiveGoesOn => &self.archived,
            Life::Rewriting => &self.marked.begun,
        };
        (data.copy(), sent.clone())
    }

    /// Lives once, to the end or to a point.
    pub(super) async fn live(&self, life: Life, point: Option<Point>, arguments: &[&str]) -> Lived {
        let (data, sent) = self.of(life);
        let shim = Shim::over(match life {
            Life::Export => vec![export::out(&data)],
            _ if life.archives() => vec![data.path(), data.archive()],
            _ => vec![data.path()],
        });
        if life == Life::Rewriting {
            shim.take_over(&self.marked.shim);
        }
        match point {
            None => shim.watch(&Call::ALL, Files::All),
            Some((_, number, End::Before)) => shim.arm(Action::KillBefore, &Call::ALL, Files::All, number, 1),
            Some((_, number, _)) => shim.arm(Action::KillAfter, &Call::ALL, Files::All, number, 1),
        }
        let mut lived = Lived { life, data, shim, sent, wrong: Vec::new() };
        match life {
            Life::Init => lived.init(),
            Life::Export => lived.export(self),
            _ => lived.serve(arguments).await,
        }
        if let Some((.., End::WithoutPower)) = point {
            lived.shim.lose_power();
        }
        lived
    }

    /// Exports the whole log.
    pub(super) fn export(&self, command: Command, data: &DataDir) -> export::Said {
        export::export(command, &self.exported, data)
    }

    /// What verifies the exported log.
    pub(super) fn trust(&self) -> std::path::PathBuf {
        self.stopped.0.path().join("trust.txt")
    }
}

/// What was lived.
pub(super) struct Lived {
    pub(super) life: Life,
    pub(super) data: DataDir,
    pub(super) shim: Shim,
    pub(super) sent: Vec<Sent>,
    pub(super) wrong: Vec<String>,
}

impl Lived {
    pub(super) fn acknowledged(&self) -> usize {
        self.sent.iter().filter(|s| s.acknowledged.is_some()).count()
    }

    fn init(&mut self) {
        let (code, said) = init(self.shim.command("baton"), &self.data);
        if self.shim.hit() == 0 && code != Some(0) {
            self.wrong.push(format!("the log is not begun, {code:?}: {said}"));
        }
    }

    fn export(&mut self, before: &Before) {
        let said = before.export(self.shim.command("baton"), &self.data);
        if self.shim.hit() == 0 && said.code != Some(0) {
            self.wrong.push(format!("it is not exported: {said:?}"));
        }
    }

    async fn serve(&mut self, arguments: &[&str]) {
        let archive = self.data.archive().display().to_string();
        let mut all = arguments.to_vec();
        if self.life.archives() {
            all.extend(["--archive", &archive]);
        }
        match Server::try_start(&self.data, self.shim.server(), &all) {
            Ok(server) => {
                self.wrong.extend(again(&server, &mut self.sent).await);
                let (more, bad) = requests(&server, "LIFE").await;
                self.sent.extend(more);
                self.wrong.extend(bad);
                if server.stop_if_it_runs().is_none() {
                    self.wrong.push("it does not stop".to_owned());
                }
            }
            Err(refused) if self.shim.hit() == 0 => self.wrong.push(format!("it does not start: {}", refused.said)),
            Err(_) => {}
        }
    }
}

/// A log of some requests and what was sent, stopped in order or killed.
async fn begun(wrong: &mut Vec<String>, stop: bool, archives: bool) -> (DataDir, Vec<Sent>) {
    let data = DataDir::begun().await;
    let archive = data.archive().display().to_string();
    let arguments: &[&str] = if archives { &["--archive", &archive] } else { &[] };
    let server = Server::start_with(&data, arguments);
    let (sent, bad) = requests(&server, "BEFORE").await;
    wrong.extend(bad);
    if archives {
        // So that there is something to go on with.
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    match stop {
        true => assert!(server.stop().success(), "{}", data.log()),
        false => server.kill(),
    }
    (data, sent)
}

/// Sends some requests until the server is gone; what was sent, and calls that ended in any other way.
pub(super) async fn requests(server: &Server, label: &str) -> (Vec<Sent>, Vec<String>) {
    let clients = Clients::reconnecting(server.address(), Duration::from_secs(60));
    let mut sent: Vec<Sent> = (0..REQUESTS).map(|number| Sent { request: mixed(label, 0, number), acknowledged: None }).collect();
    let mut wrong = Vec::new();
    send(&clients, &mut sent, &mut wrong).await;
    (sent, wrong)
}

/// Sends again what was not acknowledged: what is found to be there already must be as durable as what is new.
async fn again(server: &Server, sent: &mut [Sent]) -> Vec<String> {
    let clients = Clients::reconnecting(server.address(), Duration::from_secs(60));
    let mut wrong = Vec::new();
    send(&clients, sent, &mut wrong).await;
    wrong
}

async fn send(clients: &Clients, sent: &mut [Sent], wrong: &mut Vec<String>) {
    for one in sent.iter_mut().filter(|one| one.acknowledged.is_none()) {
        match clients.record("admin", one.request.clone()).await {
            Ok(answer) => one.acknowledged = Some(places(&answer.entries)),
            Err(status) if cut_off(&status) => return,
            Err(status) => return wrong.push(format!("a call ended with {status:?}")),
        }
    }
}
