//! A ledger whose writes or syncs failed takes records again, in place or at the next start, and only
//! after everything was verified.
#![allow(clippy::unwrap_used)]

mod faults;
mod rewriting;
#[path = "../support/mod.rs"]
mod support;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use baton_ledger::*;
use support::*;

use faults::Faults;

/// A ledger with two records, one of them with a name beside it, and faults to switch on.
async fn two_records(dir: &Path) -> (SledLedger, Faults) {
    let faults = Faults::default();
    (filled_with_two(open_with(dir, faults.options()).unwrap()).await, faults)
}

async fn filled_with_two(ledger: SledLedger) -> SledLedger {
    let sets = vec![requested(1, 1, vec![record("a", b"first"), secret("a", b"second", b"a name")])];
    ledger.append(batch(&ledger, sets)).await.unwrap();
    ledger
}

/// The same when a sync has failed and the disk is sound again.
async fn after_a_failed_sync(dir: &Path) -> (SledLedger, Faults) {
    let (ledger, faults) = two_records(dir).await;
    faults.fail_syncs();
    fail(&ledger).await;
    faults.heal();
    (ledger, faults)
}

/// Appends a request under id 2 that fails.
async fn fail(ledger: &SledLedger) -> AppendError {
    let sets = vec![requested(2, 2, vec![record("a", &[7; 60_000]), record("a", &[8; 60_000])])];
    ledger.append(batch(ledger, sets)).await.unwrap_err()
}

async fn assert_refuses_and_reads(ledger: &SledLedger) {
    let refused = ledger.append(batch(ledger, vec![set(vec![record("b", b"no")])])).await.unwrap_err();
    assert!(matches!(refused, AppendError::Poisoned { .. }), "{refused:?}");
    assert_eq!(read_all(ledger).await.len(), 2);
    assert_eq!(ledger.head().size, 2);
}

/// The first two records are there, the request that failed is there whole or not at all, and it goes on.
async fn assert_goes_on(ledger: &SledLedger) {
    let records = read_all(ledger).await;
    assert_in_order(&records);
    assert_eq!((records[0].leaf.as_slice(), &records[1].disclosure), (&b"first"[..], &Disclosure::Open(b"a name".to_vec())));
    assert!(records.len() == 2 || records.len() == 4, "{} records", records.len());
    assert_eq!(ledger.request(&key(2)).map(|found| found.count), (records.len() == 4).then_some(2));
    assert_eq!(ledger.follow().borrow().checkpoint().size, records.len() as u64);
    let at = append_one(ledger, "a", b"goes on").await;
    assert_eq!(at, Position(records.len() as u64));
    let sets = vec![set(vec![secret("a", b"and on", b"another name")])];
    ledger.append(batch(ledger, sets)).await.unwrap();
    let newest = ledger.read(Position(at.0 + 1), 1).await.unwrap();
    assert_eq!(newest[0].disclosure, Disclosure::Open(b"another name".to_vec()));
    let receipt = ledger.receipt(at).await.unwrap().unwrap();
    assert_eq!(receipt.position, at);
}

fn marker(dir: &Path) -> bool {
    dir.join("REWRITE").exists()
}

/// Which file the store is.
fn store_file(dir: &Path) -> u64 {
    fs::metadata(dir.join("store/db")).unwrap().ino()
}

fn kept_aside(dir: &Path) -> usize {
    fs::read_dir(dir.join("recovery")).map_or(0, |entries| entries.count())
}

#[tokio::test]
async fn after_a_failed_write_it_is_opened_again_in_place_and_the_batch_is_not_there() {
    for writes in [0, 1] {
        let dir = tempfile::tempdir().unwrap();
        let (ledger, faults) = two_records(dir.path()).await;
        let file = store_file(dir.path());
        faults.fail_writes_after(writes);
        fail(&ledger).await;
        assert_refuses_and_reads(&ledger).await;
        assert!(!marker(dir.path()), "no sync failed");
        faults.heal();
        assert_eq!(ledger.reopen().await.unwrap().size, 2);
        assert_eq!(ledger.request(&key(2)), None);
        assert_eq!(store_file(dir.path()), file, "a failed write needs no new store");
        // The chunk that was written before the failure is kept aside.
        let torn = fs::read_dir(dir.path().join("recovery/1/torn")).map_or(0, |entries| entries.count());
        assert_eq!(torn, writes as usize);
        assert_goes_on(&ledger).await;
        ledger.close().await.unwrap();
        drop(ledger);
        assert_goes_on_after_start(dir.path(), 4).await;
    }
}

async fn assert_goes_on_after_start(dir: &Path, size: u64) {
    let ledger = open(dir);
    assert_eq!(ledger.head().size, size);
    assert_in_order(&read_all(&ledger).await);
    append_one(&ledger, "z", b"after a start").await;
}

#[tokio::test]
async fn while_writes_go_on_failing_every_attempt_is_refused_reads_go_on_and_one_raw_copy_is_made() {
    let (dir, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let copies = || fs::read_dir(elsewhere.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>();
    let faults = Faults::default();
    let options = OpenOptions { scratch: Some(elsewhere.path().to_owned()), ..faults.options() };
    let ledger = filled_with_two(open_with(dir.path(), options).unwrap()).await;
    faults.fail_writes_after(0);
    fail(&ledger).await;
    let mut readers_on = Vec::new();
    for _ in 0..4 {
        assert!(matches!(ledger.reopen().await, Err(ReopenError::Refused(OpenError::Io { .. }))));
        assert_refuses_and_reads(&ledger).await;
        readers_on.push(copies());
    }
    assert_eq!(kept_aside(dir.path()), 1);
    let mode = fs::metadata(elsewhere.path().join(&readers_on[0][0])).unwrap().permissions().mode();
    assert_eq!((readers_on[0].len(), mode & 0o777), (1, 0o700));
    assert!(readers_on.iter().all(|copy| *copy == readers_on[0]), "readers stay on the one copy: {readers_on:?}");
    assert!(matches!(ledger.close().await, Err(CloseError::Poisoned { .. })));
    assert!(matches!(ledger.reopen().await, Err(ReopenError::Closed)));
    drop(ledger);
    assert_eq!(copies(), [""; 0]);
    faults.heal();
    assert_goes_on(&open(dir.path())).await;
}

/// What an attempt leaves that fails while the storage engine writes its own snapshot.
#[tokio::test]
async fn half_a_snapshot_that_a_failed_attempt_left_does_not_fail_the_next_one() {
    let dir = tempfile::tempdir().unwrap();
    let (ledger, faults) = two_records(dir.path()).await;
    faults.fail_writes_after(0);
    fail(&ledger).await;
    assert!(ledger.reopen().await.is_err());
    fs::write(dir.path().join("store/snap.FFFFFFFFFFFFFFFF.generating"), "torn").unwrap();
    faults.heal();
    assert_eq!(ledger.reopen().await.unwrap().size, 2);
    assert_goes_on(&ledger).await;
}

#[tokio::test]
async fn reopening_a_ledger_that_works_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (ledger, _) = two_records(dir.path()).await;
    let before = store_file(dir.path());
    assert_eq!(ledger.reopen().await.unwrap().size, 2);
    assert_eq!((store_file(dir.path()), kept_aside(dir.path())), (before, 0));
    assert_goes_on(&ledger).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_are_answered_all_the_time_while_writes_and_syncs_fail_and_the_store_is_exchanged() {
    let dir = tempfile::tempdir().unwrap();
    let (ledger, faults) = two_records(dir.path()).await;
    let ledger = Arc::new(ledger);
    let done = Arc::new(AtomicBool::new(false));
    let reads = Arc::new(AtomicU64::new(0));
    let reader = std::thread::spawn({
        let (ledger, done, reads) = (ledger.clone(), done.clone(), reads.clone());
        move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            while !done.load(Ordering::SeqCst) {
                let records = runtime.block_on(ledger.read(Position(0), 2)).unwrap();
                assert_eq!(records[0].leaf, b"first");
                assert_eq!(records[1].disclosure, Disclosure::Open(b"a name".to_vec()));
                reads.fetch_add(1, Ordering::SeqCst);
            }
        }
    });
    for round in 0..6 {
        match round % 2 {
            0 => faults.fail_syncs(),
            _ => faults.fail_writes_after(0),
        }
        ledger.append(batch(&*ledger, vec![set(vec![record("b", b"unknown")])])).await.unwrap_err();
        faults.heal();
        ledger.reopen().await.unwrap();
        append_one(&*ledger, "b", b"goes on").await;
    }
    done.store(true, Ordering::SeqCst);
    reader.join().unwrap();
    assert!(reads.load(Ordering::SeqCst) > 6, "the reader hardly read");
    assert_in_order(&read_all(&*ledger).await);
}

#[tokio::test]
async fn an_erasure_whose_sync_may_have_failed_is_not_called_done_before_the_keys_are_written_anew() {
    let dir = tempfile::tempdir().unwrap();
    let (ledger, _) = after_a_failed_sync(dir.path()).await;
    assert!(matches!(ledger.erase(&[Position(1)]).await, Err(EraseError::Io { .. })));
    assert_eq!(read_all(&ledger).await[1].disclosure, Disclosure::Open(b"a name".to_vec()));
    ledger.reopen().await.unwrap();
    ledger.erase(&[Position(1)]).await.unwrap();
    assert_eq!(read_all(&ledger).await[1].disclosure, Disclosure::Erased);
    drop(ledger);
    assert_eq!(read_all(&open(dir.path())).await[1].disclosure, Disclosure::Erased);
}
