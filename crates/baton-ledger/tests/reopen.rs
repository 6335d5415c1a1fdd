//! A ledger whose writes or syncs failed takes records again, in place or at the next start, and only
//! after everything was verified.
#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use baton_ledger::*;
use support::*;

const STEPS: [RewriteStep; 7] = [
    RewriteStep::Marked,
    RewriteStep::Copying,
    RewriteStep::Copied,
    RewriteStep::KeysReplaced,
    RewriteStep::OldAside,
    RewriteStep::NewInPlace,
    RewriteStep::Opened,
];

fn broken() -> io::Error {
    io::Error::from_raw_os_error(5)
}

/// What fails from now on.
#[derive(Clone, Default)]
struct Faults {
    /// Writes that still succeed before the ones that fail; `None` while all succeed.
    writes_left: Arc<Mutex<Option<u64>>>,
    sync: Arc<AtomicBool>,
    /// Where a rewrite ends with an error.
    stop_at: Arc<Mutex<Option<RewriteStep>>>,
}

impl Faults {
    fn options(&self) -> OpenOptions {
        let (writes, sync, stop_at) = (self.writes_left.clone(), self.sync.clone(), self.stop_at.clone());
        OpenOptions {
            write_hook: Some(Arc::new(move || match &mut *writes.lock().unwrap() {
                Some(0) => Err(broken()),
                Some(left) => {
                    *left -= 1;
                    Ok(())
                }
                None => Ok(()),
            })),
            sync_hook: Some(Arc::new(move |point| match point == SyncPoint::BeforeSync && sync.load(Ordering::SeqCst) {
                true => Err(broken()),
                false => Ok(()),
            })),
            rewrite_hook: Some(Arc::new(move |step| match *stop_at.lock().unwrap() == Some(step) {
                true => Err(broken()),
                false => Ok(()),
            })),
            ..options()
        }
    }

    fn fail_writes_after(&self, left: u64) {
        *self.writes_left.lock().unwrap() = Some(left);
    }

    fn fail_syncs(&self) {
        self.sync.store(true, Ordering::SeqCst);
    }

    fn stop_at(&self, step: RewriteStep) {
        *self.stop_at.lock().unwrap() = Some(step);
    }

    fn heal(&self) {
        *self.writes_left.lock().unwrap() = None;
        self.sync.store(false, Ordering::SeqCst);
        *self.stop_at.lock().unwrap() = None;
    }
}

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

/// A failed sync that can not be noted in a file of its own is noted by the space put aside, under another name.
#[tokio::test]
async fn a_failed_sync_is_noted_also_where_no_file_can_be_made() {
    let dir = tempfile::tempdir().unwrap();
    let faults = Faults::default();
    let options = || OpenOptions { ballast_bytes: 4096, ..faults.options() };
    let ledger = filled_with_two(open_with(dir.path(), options()).unwrap()).await;
    let (note, ballast) = (dir.path().join("REWRITE"), dir.path().join("ballast"));
    // Whoever makes the note in its place is sent to a directory that is not there.
    std::os::unix::fs::symlink("nowhere/note", &note).unwrap();
    faults.fail_syncs();
    fail(&ledger).await;
    assert!(note.is_file() && !ballast.exists());
    drop(ledger);
    faults.heal();
    let ledger = open_with(dir.path(), options()).unwrap();
    assert!(read_all(&ledger).await.len() >= 2);
    assert!(!note.exists() && ballast.is_file());
    assert!(dir.path().join("recovery").is_dir(), "the old store is kept");
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
async fn after_a_failed_sync_the_store_is_written_anew_and_the_old_one_kept_aside() {
    let dir = tempfile::tempdir().unwrap();
    let (ledger, faults) = two_records(dir.path()).await;
    let (file, keys) = (store_file(dir.path()), fs::metadata(dir.path().join("keys")).unwrap().ino());
    faults.fail_syncs();
    assert!(matches!(fail(&ledger).await, AppendError::OutcomeUnknown { .. }));
    assert!(marker(dir.path()), "the next start would trust what it reads");
    assert_refuses_and_reads(&ledger).await;
    faults.heal();
    ledger.reopen().await.unwrap();
    assert!(!marker(dir.path()));
    assert_ne!(store_file(dir.path()), file);
    assert_ne!(fs::metadata(dir.path().join("keys")).unwrap().ino(), keys);
    assert_eq!(fs::metadata(dir.path().join("recovery/1/store/db")).unwrap().ino(), file);
    assert!(!dir.path().join("store.new").exists());
    assert_goes_on(&ledger).await;
    let size = ledger.head().size;
    ledger.close().await.unwrap();
    drop(ledger);
    assert_goes_on_after_start(dir.path(), size).await;
}

#[tokio::test]
async fn a_process_that_ends_after_a_failed_sync_leaves_the_rewrite_to_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let (ledger, faults) = two_records(dir.path()).await;
    let file = store_file(dir.path());
    faults.fail_syncs();
    fail(&ledger).await;
    drop(ledger);
    faults.heal();
    assert!(inspect(dir.path(), tempfile::tempdir().unwrap().path()).unwrap().rewrite_due);
    let ledger = open(dir.path());
    assert_ne!(store_file(dir.path()), file, "the store was not written anew");
    assert!(!marker(dir.path()));
    assert_goes_on(&ledger).await;
}

#[tokio::test]
async fn a_rewrite_that_ends_at_any_step_is_taken_up_in_place() {
    for step in STEPS {
        let dir = tempfile::tempdir().unwrap();
        let (ledger, faults) = two_records(dir.path()).await;
        let file = store_file(dir.path());
        faults.fail_syncs();
        fail(&ledger).await;
        faults.heal();
        faults.stop_at(step);
        for _ in 0..2 {
            assert!(ledger.reopen().await.is_err(), "{step:?} was passed");
            assert!(marker(dir.path()), "after {step:?}");
            let refused = ledger.append(batch(&ledger, vec![set(vec![record("b", b"no")])])).await.unwrap_err();
            assert!(matches!(refused, AppendError::Poisoned { .. }), "{refused:?}");
        }
        faults.heal();
        ledger.reopen().await.unwrap();
        assert!(!marker(dir.path()), "after {step:?}");
        assert_ne!(store_file(dir.path()), file);
        assert_goes_on(&ledger).await;
        ledger.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_rewrite_that_ends_at_any_step_is_taken_up_by_the_next_start_also_when_that_ends_there_too() {
    for step in STEPS {
        let dir = tempfile::tempdir().unwrap();
        let (ledger, faults) = two_records(dir.path()).await;
        let file = store_file(dir.path());
        faults.fail_syncs();
        fail(&ledger).await;
        faults.heal();
        faults.stop_at(step);
        assert!(ledger.reopen().await.is_err(), "{step:?} was passed");
        drop(ledger);
        // A start finds the old store gone already at the later steps and passes the earlier ones by.
        let stopped = open_with(dir.path(), faults.options());
        let passed_by = step == RewriteStep::Copying || step == RewriteStep::Copied;
        assert!(stopped.is_err() || passed_by, "{step:?} was passed at a start");
        drop(stopped);
        faults.heal();
        let ledger = open(dir.path());
        assert!(!marker(dir.path()), "after {step:?}");
        assert_ne!(store_file(dir.path()), file, "after {step:?}");
        assert_goes_on(&ledger).await;
        assert_eq!(inspect_after_close(dir.path(), ledger).await, (false, true));
    }
}

#[tokio::test]
async fn start_after_a_failed_sync_writes_nothing_into_the_old_store() {
    let dir = tempfile::tempdir().unwrap();
    let (ledger, faults) = two_records(dir.path()).await;
    faults.fail_syncs();
    fail(&ledger).await;
    faults.heal();
    drop(ledger);
    assert!(marker(dir.path()));
    let data = dir.path().join("store/db");
    let before = fs::read(&data).unwrap();
    faults.stop_at(RewriteStep::Copied);
    assert!(open_with(dir.path(), faults.options()).is_err());
    assert!(fs::read(&data).unwrap() == before, "the engine was let at the old files");
    faults.heal();
    assert_goes_on(&open(dir.path())).await;
    assert!(!dir.path().join("recovery/source").exists());
}

/// Whether a rewrite is due and the stop was clean.
async fn inspect_after_close(dir: &Path, ledger: SledLedger) -> (bool, bool) {
    ledger.close().await.unwrap();
    drop(ledger);
    let found = inspect(dir, tempfile::tempdir().unwrap().path()).unwrap();
    (found.rewrite_due, found.clean)
}

#[tokio::test]
async fn between_the_two_renames_of_a_rewrite_a_doctor_still_finds_every_record() {
    let dir = tempfile::tempdir().unwrap();
    let (ledger, faults) = two_records(dir.path()).await;
    faults.fail_syncs();
    fail(&ledger).await;
    faults.heal();
    faults.stop_at(RewriteStep::OldAside);
    assert!(ledger.reopen().await.is_err());
    drop(ledger);
    assert!(!dir.path().join("store").exists());
    let found = inspect(dir.path(), tempfile::tempdir().unwrap().path()).unwrap();
    assert!(found.rewrite_due && found.records >= 2);
}

#[tokio::test]
async fn many_failures_leave_at_most_two_old_stores_aside() {
    let dir = tempfile::tempdir().unwrap();
    let (ledger, faults) = two_records(dir.path()).await;
    for _ in 0..5 {
        faults.fail_syncs();
        ledger.append(batch(&ledger, vec![set(vec![record("b", b"unknown")])])).await.unwrap_err();
        faults.heal();
        ledger.reopen().await.unwrap();
        assert!(kept_aside(dir.path()) <= 2, "{} are kept", kept_aside(dir.path()));
    }
    append_one(&ledger, "a", b"goes on").await;
}

#[tokio::test]
async fn a_rewrite_that_fails_again_and_again_keeps_the_store_of_the_failure_and_at_most_one_more() {
    let dir = tempfile::tempdir().unwrap();
    let (ledger, faults) = two_records(dir.path()).await;
    let file = store_file(dir.path());
    faults.fail_syncs();
    fail(&ledger).await;
    faults.heal();
    faults.stop_at(RewriteStep::Opened);
    for _ in 0..4 {
        assert!(ledger.reopen().await.is_err());
        assert!(read_all(&ledger).await.len() >= 2);
    }
    assert!(holds_file(&dir.path().join("recovery"), file));
    assert_eq!(kept_aside(dir.path()), 2);
    faults.heal();
    ledger.reopen().await.unwrap();
    assert!(holds_file(&dir.path().join("recovery"), file));
    assert_goes_on(&ledger).await;
}

#[tokio::test]
async fn starts_that_end_again_and_again_before_a_rewrite_is_done_keep_the_store_of_the_failure() {
    for step in [RewriteStep::OldAside, RewriteStep::NewInPlace, RewriteStep::Opened] {
        let dir = tempfile::tempdir().unwrap();
        let (ledger, faults) = two_records(dir.path()).await;
        let file = store_file(dir.path());
        faults.fail_syncs();
        fail(&ledger).await;
        faults.heal();
        drop(ledger);
        faults.stop_at(step);
        for _ in 0..4 {
            assert!(open_with(dir.path(), faults.options()).is_err(), "{step:?} was passed");
        }
        faults.heal();
        let ledger = open(dir.path());
        assert!(holds_file(&dir.path().join("recovery"), file), "the first store is gone after {step:?}");
        assert!(kept_aside(dir.path()) <= 3, "{} are kept", kept_aside(dir.path()));
        assert_goes_on(&ledger).await;
        // It counts as the newest one that is kept from then on.
        ledger.close().await.unwrap();
        drop(ledger);
        drop(open(dir.path()));
        assert!(holds_file(&dir.path().join("recovery"), file));
        assert!(!dir.path().join("recovery/rewritten").exists());
    }
}

/// Whether a store below a directory has this file.
fn holds_file(dir: &Path, file: u64) -> bool {
    let stores = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path().join("store/db"));
    stores.into_iter().any(|db| fs::metadata(db).is_ok_and(|db| db.ino() == file))
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
    let (ledger, faults) = two_records(dir.path()).await;
    faults.fail_syncs();
    fail(&ledger).await;
    faults.heal();
    assert!(matches!(ledger.erase(&[Position(1)]).await, Err(EraseError::Io { .. })));
    assert_eq!(read_all(&ledger).await[1].disclosure, Disclosure::Open(b"a name".to_vec()));
    ledger.reopen().await.unwrap();
    ledger.erase(&[Position(1)]).await.unwrap();
    assert_eq!(read_all(&ledger).await[1].disclosure, Disclosure::Erased);
    drop(ledger);
    assert_eq!(read_all(&open(dir.path())).await[1].disclosure, Disclosure::Erased);
}
