//! What is copied aside before a store is opened, and what is removed.

use super::*;

#[tokio::test]
async fn after_a_clean_stop_nothing_is_copied() {
    let dir = tempfile::tempdir().unwrap();
    filled_and_closed(dir.path(), 3).await;
    assert_eq!(open(dir.path()).head().size, 3);
    assert_eq!(copies(dir.path()), [""; 0]);
}

/// Given a store that was stopped in order, when it is damaged before the next open, then that refuses it, and the
/// damaged bytes are kept as they lay, whatever the storage engine makes of its own files.
#[tokio::test]
async fn a_store_that_was_damaged_after_a_clean_stop_is_kept_as_it_was_damaged() {
    let original = tempfile::tempdir().unwrap();
    filled_and_closed(original.path(), 20).await;
    let whole = fs::metadata(original.path().join("store/db")).unwrap().len();
    let used = fs::read(original.path().join("store/db")).unwrap().iter().rposition(|byte| *byte != 0).unwrap() as u64;
    let (mut refused, mut changed) = (0, 0);
    for cut in [used / 3, used / 2, used - 1, whole - 1] {
        let dir = tempfile::tempdir().unwrap();
        copy_all(original.path(), dir.path());
        fs::File::options().write(true).open(dir.path().join("store/db")).unwrap().set_len(cut).unwrap();
        let damaged: Vec<_> = snapshot(&dir.path().join("store")).into_values().collect();
        let copy = match open_with(dir.path(), options()) {
            Ok(_) => "1",
            Err(OpenError::Damaged { .. } | OpenError::Loss { .. }) => {
                refused += 1;
                "damaged"
            }
            Err(other) => panic!("{other:?}"),
        };
        let kept = snapshot(&dir.path().join("recovery").join(copy).join("store"));
        assert!(damaged.iter().eq(kept.values()), "cut to {cut}: the copy is not the store as it was damaged");
        let now = snapshot(&dir.path().join("store"));
        changed += usize::from(!damaged.iter().eq(now.values()));
    }
    assert!(refused > 0 && changed > 0, "{refused} were refused, and the storage engine changed {changed}");
}

#[tokio::test]
async fn a_store_without_a_whole_seal_is_copied_once_and_sealed_by_the_next_stop() {
    let dir = tempfile::tempdir().unwrap();
    filled_and_closed(dir.path(), 3).await;
    let seal = dir.path().join("seal");
    fs::write(&seal, &fs::read(&seal).unwrap()[..30]).unwrap();
    let ledger = open(dir.path());
    assert_eq!((ledger.head().size, copies(dir.path())), (3, vec!["1".to_owned()]));
    ledger.close().await.unwrap();
    drop(ledger);
    drop(open(dir.path()));
    assert_eq!(copies(dir.path()), ["1"]);
}

/// Reads make the storage engine tidy up its nodes, and it writes that when it is dropped.
#[tokio::test]
async fn a_ledger_that_is_read_after_it_was_closed_is_sealed_as_it_then_lies() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = filled(dir.path(), 200).await;
    ledger.close().await.unwrap();
    assert!(!dir.path().join("seal").exists());
    assert_eq!(read_all(&ledger).await.len(), 200);
    drop(ledger);
    drop(open(dir.path()));
    assert_eq!(copies(dir.path()), [""; 0]);
}

#[tokio::test]
async fn after_unclean_stops_the_newest_two_raw_copies_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    drop(filled(dir.path(), 3).await);
    let before = snapshot(&dir.path().join("store"));
    drop(open(dir.path()));
    assert_eq!(copies(dir.path()), ["1"]);
    let copy = snapshot(&dir.path().join("recovery/1/store"));
    assert!(before.values().eq(copy.values()), "the copy is not the store as it lay");
    drop(open(dir.path()));
    drop(open(dir.path()));
    assert_eq!(copies(dir.path()), ["2", "3"]);
    assert_eq!(open(dir.path()).head().size, 3);
}

#[tokio::test]
async fn an_unfinished_snapshot_is_removed_after_an_unclean_stop() {
    let dir = tempfile::tempdir().unwrap();
    drop(filled(dir.path(), 3).await);
    let torn = dir.path().join("store/snap.FFFFFFFFFFFFFFFF.generating");
    fs::write(&torn, "torn").unwrap();
    assert_eq!(open(dir.path()).head().size, 3);
    assert!(!torn.exists());
}
