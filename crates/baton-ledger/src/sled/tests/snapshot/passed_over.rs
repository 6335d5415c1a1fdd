//! A snapshot that is damaged, forged, of another log or of another moment: every record is read, and the same is served.

use super::*;

/// What it is used for is read before the first damage, or not at all; the reader of the rest is told.
#[test]
fn a_damaged_snapshot_is_passed_over_and_the_store_is_read_in_full() {
    let (dir, key) = stopped();
    let whole = fs::read(dir.path().join("snapshot")).unwrap();
    let expected = content(&open(copied(dir.path()).path(), &key));
    let frame = FRAME + 16;
    let frames: Vec<&[u8]> = whole[HEAD_LEN..].chunks(frame).collect();
    assert_eq!(frames.len(), 3);
    let flipped = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        bytes
    };
    let mut damaged = vec![
        [&whole[..], &[0]].concat(),
        [&whole[..HEAD_LEN], frames[1], frames[0], frames[2]].concat(),
        [&whole[..HEAD_LEN], frames[0], frames[2]].concat(),
        [&whole[..HEAD_LEN], frames[0], frames[1]].concat(),
        whole[..whole.len() - 1].to_vec(),
        vec![0; whole.len()],
        vec![],
    ];
    damaged.extend([0, 8, 12, 43, 44, 1_000].map(flipped));
    damaged.extend((0..3).map(|number| flipped(HEAD_LEN + number * frame + 100)));
    damaged.extend((0..3).map(|number| flipped((HEAD_LEN + (number + 1) * frame).min(whole.len()) - 1)));
    damaged.extend((1..16).map(|sixteenth| whole[..whole.len() * sixteenth / 16].to_vec()));
    for (number, bytes) in damaged.iter().enumerate() {
        let copy = copied(dir.path());
        fs::write(copy.path().join("snapshot"), bytes).unwrap();
        let ledger = open(copy.path(), &key);
        // Nothing of the first frame that is damaged is taken for anything.
        let first_frame_is_whole = bytes.get(..HEAD_LEN + frame) == whole.get(..HEAD_LEN + frame);
        assert_eq!(is_from_snapshot(&ledger), first_frame_is_whole, "{number}");
        match rest(&ledger) {
            None => {}
            Some(Err(error)) => assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{number}"),
            Some(Ok(_)) => panic!("damage {number} was not noticed"),
        }
        assert!(content(&ledger) == expected, "{number}");
        assert!(!copy.path().join("snapshot").exists());
    }
}

/// Makes the seal name another snapshot.
fn rename_in_seal(dir: &Path, snapshot: &Path) {
    let name = crate::hash::sha256(&fs::read(snapshot).unwrap()[..HEAD_LEN]);
    let name: String = name.iter().map(|byte| format!("{byte:02x}")).collect();
    fs::write(dir.join("seal"), format!("{}snapshot {name}\n", seal_without_snapshot(dir))).unwrap();
}

#[test]
fn a_snapshot_of_another_log_or_stop_is_passed_over_even_if_the_seal_names_it() {
    let (dir, key) = stopped();
    let (other, _) = stopped();
    let kept = tempfile::tempdir().unwrap();
    let older = kept.path().join("older");
    fs::copy(dir.path().join("snapshot"), &older).unwrap();
    let ledger = open(dir.path(), &key);
    append_records(&ledger, 5, vec![record("b", b"more", None)]);
    let expected = content(&ledger);
    stop(ledger, b"newer");
    for foreign in [other.path().join("snapshot"), older] {
        for named in [false, true] {
            let copy = copied(dir.path());
            fs::copy(&foreign, copy.path().join("snapshot")).unwrap();
            if named {
                rename_in_seal(copy.path(), &foreign);
            }
            let ledger = open(copy.path(), &key);
            assert!(!is_from_snapshot(&ledger));
            assert!(content(&ledger) == expected);
            assert!(!copy.path().join("recovery").exists(), "the store lies as it was sealed");
        }
    }
    assert_eq!(rest(&open(dir.path(), &key)).unwrap().unwrap(), b"newer");
}

/// An older snapshot that can be opened and is named: only with the signing key and an old key file.
#[test]
fn what_ends_elsewhere_than_the_store_is_not_taken_up() {
    let dir = tempfile::tempdir().unwrap();
    let (ledger, key) = a_log(dir.path());
    let written = |ledger: &SledLedger| {
        let mut bytes = Vec::new();
        snapshot::write(&ledger.log.durable(), &mut bytes).unwrap();
        bytes
    };
    let take_up = |ledger: &SledLedger, bytes: &[u8]| {
        let disk = ledger.log.disk().unwrap();
        let durable = snapshot::read(&mut &*bytes).unwrap();
        start::take_up(&*disk, &key, None, options().rules(), durable).map(drop)
    };
    let older = written(&ledger);
    take_up(&ledger, &older).unwrap();
    // A tree that is not the checkpoint's.
    let mut forged = older.clone();
    let leaf = crate::hash::leaf_hash(b"first");
    let at = forged.windows(32).position(|bytes| bytes == leaf).unwrap();
    forged[at] ^= 1;
    take_up(&ledger, &forged).unwrap_err();
    append_records(&ledger, 5, vec![record("b", b"more", None)]);
    take_up(&ledger, &older).unwrap_err();
    let newer = written(&ledger);
    take_up(&ledger, &newer).unwrap();
    // The last chunk ends in another checkpoint, or is gone.
    let disk = ledger.log.disk().unwrap();
    let mut chunk = Chunk::decode(&disk.get(&key_of(7)).unwrap().unwrap()).unwrap();
    chunk.checkpoint = Some(SignedCheckpoint::sign(&key, 8, EMPTY_ROOT));
    disk.put(&key_of(7), chunk.encode()).unwrap();
    take_up(&ledger, &newer).unwrap_err();
    disk.remove(&key_of(7)).unwrap();
    take_up(&ledger, &newer).unwrap_err();
    // Every cut of it is noticed before it is compared with anything.
    for length in 0..older.len() {
        assert!(snapshot::read(&mut &older[..length]).is_err(), "{length}");
    }
}

fn key_of(position: u64) -> [u8; 8] {
    position.to_be_bytes()
}

#[test]
fn another_signing_key_is_refused_as_ever_and_the_right_one_reads_every_record() {
    let (dir, key) = stopped();
    let refused = SledLedger::open(dir.path(), SigningKey::generate("test").unwrap(), options()).err();
    assert!(matches!(refused, Some(OpenError::KeyRetired { .. })), "{refused:?}");
    assert!(!dir.path().join("snapshot").exists());
    let ledger = open(dir.path(), &key);
    assert!(!is_from_snapshot(&ledger));
    assert_eq!(content(&ledger).records.len(), 7);
}

#[test]
fn a_store_that_was_changed_after_the_stop_is_read_in_full_and_copied_without_the_snapshot() {
    let (dir, key) = stopped();
    let before = content(&open(copied(dir.path()).path(), &key));
    let data = File::options().append(true).open(dir.path().join("store/db")).unwrap();
    data.set_len(data.metadata().unwrap().len() + 8 * 1024 * 1024).unwrap();
    let ledger = open(dir.path(), &key);
    assert!(!is_from_snapshot(&ledger));
    assert!(content(&ledger) == before);
    let copied: Vec<PathBuf> = fs::read_dir(dir.path().join("recovery/1")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(copied, [dir.path().join("recovery/1/store")]);
}

#[test]
fn a_fork_and_a_start_that_trusts_the_store_do_not_use_it() {
    for asked in [OpenOptions { fork: true, ..options() }, OpenOptions { trust_store_without_head: true, ..options() }] {
        let (dir, key) = stopped();
        assert!(!is_from_snapshot(&SledLedger::open(dir.path(), key, asked).unwrap()));
    }
}

/// Who has the disk can make every sum and the seal fit. The start reads no records, so it is the read that finds out.
#[test]
fn a_leaf_forged_with_its_sum_and_the_seal_is_refused_by_a_read() {
    let (dir, key) = stopped();
    let layout = Layout::new(dir.path());
    let name = seal::snapshot(&layout).unwrap();
    let store = Store::open(&layout.store(), DEFAULT_CACHE).unwrap();
    let mut chunk = Chunk::decode(&store.db().get(key_of(0)).unwrap().unwrap()).unwrap();
    chunk.entries[1].leaf = b"decided: yes".to_vec();
    store.db().insert(key_of(0), chunk.encode()).unwrap();
    store.db().flush().unwrap();
    drop(store);
    seal::put(&layout, Some(&name)).unwrap();
    let ledger = open(dir.path(), &key);
    assert!(is_from_snapshot(&ledger));
    assert_eq!(ledger.log.read_now(Position(0), 1).unwrap().len(), 1);
    for refused in [
        ledger.log.read_now(Position(0), 9).unwrap_err(),
        ledger.log.read_stream_now(&StreamName::parse("b").unwrap(), Revision(1), 1).unwrap_err(),
        ledger.log.raw_chunks(Position(0), 1).unwrap_err(),
    ] {
        assert!(matches!(refused, ReadError::Damaged { position: Position(1), .. }), "{refused:?}");
    }
}
