//! A change of the signing key, by real processes: what opens the log before and after, what still proves what, what
//! an auditor is told who holds one key or both, and what somebody with a key of his own can not do.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use baton_e2e::cli::{Ran, baton};
use baton_e2e::commands::{fact, request, worded_fact};
use baton_e2e::{Clients, DataDir, Server};
use baton_proto::v1 as proto;
use serde_json::Value;

use crate::archive::{Told, caught_up};
use crate::cut_short::{Points, cut_short};
use crate::verify::{Go, TRANSITION, copy, export, history, ours, report};

fn text(path: &Path) -> String {
    path.display().to_string()
}

fn rotate(data: &DataDir, key: &str, new_key: &str) -> Ran {
    baton(arguments(data, key, new_key))
}

fn arguments(data: &DataDir, key: &str, new_key: &str) -> Vec<String> {
    let (key, new_key) = (text(&data.beside(key)), text(&data.beside(new_key)));
    let data = text(&data.path());
    let given = ["--person", "admin", "--output", "json", "rotate-key", "--data", &data, "--key", &key, "--new-key", &new_key];
    given.map(str::to_owned).to_vec()
}

/// The same data directory under another key beside it.
fn under(data: &DataDir, key: &str) -> DataDir {
    data.other("data", key)
}

async fn record(server: &Server, facts: usize) {
    let clients = Clients::connect(server.address()).await;
    for _ in 0..facts {
        clients.record("admin", request(vec![worded_fact("wave/KEYS", "what was said")])).await.expect("recorded");
    }
}

async fn checkpoint(server: &Server) -> proto::GetCheckpointResponse {
    let asked = proto::GetCheckpointRequest::default();
    Clients::connect(server.address()).await.audit.get_checkpoint(asked).await.expect("a checkpoint").into_inner()
}

/// The lines of a trust file.
fn keys(data: &Path) -> Vec<String> {
    fs::read_to_string(data.join("trust.txt")).expect("a trust file").lines().map(str::to_owned).collect()
}

fn restore(data: &DataDir, from: &str, to: &str, key: &str, more: &[&str]) -> Ran {
    let (from, to, key) = (text(&data.beside(from)), text(&data.beside(to)), text(&data.beside(key)));
    let words = text(&data.path().join("keys"));
    let mut arguments = vec!["restore", "--from", &from, "--data", &to, "--key", &key, "--keys", &words, "--output", "json"];
    arguments.extend(more);
    baton(arguments)
}

#[tokio::test(flavor = "multi_thread")]
async fn log_opens_under_its_new_key_alone_and_all_it_signed_before_stays_as_it_was() {
    let data = DataDir::begun().await;
    let archive = text(&data.beside("archive"));
    let server = Server::start_with(&data, &["--archive", &archive]);
    record(&server, 5).await;
    caught_up(&Clients::connect(server.address()).await).await;
    let old = checkpoint(&server).await;
    let size = old.position + 1;
    let before = Told::by(&server, size).await;
    let address = server.address().to_string();
    assert_eq!(baton(["backup", "--server", &address, "--out", &text(&data.beside("backup"))]).code, Some(0));
    let running = rotate(&data, "signing-key", "second-key");
    assert_eq!(running.code, Some(3), "a log that is served keeps its key: {running:?}");
    assert!(server.stop().success());

    let inside = rotate(&data, "signing-key", "data/second-key");
    assert_eq!(inside.code, Some(2), "{inside:?}");
    let itself = rotate(&data, "signing-key", "signing-key");
    assert!(itself.code == Some(2) && itself.err.contains("must be another one"), "{itself:?}");

    let rotated = rotate(&data, "signing-key", "second-key");
    assert_eq!(rotated.code, Some(0), "{rotated:?}");
    let told = rotated.json();
    assert_eq!((&told["position"], &told["recorded_before"]), (&size.into(), &false.into()), "{told}");
    assert_eq!(told["old_key"], old.verifier_key);
    let new_key = told["new_key"].as_str().expect("a key").to_owned();
    assert_eq!(keys(&data.path()), [old.verifier_key.clone(), new_key.clone()]);
    let mode = fs::metadata(data.beside("second-key")).expect("a key file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let files = data.files();
    let refused = Server::refused(&data);
    assert!(
        refused.said.contains(&format!("changed its key at position {size}")) && refused.said.contains(&new_key),
        "{refused:?}"
    );
    let changed = |(path, bytes): &(std::path::PathBuf, Vec<u8>)| {
        // What every attempt to open leaves: who has it open, that the last stop is over, and a trace in the engine.
        let kept = ["trust.txt", "keys", "FORMAT"].iter().any(|name| path.ends_with(name));
        kept && fs::read(path).expect("a file") != *bytes
    };
    assert!(!files.iter().any(changed), "a key that was given up changes nothing");

    let again = rotate(&data, "signing-key", "second-key");
    assert_eq!((again.code, &again.json()["recorded_before"]), (Some(0), &true.into()), "{again:?}");
    let other = rotate(&data, "signing-key", "third-key");
    assert!(other.code == Some(1) && other.err.contains(&new_key), "{other:?}");

    let second = under(&data, "second-key");
    let server = Server::start_with(&second, &["--archive", &archive]);
    assert_eq!(checkpoint(&server).await.verifier_key, new_key);
    assert!(Told::by(&server, size).await == before, "receipts of before are the same text");
    record(&server, 3).await;
    caught_up(&Clients::connect(server.address()).await).await;
    let now = Told::by(&server, size + 4).await;
    let newest = checkpoint(&server).await;
    fs::write(data.beside("newest.note"), &newest.checkpoint).expect("written");
    fs::write(data.beside("old.note"), &old.checkpoint).expect("written");
    assert!(server.stop().success());
    let sound = baton(["doctor", "--data", &text(&data.path()), "--archive", &archive]);
    assert_eq!(sound.code, Some(0), "{sound:?}");

    // Copies: what was taken under both keys comes back under the new one, and what is older under the old one.
    let restored = restore(&data, "archive", "new", "second-key", &["--last-known", &text(&data.beside("old.note"))]);
    assert_eq!(restored.code, Some(0), "{restored:?}");
    assert_eq!(keys(&data.beside("new")), [old.verifier_key.clone(), new_key.clone()]);
    assert!(Server::refused(&data.other("new", "signing-key")).said.contains("changed its key"));
    let server = Server::start(&data.other("new", "second-key"));
    assert!(Told::by(&server, size + 4).await == now);
    assert!(server.stop().success());
    assert_eq!(restore(&data, "archive", "wrong", "signing-key", &[]).code, Some(4), "the old key does not vouch for it");
    assert_eq!(restore(&data, "backup", "older", "signing-key", &[]).code, Some(0));

    // And once more: three keys.
    let third = rotate(&data, "second-key", "third-key");
    assert_eq!(third.code, Some(0), "{third:?}");
    assert_eq!(keys(&data.path()).len(), 3);
    for gone in ["signing-key", "second-key"] {
        assert!(Server::refused(&under(&data, gone)).said.contains(third.json()["new_key"].as_str().expect("a key")));
    }
    let server = Server::start_with(&under(&data, "third-key"), &["--archive", &archive]);
    record(&server, 1).await;
    caught_up(&Clients::connect(server.address()).await).await;
    assert!(Told::by(&server, size).await == before);
    assert!(server.stop().success());
    assert_eq!(restore(&data, "archive", "thrice", "third-key", &[]).code, Some(0));
    let sound = baton(["doctor", "--data", &text(&data.path()), "--archive", &archive]);
    assert_eq!(sound.code, Some(0), "{sound:?}");
}

/// A trust file with these keys.
fn trust(data: &DataDir, name: &str, lines: &[&String]) -> std::path::PathBuf {
    let path = data.beside(name);
    let lines: Vec<&str> = lines.iter().map(|line| line.as_str()).collect();
    fs::write(&path, lines.join("\n") + "\n").expect("written");
    path
}

fn lines(report: &Value, name: &str) -> String {
    let of = |line: &Value| line.as_str().or_else(|| line["what"].as_str()).unwrap_or_default().to_owned();
    report[name].as_array().into_iter().flatten().map(of).collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn auditor_is_told_of_the_change_whichever_keys_he_holds_and_accepts_none_that_he_does_not_hold() {
    let data = DataDir::begun().await;
    let server = Server::start(&data);
    history(&server).await;
    let position = checkpoint(&server).await.position + 1;
    let at = |name: &str| data.beside(name);
    export(&server, &at("before"), &[]);
    assert!(server.stop().success());
    assert_eq!(rotate(&data, "signing-key", "second-key").code, Some(0));
    let server = Server::start(&under(&data, "second-key"));
    // The newest checkpoint is now the one that both signed.
    export(&server, &at("at-change"), &[]);
    record(&server, 40).await;
    export(&server, &at("whole"), &["--with-words"]);
    export(&server, &at("one"), &["--transition", TRANSITION]);
    assert!(server.stop().success());
    let known = keys(&data.path());
    let (old, new) = (&known[0], &known[1]);
    let (both, old_alone, new_alone) =
        (trust(&data, "both.txt", &[old, new]), trust(&data, "old.txt", &[old]), trust(&data, "new.txt", &[new]));
    let go = Go::build(&at(""));

    for name in ["at-change", "whole", "one"] {
        let sound = report(&at(name), &both);
        assert_eq!(sound["verdict"], "verified", "{name}: {sound:#}");
        assert!(
            lines(&sound, "checked").contains(&format!("changed its key at event {position}, and both keys signed that")),
            "{sound:#}"
        );
        assert_eq!(sound["key_changes"], serde_json::json!([{ "position": position, "old_key": old, "new_key": new }]));
        let there = go.verify(&at(name), &both);
        assert_eq!(there.code, Some(0), "{name}: {}", there.said);

        // With the new key alone: accepted, and what the old key signed is named.
        let sound = report(&at(name), &new_alone);
        assert_eq!(sound["verdict"], "verified", "{name}: {sound:#}");
        let warned = lines(&sound, "warnings");
        assert!(warned.contains(old.as_str()) && warned.contains("which your trust file does not hold"), "{name}: {sound:#}");
    }

    // With the old key alone: the change is accepted up to where both signed, and nothing after it.
    let sound = report(&at("at-change"), &old_alone);
    assert_eq!(sound["verdict"], "verified", "{sound:#}");
    assert!(
        lines(&sound, "warnings").contains(&format!("{new} alone signs for the log. Get the line of the new key")),
        "{sound:#}"
    );
    for name in ["whole", "one"] {
        let refused = ours(&at(name), &old_alone, &[]);
        assert_eq!(refused.code, Some(1), "as for any key that is not trusted: {}", refused.said);
        let said = [
            format!("the log changed its key at event {position} to {new}"),
            "the key you trust signed that change".to_owned(),
            "Get the line of the new key from the operator by another way".to_owned(),
        ];
        assert!(said.iter().all(|said| refused.said.contains(said)), "{name}: {}", refused.said);
    }

    // An auditor who exchanged the lines is told that what he remembers was not compared, unless both keys signed it.
    let remember =
        |state: &str, bundle: &str, trust: &Path| ours(&at(bundle), trust, &["--state", &text(&at(&format!("{state}.state")))]);
    assert_eq!(remember("of-both", "at-change", &old_alone).code, Some(0));
    let exchanged = remember("of-both", "whole", &new_alone);
    assert!(exchanged.code == Some(0) && exchanged.said.contains("older checkpoints that you remember"), "{}", exchanged.said);
    assert_eq!(remember("auditor", "before", &old_alone).code, Some(0));
    let exchanged = remember("auditor", "whole", &new_alone);
    assert!(exchanged.code == Some(0) && exchanged.said.contains("that was not compared"), "{}", exchanged.said);
    let remembered = remember("auditor", "whole", &both);
    assert!(remembered.code == Some(0) && !remembered.said.contains("trust on first use"), "{}", remembered.said);

    // Without the checkpoint that both signed, the old key shows nothing; and a key that is not the log's shows nothing.
    let altered = at("altered");
    copy(&at("whole"), &altered);
    fs::remove_file(altered.join(format!("checkpoints/{}.note", position + 1))).expect("removed");
    let refused = ours(&altered, &old_alone, &[]);
    assert!(refused.code == Some(1) && refused.said.contains("may have made that up"), "{}", refused.said);
    let stranger = DataDir::begun().await;
    let strange = trust(&data, "strange.txt", &[&keys(&stranger.path())[0]]);
    let refused = ours(&at("whole"), &strange, &[]);
    assert!(refused.code == Some(1) && refused.said.contains("Take no key from it"), "{}", refused.said);
}

#[tokio::test(flavor = "multi_thread")]
async fn log_that_is_signed_anew_by_another_key_is_refused_however_it_names_that_key() {
    // The honest log changed its key; somebody makes another log of its name, which changes to a key of his own.
    let (honest, forged) = (DataDir::begun().await, DataDir::begun().await);
    for data in [&honest, &forged] {
        let server = Server::start(data);
        history(&server).await;
        assert!(server.stop().success());
        assert_eq!(rotate(data, "signing-key", "second-key").code, Some(0));
        let server = Server::start(&under(data, "second-key"));
        record(&server, 40).await;
        export(&server, &data.beside("bundle"), &[]);
        assert!(server.stop().success());
    }
    let known = keys(&honest.path());
    let (both, old_alone) = (trust(&honest, "both.txt", &[&known[0], &known[1]]), trust(&honest, "old.txt", &[&known[0]]));
    let refused = |bundle: &Path, why: &str| {
        for trust in [&both, &old_alone] {
            let refused = ours(bundle, trust, &[]);
            assert!(refused.code == Some(1) && refused.said.contains(why), "{}", refused.said);
            assert!(!refused.said.contains("the key you trust signed that change"), "{}", refused.said);
        }
    };
    refused(&forged.beside("bundle"), "may have made that up");

    // The honest leaves under his signature: the change is real, and he is not the one it names.
    let resigned = honest.beside("resigned");
    copy(&honest.beside("bundle"), &resigned);
    let note = fs::read_to_string(resigned.join("checkpoint")).expect("a note");
    let theirs = fs::read_to_string(forged.beside("bundle/checkpoint")).expect("a note");
    assert_eq!(note.lines().take(2).collect::<Vec<_>>(), theirs.lines().take(2).collect::<Vec<_>>(), "the logs are of one size");
    fs::copy(forged.beside("bundle/checkpoint"), resigned.join("checkpoint")).expect("copied");
    refused(&resigned, "that key did not sign this checkpoint: somebody else did");

    // His log in the operator's place: neither of the operator's keys goes on from it, though it names the new one.
    let taken = honest.other("taken", "second-key");
    copy(&forged.path(), &taken.path());
    for key in ["signing-key", "second-key"] {
        let said = Server::refused(&honest.other("taken", key)).said;
        assert!(said.contains("changed its key"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rotation_that_is_killed_at_any_call_leaves_one_key_that_opens_and_is_repeated_with_the_same_command() {
    let begun = DataDir::begun().await;
    let server = Server::start(&begun);
    record(&server, 3).await;
    let size = checkpoint(&server).await.position + 1;
    let before = Told::by(&server, size).await;
    assert!(server.stop().success());

    let rotation = |data: &DataDir| arguments(data, "signing-key", "second-key");
    let points = Points::of(&begun, rotation);
    let (mut under_old, mut under_new) = (0, 0);
    for (call, end) in points.drawn() {
        let data = cut_short(&begun, rotation, call, end);
        let opens = |key: &str| {
            let copied = data.other(&format!("{key}-copy"), key);
            copy(&data.path(), &copied.path());
            data.beside(key).exists() && Server::try_start(&copied, server_command(), &[]).is_ok()
        };
        match (opens("signing-key"), opens("second-key")) {
            (true, false) => under_old += 1,
            (false, true) => under_new += 1,
            opened => panic!("call {call}, {end:?}: of the old key and the new, {opened:?} opens it: {}", data.log()),
        }
        let again = rotate(&data, "signing-key", "second-key");
        assert_eq!(again.code, Some(0), "call {call}, {end:?}: {again:?}");
        assert_eq!(again.json()["position"], size, "call {call}, {end:?}");
        assert_eq!(keys(&data.path()).len(), 2, "call {call}, {end:?}");
        assert!(Server::refused(&data).said.contains("changed its key"));
        let server = Server::start(&under(&data, "second-key"));
        assert!(Told::by(&server, size).await == before, "call {call}, {end:?}");
        let events = Clients::connect(server.address()).await.read_all(0).await.expect("the log is read");
        assert_eq!(events.len() as u64, size + 1, "call {call}, {end:?}: the change is recorded once");
    }
    println!("{points}; {under_old} left the old key, {under_new} the new one");
    assert!(!points.are_all() || (under_old > 0 && under_new > 0));
}

pub(crate) fn server_command() -> std::process::Command {
    std::process::Command::new(baton_e2e::server::program("batond"))
}

#[tokio::test(flavor = "multi_thread")]
async fn old_key_signs_no_more_even_while_nothing_was_recorded_under_the_new_one() {
    let data = DataDir::begun().await;
    assert_eq!(rotate(&data, "signing-key", "second-key").code, Some(0));
    // The newest checkpoint bears the old key's signature as well, and still the old key does not open the log.
    assert!(Server::refused(&data).said.contains("changed its key at position 1"));
    let server = Server::start(&under(&data, "second-key"));
    let clients = Clients::connect(server.address()).await;
    let last = checkpoint(&server).await.checkpoint;
    assert_eq!(last.lines().filter(|line| line.starts_with('\u{2014}')).count(), 2, "{last}");
    clients.record("admin", request(vec![fact("wave/KEYS")])).await.expect("recorded");
    let last = checkpoint(&server).await.checkpoint;
    assert_eq!(last.lines().filter(|line| line.starts_with('\u{2014}')).count(), 1, "{last}");
}
