//! Restores that are cut short: what is left is refused, or is the whole log; an older copy never goes on under its key.

use std::fs;
use std::path::PathBuf;

use baton_e2e::cli::baton;
use baton_e2e::commands::{request, worded_fact};
use baton_e2e::{Clients, DataDir, Server};
use baton_proto::v1 as proto;

use crate::archive::text;
use crate::cut_short::{Points, cut_short};
use crate::rotation::server_command;

/// A stopped log with a backup, and the newest checkpoint it signed, which is of one event more.
struct Scene {
    log: DataDir,
    known: PathBuf,
    size: u64,
}

impl Scene {
    async fn set() -> Self {
        let log = DataDir::begun().await;
        let server = Server::start(&log);
        let clients = Clients::connect(server.address()).await;
        let record = || clients.record("admin", request(vec![worded_fact("wave/RESTORE", "words")]));
        for _ in 0..3 {
            record().await.expect("recorded");
        }
        let address = server.address().to_string();
        let taken = baton(["backup", "--server", &address, "--out", &text(&log.beside("backup")), "--output", "json"]);
        let size = taken.json()["size"].as_u64().expect("a size");
        record().await.expect("recorded");
        let newest = clients.audit.clone().get_checkpoint(proto::GetCheckpointRequest::default()).await.expect("a checkpoint");
        let known = log.beside("known.note");
        fs::write(&known, newest.into_inner().checkpoint).expect("written");
        assert!(server.stop().success());
        Self { log, known, size }
    }

    /// An empty directory to restore into, with the key of the log.
    fn target(&self) -> DataDir {
        let target = self.log.other("new", "signing-key");
        fs::create_dir_all(target.path()).expect("made");
        target
    }

    /// The command that restores the backup.
    fn restore(&self, data: &DataDir, more: &[&str]) -> Vec<String> {
        let (from, to, key) = (text(&self.log.beside("backup")), text(&data.path()), text(&data.key()));
        let words = text(&self.log.path().join("keys"));
        let given = ["restore", "--from", &from, "--data", &to, "--key", &key, "--keys", &words];
        given.iter().chain(more).map(|&given| given.to_owned()).collect()
    }
}

/// Given a restore that was ended at any call, when the server is started on what it left, then it is refused, or serves
/// every event of the backup.
#[tokio::test(flavor = "multi_thread")]
async fn restore_that_is_killed_at_any_call_leaves_a_directory_that_is_refused_or_the_whole_log() {
    let scene = Scene::set().await;
    let restore = |data: &DataDir| scene.restore(data, &[]);
    let target = scene.target();
    let points = Points::of(&target, restore);
    let (mut refused, mut whole) = (0, 0);
    for (call, end) in points.drawn() {
        let data = cut_short(&target, restore, call, end);
        match Server::try_start(&data, server_command(), &[]) {
            Err(_) => refused += 1,
            Ok(server) => {
                let events = Clients::connect(server.address()).await.read_all(0).await.expect("the log is read");
                assert_eq!(events.len() as u64, scene.size, "call {call}, {end:?}");
                whole += 1;
            }
        }
    }
    println!("{points}; {refused} left what is refused, {whole} the whole log");
    assert!(!points.are_all() || (refused > 0 && whole > 0));
}

/// Given the restore of an older copy, which a newer checkpoint shows to be one, when it was ended at any call or not at
/// all, then the old key does not open what it left: it could sign another history.
#[tokio::test(flavor = "multi_thread")]
async fn restore_of_an_older_copy_leaves_nothing_that_opens_under_the_old_key_wherever_it_is_killed() {
    let scene = Scene::set().await;
    let known = text(&scene.known);
    let restore = |data: &DataDir| scene.restore(data, &["--last-known", &known, "--older-copy"]);
    let target = scene.target();
    let points = Points::of(&target, restore);
    for (call, end) in points.drawn() {
        let data = cut_short(&target, restore, call, end);
        assert!(Server::try_start(&data, server_command(), &[]).is_err(), "call {call}, {end:?}: it opens");
    }
    println!("{points}, of an older copy");
}
