//! Logs that somebody with the signing key made: whatever is signed is not therefore right.

mod origins;
mod state;

use super::{Kind, Report, State, Stopped, Trust, bundle, hex, live, receipt};
use baton_ledger::bundle::{BundleFile, DirectoryWriter, extend};
use baton_ledger::{AppendSet, Batch, Ledger, MemoryLedger, Position, Receipt, Record, SignedCheckpoint, SigningKey, StreamName};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const ORIGIN: &str = "verify.test";

/// A log in memory and an auditor's desk.
struct Desk {
    dir: TempDir,
    ledger: MemoryLedger,
}

impl Desk {
    fn new() -> Self {
        Self::signed_by(SigningKey::generate(ORIGIN).expect("a key"))
    }

    fn signed_by(key: SigningKey) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let ledger = MemoryLedger::with_key(key);
        let desk = Self { dir, ledger };
        std::fs::write(desk.at("trust.txt"), format!("# of the operator\n\n{}\n", desk.ledger.verifier_key())).expect("written");
        desk
    }

    fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Appends leaves as one batch.
    async fn append(&self, leaves: &[Value]) -> SignedCheckpoint {
        // The ledger knows no leaf: the stream it files them under is of no account here.
        let stream = StreamName::parse("any").expect("a name");
        let record = |leaf: &Value| Record { stream: stream.clone(), leaf: leaf.to_string().into_bytes(), disclosure: None };
        let set =
            AppendSet { request: None, digest: [0; 32], expected: Vec::new(), records: leaves.iter().map(record).collect() };
        self.ledger.append(Batch { at: self.ledger.head().next(), sets: vec![set] }).await.expect("appended").checkpoint
    }

    /// The whole log as a directory, with other files beside it.
    async fn written(&self, files: &[(&str, Value)]) -> PathBuf {
        let out = self.at("bundle");
        let mut writer = DirectoryWriter::open(&out).expect("a directory");
        extend(&mut writer, &self.ledger, &self.ledger.checkpoint()).await.expect("written");
        for (path, value) in files {
            writer.put(&BundleFile { path: (*path).to_owned(), bytes: value.to_string().into_bytes() }).expect("written");
        }
        out
    }

    fn verify(&self, out: &Path) -> Report {
        self.verify_with(out, None)
    }

    fn verify_with(&self, out: &Path, state: Option<&State>) -> Report {
        let trust = Trust::read(&self.at("trust.txt")).expect("a trust file");
        bundle(out, &trust, state, false, &mut |_, _| {}).expect("judged").0
    }

    /// What a log of these leaves is told, whatever it is.
    async fn judged(leaves: &[Value], files: &[(&str, Value)]) -> Report {
        let desk = Self::new();
        desk.append(leaves).await;
        desk.verify(&desk.written(files).await)
    }
}

/// A leaf in its place.
fn leaf(position: u64, stream: &str, revision: u64, event: &str, payload: Value) -> Value {
    json!({ "v": "baton/leaf/1", "schema": 1, "position": position, "stream": stream, "revision": revision, "type": event, "payload": payload })
}

fn fact(position: u64, revision: u64) -> Value {
    leaf(position, "wave/A", revision, "FactRecorded", json!({}))
}

fn opened(origin: &str) -> Value {
    leaf(0, "log", 1, "LogOpened", json!({ "origin": origin }))
}

/// A fact with words, and what opens them.
fn sealed(position: u64, revision: u64, words: &str) -> (Value, Value) {
    let salt = [position as u8; 32];
    let path = "/payload/note";
    let text = [b"baton/commit/v1\0", &(path.len() as u32).to_be_bytes()[..], path.as_bytes(), &salt, words.as_bytes()].concat();
    let commitment = hex(&Sha256::digest(text).into());
    let leaf = leaf(position, "wave/A", revision, "FactRecorded", json!({ "note": { "$sealed": commitment } }));
    (leaf, json!({ path: { "salt": hex(&salt), "value": words } }))
}

fn manifest(size: u64, with_words: bool, disclosed: Value, erased: Value) -> (&'static str, Value) {
    let asked = json!({ "transition": null, "with_words": with_words });
    let value = json!({
        "bundle": "baton/bundle/1", "asked": asked, "origin": ORIGIN, "size": size, "leaves": [[0, size - 1]],
        "disclosed": disclosed, "erased": erased, "checkpoints": [],
    });
    ("bundle.json", value)
}

/// The one thing that is wrong, and where.
fn only_wrong(report: &Report) -> (Option<u64>, String) {
    match report.failures() {
        [wrong] => (wrong.index, wrong.what.clone()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn sound_log_verifies_at_every_size_around_a_tile_and_as_an_archive_that_grew() {
    let desk = Desk::new();
    let mut size = 0;
    for next in [1_u64, 2, 255, 256, 257, 600] {
        let first = size;
        let leaves: Vec<Value> = (first..next).map(|at| if at == 0 { opened(ORIGIN) } else { fact(at, at) }).collect();
        desk.append(&leaves).await;
        size = next;
        let report = desk.verify(&desk.written(&[]).await);
        assert!(report.verified(), "{next}: {:?}", report.failures());
        assert!(
            report.lines().iter().any(|line| line.contains("no bundle.json")),
            "an archive does not say what should be in it"
        );
    }
}

#[tokio::test]
async fn leaf_that_names_another_place_is_named() {
    let report = Desk::judged(&[opened(ORIGIN), fact(1, 1), fact(3, 2), fact(3, 3)], &[]).await;
    assert_eq!(only_wrong(&report), (Some(2), "the leaf says that its position is 3".to_owned()));
    let report = Desk::judged(&[opened(ORIGIN), fact(1, 1), fact(2, 3), fact(3, 4)], &[]).await;
    assert_eq!(only_wrong(&report), (Some(2), "the leaf is revision 3 of stream wave/A where 2 is due".to_owned()));
    let report = Desk::judged(&[opened(ORIGIN), fact(1, 2)], &[]).await;
    assert_eq!(only_wrong(&report).0, Some(1), "the first revision is 1");
}

#[tokio::test]
async fn leaf_that_is_not_understood_is_not_called_verified() {
    let mut newer = fact(1, 1);
    newer["schema"] = 2.into();
    let mut other = fact(1, 1);
    other["v"] = "other".into();
    for bad in [newer, other, json!([1]), json!({ "v": "baton/leaf/1", "schema": 1 })] {
        let report = Desk::judged(&[opened(ORIGIN), bad], &[]).await;
        assert_eq!(only_wrong(&report).0, Some(1));
    }
}

#[tokio::test]
async fn leaves_of_another_origin_are_refused_unless_a_fork_leads_to_this_one() {
    let report = Desk::judged(&[opened("elsewhere"), fact(1, 1)], &[]).await;
    assert!(only_wrong(&report).1.contains("elsewhere"));
    let forked = leaf(1, "log", 2, "LogForked", json!({ "old_origin": "elsewhere", "new_origin": ORIGIN }));
    assert!(Desk::judged(&[opened("elsewhere"), forked], &[]).await.verified());
}

#[tokio::test]
async fn words_are_opened_erased_withheld_or_missing_and_told_apart() {
    let (one, one_words) = sealed(1, 1, "one");
    let (two, _) = sealed(2, 2, "two");
    let (three, _) = sealed(3, 3, "three");
    let erasure = leaf(4, "audit", 1, "ErasureAuthorised", json!({ "positions": [2], "ground": "data_subject_request" }));
    let log = [opened(ORIGIN), one, two, three, erasure];
    let words = ("disclosures/1.json", one_words);

    // Asked for without words: 3 is withheld.
    let report = Desk::judged(&log, &[words.clone(), manifest(5, false, json!([[1, 1]]), json!([[2, 2]]))]).await;
    assert!(report.verified(), "{:?}", report.failures());
    let json = &report.to_json()["words"];
    let counts = ["commitments", "opened", "withheld_leaves", "erased_leaves"].map(|name| json[name].as_u64());
    assert_eq!(counts, [3, 1, 1, 1].map(Some));
    assert_eq!(json["erased"], json!([{ "position": 2, "by": 4 }]));

    // Asked for with words: 3 is missing, whatever else.
    let report = Desk::judged(&log, &[words.clone(), manifest(5, true, json!([[1, 1]]), json!([[2, 2]]))]).await;
    assert_eq!(only_wrong(&report).0, Some(3));
    // Promised: missing.
    let report = Desk::judged(&log, &[words.clone(), manifest(5, false, json!([[1, 1], [3, 3]]), json!([[2, 2]]))]).await;
    assert!(only_wrong(&report).1.contains("bundle.json says that they are in the bundle"));
    // Said to be erased, and no event says so.
    let report = Desk::judged(&log, &[words, manifest(5, false, json!([[1, 1]]), json!([[2, 3]]))]).await;
    assert_eq!(only_wrong(&report).0, Some(3));
    assert!(only_wrong(&report).1.contains("no event in the bundle authorises it"));
}

#[tokio::test]
async fn words_that_open_nothing_are_refused() {
    let (one, words) = sealed(1, 1, "one");
    let log = [opened(ORIGIN), one, fact(2, 2)];
    let altered = |pointer: &str, value: &str| {
        let mut words = words.clone();
        words["/payload/note"][pointer] = value.into();
        words
    };
    let elsewhere = json!({ "/payload/other": words["/payload/note"] });
    for (file, bad) in [
        ("disclosures/1.json", altered("value", "two")),
        ("disclosures/1.json", altered("salt", &"0".repeat(64))),
        ("disclosures/1.json", altered("salt", "short")),
        ("disclosures/1.json", elsewhere),
        ("disclosures/1.json", json!([])),
        ("disclosures/2.json", words.clone()),
        ("disclosures/9.json", words.clone()),
    ] {
        let report = Desk::judged(&log, &[(file, bad.clone())]).await;
        assert_eq!(report.failures().len(), 1, "{file}: {bad}");
    }
}

#[tokio::test]
async fn partial_tile_left_behind_is_compared_and_one_beyond_the_checkpoint_is_not_counted() {
    let desk = Desk::new();
    desk.append(&[opened(ORIGIN), fact(1, 1)]).await;
    let out = desk.written(&[]).await;
    desk.append(&[fact(2, 2)]).await;
    assert_eq!(desk.written(&[]).await, out);
    let old = out.join("tile/0/000.p/2");
    assert!(old.is_file(), "the older partial tile stays until the full one is there");
    assert!(desk.verify(&out).verified());
    std::fs::write(out.join("tile/0/000.p/7"), [0; 7 * 32]).expect("written");
    let report = desk.verify(&out);
    assert!(
        report.verified() && report.lines().iter().any(|line| line.contains("beyond the checkpoint")),
        "{:?}",
        report.lines()
    );
    let mut bytes = std::fs::read(&old).expect("a tile");
    bytes[40] ^= 1;
    std::fs::write(&old, bytes).expect("written");
    assert_eq!(only_wrong(&desk.verify(&out)).0, Some(1));
}

#[tokio::test]
async fn trust_or_state_file_inside_the_bundle_or_a_data_directory_is_warned_of() {
    let desk = Desk::new();
    desk.append(&[opened(ORIGIN)]).await;
    let out = desk.written(&[]).await;
    let warned = |report: &Report, word: &str| report.lines().iter().any(|line| line.contains(word));
    assert!(!warned(&desk.verify(&out), "proves nothing"));
    std::fs::copy(desk.at("trust.txt"), out.join("trust.txt")).expect("copied");
    let trust = Trust::read(&out.join("trust.txt")).expect("a trust file");
    let report = bundle(&out, &trust, None, false, &mut |_, _| {}).expect("judged").0;
    assert!(warned(&report, "trust file lies inside the bundle"));
    std::fs::write(desk.at("FORMAT"), "baton-ledger 2\n").expect("written");
    assert!(warned(&desk.verify(&out), "data directory"));
    let state = State::read(&out.join("state.json")).expect("nothing yet");
    let report = desk.verify_with(&out, Some(&state));
    assert!(report.verified());
}

#[test]
fn verification_uses_no_server_code_no_rules_and_no_network() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/verify");
    let forbidden =
        ["tonic", "batond", "baton_engine", "baton_domain", "baton_proto", "std::net", "tokio", "crate::client", "crate::words"];
    let mut seen = 0;
    for entry in std::fs::read_dir(dir).expect("a directory").flatten() {
        // These tests name them all.
        if entry.file_name() == "tests" {
            continue;
        }
        let source = std::fs::read_to_string(entry.path()).expect("source");
        for word in forbidden {
            assert!(!source.contains(word), "{} uses {word}", entry.path().display());
        }
        let outside = source
            .lines()
            .filter_map(|line| line.trim().strip_prefix("use "))
            .map(|path| path.split("::").next().unwrap_or(path));
        for root in outside {
            let known = ["super", "std", "baton_ledger", "serde_json", "sha2"].contains(&root)
                || ["live", "receipt", "report", "state", "trust"].contains(&root);
            assert!(known, "{} uses {root}", entry.path().display());
        }
        seen += 1;
    }
    assert!(seen >= 10);
}

#[tokio::test]
async fn key_that_the_log_gave_up_vouches_for_nothing_that_came_later_though_it_is_trusted() {
    let [old, new, other] = [(); 3].map(|()| SigningKey::generate(ORIGIN).expect("a key"));
    let change = |position, revision, from: &SigningKey, to: &SigningKey| {
        leaf(position, "log", revision, "KeyRotated", json!({ "old_key": from.verifier_key(), "new_key": to.verifier_key() }))
    };
    let judged = async |key: SigningKey, leaves: Vec<Value>| {
        let desk = Desk::signed_by(key);
        let trusted = [&old, &new, &other].map(SigningKey::verifier_key).join("\n");
        std::fs::write(desk.at("trust.txt"), trusted).expect("written");
        for leaf in leaves {
            desk.append(&[leaf]).await;
        }
        desk.verify(&desk.written(&[]).await)
    };
    let both = || old.handing_over_to(&new).expect("another key");
    assert!(judged(both(), vec![opened(ORIGIN), change(1, 2, &old, &new)]).await.verified());
    assert!(judged(both(), vec![opened(ORIGIN), change(1, 2, &old, &new), fact(2, 1)]).await.verified(), "the new key signed");

    let alone = judged(old.clone(), vec![opened(ORIGIN), change(1, 2, &old, &new)]).await;
    assert!(only_wrong(&alone).1.contains(&format!("is not signed by {}", new.verifier_key())), "{alone:?}");
    let later = judged(old.clone(), vec![opened(ORIGIN), change(1, 2, &old, &new), fact(2, 1)]).await;
    assert!(only_wrong(&later).1.contains("which was the log's key at size 3"), "{later:?}");
    let from_another = vec![opened(ORIGIN), change(1, 2, &old, &new), change(2, 3, &other, &new), fact(3, 1)];
    let from_another = judged(both(), from_another).await;
    assert_eq!(only_wrong(&from_another).0, Some(2), "{from_another:?}");
    // A client may record what he likes elsewhere; only stream log speaks of keys, and only of its own origin.
    let elsewhere = json!({ "old_key": "a", "new_key": other.verifier_key() });
    let elsewhere = judged(old.clone(), vec![opened(ORIGIN), leaf(1, "wave/A", 1, "KeyRotated", elsewhere)]).await;
    assert!(elsewhere.verified(), "{elsewhere:?}");
}

#[tokio::test]
async fn change_of_keys_that_the_old_key_did_not_sign_over_these_very_leaves_is_not_told_as_one() {
    let [old, new, stranger] = [(); 3].map(|()| SigningKey::generate(ORIGIN).expect("a key"));
    let change = json!({ "old_key": old.verifier_key(), "new_key": new.verifier_key() });
    let leaves = |first: &str| {
        let mut opened = opened(ORIGIN);
        opened["note"] = first.into();
        vec![opened, leaf(1, "log", 2, "KeyRotated", change.clone()), fact(2, 1)]
    };
    // What the log of these leaves is called by whoever holds the old key, with this note over the change.
    let judged = async |leaves: Vec<Value>, over_the_change: &SignedCheckpoint| {
        let desk = Desk::signed_by(new.clone());
        std::fs::write(desk.at("trust.txt"), old.verifier_key()).expect("written");
        desk.append(&leaves).await;
        let out = desk.written(&[]).await;
        std::fs::create_dir_all(out.join("checkpoints")).expect("a directory");
        std::fs::write(out.join("checkpoints/2.note"), over_the_change.note()).expect("written");
        let report = desk.verify(&out);
        assert!(!report.verified(), "{report:?}");
        report.failures().last().expect("a failure").what.clone()
    };
    let signed = async |key: SigningKey, leaves: Vec<Value>| Desk::signed_by(key).append(&leaves[..2]).await;
    let both = |with: &SigningKey| old.handing_over_to(with).expect("another key");

    let honest = judged(leaves("a"), &signed(both(&new), leaves("a")).await).await;
    assert!(honest.contains("the key you trust signed that change") && honest.contains(new.verifier_key()), "{honest}");
    for (why, over) in [
        ("the new key alone says so", signed(new.clone(), leaves("a")).await),
        ("the old key signed it with somebody else", signed(both(&stranger), leaves("a")).await),
        ("both signed it over other leaves", signed(both(&new), leaves("b")).await),
    ] {
        let told = judged(leaves("a"), &over).await;
        assert!(told.contains("may have made that up"), "{why}: {told}");
    }
}

#[tokio::test]
async fn older_checkpoint_by_a_key_that_the_log_never_had_is_refused_though_its_root_is_right() {
    let desk = Desk::new();
    desk.append(&[opened(ORIGIN)]).await;
    desk.append(&[fact(1, 1)]).await;
    let out = desk.written(&[]).await;
    assert!(desk.verify(&out).verified());
    let stranger = Desk::new().append(&[opened(ORIGIN)]).await;
    std::fs::create_dir_all(out.join("checkpoints")).expect("a directory");
    std::fs::write(out.join("checkpoints/1.note"), stranger.note()).expect("written");
    assert!(only_wrong(&desk.verify(&out)).1.contains("checkpoints/1.note: it bears no signature by a trusted key"));
}
