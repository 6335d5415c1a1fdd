//! Once a log is open again, nothing that was in a snapshot can be read from a disk.

use super::*;

#[tokio::test]
async fn what_the_writer_left_is_given_once_and_gone_from_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let (ledger, key) = a_log(dir.path());
    let before = content(&ledger);
    let ledger: Box<dyn Ledger> = Box::new(ledger);
    ledger.close_with_snapshot(&|out| out.write_all(&words())).await.unwrap();
    ledger.close().await.unwrap();
    drop(ledger);
    let ledger = open(dir.path(), &key);
    assert!(!dir.path().join("snapshot").exists());
    let mut reader = Ledger::snapshot(&ledger).unwrap();
    assert!(Ledger::snapshot(&ledger).is_none());
    // In small pieces, and with the end said again and again.
    let mut found = Vec::new();
    let mut piece = [0; 7_001];
    while let length @ 1.. = reader.read(&mut piece).unwrap() {
        found.extend_from_slice(&piece[..length]);
    }
    assert!(found == words());
    assert_eq!(reader.read(&mut piece).unwrap(), 0);
    drop(ledger);
    let ledger = open(dir.path(), &key);
    assert!(!is_from_snapshot(&ledger));
    assert_eq!(content(&ledger), before);
}

#[test]
fn what_the_writer_left_is_not_given_after_an_append_or_an_erasure() {
    let (dir, key) = stopped();
    let copy = copied(dir.path());
    let ledger = open(dir.path(), &key);
    append_records(&ledger, 5, vec![record("a", b"more", None)]);
    assert!(ledger.snapshot().is_none());
    let ledger = open(copy.path(), &key);
    ledger.erase_with_snapshots(&[Position(0)]).unwrap();
    assert!(ledger.snapshot().is_none());
}

#[test]
fn the_salt_of_a_snapshot_is_zero_after_every_open_whatever_name_the_file_still_has() {
    type Change = fn(&Path);
    let changes: [(&str, Change, bool); 5] = [
        ("in order", |_| {}, true),
        ("not named by the seal", |dir| fs::write(dir.join("seal"), seal_without_snapshot(dir)).unwrap(), false),
        ("changed", |dir| fs::write(dir.join("seal"), "none").unwrap(), false),
        ("not stopped in order", |dir| fs::remove_file(dir.join("head")).unwrap(), false),
        ("to be written anew", |dir| fs::write(dir.join("REWRITE"), "a sync failed").unwrap(), false),
    ];
    for (what, change, used) in changes {
        let (dir, key) = stopped();
        let kept = tempfile::tempdir().unwrap();
        for name in ["snapshot", "snapshot.new"] {
            if name == "snapshot.new" {
                fs::copy(dir.path().join("snapshot"), dir.path().join(name)).unwrap();
            }
            fs::hard_link(dir.path().join(name), kept.path().join(name)).unwrap();
            assert_ne!(fs::read(kept.path().join(name)).unwrap()[SALT], [0; 32]);
        }
        change(dir.path());
        let asked = OpenOptions { trust_store_without_head: !dir.path().join("head").exists(), ..options() };
        let ledger = SledLedger::open(dir.path(), key, asked).unwrap();
        assert_eq!(is_from_snapshot(&ledger), used, "{what}");
        for name in ["snapshot", "snapshot.new"] {
            assert!(!dir.path().join(name).exists(), "{what}");
            assert_eq!(fs::read(kept.path().join(name)).unwrap()[SALT], [0; 32], "{what}");
        }
    }
}

/// No copy of a snapshot that was made while it was kept is any more open than one that was destroyed.
#[test]
fn words_that_are_erased_can_be_read_from_no_snapshot_that_was_kept_before() {
    let (dir, key) = stopped();
    let kept = tempfile::tempdir().unwrap();
    let (link, copy) = (kept.path().join("link"), kept.path().join("copy"));
    fs::hard_link(dir.path().join("snapshot"), &link).unwrap();
    fs::copy(dir.path().join("snapshot"), &copy).unwrap();
    let digest = |ledger: &SledLedger| ledger.log.digest_of_keys().unwrap();
    let as_taken = |path: &Path, digest: &[u8; 32]| {
        let other = tempfile::tempdir().unwrap();
        fs::copy(path, other.path().join("snapshot")).unwrap();
        let mut frames = take(&Layout::new(other.path())).unwrap().unwrap().open(&key, digest).unwrap();
        frames.read_to_end(&mut Vec::new())
    };
    let stopped_keys = crate::log::keys::KeyFile::open(Box::new(File::open(dir.path().join("keys")).unwrap())).unwrap();
    let stopped_digest = stopped_keys.digest().unwrap();
    assert!(as_taken(&copy, &stopped_digest).is_ok());

    let ledger = open(dir.path(), &key);
    ledger.erase_with_snapshots(&[Position(0)]).unwrap();
    let erased = digest(&ledger);
    stop(ledger, b"what is left");
    // The file itself, even with the key file as it was; and a copy with its salt, with the key file as it is.
    assert!(as_taken(&link, &stopped_digest).is_err());
    assert!(as_taken(&copy, &erased).is_err());
    assert!(as_taken(&dir.path().join("snapshot"), &erased).is_ok());
    let ledger = open(dir.path(), &key);
    assert_eq!(rest(&ledger).unwrap().unwrap(), b"what is left");
    assert_eq!(ledger.log.read_now(Position(0), 1).unwrap()[0].disclosure, crate::contract::Disclosure::Erased);
}

#[test]
fn an_erasure_after_the_stop_destroys_the_snapshot_first() {
    let dir = tempfile::tempdir().unwrap();
    let (ledger, key) = a_log(dir.path());
    ledger.close_with(&|out| out.write_all(b"Ada")).unwrap();
    let kept = tempfile::tempdir().unwrap();
    let link = kept.path().join("link");
    fs::hard_link(dir.path().join("snapshot"), &link).unwrap();
    ledger.erase_with_snapshots(&[Position(0)]).unwrap();
    assert!(!dir.path().join("snapshot").exists());
    assert_eq!(fs::read(&link).unwrap()[SALT], [0; 32]);
    drop(ledger);
    let ledger = open(dir.path(), &key);
    assert!(!is_from_snapshot(&ledger) && !dir.path().join("recovery").exists());
}

#[test]
fn a_snapshot_that_can_not_be_destroyed_refuses_the_open_and_is_named() {
    for name in ["snapshot", "snapshot.new"] {
        let (dir, key) = stopped();
        let (path, target) = (dir.path().join(name), dir.path().join("trust.txt"));
        let trust = fs::read(&target).unwrap();
        remove_if_there_as_file(&path);
        std::os::unix::fs::symlink(&target, &path).unwrap();
        match SledLedger::open(dir.path(), key.clone(), options()).err() {
            Some(OpenError::Io { what: "destroy", path: named, .. }) => assert_eq!(named, path),
            other => panic!("{other:?}"),
        }
        assert_eq!(fs::read(&target).unwrap(), trust, "what the link leads to was written to");
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(matches!(SledLedger::open(dir.path(), key.clone(), options()), Err(OpenError::Io { what: "destroy", .. })));
        remove_if_there(&path).unwrap();
        open(dir.path(), &key);
    }
}

fn remove_if_there_as_file(path: &Path) {
    if path.exists() {
        fs::remove_file(path).unwrap();
    }
}

#[test]
fn who_only_looks_leaves_the_snapshot_as_it_is() {
    let (dir, key) = stopped();
    let before = fs::read(dir.path().join("snapshot")).unwrap();
    let found = inspect(dir.path(), tempfile::tempdir().unwrap().path()).unwrap();
    assert!(found.clean && !found.changed && found.records == 7);
    assert!(fs::read(dir.path().join("snapshot")).unwrap() == before);
    assert!(is_from_snapshot(&open(dir.path(), &key)));
}
