//! A creation that was cut short: taken up again, begun again, or refused.

use super::*;

#[tokio::test]
async fn records_without_a_format_file_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    filled_and_closed(dir.path(), 3).await;
    fs::remove_file(dir.path().join("FORMAT")).unwrap();
    assert!(matches!(refusal(dir.path(), options()), OpenError::NotALedger { .. }));
}

#[tokio::test]
async fn a_creation_that_was_cut_short_is_taken_up_again() {
    for missing in [&["FORMAT"][..], &["FORMAT", "head"], &["FORMAT", "head", "keys"]] {
        let dir = tempfile::tempdir().unwrap();
        drop(open(dir.path()));
        for name in missing {
            fs::remove_file(dir.path().join(name)).unwrap();
        }
        if missing.len() == 3 {
            fs::remove_dir_all(dir.path().join("store")).unwrap();
        }
        append_one(&open(dir.path()), "a", b"1").await;
    }
}

/// A sync that fails while a log is made is noted beside the store, and FORMAT is not written yet. What the store holds
/// then, in the cache or after a loss of power, is nothing that was acknowledged.
#[tokio::test]
async fn a_creation_whose_sync_failed_is_taken_up_again() {
    for lost in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        drop(open(dir.path()));
        for name in ["FORMAT", "head"] {
            fs::remove_file(dir.path().join(name)).unwrap();
        }
        fs::write(dir.path().join("REWRITE"), "a sync failed").unwrap();
        if lost {
            fs::write(dir.path().join("store/db"), [0; 64 * 1024]).unwrap();
        }
        append_one(&open(dir.path()), "a", b"1").await;
        assert!(!dir.path().join("REWRITE").exists() && !dir.path().join("store.new").exists());
        assert_eq!(open(dir.path()).head().size, 1);
    }
}

/// The configuration of a storage engine that was killed between the two writes it makes of it.
fn half_a_configuration() -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    let whole = fs::read(dir.path().join("store/conf")).unwrap();
    whole[..whole.len() - 4].to_owned()
}

/// What a process leaves that is killed while the storage engine makes its files.
#[tokio::test]
async fn a_creation_that_was_cut_short_before_the_storage_engine_wrote_anything_begins_again() {
    for db in [None, Some(&[][..]), Some(&[0; 3 * 64 * 1024][..])] {
        for conf in [None, Some(vec![]), Some(half_a_configuration())] {
            let dir = tempfile::tempdir().unwrap();
            let store = dir.path().join("store");
            fs::create_dir_all(store.join("blobs")).unwrap();
            fs::write(dir.path().join("LOCK"), "").unwrap();
            for (name, bytes) in [("conf", conf.as_deref()), ("db", db)] {
                bytes.into_iter().for_each(|bytes| fs::write(store.join(name), bytes).unwrap());
            }
            append_one(&open(dir.path()), "a", b"1").await;
            assert_eq!(copies(dir.path()), [""; 0]);
        }
    }
}

#[tokio::test]
async fn a_store_without_a_format_file_is_not_taken_for_a_creation_when_there_is_anything_in_it() {
    let log = tempfile::tempdir().unwrap();
    filled_and_closed(log.path(), 3).await;
    let records = fs::read(log.path().join("store/db")).unwrap();
    for (name, bytes) in [("db", &records[..]), ("db", b"\0\0x"), ("blobs/12", b"a value"), ("stray", b"")] {
        let dir = tempfile::tempdir().unwrap();
        signing_key(dir.path());
        fs::create_dir_all(dir.path().join("store/blobs")).unwrap();
        fs::write(dir.path().join("store/conf"), half_a_configuration()).unwrap();
        fs::write(dir.path().join("store").join(name), bytes).unwrap();
        let refused = refusal(dir.path(), options());
        assert!(matches!(refused, OpenError::Damaged { .. }), "{name}: {refused:?}");
        assert_eq!(fs::read(dir.path().join("recovery/damaged/store").join(name)).unwrap(), bytes);
    }
}
