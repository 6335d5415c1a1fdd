//! Evidence from outside: a server's bundles checked by `baton verify`, by the Go packages in which
//! these formats began, and by openssl; then one thing altered at a time, which all must refuse who can
//! see it. What Go cannot see stands beside the alteration, with the reason.
//!
//! Needs `go` with `golang.org/x/mod` (Debian: golang-go, golang-golang-x-mod-dev) and openssl;
//! `tests/run` installs them.

mod alterations;
mod altering;
mod programs;

use std::fs;
use std::path::Path;
use std::process::Command;

use baton_e2e::commands::{fact, request};
use baton_e2e::server::program;
use baton_e2e::{Clients, DataDir, Server};
use serde_json::Value;
use tempfile::TempDir;

use alterations::Go2::{Blind, Sees};
use alterations::{Alteration, Evidence, of_one_transition, of_the_whole_log};
pub(crate) use altering::{alter, alter_text, copy, entries};
use altering::{line, only, other_letter};
use programs::run;
pub(crate) use programs::{Go, TRANSITION, export, history, ours, report};
use programs::{openssl, told};

/// Every alteration of a bundle that somebody accepts who should not.
fn accepted(go: &Go, all: &Evidence, bundle: &Path, trust: &Path, alterations: Vec<Alteration>) -> Vec<String> {
    let mut wrong = Vec::new();
    let (mut both, mut alone) = (0, 0);
    for (name, sees, change) in alterations {
        let dir = TempDir::new().expect("a temporary directory");
        let altered = dir.path().join("bundle");
        copy(bundle, &altered);
        change(&altered, all);
        let (here, there) = (ours(&altered, trust, &[]), go.verify(&altered, trust));
        if here.code != Some(1) || here.said.contains("panicked") {
            wrong.push(format!("{name}: baton verify ended with {:?}: {}", here.code, here.said));
        }
        match (sees, there.code) {
            (Sees, Some(1)) => both += 1,
            (Blind(_), Some(0)) => alone += 1,
            (Sees, code) => wrong.push(format!("{name}: Go ended with {code:?}: {}", there.said)),
            (Blind(why), code) => wrong.push(format!("{name}: Go ended with {code:?} although {why}: {}", there.said)),
        }
    }
    println!("{both} alterations refused by both, {alone} by Baton alone");
    wrong
}

#[tokio::test(flavor = "multi_thread")]
async fn bundles_verify_everywhere_and_with_anything_altered_nowhere() {
    let (data, foreign) = (DataDir::begun().await, DataDir::begun().await);
    let (server, other) = (Server::start(&data), Server::start(&foreign));
    history(&server).await;
    history(&other).await;
    let dir = TempDir::new().expect("a temporary directory");
    let at = |name: &str| dir.path().join(name);
    let trust = at("trust.txt");
    fs::copy(data.path().join("trust.txt"), &trust).expect("the auditor has the key");

    export(&server, &at("earlier"), &["--with-words"]);
    export(&server, &at("one-earlier"), &["--transition", TRANSITION, "--with-words"]);
    let clients = Clients::connect(server.address()).await;
    clients.record("admin", request(vec![fact("wave/TEST"), fact("wave/TEST")])).await.expect("recorded");
    export(&server, &at("whole"), &["--with-words"]);
    export(&server, &at("withheld"), &[]);
    export(&server, &at("one"), &["--transition", TRANSITION, "--with-words"]);
    export(&server, &at("neighbour"), &["--transition", "QOX.DENT.TEST", "--with-words"]);
    export(&other, &at("foreign"), &["--with-words"]);

    let go = Go::build(dir.path());
    for name in ["earlier", "whole", "withheld", "one"] {
        let (here, there, signature) = (ours(&at(name), &trust, &[]), go.verify(&at(name), &trust), openssl(&at(name), &trust));
        assert_eq!(
            (here.code, there.code, signature.code),
            (Some(0), Some(0), Some(0)),
            "{name}: {} {} {}",
            here.said,
            there.said,
            signature.said
        );
    }
    for (name, change) in [("origin", 0), ("size", 1), ("root", 2), ("signature", 4)] {
        copy(&at("whole"), &at(name));
        alter_text(at(name).join("checkpoint"), |note| line(note, change, |text| other_letter(text, text.len() / 2)));
        assert_ne!(openssl(&at(name), &trust).code, Some(0), "openssl accepts another {name}");
    }
    assert_ne!(openssl(&at("foreign"), &trust).code, Some(0));

    let all = Evidence {
        whole: at("whole"),
        one: at("one"),
        earlier: at("earlier"),
        one_earlier: at("one-earlier"),
        neighbour: at("neighbour"),
        foreign: at("foreign"),
    };
    assert_eq!(accepted(&go, &all, &all.whole, &trust, of_the_whole_log()), Vec::<String>::new());
    assert_eq!(accepted(&go, &all, &all.one, &trust, of_one_transition()), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn report_names_the_first_bad_position() {
    let data = DataDir::begun().await;
    let server = Server::start(&data);
    history(&server).await;
    let dir = TempDir::new().expect("a temporary directory");
    let (bundle, trust) = (dir.path().join("bundle"), data.path().join("trust.txt"));
    export(&server, &bundle, &[]);
    let sound = report(&bundle, &trust);
    assert_eq!((&sound["verdict"], &sound["first_bad_index"]), (&"verified".into(), &Value::Null), "{sound:#}");
    assert_eq!((&sound["kind"], &sound["first_contact"]), (&"log".into(), &true.into()));
    assert!(sound["warnings"][0].as_str().is_some_and(|warning| warning.contains("data directory")), "{sound:#}");
    let positions: [(u64, Alteration); 3] = [
        (
            40,
            (
                "",
                Sees,
                Box::new(|dir, _| {
                    alter(dir.join("tile/entries/000"), |bytes| {
                        let entry = entries(bytes)[40].clone();
                        // Inside a text, so that the leaf is still one and only its hash tells.
                        let at = entry.start + bytes[entry].windows(10).position(|w| w == b"command_id").expect("an id") + 13;
                        bytes[at] = if bytes[at] == b'a' { b'b' } else { b'a' };
                    })
                }),
            ),
        ),
        (
            7,
            (
                "",
                Sees,
                Box::new(|dir, _| {
                    alter(dir.join("tile/entries/000"), |bytes| {
                        let all = entries(bytes);
                        *bytes = [&bytes[..all[7].start], &bytes[all[8].clone()], &bytes[all[7].clone()], &bytes[all[8].end..]]
                            .concat();
                    })
                }),
            ),
        ),
        (
            260,
            (
                "",
                Sees,
                Box::new(|dir, _| {
                    alter(only(dir.join("tile/entries/001.p")), |bytes| {
                        let entry = entries(bytes)[4].clone();
                        let at = entry.start + bytes[entry].windows(10).position(|w| w == b"command_id").expect("an id") + 13;
                        bytes[at] = if bytes[at] == b'a' { b'b' } else { b'a' };
                    })
                }),
            ),
        ),
    ];
    for (position, (_, _, change)) in positions {
        let altered = dir.path().join(format!("altered-{position}"));
        copy(&bundle, &altered);
        let all = Evidence {
            whole: bundle.clone(),
            one: bundle.clone(),
            earlier: bundle.clone(),
            one_earlier: bundle.clone(),
            neighbour: bundle.clone(),
            foreign: bundle.clone(),
        };
        change(&altered, &all);
        let report = report(&altered, &trust);
        assert_eq!((&report["verdict"], &report["first_bad_index"]), (&"failed".into(), &position.into()), "{report:#}");
    }
}

/// A log of the same name and key in which other things happened: what an operator with the key can make.
async fn rewritten(of: &DataDir) -> DataDir {
    let data = DataDir::begun().await;
    fs::remove_dir_all(data.path()).expect("removed");
    // As a creation that was cut short leaves it, or the key would be refused as that of a log which is gone.
    fs::create_dir(data.path()).expect("made");
    fs::write(data.path().join("LOCK"), "").expect("claimed");
    fs::copy(of.key(), data.key()).expect("the operator has the key");
    data.begin().await;
    data
}

#[tokio::test(flavor = "multi_thread")]
async fn rewritten_or_cut_off_history_is_refused_by_whoever_remembers_an_earlier_checkpoint() {
    let data = DataDir::begun().await;
    let server = Server::start(&data);
    let clients = Clients::connect(server.address()).await;
    history(&server).await;
    let dir = TempDir::new().expect("a temporary directory");
    let at = |name: &str| dir.path().join(name);
    let (trust, state) = (at("trust.txt"), at("state.json"));
    fs::copy(data.path().join("trust.txt"), &trust).expect("the auditor has the key");
    let remembering = ["--state", state.to_str().expect("text")];

    export(&server, &at("early"), &[]);
    let first = ours(&at("early"), &trust, &remembering);
    assert_eq!(first.code, Some(0), "{}", first.said);
    assert!(first.said.contains("trust on first use"), "{}", first.said);
    let size = report(&at("early"), &trust)["size"].as_u64().expect("a size");

    clients.record("admin", request(vec![told(&format!("transition/{TRANSITION}"), 9)])).await.expect("recorded");
    export(&server, &at("later"), &[]);
    export(&server, &at("one"), &["--transition", TRANSITION]);
    export(&server, &at("one-continued"), &["--transition", TRANSITION, "--from-size", &size.to_string()]);
    let unshown = ours(&at("one"), &trust, &remembering);
    assert_eq!(unshown.code, Some(1), "{}", unshown.said);
    assert!(unshown.said.contains(&format!("--from-size {size}")), "{}", unshown.said);
    for name in ["one-continued", "later", "later"] {
        let ran = ours(&at(name), &trust, &remembering);
        assert_eq!(ran.code, Some(0), "{name}: {}", ran.said);
        assert!(!ran.said.contains("trust on first use"), "{name}: {}", ran.said);
    }
    let cut = ours(&at("early"), &trust, &remembering);
    assert_eq!(cut.code, Some(1), "{}", cut.said);
    assert!(cut.said.contains("cut off"), "{}", cut.said);

    let forged = rewritten(&data).await;
    let forger = Server::start(&forged);
    history(&forger).await;
    let others = Clients::connect(forger.address()).await;
    others.record("admin", request((0..5).map(|_| fact("wave/TEST")).collect())).await.expect("recorded");
    export(&forger, &at("forged"), &[]);
    let before = fs::read(&state).expect("a state file");
    assert_eq!(ours(&at("forged"), &trust, &[]).code, Some(0), "nobody can see it who remembers nothing");
    let seen = ours(&at("forged"), &trust, &remembering);
    assert_eq!(seen.code, Some(1), "{}", seen.said);
    assert!(seen.said.contains("not continued from the checkpoint of baton.test/e2e at size"), "{}", seen.said);

    // The same with the servers asked.
    let live = |server: &Server, rest: &[&str]| {
        let address = server.address().to_string();
        run(Command::new(program("baton"))
            .args(["--server", &address, "verify", "--trust"])
            .arg(&trust)
            .args(remembering)
            .args(rest))
    };
    assert_eq!(live(&forger, &[]).code, Some(1));
    assert_eq!(fs::read(&state).expect("a state file"), before, "what was refused is not remembered");
    clients.record("admin", request(vec![fact("wave/TEST")])).await.expect("recorded");
    let now = live(&server, &["--bundle", at("one").to_str().expect("text")]);
    assert_eq!(now.code, Some(0), "{}", now.said);
    assert_ne!(fs::read(&state).expect("a state file"), before, "what was shown is remembered");
    let behind = ours(&at("later"), &trust, &remembering);
    assert_eq!(behind.code, Some(1), "{}", behind.said);
}

#[tokio::test(flavor = "multi_thread")]
async fn kept_receipt_verifies_with_its_leaf_and_with_nothing_else() {
    let data = DataDir::begun().await;
    let server = Server::start(&data);
    let clients = Clients::connect(server.address()).await;
    let answer = clients.record("admin", request(vec![fact("wave/ONE"), fact("wave/ONE")])).await.expect("recorded");
    let events = clients.read_all(0).await.expect("the log is read");
    let dir = TempDir::new().expect("a temporary directory");
    let at = |name: &str| dir.path().join(name);
    fs::copy(data.path().join("trust.txt"), at("trust.txt")).expect("the auditor has the key");
    for (name, event) in [("leaf", &events[2]), ("other-leaf", &events[1])] {
        fs::write(at(name), &event.leaf).expect("written");
    }
    fs::write(at("receipt"), &answer.entries[1].receipt).expect("written");
    let verify = |receipt: &str, leaf: &str, trust: &str| {
        let paths = [at(receipt), at(leaf), at(trust)];
        run(Command::new(program("baton"))
            .arg("verify")
            .arg("--receipt")
            .arg(&paths[0])
            .arg("--leaf")
            .arg(&paths[1])
            .arg("--trust")
            .arg(&paths[2]))
    };
    let kept = verify("receipt", "leaf", "trust.txt");
    assert_eq!(kept.code, Some(0), "{}", kept.said);
    assert!(kept.said.contains("at position 2") && kept.said.contains("revision 2 of stream wave/ONE"), "{}", kept.said);
    assert_eq!(verify("receipt", "other-leaf", "trust.txt").code, Some(1));
    let elsewhere = DataDir::begun().await;
    fs::copy(elsewhere.path().join("trust.txt"), at("other-trust.txt")).expect("another key");
    assert_eq!(verify("receipt", "leaf", "other-trust.txt").code, Some(1));
    assert_eq!(verify("receipt", "leaf", "nowhere").code, Some(2));
    assert_eq!(verify("nowhere", "leaf", "trust.txt").code, Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn bundle_is_written_into_an_empty_directory_only_and_without_a_server_nothing_is_said_to_be_verified() {
    let data = DataDir::begun().await;
    let server = Server::start(&data);
    let dir = TempDir::new().expect("a temporary directory");
    let address = server.address().to_string();
    fs::write(dir.path().join("mine"), "mine").expect("written");
    let bundle = |rest: &[&str], out: &Path| {
        run(Command::new(program("baton")).args(["--server", &address, "export", "bundle", "--out"]).arg(out).args(rest))
    };
    let refused = bundle(&[], dir.path());
    assert_eq!(refused.code, Some(1), "{}", refused.said);
    assert_eq!(fs::read_dir(dir.path()).expect("a directory").count(), 1, "nothing was put beside what is there");
    let unknown = bundle(&["--transition", "QUY.DENT.NOWHERE"], &dir.path().join("unknown"));
    assert_eq!(unknown.code, Some(1), "{}", unknown.said);
    assert!(!dir.path().join("unknown").exists());
    let beyond = bundle(&["--transition", "QUY.DENT.NOWHERE", "--from-size", "99"], &dir.path().join("unknown"));
    assert_eq!(beyond.code, Some(1), "{}", beyond.said);

    let trust = data.path().join("trust.txt");
    let verify = |rest: &[&str]| run(Command::new(program("baton")).arg("verify").arg("--trust").arg(&trust).args(rest));
    assert_eq!(verify(&[]).code, Some(2), "nothing to verify");
    assert_eq!(verify(&["--bundle", "/nowhere"]).code, Some(2));
    assert_eq!(verify(&["--bundle", dir.path().to_str().expect("text")]).code, Some(2), "no bundle");
    assert_eq!(verify(&["--server", "127.0.0.1:1"]).code, Some(3));
}
