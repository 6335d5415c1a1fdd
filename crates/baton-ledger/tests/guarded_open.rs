//! The guarded open of the ledger on disk: what is refused, what is kept, what is taken up again.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};

use baton_ledger::*;
use support::*;

/// Every file below a directory with its bytes, but for LOCK, which names the last process.
fn snapshot(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(snapshot(&path));
        } else if !path.ends_with("LOCK") {
            files.insert(path.clone(), fs::read(path).unwrap());
        }
    }
    files
}

async fn filled(dir: &Path, records: u8) -> SledLedger {
    let ledger = open(dir);
    for leaf in 0..records {
        append_one(&ledger, "a", &[leaf]).await;
    }
    ledger
}

async fn filled_and_closed(dir: &Path, records: u8) {
    filled(dir, records).await.close().await.unwrap();
}

fn copies(dir: &Path) -> Vec<String> {
    let recovery = fs::read_dir(dir.join("recovery"));
    let names = recovery.into_iter().flatten().map(|e| e.unwrap().file_name());
    let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_second_open_is_refused_names_directory_and_process_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = filled(dir.path(), 3).await;
    let before = snapshot(dir.path());
    let refused = refusal(dir.path(), options());
    let pid = std::process::id();
    assert!(matches!(refused, OpenError::InUse { pid: Some(named), .. } if named == pid));
    assert!(refused.to_string().contains(dir.path().to_str().unwrap()));
    assert_eq!(snapshot(dir.path()), before);
    append_one(&ledger, "a", b"goes on").await;
}

#[tokio::test]
async fn a_newer_format_is_refused_and_nothing_changed() {
    let dir = tempfile::tempdir().unwrap();
    filled_and_closed(dir.path(), 3).await;
    fs::write(dir.path().join("FORMAT"), "baton-ledger 4\n").unwrap();
    let before = snapshot(dir.path());
    let refused = refusal(dir.path(), options());
    assert!(matches!(refused, OpenError::NewerFormat { found: 4, supported: 3, .. }));
    assert_eq!(snapshot(dir.path()), before);
}

#[tokio::test]
async fn a_directory_of_somebody_else_is_refused_and_nothing_changed() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("letter.txt"), "mine").unwrap();
    signing_key(dir.path());
    let before = snapshot(dir.path());
    assert!(matches!(refusal(dir.path(), options()), OpenError::NotALedger { .. }));
    assert_eq!(snapshot(dir.path()), before);
    assert!(!dir.path().join("LOCK").exists());
}

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

#[tokio::test]
async fn a_store_below_the_head_file_is_refused_as_loss() {
    let dir = tempfile::tempdir().unwrap();
    filled_and_closed(dir.path(), 3).await;
    raw_store(dir.path()).remove(2_u64.to_be_bytes()).unwrap();
    match refusal(dir.path(), options()) {
        OpenError::Loss { store, noted, .. } => assert_eq!((store.size, noted.size), (2, 3)),
        other => panic!("{other:?}"),
    }
    // As it lay before the storage engine saw it.
    assert_eq!(copies(dir.path()), ["damaged"]);
    // The refusal is no clean start: the next open makes a copy of its own and refuses again.
    assert!(matches!(refusal(dir.path(), options()), OpenError::Loss { .. }));
    assert_eq!(copies(dir.path()), ["1", "damaged"]);
}

#[tokio::test]
async fn a_store_of_the_same_size_with_another_history_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    filled_and_closed(dir.path(), 3).await;
    let other = tempfile::tempdir().unwrap();
    fs::copy(dir.path().join("signing-key"), other.path().join("signing-key")).unwrap();
    filled(other.path(), 2).await;
    {
        let ledger = open(other.path());
        append_one(&ledger, "a", b"another third").await;
        ledger.close().await.unwrap();
    }
    fs::copy(other.path().join("head"), dir.path().join("head")).unwrap();
    assert!(matches!(refusal(dir.path(), options()), OpenError::Damaged { .. }));
}

#[tokio::test]
async fn a_store_beyond_the_head_file_is_adopted() {
    let dir = tempfile::tempdir().unwrap();
    filled_and_closed(dir.path(), 1).await;
    let old_head = fs::read(dir.path().join("head")).unwrap();
    {
        let ledger = open(dir.path());
        append_one(&ledger, "a", b"later").await;
        ledger.close().await.unwrap();
    }
    fs::write(dir.path().join("head"), old_head).unwrap();
    assert_eq!(open(dir.path()).head().size, 2);
}

#[tokio::test]
async fn another_key_is_refused_and_a_fork_goes_on_under_a_new_origin_from_the_same_leaves() {
    let dir = tempfile::tempdir().unwrap();
    filled_and_closed(dir.path(), 3).await;
    let before = open(dir.path()).checkpoint();
    for given in ["ledger.test", "another.test"] {
        let refused = SledLedger::open(dir.path(), SigningKey::generate(given).unwrap(), options());
        match refused.err() {
            Some(OpenError::WrongKey { found, .. }) => assert_eq!(found, "ledger.test"),
            other => panic!("{other:?}"),
        }
    }
    let key = SigningKey::generate("another.test").unwrap();
    let forked = SledLedger::open(dir.path(), key.clone(), OpenOptions { fork: true, ..options() }).unwrap();
    assert_eq!(forked.head(), before.checkpoint().into());
    append_one(&forked, "log", b"forked").await;
    let checkpoint = forked.checkpoint();
    assert_eq!(checkpoint.checkpoint().origin, "another.test");
    let (old, new) = (before.checkpoint(), checkpoint.checkpoint());
    let proof = forked.prove_consistency(old.size, new.size).unwrap();
    assert!(check_consistency(&proof, old.size, old.root, new.size, new.root));
    let trust = fs::read_to_string(dir.path().join("trust.txt")).unwrap();
    assert_eq!(trust.lines().count(), 2);
    forked.close().await.unwrap();
    drop(forked);
    // From then on it is the log of the new key and of no other.
    assert!(matches!(refusal(dir.path(), options()), OpenError::WrongKey { .. }));
    SledLedger::open(dir.path(), key, options()).unwrap();
}

#[tokio::test]
async fn the_public_key_is_told_once_and_only_the_owner_may_read_the_secret_ones() {
    let dir = tempfile::tempdir().unwrap();
    filled_and_closed(dir.path(), 1).await;
    drop(open(dir.path()));
    let told = fs::read_to_string(dir.path().join("trust.txt")).unwrap();
    assert_eq!(told, format!("{}\n", signing_key(dir.path()).verifier_key()));
    for secret in ["keys", "signing-key"] {
        let mode = fs::metadata(dir.path().join(secret)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{secret}");
    }
    fs::set_permissions(dir.path().join("signing-key"), fs::Permissions::from_mode(0o640)).unwrap();
    let exposed = SigningKey::read(&dir.path().join("signing-key")).unwrap_err();
    assert!(matches!(exposed, KeyError::Exposed { mode: 0o640, .. }));
    let there = SigningKey::create(&dir.path().join("signing-key"), "ledger.test").unwrap_err();
    assert!(matches!(there, KeyError::Exists { .. }));
}

#[tokio::test]
async fn a_missing_head_file_is_refused_unless_the_operator_trusts_the_store() {
    let dir = tempfile::tempdir().unwrap();
    filled_and_closed(dir.path(), 3).await;
    fs::remove_file(dir.path().join("head")).unwrap();
    assert!(matches!(refusal(dir.path(), options()), OpenError::HeadFile { .. }));
    let trusting = OpenOptions { trust_store_without_head: true, ..options() };
    let ledger = open_with(dir.path(), trusting).unwrap();
    ledger.close().await.unwrap();
    drop(ledger);
    assert_eq!(open(dir.path()).head().size, 3);
}

#[tokio::test]
async fn a_missing_short_or_foreign_key_file_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let sets = vec![set(vec![secret("a", b"1", b"a name")])];
    ledger.append(batch(&ledger, sets)).await.unwrap();
    ledger.close().await.unwrap();
    drop(ledger);
    let keys = dir.path().join("keys");
    let good = fs::read(&keys).unwrap();
    let refused = || match refusal(dir.path(), options()) {
        OpenError::Keys { path, .. } => assert_eq!(path, keys),
        other => panic!("{other:?}"),
    };

    fs::remove_file(&keys).unwrap();
    refused();
    assert!(!keys.exists(), "a new key file would hide the loss of the old one");
    fs::write(&keys, &good[..64]).unwrap();
    refused();
    let other = tempfile::tempdir().unwrap();
    drop(open(other.path()));
    fs::copy(other.path().join("keys"), &keys).unwrap();
    refused();

    fs::write(&keys, &good).unwrap();
    fs::set_permissions(&keys, fs::Permissions::from_mode(0o600)).unwrap();
    let record = &read_all(&open(dir.path())).await[0];
    assert_eq!(record.disclosure, Disclosure::Open(b"a name".to_vec()));
}

#[tokio::test]
async fn no_key_slot_is_used_twice_across_stops() {
    let dir = tempfile::tempdir().unwrap();
    let mut ciphertexts_end = Vec::new();
    for round in 0..3 {
        let ledger = open(dir.path());
        for leaf in 0..3 {
            let sets = vec![set(vec![secret("a", &[round, leaf], b"name")])];
            ledger.append(batch(&ledger, sets)).await.unwrap();
        }
        if round == 0 {
            ledger.close().await.unwrap();
        }
    }
    let db = raw_store(dir.path());
    for value in db.iter().filter(|pair| pair.as_ref().unwrap().0.len() == 8) {
        // One entry in "a" without request: the slot follows format, places, entry and leaf.
        let value = value.unwrap().1;
        let at = 20 + 1 + 8 + 1 + 1 + 2 + 2;
        ciphertexts_end.push(u64::from_be_bytes(value[at..at + 8].try_into().unwrap()));
    }
    let mut slots = ciphertexts_end.clone();
    slots.dedup();
    assert_eq!((slots.len(), slots.is_sorted()), (9, true), "{ciphertexts_end:?}");
    assert_eq!(&slots[..6], [1, 2, 3, 4, 5, 6], "a clean stop goes on with the next slot");
}

#[tokio::test]
async fn an_erased_key_reads_as_erased_and_the_rest_stays() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let sets = vec![set(vec![secret("a", b"1", b"one"), secret("a", b"2", b"two")])];
    ledger.append(batch(&ledger, sets)).await.unwrap();
    let keys = fs::File::options().write(true).open(dir.path().join("keys")).unwrap();
    keys.write_all_at(&[0; 32], 32 + 32).unwrap();
    let records = read_all(&ledger).await;
    assert_eq!(records[0].disclosure, Disclosure::Erased);
    assert_eq!(records[0].leaf, b"1");
    assert_eq!(records[1].disclosure, Disclosure::Open(b"two".to_vec()));
}

#[tokio::test]
async fn plaintext_and_keys_are_in_no_file_of_the_store() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let sets = vec![set(vec![secret("a", b"1", b"CANARY-PLAINTEXT")])];
    ledger.append(batch(&ledger, sets)).await.unwrap();
    ledger.close().await.unwrap();
    drop(ledger);
    let keys = fs::read(dir.path().join("keys")).unwrap();
    for (path, bytes) in snapshot(dir.path()) {
        let holds = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
        assert!(!holds(b"CANARY-PLAINTEXT"), "{}", path.display());
        assert!(path.ends_with("keys") || !holds(&keys[64..96]), "{}", path.display());
    }
}

#[tokio::test]
async fn a_keyed_digest_and_requests_survive_a_reopen() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let digest = ledger.keyed_digest(b"text");
    let sets = vec![requested(5, 9, vec![record("a", b"1"), record("a", b"2")])];
    ledger.append(batch(&ledger, sets)).await.unwrap();
    drop(ledger);
    let ledger = open(dir.path());
    assert_eq!(ledger.keyed_digest(b"text"), digest);
    let request = RequestRecord { first: Position(0), count: 2, digest: [9; 32] };
    assert_eq!(ledger.request(&key(5)), Some(request));
}
