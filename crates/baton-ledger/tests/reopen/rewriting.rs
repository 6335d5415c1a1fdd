//! After a failed sync: every complete batch is written anew, however often that is cut short.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use baton_ledger::*;

use super::faults::Faults;
use super::*;

const STEPS: [RewriteStep; 7] = [
    RewriteStep::Marked,
    RewriteStep::Copying,
    RewriteStep::Copied,
    RewriteStep::KeysReplaced,
    RewriteStep::OldAside,
    RewriteStep::NewInPlace,
    RewriteStep::Opened,
];

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
        let (ledger, faults) = after_a_failed_sync(dir.path()).await;
        let file = store_file(dir.path());
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
        let (ledger, faults) = after_a_failed_sync(dir.path()).await;
        let file = store_file(dir.path());
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
    let (ledger, faults) = after_a_failed_sync(dir.path()).await;
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
    let (ledger, faults) = after_a_failed_sync(dir.path()).await;
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
    let (ledger, faults) = after_a_failed_sync(dir.path()).await;
    let file = store_file(dir.path());
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
        let (ledger, faults) = after_a_failed_sync(dir.path()).await;
        let file = store_file(dir.path());
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
