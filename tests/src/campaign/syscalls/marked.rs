//! A log whose sync failed: it says so beside its store, its server was killed, and the next start writes the store anew.

use std::path::Path;
use std::time::{Duration, Instant};

use super::super::load::mixed;
use super::lives::requests;
use crate::client::Clients;
use crate::history::Sent;
use crate::server::{DataDir, Server};
use crate::shim::{Action, Call, FOR_EVER, Files, Shim};

/// EIO on Linux.
const EIO: i32 = 5;

/// Says beside a store that a sync of it failed.
const MARKER: &str = "REWRITE";

/// Such a log, and what is durable of it.
pub(in super::super) struct Marked {
    pub(in super::super) begun: (DataDir, Vec<Sent>),
    pub(in super::super) shim: Shim,
}

impl Marked {
    /// Takes away what says that a sync failed.
    pub(super) fn unmark(&self) {
        std::fs::remove_file(self.begun.0.path().join(MARKER)).expect("the marker is removed");
    }
}

/// Makes one. What its last request wrote is in the files, and on the disk it is not.
pub(in super::super) async fn marked(wrong: &mut Vec<String>) -> Marked {
    let data = DataDir::begun().await;
    let shim = Shim::new(&data);
    let server = Server::try_start(&data, shim.server(), &[]).unwrap_or_else(|refused| panic!("{}", refused.said));
    let (mut sent, bad) = requests(&server, "BEFORE").await;
    wrong.extend(bad);
    shim.arm(Action::Fail(EIO), &[Call::Fdatasync], Files::All, 1, FOR_EVER);
    let clients = Clients::connect(server.address()).await;
    let request = mixed("UNKNOWN", 0, 0);
    match clients.record("admin", request.clone()).await {
        Ok(_) => wrong.push("a request whose sync failed is acknowledged".to_owned()),
        Err(_) => sent.push(Sent { request, acknowledged: None }),
    }
    let deadline = Instant::now() + Duration::from_secs(60);
    while !data.path().join(MARKER).exists() && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    server.kill();
    if !data.path().join(MARKER).exists() {
        wrong.push(format!("a failed sync is not noted: {}", data.log()));
    }
    Marked { begun: (data, sent), shim }
}

/// What must be when such a log was started again: nothing is left to be done, and the old store is kept.
pub(super) fn finished(data: &DataDir) -> Vec<String> {
    let left = [MARKER, "store.new", "keys.new", "head.new"].into_iter().filter(|name| data.path().join(name).exists());
    let mut wrong: Vec<String> = left.map(|name| format!("{name} is left when the store was written anew")).collect();
    if !kept(&data.path()) {
        wrong.push("the old store is not kept".to_owned());
    }
    wrong
}

/// Whether stores are kept aside.
fn kept(data: &Path) -> bool {
    let kept = std::fs::read_dir(data.join("recovery")).into_iter().flatten().flatten();
    kept.into_iter().any(|entry| entry.path().join("store/db").is_file())
}
