//! The doctor, by a real process: what it says of a data directory, and that it changes nothing.

use std::path::{Path, PathBuf};

use baton_e2e::cli::{Ran, baton};
use baton_e2e::commands::{request, worded_fact};
use baton_e2e::{Clients, DataDir, Server};

use crate::archive::text;

pub(crate) fn doctor(data: &Path, more: &[&str]) -> Ran {
    let mut arguments = vec!["doctor".to_owned(), "--data".to_owned(), text(data), "--output".to_owned(), "json".to_owned()];
    arguments.extend(more.iter().map(|more| (*more).to_owned()));
    baton(arguments)
}

/// What the doctor said that is not sound: what was looked at, and how bad it is.
pub(crate) fn complaints(ran: &Ran) -> Vec<(String, String)> {
    let json = ran.json();
    let findings = json["findings"].as_array().expect("findings").clone();
    let word = |finding: &serde_json::Value, key: &str| finding[key].as_str().unwrap_or_default().to_owned();
    let all = findings.iter().map(|finding| (word(finding, "looked_at"), word(finding, "state")));
    all.filter(|(_, state)| state != "sound").collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_says_what_is_wrong_and_changes_not_a_byte() {
    let data = DataDir::begun().await;
    let server = Server::start(&data);
    let clients = Clients::connect(server.address()).await;
    for _ in 0..10 {
        clients.record("admin", request(vec![worded_fact("wave/DOCTOR", "words")])).await.expect("recorded");
    }
    let in_use = doctor(&data.path(), &[]);
    assert_eq!((in_use.code, complaints(&in_use)), (Some(1), vec![("store".to_owned(), "attention".to_owned())]), "{in_use:?}");
    assert!(in_use.out.contains("by process"), "{in_use:?}");
    drop(clients);
    assert!(server.stop().success());
    let looked = |expected: Option<i32>, what: &[(&str, &str)]| {
        let before = files(&data.path());
        let looked = doctor(&data.path(), &[]);
        assert!(files(&data.path()) == before, "nothing is changed");
        let what: Vec<_> = what.iter().map(|(one, other)| ((*one).to_owned(), (*other).to_owned())).collect();
        assert_eq!((looked.code, complaints(&looked)), (expected, what), "{looked:?}");
    };
    looked(Some(0), &[]);
    let next_start = || {
        let findings = doctor(&data.path(), &[]).json()["findings"].as_array().expect("findings").clone();
        let found = findings.iter().find(|finding| finding["looked_at"] == "next start").expect("it is said");
        found["found"].as_str().expect("in words").to_owned()
    };
    assert!(next_start().starts_with("takes up the snapshot of the last stop"), "{}", next_start());

    // A stop that was not clean, and what starts leave behind.
    Server::start(&data).kill();
    std::fs::write(data.path().join("store/snap.0000.generating"), "half").expect("written");
    std::fs::write(data.path().join("head.new"), "half").expect("written");
    looked(Some(1), &[("last stop", "attention"), ("leftovers", "attention"), ("leftovers", "attention")]);
    assert!(next_start().starts_with("reads all "), "{}", next_start());
    std::fs::remove_file(data.path().join("store/snap.0000.generating")).expect("removed");
    std::fs::remove_file(data.path().join("head.new")).expect("removed");
    assert!(Server::start(&data).stop().success());

    let sound = files(&data.path());
    let put_back = || sound.iter().for_each(|(path, bytes)| std::fs::write(path, bytes).expect("written"));
    std::fs::write(data.path().join("trust.txt"), format!("{}\n", stranger(&data))).expect("written");
    looked(Some(4), &[("signatures", "damage")]);
    put_back();
    std::fs::write(data.path().join("head"), [0; 9000]).expect("written");
    looked(Some(4), &[("head file", "damage")]);
    put_back();
    let keys = std::fs::read(data.path().join("keys")).expect("keys");
    std::fs::write(data.path().join("keys"), &keys[..96]).expect("written");
    looked(Some(4), &[("keys", "damage")]);
    put_back();
    let db = data.path().join("store/db");
    let mut bytes = std::fs::read(&db).expect("the store");
    let words = b"wave/DOCTOR";
    let places: Vec<_> = (0..bytes.len() - words.len()).filter(|at| bytes[*at..].starts_with(words)).collect();
    assert!(!places.is_empty(), "the records are in the store");
    places.into_iter().for_each(|at| bytes[at] ^= 1);
    std::fs::write(&db, &bytes).expect("written");
    looked(Some(4), &[("store", "damage")]);
    put_back();
    looked(Some(0), &[]);
}

/// A public key of the same origin that signed nothing here.
fn stranger(data: &DataDir) -> String {
    let other = data.beside("other");
    let made = baton(["init", "--data", &text(&other), "--origin", "baton.test/e2e", "--administrator", "admin"]);
    assert_eq!(made.code, Some(0), "{made:?}");
    std::fs::read_to_string(other.join("trust.txt")).expect("a key").trim().to_owned()
}

/// Every file below a directory with its bytes.
pub(crate) fn files(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).expect("a directory").flatten() {
        let path = entry.path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push((path.clone(), std::fs::read(&path).expect("a file"))),
        }
    }
    found.sort();
    found
}
