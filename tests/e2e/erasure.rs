//! Words erased by two persons from a real server, followed from outside: in the answers, the key file, every file of
//! the data directory, evidence of before and after, the archive and a backup that is restored.

use std::fs;
use std::path::{Path, PathBuf};

use baton_e2e::cli::{Ran, baton};
use baton_e2e::commands::{command, request, role};
use baton_e2e::{Clients, DataDir, Server};
use baton_proto::v1 as proto;
use proto::command::Event;
use serde_json::{Value, json};
use tonic_types::StatusExt as _;

use crate::archive::caught_up;
use crate::verify::{TRANSITION, export, history, report};

/// Words that stand nowhere else, recorded to be erased.
const SECRET: &str = "told in confidence at the garden gate";
/// Words that stay.
const KEPT: &str = "read out in public";
/// Why somebody decided, which a legal hold protects.
const REASONS: &str = "because the assurance was thin";

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// A risk that somebody saw, in words.
fn risk(stream: &str, words: &str) -> proto::Command {
    let fact = proto::FactRecorded { kind: "risk".to_owned(), note: words.to_owned(), ..Default::default() };
    command(stream, Event::FactRecorded(fact))
}

async fn record(clients: &Clients, command: proto::Command) -> u64 {
    let answer = clients.record("admin", request(vec![command])).await.expect("recorded");
    answer.entries.last().expect("an entry").position
}

/// A command of the line, as a person, against a server.
fn ask(server: &Server, person: &str, arguments: &[&str]) -> Ran {
    let address = server.address().to_string();
    let mut all = vec!["--server", &address, "--person", person, "--output", "json"];
    all.extend(arguments);
    baton(all)
}

fn erase(server: &Server, person: &str, position: u64) -> Ran {
    ask(server, person, &["erase", &position.to_string(), "--ground", "data_subject_request", "--note", "letter 7"])
}

/// Every file below a directory that holds these bytes.
fn holding(dir: &Path, words: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).expect("a directory").flatten() {
        match entry.path() {
            path if path.is_dir() => found.extend(holding(&path, words)),
            path => {
                let bytes = fs::read(&path).expect("a file");
                if bytes.windows(words.len()).any(|window| window == words.as_bytes()) {
                    found.push(path);
                }
            }
        }
    }
    found
}

/// What is in the slots of a key file, the header aside.
fn slots(keys: &Path) -> Vec<[u8; 32]> {
    fs::read(keys).expect("a key file").as_chunks().0[1..].to_vec()
}

/// The slots that hold something else in another key file of the same log, and what they hold there.
fn changed(before: &[[u8; 32]], keys: &Path) -> Vec<(usize, [u8; 32])> {
    let pairs = before.iter().zip(slots(keys)).enumerate();
    pairs.filter(|(_, (before, now))| *before != now).map(|(slot, (_, now))| (slot, now)).collect()
}

/// Everything that a server says of the log and of the transition.
async fn said(server: &Server) -> (Vec<proto::RecordedEvent>, String) {
    let mut clients = Clients::connect(server.address()).await;
    let events = clients.read_all(0).await.expect("the log is read");
    let asked = proto::GetTransitionRequest { transition: TRANSITION.to_owned(), ..Default::default() };
    let shown = clients.transitions.get_transition(asked).await.expect("a transition").into_inner();
    let asked = proto::ReplayTransitionRequest { transition: TRANSITION.to_owned(), ..Default::default() };
    let mut replayed = clients.audit.replay_transition(asked).await.expect("a replay").into_inner();
    let mut all = format!("{events:?}{shown:?}");
    while let Some(step) = replayed.message().await.expect("a step") {
        all += &format!("{step:?}");
    }
    (events, all)
}

/// What a server shows of the event whose words were erased.
async fn shows_it_erased(server: &Server, position: u64, by: u64) {
    let (events, all) = said(server).await;
    let event = &events[position as usize];
    assert_eq!(event.erased_by, Some(by));
    let payload: Value = serde_json::from_str(&event.payload_json).expect("JSON");
    assert_eq!((&payload["kind"], &payload["note"]), (&json!("risk"), &Value::Null), "plain fields stay: {payload}");
    assert!(!all.contains(SECRET), "the words are shown somewhere");
    assert!(all.contains(KEPT) && all.contains(REASONS), "other words are shown");
}

fn restore(data: &DataDir, from: &str, to: &str, keys: &str) -> Ran {
    let at = |name: &str| text(&data.beside(name));
    let (from, to, key, keys) = (at(from), at(to), text(&data.key()), at(keys));
    baton(["--output", "json", "restore", "--from", &from, "--data", &to, "--key", &key, "--keys", &keys])
}

#[tokio::test(flavor = "multi_thread")]
async fn words_erased_by_two_persons_are_gone_from_every_place_and_every_proof_still_holds() {
    let data = DataDir::begun().await;
    let archive = data.beside("archive");
    let server = Server::start_with(&data, &["--archive", &text(&archive)]);
    history(&server).await;
    let clients = Clients::connect(server.address()).await;
    for person in ["officer", "second"] {
        record(&clients, role(person, "records_officer")).await;
    }
    let stream = format!("transition/{TRANSITION}");
    let position = record(&clients, risk(&stream, SECRET)).await;
    record(&clients, risk(&stream, KEPT)).await;
    let minuted = proto::ItemMinuted {
        body_name: "The board".to_owned(),
        verb: "noted".to_owned(),
        note: REASONS.to_owned(),
        ..Default::default()
    };
    let minuted = record(&clients, command(&stream, Event::ItemMinuted(minuted))).await;
    let at = |name: &str| data.beside(name);
    let trust = at("trust.txt");
    fs::copy(data.path().join("trust.txt"), &trust).expect("the auditor has the key");
    export(&server, &at("before"), &["--with-words"]);
    assert!(!holding(&at("before"), SECRET).is_empty(), "the bundle of before holds the words");
    assert!(said(&server).await.1.contains(SECRET));
    let unerased = slots(&data.path().join("keys"));
    let old_keys = text(&at("keys-of-before"));
    assert_eq!(baton(["backup", "--keys", "--data", &text(&data.path()), "--out", &old_keys]).code, Some(0));

    // Two persons, and neither of them alone.
    let proposed = erase(&server, "officer", position);
    assert_eq!(proposed.code, Some(0), "{proposed:?}");
    let proposal = proposed.json()["entries"][0]["stream"].as_str().expect("a stream").replace("proposal/", "");
    let alone = ask(&server, "officer", &["approve", &proposal, "--yes"]);
    assert!(alone.code == Some(1) && alone.err.contains("SELF_APPROVAL"), "{alone:?}");
    assert!(said(&server).await.1.contains(SECRET), "proposed is not erased");
    assert_eq!(changed(&unerased, &data.path().join("keys")), []);
    let approved = ask(&server, "second", &["approve", &proposal, "--yes"]);
    assert_eq!(approved.code, Some(0), "{approved:?}");
    let (events, _) = said(&server).await;
    let by = events.last().expect("an event");
    assert_eq!(by.r#type, "ErasureAuthorised");
    let by = by.position;

    shows_it_erased(&server, position, by).await;
    let erased = changed(&unerased, &data.path().join("keys"));
    assert_eq!(erased.len(), 1, "the key of one record is overwritten, and no other: {erased:?}");
    let again = erase(&server, "officer", position);
    assert!(again.code == Some(1) && again.err.contains("ALREADY_ERASED"), "{again:?}");

    // Reasons under a legal hold stay.
    let hold = proto::LegalHoldPlaced { hold: "review-1".to_owned(), reason: "a judicial review".to_owned() };
    let hold = request(vec![command(&stream, Event::LegalHoldPlaced(hold))]);
    clients.record("officer", hold).await.expect("a hold is placed");
    let held = erase(&server, "officer", minuted);
    assert!(held.code == Some(1) && held.err.contains("ERASURE_UNDER_HOLD") && held.err.contains("review-1"), "{held:?}");

    // Evidence of before and of after, and none of before made now: the hole could not be explained in it.
    let asked = proto::ExportBundleRequest { tree_size: Some(by - 1), ..Default::default() };
    let refused = clients.audit.clone().export_bundle(asked).await.expect_err("no bundle of before is made after");
    let fields = refused.get_details_bad_request().expect("fields").field_violations;
    assert!(fields[0].field == "tree_size" && fields[0].description.contains(&format!("by event {by}")), "{fields:?}");
    export(&server, &at("after"), &["--with-words"]);
    export(&server, &at("one"), &["--with-words", "--transition", TRANSITION]);
    assert_eq!(holding(&at("after"), SECRET), Vec::<PathBuf>::new());
    assert!(!holding(&at("after"), KEPT).is_empty());
    let before = report(&at("before"), &trust);
    assert_eq!((&before["verdict"], &before["words"]["erased"]), (&json!("verified"), &json!([])), "{before:#}");
    for name in ["after", "one"] {
        let after = report(&at(name), &trust);
        let erased = json!([{ "position": position, "by": by }]);
        assert_eq!((&after["verdict"], &after["words"]["erased"]), (&json!("verified"), &erased), "{name}: {after:#}");
        let people = baton(["verify", "--bundle", &text(&at(name)), "--trust", &text(&trust)]);
        assert!(people.out.contains(&format!("position {position} by event {by}")), "{people:?}");
    }
    let state = text(&at("auditor.state"));
    for name in ["before", "after"] {
        let ran = baton(["verify", "--bundle", &text(&at(name)), "--trust", &text(&trust), "--state", &state]);
        assert_eq!(ran.code, Some(0), "{name} continues what was seen: {ran:?}");
    }

    // A backup and the archive, restored with the key file of before the erasure.
    caught_up(&clients).await;
    let address = server.address().to_string();
    assert_eq!(baton(["backup", "--server", &address, "--out", &text(&at("backup"))]).code, Some(0));
    drop(clients);
    assert!(server.stop().success());
    for dir in [data.path(), archive.clone(), at("backup")] {
        assert_eq!(holding(&dir, SECRET), Vec::<PathBuf>::new());
    }
    assert!(!holding(&data.path(), &stream).is_empty(), "what is stored in clear is found: the search sees the store");
    let archived = report(&archive, &trust);
    assert_eq!(archived["words"]["erased"], json!([{ "position": position, "by": by }]), "{archived:#}");
    for (from, to) in [("archive", "from-archive"), ("backup", "from-backup")] {
        let restored = restore(&data, from, to, "keys-of-before");
        assert_eq!((restored.code, &restored.json()["erased_again"]), (Some(0), &json!(1)), "{restored:?}");
        // Those behind the last that was used are drawn anew.
        let changed = changed(&unerased, &at(to).join("keys"));
        assert!(changed.starts_with(&erased), "the same slot, in a key file that still had its key: {changed:?}");
        let restored = Server::start(&data.other(to, "signing-key"));
        shows_it_erased(&restored, position, by).await;
        assert!(restored.stop().success());
        assert_eq!(holding(&at(to), SECRET), Vec::<PathBuf>::new());
    }
    let server = Server::start(&data);
    shows_it_erased(&server, position, by).await;
}
