//! What the tests of the ledger share: short ways to say a batch.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use std::path::Path;

use baton_ledger::{
    AppendSet, Batch, Expected, Ledger, OpenError, OpenOptions, Position, Record, RequestKey, Revision, SigningKey, SledLedger,
    StoredRecord, StreamName,
};
use uuid::Uuid;

pub fn stream(name: &str) -> StreamName {
    StreamName::parse(name).unwrap()
}

pub fn record(name: &str, leaf: &[u8]) -> Record {
    Record { stream: stream(name), leaf: leaf.to_vec(), disclosure: None }
}

pub fn secret(name: &str, leaf: &[u8], disclosure: &[u8]) -> Record {
    Record { disclosure: Some(disclosure.to_vec()), ..record(name, leaf) }
}

pub fn set(records: Vec<Record>) -> AppendSet {
    AppendSet { request: None, digest: [0; 32], expected: Vec::new(), records }
}

pub fn requested(id: u128, digest: u8, records: Vec<Record>) -> AppendSet {
    AppendSet { request: Some(key(id)), digest: [digest; 32], ..set(records) }
}

pub fn expecting(name: &str, expected: Expected, records: Vec<Record>) -> AppendSet {
    AppendSet { expected: vec![(stream(name), expected)], ..set(records) }
}

pub fn key(id: u128) -> RequestKey {
    RequestKey { caller: "icb:QUY".into(), id: Uuid::from_u128(id) }
}

/// A batch at the ledger's head.
pub fn batch(ledger: &dyn Ledger, sets: Vec<AppendSet>) -> Batch {
    Batch { at: ledger.head().next(), sets }
}

/// Appends one record to a stream and says where it went.
pub async fn append_one(ledger: &dyn Ledger, name: &str, leaf: &[u8]) -> Position {
    let batch = batch(ledger, vec![set(vec![record(name, leaf)])]);
    ledger.append(batch).await.unwrap().first
}

/// The whole log, page by page.
pub async fn read_all(ledger: &dyn Ledger) -> Vec<StoredRecord> {
    let mut all: Vec<StoredRecord> = Vec::new();
    loop {
        let page = ledger.read(Position(all.len() as u64), usize::MAX).await.unwrap();
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

/// Positions are gapless and revisions contiguous in every stream.
pub fn assert_in_order(records: &[StoredRecord]) {
    let mut revisions = std::collections::HashMap::new();
    for (at, record) in records.iter().enumerate() {
        assert_eq!(record.position, Position(at as u64));
        let revision = revisions.entry(record.stream.clone()).or_insert(Revision(0));
        revision.0 += 1;
        assert_eq!(record.revision, *revision);
    }
}

/// Options for tests: a disk that is nearly full must not fail them.
pub fn options() -> OpenOptions {
    OpenOptions { min_free_bytes: 0, ballast_bytes: 0, ..OpenOptions::default() }
}

/// The key of the log in a directory; made when it is first asked for.
pub fn signing_key(dir: &Path) -> SigningKey {
    std::fs::create_dir_all(dir).unwrap();
    let path = dir.join("signing-key");
    match path.exists() {
        true => SigningKey::read(&path).unwrap(),
        false => SigningKey::create(&path, "ledger.test").unwrap(),
    }
}

pub fn open_with(dir: &Path, options: OpenOptions) -> Result<SledLedger, OpenError> {
    SledLedger::open(dir, signing_key(dir), options)
}

pub fn open(dir: &Path) -> SledLedger {
    open_with(dir, options()).unwrap()
}

pub fn refusal(dir: &Path, options: OpenOptions) -> OpenError {
    match open_with(dir, options) {
        Ok(_) => panic!("the open was not refused"),
        Err(refusal) => refusal,
    }
}

/// The store's own database, for tests that damage it below the ledger.
pub fn raw_store(dir: &Path) -> sled::Db {
    let config = sled::Config::new().path(dir.join("store")).segment_size(8 << 20);
    loop {
        match config.open() {
            Err(sled::Error::Io(error)) if error.to_string().contains("could not acquire lock") => {
                std::thread::yield_now();
            }
            opened => return opened.unwrap(),
        }
    }
}

/// A ledger with so many records of one byte in stream `a`.
pub async fn filled(dir: &Path, records: u8) -> SledLedger {
    let ledger = open(dir);
    for leaf in 0..records {
        append_one(&ledger, "a", &[leaf]).await;
    }
    ledger
}

/// Every file below a directory with its bytes, and every directory.
pub fn files(dir: &Path) -> std::collections::BTreeMap<std::path::PathBuf, Vec<u8>> {
    let mut found = std::collections::BTreeMap::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.insert(path.clone(), Vec::new());
            found.extend(files(&path));
        } else {
            found.insert(path.clone(), std::fs::read(path).unwrap());
        }
    }
    found
}

/// Leaves the first chunk of a batch of two at the end of the store, as a crash in the middle of a write
/// does: it is taken from a copy of the directory in which the batch was appended whole.
pub fn tear(dir: &Path) {
    let copy = tempfile::tempdir().unwrap();
    copy_all(dir, copy.path());
    let ledger = open(copy.path());
    let at = ledger.head().next();
    let large = vec![set(vec![record("a", &[8; 60_000]), record("a", &[9; 60_000])])];
    at_once(ledger.append(batch(&ledger, large))).unwrap();
    drop(ledger);
    let chunk = raw_store(copy.path()).get(at.0.to_be_bytes()).unwrap().unwrap();
    let store = raw_store(dir);
    store.insert(at.0.to_be_bytes(), chunk).unwrap();
    store.flush().unwrap();
}

/// Runs a future that never waits: everything the ledger does on disk blocks.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("the ledger waited"),
    }
}

/// Copies a directory with all in it.
pub fn copy_all(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy_all(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).unwrap()),
        }
    }
}
