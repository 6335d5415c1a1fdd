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

mod destroyed;
mod passed_over;

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
    RequestKey { caller: "icb:QUY".into(), id: uuid::Uuid::from_u128(number) }
}

fn append_records(ledger: &SledLedger, number: u128, records: Vec<Record>) {
    let set = AppendSet { request: Some(request(number)), digest: [number as u8; 32], expected: vec![], records };
    ledger.log.append_now(Batch { at: ledger.head().next(), sets: vec![set] }).unwrap();
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

fn seal_without_snapshot(dir: &Path) -> String {
    let seal = fs::read_to_string(dir.join("seal")).unwrap();
    seal[..seal.find("snapshot ").unwrap()].to_owned()
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
