//! Damage below the ledger: reported, never served, never repaired in silence.
#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;

use baton_ledger::*;
use support::*;

const RECORDS: u64 = 40;

fn leaf(number: u64) -> Vec<u8> {
    format!("leaf number {number} {}", "of the damage test ".repeat(20)).into_bytes()
}

async fn fill(dir: &Path) -> SledLedger {
    let ledger = open(dir);
    for number in 0..RECORDS {
        append_one(&ledger, "a", &leaf(number)).await;
    }
    ledger
}

/// A batch of two chunks, of which `keep` are left in the store.
async fn torn_store(dir: &Path, keep: usize) -> Vec<Vec<u8>> {
    let ledger = fill(dir).await;
    let large = vec![set(vec![record("b", &[7; 60_000]), secret("b", &[8; 60_000], b"name")])];
    ledger.append(batch(&ledger, large)).await.unwrap();
    // Not closed: the head file may not know the batch yet, as when it was never acknowledged.
    drop(ledger);
    let db = raw_store(dir);
    let chunks: Vec<(sled::IVec, sled::IVec)> =
        db.range(RECORDS.to_be_bytes()..100_u64.to_be_bytes()).map(Result::unwrap).collect();
    assert_eq!(chunks.len(), 2);
    for (key, _) in &chunks[keep..] {
        db.remove(key).unwrap();
    }
    db.flush().unwrap();
    chunks.into_iter().map(|(_, value)| value.to_vec()).collect()
}

#[tokio::test]
async fn a_batch_without_its_end_is_copied_aside_removed_whole_and_its_place_taken_again() {
    let dir = tempfile::tempdir().unwrap();
    let chunks = torn_store(dir.path(), 1).await;
    let ledger = open(dir.path());
    let mut tree = Tree::new();
    (0..RECORDS).for_each(|number| tree.push(leaf_hash(&leaf(number))));
    assert_eq!(ledger.head(), Head { size: RECORDS, root: tree.root() });
    assert_eq!(ledger.revision(&stream("b")), None);
    let kept = dir.path().join(format!("recovery/1/torn/{RECORDS}.chunk"));
    assert_eq!(fs::read(kept).unwrap(), chunks[0]);
    assert!(dir.path().join("recovery/1/store/db").exists());

    assert_eq!(append_one(&ledger, "b", b"again").await, Position(RECORDS));
    drop(ledger);
    let records = read_all(&open(dir.path())).await;
    assert_in_order(&records);
    assert_eq!(records.last().unwrap().leaf, b"again");
}

#[tokio::test]
async fn a_batch_with_its_end_is_adopted() {
    let dir = tempfile::tempdir().unwrap();
    torn_store(dir.path(), 2).await;
    assert_eq!(open(dir.path()).head().size, RECORDS + 2);
}

#[tokio::test]
async fn a_chunk_missing_in_the_middle_is_damage_and_no_torn_end() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path()).await;
    raw_store(dir.path()).remove(7_u64.to_be_bytes()).unwrap();
    match refusal(dir.path(), options()) {
        OpenError::Damaged { why, copy: Some(copy), .. } => {
            assert!(why.contains("position 7 is missing"), "{why}");
            assert!(copy.ends_with("recovery/damaged"));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn changed_moved_and_unknown_values_refuse_the_open() {
    type Change = fn(&sled::Db);
    let flip: Change = |db| {
        let mut value = db.get(7_u64.to_be_bytes()).unwrap().unwrap().to_vec();
        value[80] ^= 1;
        db.insert(7_u64.to_be_bytes(), value).unwrap();
    };
    let swap: Change = |db| {
        let value = db.get(8_u64.to_be_bytes()).unwrap().unwrap();
        db.insert(7_u64.to_be_bytes(), value).unwrap();
    };
    let unknown: Change = |db| {
        db.insert("what", "is this").unwrap();
    };
    let own: Change = |db| {
        db.insert("store", "short").unwrap();
    };
    for change in [flip, swap, unknown, own] {
        let dir = tempfile::tempdir().unwrap();
        fill(dir.path()).await;
        change(&raw_store(dir.path()));
        let refused = refusal(dir.path(), options());
        assert!(matches!(refused, OpenError::Damaged { .. }), "{refused:?}");
    }
}

/// Flips bytes all over the store's file. Whatever the storage engine makes of it, a record is
/// served as it was appended or not at all, and a lost one refuses the open.
#[tokio::test]
async fn a_flipped_byte_in_the_file_never_changes_what_is_served() {
    let origin = tempfile::tempdir().unwrap();
    fill(origin.path()).await.close().await.unwrap();
    let data = fs::read(origin.path().join("store/db")).unwrap();
    let used = data.iter().rposition(|byte| *byte != 0xff && *byte != 0).unwrap();
    let (mut refused, mut harmless) = (0, 0);
    for step in 0..24 {
        let at = used * step / 24 + step;
        let dir = tempfile::tempdir().unwrap();
        copy_dir(origin.path(), dir.path());
        let file = fs::File::options().write(true).open(dir.path().join("store/db")).unwrap();
        file.write_all_at(&[data[at] ^ 0x10], at as u64).unwrap();
        let Ok(ledger) = open_with(dir.path(), options()) else {
            refused += 1;
            continue;
        };
        harmless += 1;
        let records = read_all(&ledger).await;
        assert_eq!(records.len() as u64, RECORDS, "byte {at}");
        assert!(records.iter().all(|r| r.leaf == leaf(r.position.0)), "byte {at}");
    }
    assert!(refused > 0, "no flip of 24 hit anything ({harmless} harmless)");
}

fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        match entry.file_type().unwrap().is_dir() {
            true => copy_dir(&entry.path(), &to.join(entry.file_name())),
            false => drop(fs::copy(entry.path(), to.join(entry.file_name())).unwrap()),
        }
    }
}
