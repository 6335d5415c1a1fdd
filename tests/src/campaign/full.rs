//! A full disk: writes are refused as such, everything acknowledged is read, writes resume when there is room again.
//!
//! The disk is a small one in memory, filled to its last byte beside the data directory. Every other cycle the server is
//! killed while the disk is full: it starts to read, or refuses in order, and starts when there is room.

use std::process::Command;
use std::time::{Duration, Instant};

use super::load::{Load, compared_whole};
use super::{Plan, Report};
use crate::client::{Clients, reason};
use crate::commands::{fact, one};
use crate::history::{Sent, places};
use crate::mount::{Kind, Mount, fill};
use crate::server::{DataDir, Server, program};
use tonic::Code;

/// Room for a log and the copies of it, above what the server keeps free.
const DISK: u64 = 160 * 1024 * 1024;

const PATIENCE: Duration = Duration::from_secs(60);

/// A cycle is one disk that fills up and has room again.
pub async fn run(plan: Plan) -> Report {
    let mut report = Report::new("full", &plan);
    let mut started_full = 0;
    for cycle in plan.numbers() {
        let mount = match Mount::new(Kind::Memory(DISK)) {
            Ok(mount) => mount,
            Err(why) => {
                report.skipped += 1;
                report.notes = vec![format!("not permitted here: {why}")];
                continue;
            }
        };
        let mut case = Case { data: DataDir::empty_at(mount.path().join("data")), mount, sent: Vec::new(), wrong: Vec::new() };
        case.data.begin().await;
        started_full += usize::from(case.live(cycle % 2 == 1).await);
        report.cycles += 1;
        report.acknowledged += case.sent.iter().filter(|s| s.acknowledged.is_some()).count();
        report.found_all(cycle, case.wrong);
    }
    report.notes.push(format!("killed and started while full: {started_full}"));
    report
}

struct Case {
    // Before the mount, so that no file of it is open when it goes.
    data: DataDir,
    mount: Mount,
    sent: Vec<Sent>,
    wrong: Vec<String>,
}

impl Case {
    /// One life. Says whether it started on the full disk; tried after a kill.
    async fn live(&mut self, kill: bool) -> bool {
        let mut server = Server::start(&self.data);
        let mut clients = Clients::connect(server.address()).await;
        let load = Load::start(&clients, "FULL", 4);
        load.answered(40).await;
        let ballast = fill(&self.mount.path()).expect("a file on the disk");
        if !load.all_ended(PATIENCE).await {
            self.wrong.push("writes are not refused on a full disk".to_owned());
        }
        let written = load.end().await;
        for status in &written.ended {
            if (status.code(), reason(status).as_str()) != (Code::ResourceExhausted, "DISK_FULL") {
                self.wrong.push(format!("a full disk is answered with {status:?}"));
            }
        }
        self.sent.extend(written.sent);
        self.wrong.extend(compared_whole(&clients, &self.sent).await);

        let mut started = false;
        if kill {
            server.kill();
            started = self.start_full().await;
            std::fs::remove_file(&ballast).expect("the ballast goes");
            server = match Server::try_start(&self.data, Command::new(program("batond")), &[]) {
                Ok(server) => server,
                Err(refused) => {
                    self.wrong.push(format!("it does not start with room again: {}", refused.said));
                    return started;
                }
            };
            clients = Clients::connect(server.address()).await;
        } else {
            std::fs::remove_file(&ballast).expect("the ballast goes");
        }
        self.resume(&clients).await;
        self.wrong.extend(compared_whole(&clients, &self.sent).await);
        server.kill();
        started
    }

    async fn start_full(&mut self) -> bool {
        match Server::try_start(&self.data, Command::new(program("batond")), &[]) {
            Ok(server) => {
                let clients = Clients::connect(server.address()).await;
                self.wrong.extend(compared_whole(&clients, &self.sent).await);
                let answer = clients.record("admin", one(fact("wave/FULL"))).await;
                if !answer.as_ref().is_err_and(|s| reason(s) == "DISK_FULL") {
                    self.wrong.push(format!("started on a full disk it answers a write with {answer:?}"));
                }
                server.kill();
                true
            }
            Err(refused) => {
                let said = &refused.said;
                self.wrong.push(format!("on a full disk it ends with {:?}, hung {}: {said}", refused.code, refused.hung));
                false
            }
        }
    }

    async fn resume(&mut self, clients: &Clients) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let request = one(fact("wave/FULL-AGAIN"));
            let answer = clients.record("admin", request.clone()).await;
            self.sent.push(Sent { request, acknowledged: answer.as_ref().ok().map(|a| places(&a.entries)) });
            match answer {
                Ok(_) => return,
                Err(status) if Instant::now() > deadline => {
                    return self.wrong.push(format!("writes do not resume with room again: {status:?}"));
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }
}
