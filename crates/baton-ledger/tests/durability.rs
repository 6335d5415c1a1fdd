//! What a failed sync or a full disk does to an append and to those after it.
#![allow(clippy::unwrap_used)]

mod support;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use baton_ledger::*;
use support::*;

/// A hook that fails with an error at one point while it is switched on.
fn failing(point: SyncPoint, errno: i32) -> (SyncHook, Arc<AtomicBool>) {
    let on = Arc::new(AtomicBool::new(false));
    let switch = on.clone();
    let hook = move |at| match at == point && switch.load(Ordering::SeqCst) {
        true => Err(io::Error::from_raw_os_error(errno)),
        false => Ok(()),
    };
    (Arc::new(hook), on)
}

async fn append_while_failing(dir: &Path, point: SyncPoint, errno: i32) -> (SledLedger, AppendError) {
    let (hook, on) = failing(point, errno);
    let ledger = open_with(dir, OpenOptions { sync_hook: Some(hook), ..options() }).unwrap();
    append_one(&ledger, "a", b"kept").await;
    on.store(true, Ordering::SeqCst);
    let sets = vec![requested(1, 1, vec![record("a", b"unknown")])];
    let refused = ledger.append(batch(&ledger, sets)).await.unwrap_err();
    on.store(false, Ordering::SeqCst);
    (ledger, refused)
}

#[tokio::test]
async fn a_failed_sync_leaves_the_outcome_unknown_and_shows_nothing_of_it() {
    for point in [SyncPoint::BeforeSync, SyncPoint::AfterSync] {
        let dir = tempfile::tempdir().unwrap();
        let (ledger, refused) = append_while_failing(dir.path(), point, libc_eio()).await;
        assert!(matches!(refused, AppendError::OutcomeUnknown { .. }), "{refused:?}");
        assert_eq!(ledger.head().size, 1);
        assert_eq!(ledger.follow().borrow().checkpoint().size, 1);
        assert_eq!(read_all(&ledger).await.len(), 1);
        assert_eq!(ledger.read(Position(1), 9).await.unwrap(), []);
        assert_eq!(ledger.revision(&stream("a")), Some(Revision(1)));
        assert_eq!(ledger.request(&key(1)), None);

        let again = ledger.append(batch(&ledger, vec![set(vec![record("a", b"2")])])).await;
        assert!(matches!(again.unwrap_err(), AppendError::Poisoned { .. }));
        assert!(matches!(ledger.close().await.unwrap_err(), CloseError::Poisoned { .. }));
        drop(ledger);

        // Kept or not: whole, and the request says which.
        let ledger = open(dir.path());
        let records = read_all(&ledger).await;
        assert_in_order(&records);
        assert_eq!(ledger.request(&key(1)).is_some(), records.len() == 2);
        if point == SyncPoint::AfterSync {
            assert_eq!(records.len(), 2, "a synced batch was lost");
        }
        append_one(&ledger, "a", b"goes on").await;
    }
}

#[tokio::test]
async fn a_disk_that_fills_up_during_the_write_is_full_with_unknown_outcome() {
    let dir = tempfile::tempdir().unwrap();
    let (_ledger, refused) = append_while_failing(dir.path(), SyncPoint::BeforeSync, 28).await;
    assert!(matches!(refused, AppendError::Full { nothing_written: false }), "{refused:?}");
}

#[tokio::test]
async fn a_disk_that_is_nearly_full_refuses_beforehand_and_poisons_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let never_enough = OpenOptions { min_free_bytes: u64::MAX, ..options() };
    let ledger = open_with(dir.path(), never_enough).unwrap();
    for _ in 0..2 {
        let refused = ledger.append(batch(&ledger, vec![set(vec![record("a", b"1")])])).await;
        assert!(matches!(refused.unwrap_err(), AppendError::Full { nothing_written: true }));
    }
    ledger.close().await.unwrap();
}

#[tokio::test]
async fn the_hook_sees_each_append_before_and_after_its_sync_and_before_it_is_published() {
    let dir = tempfile::tempdir().unwrap();
    let calls = Arc::new(AtomicU64::new(0));
    let seen = calls.clone();
    let hook: SyncHook = Arc::new(move |point| {
        // Before and after alternate: 0, 1, 0, 1.
        let call = seen.fetch_add(1, Ordering::SeqCst);
        assert_eq!(point == SyncPoint::AfterSync, call % 2 == 1);
        Ok(())
    });
    let ledger = open_with(dir.path(), OpenOptions { sync_hook: Some(hook), ..options() }).unwrap();
    append_one(&ledger, "a", b"1").await;
    append_one(&ledger, "a", b"2").await;
    assert_eq!(calls.load(Ordering::SeqCst), 4);
}

/// EIO, the number of which is the same on every Linux.
fn libc_eio() -> i32 {
    5
}
