//! A start from the snapshot of the stop before it is like one that reads every record; nothing of the snapshot is left.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::super::frames::FRAME;
use super::super::recovery::remove_if_there;
use super::super::snapshot::{HEAD_LEN, take};
use super::super::store::Store;
use super::super::{DEFAULT_CACHE, seal};
use super::*;
use crate::log::raw::RawChunk;
use crate::log::succession::{KeyChange, Succession};
use crate::log::{snapshot, start};
use crate::proof::EMPTY_ROOT;

const SALT: std::ops::Range<usize> = 12..44;

/// A leaf of stream `keys` says: old key, a space, new key.
fn said(stream: &StreamName, leaf: &[u8]) -> Option<Succession> {
    let text = std::str::from_utf8(leaf).ok().filter(|_| stream.as_str() == "keys")?;
    let (old, new) = text.split_once(' ')?;
    Some(Succession::Rotated { old: old.to_owned(), new: new.to_owned() })
}

fn options() -> OpenOptions {
    OpenOptions { min_free_bytes: 0, ballast_bytes: 0, read_succession: said, ..OpenOptions::default() }
}

fn open(dir: &Path, key: &SigningKey) -> SledLedger {
    SledLedger::open(dir, key.clone(), options()).unwrap()
}

fn request(number: u128) -> RequestKey {
    RequestKey { caller: "icb:QUY".to_owned(), id: uuid::Uuid::from_u128(number) }
}

fn append_records(ledger: &SledLedger, number: u128, records: Vec<Record>) {
    let set = AppendSet { request: Some(request(number)), digest: [number as u8; 32], expected: vec![], records };
    ledger.log.append_now(&Batch { at: ledger.head().next(), sets: vec![set] }).unwrap();
}

fn record(stream: &str, leaf: &[u8], words: Option<&str>) -> Record {
    let disclosure = words.map(|words| words.as_bytes().to_vec());
    Record { stream: StreamName::parse(stream).unwrap(), leaf: leaf.to_vec(), disclosure }
}

/// A log with a change of keys, batches of several chunks, and words beside some records; open under its second key.
fn a_log(dir: &Path) -> (SledLedger, SigningKey) {
    let (old, new) = (SigningKey::generate("test").unwrap(), SigningKey::generate("test").unwrap());
    let ledger = open(dir, &old);
    append_records(&ledger, 1, vec![record("a", b"first", Some("Ada")), record("b", &[1; 30], None)]);
    ledger.close_in_order().unwrap();
    drop(ledger);
    let ledger = open(dir, &old.handing_over_to(&new).unwrap());
    let change = format!("{} {}", old.verifier_key(), new.verifier_key());
    append_records(&ledger, 2, vec![record("keys", change.as_bytes(), None)]);
    // As the next start reads it, but known already when this one stops.
    assert_eq!(ledger.log.durable().key_changes.len(), 1);
    ledger.close_in_order().unwrap();
    drop(ledger);
    let ledger = open(dir, &new);
    let large = (3..6_u8).map(|number| record("a", &[number; 30_000], Some("Grace"))).collect();
    append_records(&ledger, 3, large);
    append_records(&ledger, 4, vec![record("c", b"last", Some("Edsger"))]);
    (ledger, new)
}

/// Several frames of what a writer above may keep.
fn words() -> Vec<u8> {
    (0..FRAME * 5 / 2).map(|number| (number % 253) as u8).collect()
}

fn stop(ledger: SledLedger, words: &[u8]) {
    ledger.close_with(&|out| out.write_all(words)).unwrap();
}

/// A log that was stopped with a snapshot.
fn stopped() -> (TempDir, SigningKey) {
    let dir = tempfile::tempdir().unwrap();
    let (ledger, key) = a_log(dir.path());
    stop(ledger, &words());
    (dir, key)
}

fn copied(dir: &Path) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    copy_all(dir, copy.path());
    copy
}

/// Without a sync: there are many of them.
fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, name) = (entry.as_ref().unwrap().path(), entry.unwrap().file_name());
        match path.is_dir() {
            true => copy_all(&path, &to.join(name)),
            false => drop(fs::copy(path, to.join(name)).unwrap()),
        }
    }
}

fn is_from_snapshot(ledger: &SledLedger) -> bool {
    ledger.snapshots().unread.is_some()
}

fn rest(ledger: &SledLedger) -> Option<io::Result<Vec<u8>>> {
    let mut bytes = Vec::new();
    ledger.snapshot().map(|mut rest| rest.read_to_end(&mut bytes).map(|_| bytes))
}

/// All that can be asked of a ledger.
#[derive(Debug, PartialEq)]
struct Content {
    checkpoint: SignedCheckpoint,
    records: Vec<StoredRecord>,
    streams: Vec<(Option<Revision>, Vec<StoredRecord>)>,
    requests: Vec<Option<RequestRecord>>,
    receipts: Vec<Option<Receipt>>,
    proofs: Vec<Vec<NodeHash>>,
    tiles: Vec<Tile>,
    chunks: (Vec<Position>, Vec<RawChunk>),
    next_slot: u64,
    key_changes: Vec<KeyChange>,
}

fn content(ledger: &SledLedger) -> Content {
    let (log, size) = (&ledger.log, ledger.head().size);
    let streams = ["a", "b", "c", "d", "keys"].map(|name| StreamName::parse(name).unwrap());
    let durable = log.durable();
    let (chunks, next_slot, key_changes) = (durable.chunks.clone(), durable.next_slot, durable.key_changes.clone());
    drop(durable);
    Content {
        checkpoint: ledger.checkpoint(),
        records: log.read_now(Position(0), 1_000).unwrap(),
        streams: streams
            .iter()
            .map(|stream| (ledger.revision(stream), log.read_stream_now(stream, Revision(1), 1_000).unwrap()))
            .collect(),
        requests: (0..9).map(|number| ledger.request(&request(number))).collect(),
        receipts: (0..=size).map(|position| log.receipt_now(Position(position)).unwrap()).collect(),
        proofs: (0..size)
            .map(|position| ledger.prove_inclusion(Position(position), size).unwrap())
            .chain((1..size).map(|old| ledger.prove_consistency(old, size).unwrap()))
            .collect(),
        tiles: ledger.tiles(0, size).unwrap(),
        chunks: (chunks, log.raw_chunks(Position(0), 1 << 30).unwrap()),
        next_slot,
        key_changes,
    }
}

#[test]
fn a_start_from_a_snapshot_is_like_one_that_reads_every_record() {
    let dir = tempfile::tempdir().unwrap();
    let (ledger, key) = a_log(dir.path());
    let before = content(&ledger);
    stop(ledger, &words());
    let scanned = copied(dir.path());
    fs::remove_file(scanned.path().join("snapshot")).unwrap();
    let (fast, slow) = (open(dir.path(), &key), open(scanned.path(), &key));
    assert!(is_from_snapshot(&fast) && !is_from_snapshot(&slow));
    assert_eq!((before.records.len(), before.key_changes.len(), before.next_slot), (7, 1, 6));
    assert_eq!(content(&fast), before);
    assert_eq!(content(&slow), before);
    // And they go on alike.
    for ledger in [&fast, &slow] {
        append_records(ledger, 5, vec![record("a", b"more", Some("Alan"))]);
    }
    assert_eq!(fast.checkpoint(), slow.checkpoint());
    assert_eq!(fast.log.durable().next_slot, slow.log.durable().next_slot);
    // As it was stopped in order: there was nothing to copy aside.
    assert!(!dir.path().join("recovery").exists());
}

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
fn a_log_without_records_is_opened_from_its_snapshot_too() {
    let dir = tempfile::tempdir().unwrap();
    let key = SigningKey::generate("test").unwrap();
    stop(open(dir.path(), &key), b"");
    let ledger = open(dir.path(), &key);
    assert_eq!(rest(&ledger).unwrap().unwrap(), b"");
    append_records(&ledger, 1, vec![record("a", b"first", Some("Ada"))]);
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

/// What it is used for is read before the first damage, or not at all; the reader of the rest is told.
#[test]
fn a_damaged_snapshot_is_passed_over_and_the_store_is_read_in_full() {
    let (dir, key) = stopped();
    let whole = fs::read(dir.path().join("snapshot")).unwrap();
    let expected = content(&open(copied(dir.path()).path(), &key));
    let frame = FRAME + 16;
    let frames: Vec<&[u8]> = whole[HEAD_LEN..].chunks(frame).collect();
    assert_eq!(frames.len(), 3);
    let flipped = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        bytes
    };
    let mut damaged = vec![
        [&whole[..], &[0]].concat(),
        [&whole[..HEAD_LEN], frames[1], frames[0], frames[2]].concat(),
        [&whole[..HEAD_LEN], frames[0], frames[2]].concat(),
        [&whole[..HEAD_LEN], frames[0], frames[1]].concat(),
        whole[..whole.len() - 1].to_vec(),
        vec![0; whole.len()],
        vec![],
    ];
    damaged.extend([0, 8, 12, 43, 44, 1_000].map(flipped));
    damaged.extend((0..3).map(|number| flipped(HEAD_LEN + number * frame + 100)));
    damaged.extend((0..3).map(|number| flipped((HEAD_LEN + (number + 1) * frame).min(whole.len()) - 1)));
    damaged.extend((1..16).map(|sixteenth| whole[..whole.len() * sixteenth / 16].to_vec()));
    for (number, bytes) in damaged.iter().enumerate() {
        let copy = copied(dir.path());
        fs::write(copy.path().join("snapshot"), bytes).unwrap();
        let ledger = open(copy.path(), &key);
        // Nothing of the first frame that is damaged is taken for anything.
        let first_frame_is_whole = bytes.get(..HEAD_LEN + frame) == whole.get(..HEAD_LEN + frame);
        assert_eq!(is_from_snapshot(&ledger), first_frame_is_whole, "{number}");
        match rest(&ledger) {
            None => {}
            Some(Err(error)) => assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{number}"),
            Some(Ok(_)) => panic!("damage {number} was not noticed"),
        }
        assert!(content(&ledger) == expected, "{number}");
        assert!(!copy.path().join("snapshot").exists());
    }
}

fn seal_without_snapshot(dir: &Path) -> String {
    let seal = fs::read_to_string(dir.join("seal")).unwrap();
    seal[..seal.find("snapshot ").unwrap()].to_owned()
}

/// Makes the seal name another snapshot.
fn rename_in_seal(dir: &Path, snapshot: &Path) {
    let name = crate::hash::sha256(&fs::read(snapshot).unwrap()[..HEAD_LEN]);
    let name: String = name.iter().map(|byte| format!("{byte:02x}")).collect();
    fs::write(dir.join("seal"), format!("{}snapshot {name}\n", seal_without_snapshot(dir))).unwrap();
}

#[test]
fn a_snapshot_of_another_log_or_stop_is_passed_over_even_if_the_seal_names_it() {
    let (dir, key) = stopped();
    let (other, _) = stopped();
    let kept = tempfile::tempdir().unwrap();
    let older = kept.path().join("older");
    fs::copy(dir.path().join("snapshot"), &older).unwrap();
    let ledger = open(dir.path(), &key);
    append_records(&ledger, 5, vec![record("b", b"more", None)]);
    let expected = content(&ledger);
    stop(ledger, b"newer");
    for foreign in [other.path().join("snapshot"), older] {
        for named in [false, true] {
            let copy = copied(dir.path());
            fs::copy(&foreign, copy.path().join("snapshot")).unwrap();
            if named {
                rename_in_seal(copy.path(), &foreign);
            }
            let ledger = open(copy.path(), &key);
            assert!(!is_from_snapshot(&ledger));
            assert!(content(&ledger) == expected);
            assert!(!copy.path().join("recovery").exists(), "the store lies as it was sealed");
        }
    }
    assert_eq!(rest(&open(dir.path(), &key)).unwrap().unwrap(), b"newer");
}

/// An older snapshot that can be opened and is named: only with the signing key and an old key file.
#[test]
fn what_ends_elsewhere_than_the_store_is_not_taken_up() {
    let dir = tempfile::tempdir().unwrap();
    let (ledger, key) = a_log(dir.path());
    let written = |ledger: &SledLedger| {
        let mut bytes = Vec::new();
        snapshot::write(&ledger.log.durable(), &mut bytes).unwrap();
        bytes
    };
    let take_up = |ledger: &SledLedger, bytes: &[u8]| {
        let disk = ledger.log.disk().unwrap();
        let durable = snapshot::read(&mut &*bytes).unwrap();
        start::take_up(&*disk, &key, None, options().rules(), durable).map(drop)
    };
    let older = written(&ledger);
    take_up(&ledger, &older).unwrap();
    // A tree that is not the checkpoint's.
    let mut forged = older.clone();
    let leaf = crate::hash::leaf_hash(b"first");
    let at = forged.windows(32).position(|bytes| bytes == leaf).unwrap();
    forged[at] ^= 1;
    take_up(&ledger, &forged).unwrap_err();
    append_records(&ledger, 5, vec![record("b", b"more", None)]);
    take_up(&ledger, &older).unwrap_err();
    let newer = written(&ledger);
    take_up(&ledger, &newer).unwrap();
    // The last chunk ends in another checkpoint, or is gone.
    let disk = ledger.log.disk().unwrap();
    let mut chunk = Chunk::decode(&disk.get(&key_of(7)).unwrap().unwrap()).unwrap();
    chunk.checkpoint = Some(SignedCheckpoint::sign(&key, 8, EMPTY_ROOT));
    disk.put(&key_of(7), chunk.encode()).unwrap();
    take_up(&ledger, &newer).unwrap_err();
    disk.remove(&key_of(7)).unwrap();
    take_up(&ledger, &newer).unwrap_err();
    // Every cut of it is noticed before it is compared with anything.
    for length in 0..older.len() {
        assert!(snapshot::read(&mut &older[..length]).is_err(), "{length}");
    }
}

fn key_of(position: u64) -> [u8; 8] {
    position.to_be_bytes()
}

#[test]
fn another_signing_key_is_refused_as_ever_and_the_right_one_reads_every_record() {
    let (dir, key) = stopped();
    let refused = SledLedger::open(dir.path(), SigningKey::generate("test").unwrap(), options()).err();
    assert!(matches!(refused, Some(OpenError::KeyRetired { .. })), "{refused:?}");
    assert!(!dir.path().join("snapshot").exists());
    let ledger = open(dir.path(), &key);
    assert!(!is_from_snapshot(&ledger));
    assert_eq!(content(&ledger).records.len(), 7);
}

#[test]
fn a_store_that_was_changed_after_the_stop_is_read_in_full_and_copied_without_the_snapshot() {
    let (dir, key) = stopped();
    let before = content(&open(copied(dir.path()).path(), &key));
    let data = File::options().append(true).open(dir.path().join("store/db")).unwrap();
    data.set_len(data.metadata().unwrap().len() + 8 * 1024 * 1024).unwrap();
    let ledger = open(dir.path(), &key);
    assert!(!is_from_snapshot(&ledger));
    assert!(content(&ledger) == before);
    let copied: Vec<PathBuf> = fs::read_dir(dir.path().join("recovery/1")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(copied, [dir.path().join("recovery/1/store")]);
}

#[test]
fn a_fork_and_a_start_that_trusts_the_store_do_not_use_it() {
    for asked in [OpenOptions { fork: true, ..options() }, OpenOptions { trust_store_without_head: true, ..options() }] {
        let (dir, key) = stopped();
        assert!(!is_from_snapshot(&SledLedger::open(dir.path(), key, asked).unwrap()));
    }
}

#[test]
fn a_snapshot_that_can_not_be_written_leaves_a_clean_stop_and_nothing_else() {
    let full = || io::Error::from(io::ErrorKind::StorageFull);
    type Stop = fn(&SledLedger, &Path, fn() -> io::Error);
    let stops: [(&str, Stop); 4] = [
        ("the writer fails at once", |ledger, _, full| ledger.close_with(&|_| Err(full())).unwrap()),
        ("the writer fails late", |ledger, _, full| {
            ledger.close_with(&|out| out.write_all(&words()).and_then(|()| Err(full()))).unwrap();
        }),
        ("the file can not be made", |ledger, dir, _| {
            fs::create_dir(dir.join("snapshot.new")).unwrap();
            ledger.close_with(&|out| out.write_all(&words())).unwrap();
            fs::remove_dir(dir.join("snapshot.new")).unwrap();
        }),
        ("it takes the place of an earlier one", |ledger, _, full| {
            ledger.close_with(&|out| out.write_all(&words())).unwrap();
            ledger.close_with(&|_| Err(full())).unwrap();
        }),
    ];
    for (what, stop) in stops {
        let dir = tempfile::tempdir().unwrap();
        let (ledger, key) = a_log(dir.path());
        let before = content(&ledger);
        stop(&ledger, dir.path(), full);
        drop(ledger);
        assert!(!dir.path().join("snapshot").exists() && !dir.path().join("snapshot.new").exists(), "{what}");
        let ledger = open(dir.path(), &key);
        assert!(!is_from_snapshot(&ledger) && content(&ledger) == before, "{what}");
        assert!(!dir.path().join("recovery").exists(), "{what}: the stop was not a clean one");
    }
}

#[test]
fn no_snapshot_is_kept_that_would_leave_too_little_room_on_the_disk() {
    let (dir, key) = stopped();
    let short = OpenOptions { min_free_bytes: u64::MAX, ..options() };
    stop(SledLedger::open(dir.path(), key.clone(), short).unwrap(), b"words");
    assert!(!dir.path().join("snapshot").exists() && !dir.path().join("snapshot.new").exists());
    let ledger = open(dir.path(), &key);
    assert!(!is_from_snapshot(&ledger) && !dir.path().join("recovery").exists());
}

#[test]
fn a_ledger_whose_writes_failed_keeps_none() {
    let dir = tempfile::tempdir().unwrap();
    let (ledger, _) = a_log(dir.path());
    ledger.log.fail(Failed::Write, "a write, for this test".to_owned());
    ledger.close_with(&|_| panic!("it was asked for")).unwrap_err();
    drop(ledger);
    assert!(!dir.path().join("snapshot").exists());
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

#[test]
fn a_stop_without_a_snapshot_is_sealed_as_before_there_were_any() {
    let dir = tempfile::tempdir().unwrap();
    let (ledger, key) = a_log(dir.path());
    ledger.close_in_order().unwrap();
    drop(ledger);
    let text = fs::read_to_string(dir.path().join("seal")).unwrap();
    assert!(text.starts_with("baton-ledger seal 1\n") && !text.contains("snapshot"), "{text}");
    assert_eq!(seal::how_left(&Layout::new(dir.path())), seal::Left::InOrder);
    open(dir.path(), &key);
}

/// Who has the disk can make every sum and the seal fit. The start reads no records, so it is the read that finds out.
#[test]
fn a_leaf_forged_with_its_hash_its_sum_and_the_seal_is_refused_by_a_read() {
    let (dir, key) = stopped();
    let layout = Layout::new(dir.path());
    let name = seal::snapshot(&layout).unwrap();
    let store = Store::open(&layout.store(), DEFAULT_CACHE).unwrap();
    let mut chunk = Chunk::decode(&store.db().get(key_of(0)).unwrap().unwrap()).unwrap();
    chunk.entries[1].leaf = b"decided: yes".to_vec();
    chunk.entries[1].leaf_hash = crate::hash::leaf_hash(b"decided: yes");
    store.db().insert(key_of(0), chunk.encode()).unwrap();
    store.db().flush().unwrap();
    drop(store);
    seal::put(&layout, Some(&name)).unwrap();
    let ledger = open(dir.path(), &key);
    assert!(is_from_snapshot(&ledger));
    assert_eq!(ledger.log.read_now(Position(0), 1).unwrap().len(), 1);
    for refused in [
        ledger.log.read_now(Position(0), 9).unwrap_err(),
        ledger.log.read_stream_now(&StreamName::parse("b").unwrap(), Revision(1), 1).unwrap_err(),
        ledger.log.raw_chunks(Position(0), 1).unwrap_err(),
    ] {
        assert!(matches!(refused, ReadError::Damaged { position: Position(1), .. }), "{refused:?}");
    }
}

/// The index of a log as it is written down: what another release of this format has to read.
#[test]
fn the_index_of_a_log_without_records_is_written_as_it_always_was() {
    let dir = tempfile::tempdir().unwrap();
    let key = SigningKey::generate("test").unwrap();
    let ledger = open(dir.path(), &key);
    let mut bytes = Vec::new();
    snapshot::write(&ledger.log.durable(), &mut bytes).unwrap();
    let note = SignedCheckpoint::sign(&key, 0, EMPTY_ROOT).note().as_bytes().to_vec();
    let length = (note.len() as u16).to_be_bytes();
    assert_eq!(bytes, [&[0, 0, 0, 1][..], &length, &note, &[0; 8], &[0; 8], &[0; 8], &[0; 8], &[0; 8]].concat());
}
