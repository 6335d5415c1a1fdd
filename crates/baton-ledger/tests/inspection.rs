//! Looking at a data directory: everything is said, nothing is changed.
#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::os::unix::fs::FileExt;

use baton_ledger::*;
use support::*;

fn look(dir: &std::path::Path) -> Result<Inspection, OpenError> {
    let scratch = tempfile::tempdir().unwrap();
    let before = files(dir);
    let found = inspect(dir, scratch.path());
    assert_eq!(files(dir), before, "the data directory was changed");
    assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 0, "a scratch copy was left behind");
    found
}

#[tokio::test]
async fn a_directory_that_was_closed_clean_is_described_and_not_changed() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = filled(dir.path(), 3).await;
    let checkpoint = ledger.checkpoint();
    ledger.close().await.unwrap();
    drop(ledger);
    let found = look(dir.path()).unwrap();
    assert_eq!((found.records, found.torn, found.verified, found.rewrite_due), (3, 0, true, false));
    assert_eq!((found.clean, found.changed), (true, false));
    assert_eq!(found.checkpoint.as_ref(), Some(&checkpoint));
    assert_eq!(found.noted, Some(checkpoint));
    assert_eq!(found.head.size, 3);
}

#[tokio::test]
async fn a_store_that_was_changed_since_it_was_stopped_is_named_even_where_no_record_is_concerned() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 3).await.close().await.unwrap();
    fs::write(dir.path().join("store/stray"), "of somebody else").unwrap();
    let found = look(dir.path()).unwrap();
    assert_eq!((found.records, found.clean, found.changed), (3, true, true));
}

#[tokio::test]
async fn a_snapshot_is_named_only_where_the_next_start_could_take_it_up() {
    let dir = tempfile::tempdir().unwrap();
    let write: WriteSnapshot<'_> = &|out| out.write_all(b"the state");
    filled(dir.path(), 3).await.close_with_snapshot(write).await.unwrap();
    let path = dir.path().join("snapshot");
    assert_eq!(look(dir.path()).unwrap().snapshot, Some(fs::metadata(&path).unwrap().len()));
    // One of another stop lies beside a sound store.
    let other = tempfile::tempdir().unwrap();
    filled(other.path(), 3).await.close_with_snapshot(write).await.unwrap();
    let own = fs::read(&path).unwrap();
    fs::copy(other.path().join("snapshot"), &path).unwrap();
    assert_eq!(look(dir.path()).unwrap().snapshot, None);
    // Its own, of a store that was changed since.
    fs::write(&path, own).unwrap();
    fs::write(dir.path().join("store/stray"), "of somebody else").unwrap();
    assert_eq!(look(dir.path()).unwrap().snapshot, None);
    // None.
    filled(other.path(), 3).await.close().await.unwrap();
    assert_eq!(look(other.path()).unwrap().snapshot, None);
}

#[tokio::test]
async fn a_log_without_records_has_no_checkpoint_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).close().await.unwrap();
    let found = look(dir.path()).unwrap();
    assert_eq!((found.records, found.checkpoint.is_none(), found.noted.is_some(), found.verified), (0, true, true, true));
}

#[tokio::test]
async fn an_unclean_stop_is_named_and_a_torn_batch_is_counted_and_left_where_it_is() {
    let dir = tempfile::tempdir().unwrap();
    drop(filled(dir.path(), 3).await);
    tear(dir.path());
    let found = look(dir.path()).unwrap();
    assert_eq!((found.records, found.torn, found.clean), (3, 1, false));
    assert_eq!(look(dir.path()).unwrap(), found);
}

#[tokio::test]
async fn a_directory_that_is_open_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = filled(dir.path(), 3).await;
    assert!(matches!(look(dir.path()), Err(OpenError::InUse { pid: Some(pid), .. }) if pid == std::process::id()));
    append_one(&ledger, "a", b"goes on").await;
}

#[tokio::test]
async fn damage_and_loss_are_said_as_the_open_says_them() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 3).await.close().await.unwrap();
    let store = raw_store(dir.path());
    let good = store.get(2_u64.to_be_bytes()).unwrap().unwrap();
    store.insert(2_u64.to_be_bytes(), vec![1; 40]).unwrap();
    drop(store);
    assert!(matches!(look(dir.path()), Err(OpenError::Damaged { copy: None, .. })));
    let store = raw_store(dir.path());
    store.remove(2_u64.to_be_bytes()).unwrap();
    drop(store);
    assert!(matches!(look(dir.path()), Err(OpenError::Loss { noted: Head { size: 3, .. }, .. })));
    let store = raw_store(dir.path());
    store.insert(2_u64.to_be_bytes(), good).unwrap();
    drop(store);
    assert!(look(dir.path()).unwrap().verified);
}

#[tokio::test]
async fn without_its_head_file_or_its_trust_file_a_directory_is_not_called_verified() {
    for name in ["head", "trust.txt"] {
        let dir = tempfile::tempdir().unwrap();
        filled(dir.path(), 3).await.close().await.unwrap();
        fs::remove_file(dir.path().join(name)).unwrap();
        let found = look(dir.path()).unwrap();
        assert!(!found.verified, "without {name}");
        assert_eq!(found.records, 3);
    }
}

#[tokio::test]
async fn another_logs_trust_file_does_not_verify_it() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 3).await.close().await.unwrap();
    let other = SigningKey::generate("ledger.test").unwrap();
    fs::write(dir.path().join("trust.txt"), format!("{}\n", other.verifier_key())).unwrap();
    assert!(!look(dir.path()).unwrap().verified);
}

#[tokio::test]
async fn a_head_file_with_one_torn_slot_still_says_the_other() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 3).await.close().await.unwrap();
    for at in [20, 4096 + 20] {
        let path = dir.path().join("head");
        let good = fs::read(&path).unwrap();
        fs::File::options().write(true).open(&path).unwrap().write_all_at(b"torn", at).unwrap();
        assert!(look(dir.path()).unwrap().noted.is_some());
        fs::write(&path, good).unwrap();
    }
}

#[tokio::test]
async fn a_scratch_directory_inside_the_data_directory_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), 1).await.close().await.unwrap();
    let refused = inspect(dir.path(), &dir.path().join("store")).unwrap_err();
    assert!(matches!(refused, OpenError::Io { what: "use as a scratch directory", .. }));
}
