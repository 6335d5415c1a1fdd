//! Which key signs for a log whose leaves tell of a change: the new one, once both agreed, and no other.
#![allow(clippy::unwrap_used)]

mod support;

use std::path::{Path, PathBuf};

use baton_ledger::archive::{Archive, check};
use baton_ledger::*;
use support::*;

/// Two keys of one origin, and a place for a log and its archive.
struct Scene {
    dir: tempfile::TempDir,
    old: SigningKey,
    new: SigningKey,
}

/// Leaves of these tests: `old>new`, or `fork`, in stream `log`.
fn read_succession(stream: &StreamName, leaf: &[u8]) -> Option<Succession> {
    let text = std::str::from_utf8(leaf).ok().filter(|_| stream.as_str() == "log")?;
    match text.split_once('>') {
        Some((old, new)) => Some(Succession::Rotated { old: old.to_owned(), new: new.to_owned() }),
        None => (text == "fork").then_some(Succession::Forked),
    }
}

impl Scene {
    fn new() -> Scene {
        let key = || SigningKey::generate("ledger.test").unwrap();
        Scene { dir: tempfile::tempdir().unwrap(), old: key(), new: key() }
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn open(&self, key: &SigningKey) -> Result<SledLedger, OpenError> {
        SledLedger::open(&self.data(), key.clone(), OpenOptions { read_succession, ..options() })
    }

    fn both(&self) -> SigningKey {
        self.old.handing_over_to(&self.new).unwrap()
    }

    fn change(&self) -> String {
        format!("{}>{}", self.old.verifier_key(), self.new.verifier_key())
    }

    /// A log of one record, whose second tells of the change under `key`.
    async fn changed(&self, key: &SigningKey) {
        let ledger = self.open(&self.old).unwrap();
        append_one(&ledger, "a", b"one").await;
        drop(ledger);
        let ledger = self.open(key).unwrap();
        append_one(&ledger, "log", self.change().as_bytes()).await;
    }

    fn archive(&self) -> PathBuf {
        self.dir.path().join("archive")
    }

    fn follow(&self, ledger: &SledLedger) {
        let mut archive = Archive::follow(&self.archive(), ledger).unwrap();
        while !archive.step(ledger).unwrap() {}
    }

    fn check(&self, trusted: &[&SigningKey]) -> Result<u64, String> {
        let lines: Vec<&str> = trusted.iter().map(|key| key.verifier_key()).collect();
        let trusted = TrustedKeys::parse(&lines.join("\n")).unwrap();
        let checked = check(&self.archive(), &trusted, read_succession).map_err(|error| error.to_string())?;
        Ok(checked.key_changes().len() as u64)
    }
}

fn trust(data: &Path) -> Vec<String> {
    std::fs::read_to_string(data.join("trust.txt")).unwrap().lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn log_goes_on_under_the_new_key_alone_once_both_signed_the_change() {
    let scene = Scene::new();
    scene.changed(&scene.both()).await;
    // The stop was not clean, and the head file is the old key's; the new key opens it all the same.
    match scene.open(&scene.old) {
        Err(OpenError::KeyRetired { position: 1, new_key, .. }) => assert_eq!(new_key, scene.new.verifier_key()),
        other => panic!("{:?}", other.err()),
    }
    let third = SigningKey::generate("ledger.test").unwrap();
    assert!(matches!(scene.open(&third), Err(OpenError::KeyRetired { .. })));
    assert_eq!(trust(&scene.data()), [scene.old.verifier_key()], "whoever is refused is not handed out");
    let ledger = scene.open(&scene.new).unwrap();
    assert_eq!(trust(&scene.data()), [scene.old.verifier_key(), scene.new.verifier_key()]);
    let signers = |checkpoint: &SignedCheckpoint| [&scene.old, &scene.new].map(|key| checkpoint.is_signed_by(key));
    assert_eq!(signers(&ledger.checkpoint()), [true, true]);
    append_one(&ledger, "a", b"two").await;
    assert_eq!(signers(&ledger.checkpoint()), [false, true]);
    assert_eq!(signers(&ledger.receipt(Position(0)).await.unwrap().unwrap().checkpoint), [true, false]);
}

#[tokio::test]
async fn change_that_the_new_key_did_not_sign_opens_under_neither_key() {
    let scene = Scene::new();
    scene.changed(&scene.old).await;
    assert!(matches!(scene.open(&scene.old), Err(OpenError::KeyRetired { .. })));
    match scene.open(&scene.new) {
        Err(OpenError::Damaged { why, .. }) => assert!(why.contains("not signed by both keys"), "{why}"),
        other => panic!("{:?}", other.err()),
    }
}

#[tokio::test]
async fn key_that_signed_on_after_it_was_given_up_is_found_out_at_the_open_and_in_the_archive() {
    let scene = Scene::new();
    scene.changed(&scene.both()).await;
    let ledger = scene.open(&scene.new).unwrap();
    scene.follow(&ledger);
    assert_eq!(scene.check(&[&scene.new]), Ok(1), "what the old key signed before is explained by the change");
    assert_eq!(scene.check(&[&scene.old]), Ok(1), "both signed the newest");
    drop(ledger);
    // Whoever does not ask what leaves say of keys can sign on with the old one.
    let ledger = SledLedger::open(&scene.data(), scene.old.clone(), options()).unwrap();
    append_one(&ledger, "a", b"two").await;
    scene.follow(&ledger);
    drop(ledger);
    assert!(matches!(scene.open(&scene.new), Err(OpenError::WrongKey { .. })));
    assert!(matches!(scene.open(&scene.old), Err(OpenError::KeyRetired { .. })));
    for trusted in [&[&scene.old][..], &[&scene.old, &scene.new]] {
        let refused = scene.check(trusted).unwrap_err();
        assert!(refused.contains("to which the log had changed"), "{refused}");
    }
}

#[tokio::test]
async fn archive_with_batches_of_a_key_that_no_change_names_is_damaged() {
    let scene = Scene::new();
    let ledger = scene.open(&scene.old).unwrap();
    append_one(&ledger, "a", b"one").await;
    scene.follow(&ledger);
    drop(ledger);
    // The change names another old key than the one that signed before.
    let other = SigningKey::generate("ledger.test").unwrap();
    let both = SledLedger::open(&scene.data(), scene.both(), options()).unwrap();
    append_one(&both, "log", format!("{}>{}", other.verifier_key(), scene.new.verifier_key()).as_bytes()).await;
    scene.follow(&both);
    let refused = scene.check(&[&scene.new]).unwrap_err();
    assert!(refused.contains("is not signed by both"), "{refused}");
}

#[tokio::test]
async fn change_of_keys_before_a_fork_does_not_bind_the_new_origin() {
    let scene = Scene::new();
    scene.changed(&scene.both()).await;
    let forked = SigningKey::generate("ledger.test/fork").unwrap();
    let fork = OpenOptions { read_succession, fork: true, ..options() };
    let ledger = SledLedger::open(&scene.data(), forked.clone(), fork).unwrap();
    append_one(&ledger, "log", b"fork").await;
    ledger.close().await.unwrap();
    drop(ledger);
    assert!(matches!(scene.open(&scene.new), Err(OpenError::WrongKey { .. })));
    let ledger = scene.open(&forked).unwrap();
    scene.follow(&ledger);
    assert_eq!(scene.check(&[&forked]), Ok(0));
}

#[test]
fn key_hands_over_to_another_key_of_its_origin_and_to_no_other() {
    let scene = Scene::new();
    let elsewhere = SigningKey::generate("other.test").unwrap();
    for refused in [&scene.old, &elsewhere] {
        assert!(matches!(scene.old.handing_over_to(refused), Err(KeyError::NoSuccessor { .. })));
    }
    assert_eq!(scene.old.successor_key(), None);
    assert_eq!(scene.both().successor_key(), Some(scene.new.verifier_key()));
    assert_eq!(scene.both().verifier_key(), scene.old.verifier_key());
}
