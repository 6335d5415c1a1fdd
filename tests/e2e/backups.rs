//! Backups and copies of the key file that are cut short: no restore takes what is left for more than it is.

use std::path::PathBuf;

use baton_e2e::cli::{Ran, baton};
use baton_e2e::commands::{request, worded_fact};
use baton_e2e::{Clients, DataDir, Server};
use baton_proto::v1 as proto;

use crate::archive::text;
use crate::cut_short::{Points, cut_short};
use crate::rotation::server_command;

/// A served log with words in it, a backup of it, and a copy of its key file.
struct Scene {
    log: DataDir,
    server: Server,
    events: Vec<proto::RecordedEvent>,
}

impl Scene {
    async fn set() -> Self {
        let log = DataDir::begun().await;
        let server = Server::start(&log);
        let clients = Clients::connect(server.address()).await;
        // Keys of more than a sector, so that a copy of them can lack one.
        for number in 0..20 {
            clients
                .record("admin", request(vec![worded_fact("wave/BACKUP", &format!("words {number}"))]))
                .await
                .expect("recorded");
        }
        let events = clients.read_all(0).await.expect("the log is read");
        let scene = Self { log, server, events };
        assert_eq!(baton(scene.backup(&scene.log.other("backup", "signing-key"))).code, Some(0));
        assert_eq!(baton(scene.keys(&scene.log.other("keys", "signing-key"))).code, Some(0));
        scene
    }

    /// A directory for what a command makes, and nothing else of the log.
    fn target(&self) -> DataDir {
        let target = DataDir::empty();
        std::fs::create_dir(target.path()).expect("made");
        std::fs::copy(self.log.key(), target.key()).expect("the key is copied");
        target
    }

    /// The command that makes a backup in a directory.
    fn backup(&self, to: &DataDir) -> Vec<String> {
        let address = self.server.address().to_string();
        ["backup", "--server", &address, "--out", &text(&to.path())].map(str::to_owned).into()
    }

    /// The command that copies the key file into a directory.
    fn keys(&self, to: &DataDir) -> Vec<String> {
        let (data, out) = (text(&self.log.path()), text(&self.copied(to)));
        std::fs::create_dir_all(to.path()).expect("made");
        ["backup", "--keys", "--data", &data, "--out", &out].map(str::to_owned).into()
    }

    /// Where the key file is copied to in a directory.
    fn copied(&self, to: &DataDir) -> PathBuf {
        to.path().join("keys")
    }

    /// Restores beside a log; gives what a server then serves, or why nothing was restored.
    async fn restored(&self, data: &DataDir, from: &DataDir, keys: &DataDir) -> Result<Vec<proto::RecordedEvent>, Ran> {
        let restored = data.other("restored", "signing-key");
        let (from, to, key) = (text(&from.path()), text(&restored.path()), text(&restored.key()));
        let given = ["restore", "--from", &from, "--data", &to, "--key", &key, "--keys", &text(&self.copied(keys))];
        let ran = baton(given);
        if ran.code != Some(0) {
            assert!(matches!(ran.code, Some(1 | 3 | 4)), "{ran:?}");
            assert!(!restored.path().exists(), "nothing is made of what is refused: {ran:?}");
            return Err(ran);
        }
        let server = Server::start(&restored);
        Ok(Clients::connect(server.address()).await.read_all(0).await.expect("the log is read"))
    }
}

/// Ends a command at every drawn point, and restores with what it left: that is refused, or every event is back. `copies`
/// gives the backup and the copy of the key file to restore from.
async fn is_refused_or_whole(
    scene: &Scene,
    command: impl Fn(&DataDir) -> Vec<String>,
    copies: impl Fn(&DataDir) -> [DataDir; 2],
) {
    let target = scene.target();
    let points = Points::of(&target, &command);
    let (mut refused, mut whole) = (0, 0);
    for (call, end) in points.drawn() {
        let left = cut_short(&target, &command, call, end);
        let [backup, keys] = copies(&left);
        match scene.restored(&left, &backup, &keys).await {
            Err(ran) => {
                assert!(ran.err.contains(&text(&left.path())), "call {call}, {end:?}: it says what is not whole: {ran:?}");
                refused += 1;
            }
            Ok(events) => {
                assert_eq!(events, scene.events, "call {call}, {end:?}");
                whole += 1;
            }
        }
    }
    println!("{points}; {refused} left what is refused, {whole} what brings everything back");
    assert!(!points.are_all() || (refused > 0 && whole > 0));
}

/// Given a backup that was ended at any call, when it is restored, then it is refused, or the whole log is back.
#[tokio::test(flavor = "multi_thread")]
async fn backup_that_is_killed_at_any_call_is_refused_or_the_whole_log() {
    let scene = Scene::set().await;
    let copies = |left: &DataDir| [left.clone(), scene.log.other("keys", "signing-key")];
    is_refused_or_whole(&scene, |to| scene.backup(to), copies).await;
}

/// Given a copy of the key file that was ended at any call, when a backup is restored with it, then it is refused, or all
/// words are back: none is gone without a word.
#[tokio::test(flavor = "multi_thread")]
async fn copy_of_the_keys_that_is_killed_at_any_call_is_refused_or_opens_all_words() {
    let scene = Scene::set().await;
    let copies = |left: &DataDir| [scene.log.other("backup", "signing-key"), left.clone()];
    is_refused_or_whole(&scene, |to| scene.keys(to), copies).await;
}

/// Given a copy of the key file in which a sector is zero, as a disk leaves it that lost one, when a backup is restored with
/// it or the log is started on it, then it is refused and the record named: it is no erasure that nobody authorised.
#[tokio::test(flavor = "multi_thread")]
async fn key_file_with_a_sector_of_zeros_is_refused_by_a_restore_and_by_a_start() {
    let scene = Scene::set().await;
    let (backup, holed) = (scene.log.other("backup", "signing-key"), scene.log.other("keys", "signing-key"));
    let mut bytes = std::fs::read(scene.copied(&holed)).expect("a key file");
    bytes[512..1024].fill(0);
    std::fs::write(scene.copied(&holed), &bytes).expect("written");
    let refused = scene.restored(&scene.log, &backup, &holed).await.expect_err("not every word is there");
    assert!(refused.err.contains("does not open the record at position"), "{refused:?}");
    // It may be all there is: then what it opens is kept, and what it does not is named.
    let rest = scene.log.other("rest", "signing-key");
    let (from, to, key, keys) = (text(&backup.path()), text(&rest.path()), text(&rest.key()), text(&scene.copied(&holed)));
    let given = ["restore", "--from", &from, "--data", &to, "--key", &key, "--keys", &keys, "--keys-lost", "--output", "json"];
    let gone = baton(given).json()["words_gone"].as_array().expect("a list").len();
    let server = Server::start(&rest);
    let events = Clients::connect(server.address()).await.read_all(0).await.expect("the log is read");
    let changed = events.iter().zip(&scene.events).filter(|(now, before)| now != before).count();
    assert!(
        gone > 0 && gone < scene.events.len() - 1 && changed == gone && events.len() == scene.events.len(),
        "{gone}, {changed}"
    );
    let Scene { log, server, .. } = scene;
    assert!(server.stop().success());
    std::fs::write(log.path().join("keys"), &bytes).expect("written");
    let refused = Server::try_start(&log, server_command(), &[]);
    let said = refused.err().expect("not every word is there").said;
    assert!(said.contains("failed to read the log: the record at position") && said.contains("put the key file back"), "{said}");
    let found = baton(["doctor", "--data", &text(&log.path()), "--output", "json"]);
    let findings = found.json()["findings"].as_array().expect("findings").clone();
    let keys = findings.iter().find(|finding| finding["looked_at"] == "keys").expect("it looks at the keys");
    assert!(found.code == Some(4) && keys["found"].as_str().is_some_and(|found| found.contains("at position")), "{found:?}");
}
