//! An older copy that goes on as a fork, and evidence of it as auditors judge it: what each is told by the keys he holds
//! and by what he remembers of the log from before the fork.

use std::fs;
use std::path::{Path, PathBuf};

use baton_e2e::cli::baton;
use baton_e2e::commands::{fact, request};
use baton_e2e::{Clients, DataDir, Server};
use baton_proto::v1 as proto;
use serde_json::Value;

use crate::archive::{restore, text};
use crate::cut_short::{Points, cut_short};
use crate::doctor::{complaints, doctor};
use crate::rotation::server_command;
use crate::verify::{Go, TRANSITION, export, history};

async fn record(server: &Server, facts: usize) {
    let clients = Clients::connect(server.address()).await;
    for _ in 0..facts {
        clients.record("admin", request(vec![fact("wave/FORK")])).await.expect("recorded");
    }
}

/// An auditor: his keys, and the file in which he remembers.
#[derive(Clone, Copy)]
struct Auditor<'a> {
    desk: &'a DataDir,
    keys: &'a str,
    state: &'a str,
}

impl Auditor<'_> {
    fn has(&self, keys: &str) {
        fs::write(self.desk.beside(self.keys), keys).expect("written");
    }

    /// What he is told of a bundle, and whether he may rely on it. He then remembers it if he may.
    fn judges(&self, bundle: &Path) -> (bool, Value) {
        let (bundle, trust, state) = (text(bundle), text(&self.desk.beside(self.keys)), text(&self.desk.beside(self.state)));
        let ran = baton(["verify", "--bundle", &bundle, "--trust", &trust, "--state", &state, "--output", "json"]);
        assert!(matches!(ran.code, Some(0 | 1)), "{ran:?}");
        (ran.code == Some(0), ran.json())
    }
}

fn said(report: &Value, part: &str, words: &str) -> bool {
    report[part].as_array().is_some_and(|all| all.iter().any(|one| one.to_string().contains(words)))
}

/// Lets a stopped log go on under another origin, and gives its server.
fn forked(data: &DataDir, origin: &str) -> (DataDir, Server) {
    let (dir, key) = (text(&data.path()), text(&data.beside("fork.key")));
    let ran = baton(["fork", "--data", &dir, "--key", &key, "--origin", origin, "--person", "admin", "--note", "disk lost"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let forked = data.other("data", "fork.key");
    let server = Server::start(&forked);
    (forked, server)
}

#[tokio::test(flavor = "multi_thread")]
async fn older_copy_is_refused_beside_a_newer_checkpoint_and_goes_on_as_a_fork_that_says_so() {
    let data = DataDir::begun().await;
    let server = Server::start(&data);
    let clients = Clients::connect(server.address()).await;
    for _ in 0..5 {
        clients.record("admin", request(vec![fact("wave/OLD")])).await.expect("recorded");
    }
    let address = server.address().to_string();
    let taken = baton(["backup", "--server", &address, "--out", &text(&data.beside("backup")), "--output", "json"]);
    let size = taken.json()["size"].as_u64().expect("a size");
    for _ in 0..3 {
        clients.record("admin", request(vec![fact("wave/LOST")])).await.expect("recorded");
    }
    let newest = clients.audit.clone().get_checkpoint(proto::GetCheckpointRequest::default()).await.expect("a checkpoint");
    let newest = newest.into_inner();
    let known = data.beside("known.note");
    std::fs::write(&known, &newest.checkpoint).expect("written");
    assert!(server.stop().success());

    let refused = restore(&data, "backup", "new", &["--last-known", &text(&known)]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.err.contains(&format!("positions {size} to {} are missing", newest.position)), "{refused:?}");
    let restored = restore(&data, "backup", "new", &["--last-known", &text(&known), "--older-copy"]);
    assert_eq!(restored.json()["missing"], 3, "{restored:?}");
    let new = data.other("new", "signing-key");
    let refused = Server::refused(&new);
    assert!(refused.said.contains("acknowledged"), "the old origin does not go on: {refused:?}");
    let looked = doctor(&new.path(), &[]);
    assert_eq!((looked.code, complaints(&looked)), (Some(4), vec![("store".to_owned(), "damage".to_owned())]), "{looked:?}");

    let fresh = text(&data.beside("fork.key"));
    let fork = |origin: &str| {
        let data = text(&new.path());
        baton(["fork", "--data", &data, "--key", &fresh, "--origin", origin, "--person", "admin", "--note", "disk lost"])
    };
    assert_eq!(fork("baton.test/e2e").code, Some(2), "a fork has a new origin");
    let forked = fork("baton.test/fork");
    assert_eq!(forked.code, Some(0), "{forked:?}");
    assert_eq!(fork("baton.test/fork").code, Some(2), "and is made once");
    assert!(Server::refused(&new).said.contains("give the key of this log"));

    let server = Server::start(&data.other("new", "fork.key"));
    let clients = Clients::connect(server.address()).await;
    let events = clients.read_all(0).await.expect("the log is read");
    let said = &events[size as usize];
    assert_eq!(events.len() as u64, size + 1);
    let leaf: serde_json::Value = serde_json::from_slice(&said.leaf).expect("a leaf");
    assert_eq!(leaf["type"], "LogForked");
    assert_eq!(leaf["payload"]["old_origin"], "baton.test/e2e");
    assert_eq!(leaf["payload"]["restored_size"], size);
    assert_eq!(leaf["payload"]["last_known_checkpoint"], newest.checkpoint);
    clients.record("admin", request(vec![fact("wave/NEW")])).await.expect("it goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn fork_that_was_cut_short_is_named_by_the_doctor_and_ended_as_the_doctor_says() {
    let data = DataDir::begun().await;
    let (dir, key) = (text(&data.path()), text(&data.beside("fork.key")));
    let fork = |key: &str, origin: &str| {
        baton(["fork", "--data", &dir, "--key", key, "--origin", origin, "--person", "admin", "--note", "disk lost"])
    };
    let looked = || {
        let looked = doctor(&data.path(), &[]);
        let findings = looked.json()["findings"].as_array().expect("findings").clone();
        let said = |key: &str| {
            let fork = findings.iter().find(|finding| finding["looked_at"] == "fork");
            fork.map(|fork| fork[key].as_str().expect("in words").to_owned()).unwrap_or_default()
        };
        (looked.code, complaints(&looked), said("found"), said("what_to_do"))
    };
    let sound = (Some(0), vec![], String::new(), String::new());
    assert_eq!(looked(), sound);

    // Cut short before its key was there: a claim without one.
    let claimed = data.path().join("FORKING");
    fs::write(&claimed, "baton.test/fork+00000000+AAAA\n").expect("written");
    let (code, complained, found, advice) = looked();
    assert_eq!((code, complained), (Some(1), vec![("fork".to_owned(), "attention".to_owned())]));
    assert!(found.contains("FORKING") && found.contains("cut short"), "{found}");
    assert!(advice.contains("the same baton fork command again"), "{advice}");
    assert_eq!(fork(&key, "baton.test/fork").code, Some(0));
    assert!(!claimed.exists(), "the same command ended it");
    assert_eq!(looked(), sound);

    // Cut short before the claim was taken away.
    let trust = fs::read_to_string(data.path().join("trust.txt")).expect("keys");
    let line = trust.lines().find(|line| line.starts_with("baton.test/fork+")).expect("the new key");
    fs::write(&claimed, format!("{line}\n")).expect("written");
    assert_eq!(looked().0, Some(1));
    let again = fork(&key, "baton.test/fork");
    assert!(again.code == Some(0) && again.out.contains("recorded by an earlier attempt"), "{again:?}");
    assert_eq!(looked(), sound);
    assert_eq!(fork(&key, "baton.test/fork").code, Some(2), "what is ended is not made again");
    assert!(Server::start(&data.other("data", "fork.key")).stop().success());
}

/// The command that forks a log, with a key beside it.
fn fork(data: &DataDir) -> Vec<String> {
    let (dir, key) = (text(&data.path()), text(&data.beside("fork.key")));
    let given = ["fork", "--data", &dir, "--key", &key, "--origin", "baton.test/fork", "--person", "admin", "--note", "lost"];
    given.map(str::to_owned).into_iter().chain(["--output".to_owned(), "json".to_owned()]).collect()
}

/// A stopped log, and an older copy of it that lacks one event.
async fn whole_and_older() -> [DataDir; 2] {
    let whole = DataDir::begun().await;
    let server = Server::start(&whole);
    record(&server, 3).await;
    assert!(server.stop().success());
    let older = whole.copy();
    let server = Server::start(&whole);
    record(&server, 1).await;
    assert!(server.stop().success());
    fs::copy(whole.path().join("head"), older.path().join("head")).expect("the newest checkpoint is known");
    [whole, older]
}

/// Given a fork that was ended at any call, when the same command is given again, then the log opens under the new key
/// alone, and tells of the fork once.
#[tokio::test(flavor = "multi_thread")]
async fn fork_that_is_killed_at_any_call_is_ended_by_the_same_command_and_recorded_once() {
    for (begun, size) in whole_and_older().await.into_iter().zip([5, 4]) {
        fork_is_killed(&begun, size).await;
    }
}

async fn fork_is_killed(begun: &DataDir, size: u64) {
    let points = Points::of(begun, fork);
    let (mut recorded_before, mut ended) = (0, 0);
    for (call, end) in points.drawn() {
        let data = cut_short(begun, fork, call, end);
        let claimed = data.path().join("FORKING").exists();
        let looked = doctor(&data.path(), &[]);
        assert!(!looked.out.contains("not those acknowledged"), "call {call}, {end:?}: it is but cut short: {looked:?}");
        let again = baton(fork(&data));
        match (again.code, claimed) {
            (Some(0), _) => {
                let told = again.json();
                assert_eq!(told["old_origin"], "baton.test/e2e", "call {call}, {end:?}");
                let sizes = (told["restored_size"].as_u64(), told["last_known_size"].as_u64());
                assert_eq!(sizes, (Some(size), Some(5)), "call {call}, {end:?}");
                recorded_before += u64::from(told["recorded_before"] == true);
            }
            // It had come to its very end.
            (Some(2), false) if again.err.contains("has the origin") => ended += 1,
            _ => panic!("call {call}, {end:?}: {again:?}"),
        }
        assert!(!data.path().join("FORKING").exists(), "call {call}, {end:?}");
        assert!(Server::try_start(&data, server_command(), &[]).is_err(), "call {call}, {end:?}: the old key opens it");
        let server = Server::start(&data.other("data", "fork.key"));
        let events = Clients::connect(server.address()).await.read_all(0).await.expect("the log is read");
        assert_eq!(events.len() as u64, size + 1, "call {call}, {end:?}: the fork is recorded once");
    }
    println!("{points}, {size} events; {recorded_before} had recorded the fork, {ended} had ended it");
    assert!(!points.are_all() || (recorded_before > 0 && ended > 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn older_copy_of_a_log_that_changed_its_key_since_is_restored_and_forked_with_both_keys_known() {
    let data = DataDir::begun().await;
    let server = Server::start(&data);
    record(&server, 5).await;
    let address = server.address().to_string();
    let taken = baton(["backup", "--server", &address, "--out", &text(&data.beside("backup")), "--output", "json"]);
    let size = taken.json()["size"].as_u64().expect("a size");
    assert!(server.stop().success());
    let [key, new_key] = ["signing-key", "second-key"].map(|name| text(&data.beside(name)));
    let directory = text(&data.path());
    let rotate = ["rotate-key", "--data", &directory, "--key", &key, "--new-key", &new_key, "--person", "admin"];
    assert_eq!(baton(rotate).code, Some(0));
    let server = Server::start(&data.other("data", "second-key"));
    record(&server, 2).await;
    export(&server, &data.beside("newest"), &[]);
    assert!(server.stop().success());
    // KeyRotated and two facts.
    let (known, keys) = (text(&data.beside("newest/checkpoint")), text(&data.path().join("trust.txt")));

    let without = restore(&data, "backup", "copy", &["--last-known", &known, "--older-copy"]);
    assert!(without.code == Some(1) && without.err.contains("no signature by a trusted key"), "{without:?}");
    let refused = restore(&data, "backup", "copy", &["--last-known", &known, "--trust", &keys]);
    assert!(refused.code == Some(1) && refused.err.contains(&format!("positions {size} to {}", size + 2)), "{refused:?}");
    let restored = restore(&data, "backup", "copy", &["--last-known", &known, "--trust", &keys, "--older-copy"]);
    assert_eq!(restored.json()["missing"], 3, "{restored:?}");
    let refused = Server::refused(&data.other("copy", "signing-key"));
    assert!(refused.said.contains("begin a new origin with baton fork"), "{refused:?}");

    let (copy, fork_key) = (text(&data.beside("copy")), text(&data.beside("fork.key")));
    let fork = |rest: &[&str]| {
        let all = ["fork", "--data", &copy, "--key", &fork_key, "--origin", "baton.test/fork", "--person", "admin"];
        baton(all.iter().chain(rest).chain(&["--output", "json"]).copied())
    };
    let without = fork(&["--last-known", &known]);
    assert!(without.code == Some(2) && without.err.contains("no signature by a trusted key"), "{without:?}");
    let forked = fork(&["--last-known", &known, "--trust", &keys]);
    assert_eq!(forked.json()["last_known_size"], size + 3, "{forked:?}");
    let server = Server::start(&data.other("copy", "fork.key"));
    record(&server, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_of_a_forked_log_shows_what_was_kept_and_what_was_left_behind() {
    let data = DataDir::begun().await;
    let at = |name: &str| -> PathBuf { data.beside(name) };
    let server = Server::start(&data);
    history(&server).await;
    export(&server, &at("before"), &[]);
    assert!(server.stop().success());
    let old_key = fs::read_to_string(data.path().join("trust.txt")).expect("a key");
    let auditor = Auditor { desk: &data, keys: "old.txt", state: "auditor.state" };
    auditor.has(&old_key);
    let (verified, report) = auditor.judges(&at("before"));
    assert!(verified, "{report}");
    let size = report["size"].as_u64().expect("a size");

    // A copy is taken here; the log goes on for three events more, and another auditor sees them.
    let copy = data.copy();
    let server = Server::start(&data);
    record(&server, 3).await;
    export(&server, &at("later"), &[]);
    assert!(server.stop().success());
    fs::copy(at("auditor.state"), at("later.state")).expect("copied");
    let later = Auditor { state: "later.state", ..auditor };
    assert!(later.judges(&at("later")).0);

    let (copy, server) = forked(&copy, "baton.test/fork");
    record(&server, 2).await;
    export(&server, &at("whole"), &["--with-words"]);
    export(&server, &at("one"), &["--transition", TRANSITION, "--from-size", &size.to_string()]);
    export(&server, &at("unproven"), &["--transition", TRANSITION]);
    assert!(server.stop().success());
    let both_keys = fs::read_to_string(copy.path().join("trust.txt")).expect("keys");
    let new_key = both_keys.strip_prefix(&old_key).expect("the old key, then the new one").to_owned();

    // Who holds the old key alone is told of the fork, and no key for it.
    let (verified, report) = auditor.judges(&at("whole"));
    assert!(!verified && said(&report, "failures", "went on as \\\"baton.test/fork\\\""), "{report}");
    assert!(said(&auditor.judges(&at("one")).1, "failures", "went on as"));

    // Who holds the new key alone can not tell who signed before it.
    let new_alone = Auditor { keys: "new.txt", state: "new.state", ..auditor };
    new_alone.has(&new_key);
    let (verified, report) = new_alone.judges(&at("whole"));
    assert!(verified && said(&report, "warnings", "holds no key of it that signed them"), "{report}");

    // Who holds both keeps what he remembers.
    let both = Auditor { keys: "both.txt", ..auditor };
    both.has(&both_keys);
    for bundle in ["one", "whole"] {
        let (verified, report) = both.judges(&at(bundle));
        assert!(verified, "{bundle}: {report}");
        assert_eq!(report["warnings"], serde_json::json!([]), "{bundle}");
        let fork = &report["forks"][0];
        assert_eq!((&fork["position"], &fork["last_known_size"]), (&size.into(), &size.into()), "{bundle}: {report}");
        assert_eq!((&fork["old_origin"], &fork["new_origin"]), (&"baton.test/e2e".into(), &"baton.test/fork".into()));
        let kept = report["remembered_sizes"].as_array().expect("sizes");
        assert!(kept.contains(&size.into()), "{bundle}: {report}");
    }
    // Asked for without the size that he remembers, one transition does not show that he remembers this log.
    let forgetful = Auditor { state: "again.state", ..both };
    assert!(forgetful.judges(&at("before")).0);
    let (verified, report) = forgetful.judges(&at("unproven"));
    assert!(!verified && said(&report, "failures", &format!("--from-size {size}")), "{report}");

    // Who saw what the copy does not have is told that it was left behind, and that the operator did not know of it.
    let later = Auditor { keys: "both.txt", ..later };
    let (verified, report) = later.judges(&at("whole"));
    let lost = format!("events {size} to {} of it are not in this log", size + 2);
    assert!(verified && said(&report, "warnings", &lost) && said(&report, "warnings", "less than you hold"), "{report}");

    // Software of others reads it too.
    let dir = tempfile::TempDir::new().expect("a temporary directory");
    let there = Go::build(dir.path()).verify(&at("whole"), &at("both.txt"));
    assert_eq!(there.code, Some(0), "{}", there.said);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_history_that_calls_itself_a_fork_of_the_log_is_found_by_whoever_remembers() {
    let (data, planted) = (DataDir::begun().await, DataDir::begun().await);
    let server = Server::start(&data);
    history(&server).await;
    export(&server, &data.beside("true"), &[]);
    assert!(server.stop().success());
    let auditor = Auditor { desk: &data, keys: "keys.txt", state: "auditor.state" };
    auditor.has(&fs::read_to_string(data.path().join("trust.txt")).expect("a key"));
    assert!(auditor.judges(&data.beside("true")).0);

    // The same origin, as many events and more, and other ones; then a fork, whose key the auditor is given.
    let server = Server::start(&planted);
    history(&server).await;
    record(&server, 3).await;
    assert!(server.stop().success());
    let (planted, server) = forked(&planted, "baton.test/fork");
    export(&server, &data.beside("planted"), &[]);
    export(&server, &data.beside("planted-one"), &["--transition", TRANSITION]);
    let keys = [data.path(), planted.path()].map(|dir| fs::read_to_string(dir.join("trust.txt")).expect("keys"));
    let new_key = keys[1].lines().last().expect("the key of the fork");
    auditor.has(&format!("{}{new_key}\n", keys[0]));
    let (verified, report) = auditor.judges(&data.beside("planted"));
    assert!(!verified && said(&report, "failures", "the log is not continued from the checkpoint of baton.test/e2e"), "{report}");
    let (verified, report) = auditor.judges(&data.beside("planted-one"));
    assert!(!verified && said(&report, "failures", "nothing shows that the log continues"), "{report}");
}
