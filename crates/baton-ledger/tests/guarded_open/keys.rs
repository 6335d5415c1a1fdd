//! The signing key and the key file of disclosures.

use std::os::unix::fs::{FileExt, PermissionsExt};

use super::*;

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
async fn a_key_that_was_overwritten_by_anything_but_an_erasure_is_damage_and_the_rest_stays() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let sets = vec![set(vec![secret("a", b"1", b"one"), secret("a", b"2", b"two"), secret("a", b"3", b"three")])];
    ledger.append(batch(&ledger, sets)).await.unwrap();
    ledger.erase(&[Position(1)]).await.unwrap();
    let keys = fs::File::options().write(true).open(dir.path().join("keys")).unwrap();
    keys.write_all_at(&[0; 32], 32 + 32).unwrap();
    let records = read_all(&ledger).await;
    assert_eq!((&records[0].disclosure, &records[0].leaf), (&Disclosure::Unreadable, &b"1".to_vec()), "zeros erase nothing");
    assert_eq!(records[1].disclosure, Disclosure::Erased);
    assert_eq!(records[2].disclosure, Disclosure::Open(b"three".to_vec()));
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
