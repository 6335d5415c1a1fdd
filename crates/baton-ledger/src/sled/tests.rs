//! What is read while the store changes below an open ledger.
#![allow(clippy::unwrap_used)]

mod snapshot;

use super::*;
use crate::contract::{AppendSet, Record};
use crate::log::chunk::Chunk;
use crate::log::health::Failed;
use crate::log::slot::{PATIENCE, Slot};

fn filled(dir: &std::path::Path) -> SledLedger {
    let options = OpenOptions { min_free_bytes: 0, ..OpenOptions::default() };
    let ledger = SledLedger::open(dir, SigningKey::generate("test").unwrap(), options).unwrap();
    for number in 0..3_u8 {
        let stream = StreamName::parse("a").unwrap();
        let records = vec![Record { stream, leaf: vec![number; 40], disclosure: None }];
        let set = AppendSet { request: None, digest: [0; 32], expected: vec![], records };
        ledger.log.append_now(Batch { at: ledger.head().next(), sets: vec![set] }).unwrap();
    }
    ledger
}

fn key(position: u64) -> [u8; 8] {
    position.to_be_bytes()
}

/// Both ways of reading record 1 report it as damaged; the records before it are served.
fn assert_damaged(ledger: &SledLedger) {
    let stream = StreamName::parse("a").unwrap();
    for refused in [
        ledger.log.read_now(Position(0), 9).unwrap_err(),
        ledger.log.read_now(Position(1), 1).unwrap_err(),
        ledger.log.read_stream_now(&stream, Revision(2), 1).unwrap_err(),
    ] {
        assert!(matches!(refused, ReadError::Damaged { position: Position(1), .. }));
    }
    assert_eq!(ledger.log.read_now(Position(0), 1).unwrap().len(), 1);
    assert_eq!(ledger.log.read_stream_now(&stream, Revision(3), 1).unwrap().len(), 1);
}

#[test]
fn a_byte_that_flips_while_the_ledger_is_open_is_reported_and_not_served() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = filled(dir.path());
    let good = ledger.log.disk().unwrap().get(&key(1)).unwrap().unwrap();
    for at in 0..good.len() {
        let mut flipped = good.clone();
        flipped[at] ^= 0x01;
        ledger.log.disk().unwrap().put(&key(1), flipped).unwrap();
        assert_damaged(&ledger);
    }
}

#[test]
fn a_chunk_that_is_gone_or_in_the_place_of_another_is_reported_and_not_served() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = filled(dir.path());
    let other = ledger.log.disk().unwrap().get(&key(2)).unwrap().unwrap();
    ledger.log.disk().unwrap().put(&key(1), other).unwrap();
    assert_damaged(&ledger);
    ledger.log.disk().unwrap().remove(&key(1)).unwrap();
    assert_damaged(&ledger);
}

#[test]
fn a_record_of_another_stream_or_revision_is_not_served_as_the_one_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = filled(dir.path());
    let good = ledger.log.disk().unwrap().get(&key(1)).unwrap().unwrap();
    let mut chunk = Chunk::decode(&good).unwrap();
    chunk.entries[0].revision = Revision(7);
    ledger.log.disk().unwrap().put(&key(1), chunk.encode()).unwrap();
    let stream = StreamName::parse("a").unwrap();
    for refused in
        [ledger.log.read_stream_now(&stream, Revision(2), 1).unwrap_err(), ledger.log.read_now(Position(1), 1).unwrap_err()]
    {
        assert!(matches!(refused, ReadError::Damaged { position: Position(1), .. }));
    }
}

/// Every sum fits, and only the tree knows better.
#[test]
fn a_leaf_that_is_changed_with_its_sum_is_neither_served_nor_copied_nor_erased() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = filled(dir.path());
    let mut chunk = Chunk::decode(&ledger.log.disk().unwrap().get(&key(1)).unwrap().unwrap()).unwrap();
    chunk.entries[0].leaf = b"decided: yes".to_vec();
    ledger.log.disk().unwrap().put(&key(1), chunk.encode()).unwrap();
    assert_damaged(&ledger);
    let refused = ledger.log.raw_chunks(Position(0), 1 << 20).unwrap_err();
    assert!(matches!(refused, ReadError::Damaged { position: Position(1), .. }));
    let refused = ledger.log.erase_now(&[Position(1)]).unwrap_err();
    assert!(matches!(refused, EraseError::Read(ReadError::Damaged { position: Position(1), .. })));
}

#[test]
fn what_the_engine_shows_beyond_the_durable_head_is_not_served() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = filled(dir.path());
    let mut chunk = Chunk::decode(&ledger.log.disk().unwrap().get(&key(2)).unwrap().unwrap()).unwrap();
    (chunk.first, chunk.batch) = (Position(3), Position(3));
    chunk.entries[0].revision = Revision(4);
    ledger.log.disk().unwrap().put(&key(3), chunk.encode()).unwrap();
    assert_eq!(ledger.log.read_now(Position(0), 9).unwrap().len(), 3);
    let stream = StreamName::parse("a").unwrap();
    assert_eq!(ledger.log.read_stream_now(&stream, Revision(1), 9).unwrap().len(), 3);
}

fn fail_a_write(ledger: &SledLedger, failed: Failed) {
    ledger.log.fail(failed, "a write, for this test".to_owned());
}

fn append(ledger: &SledLedger) -> Result<Appended, AppendError> {
    let stream = StreamName::parse("a").unwrap();
    let set = AppendSet {
        request: None,
        digest: [0; 32],
        expected: vec![],
        records: vec![Record { stream, leaf: vec![9; 40], disclosure: None }],
    };
    ledger.log.append_now(Batch { at: ledger.head().next(), sets: vec![set] })
}

#[test]
fn a_store_that_was_damaged_meanwhile_is_not_taken_up_again_and_what_is_whole_is_read() {
    for failed in [Failed::Write, Failed::Sync] {
        let dir = tempfile::tempdir().unwrap();
        let ledger = filled(dir.path());
        let good = ledger.log.disk().unwrap().get(&key(1)).unwrap().unwrap();
        let mut flipped = good.clone();
        flipped[90] ^= 0x01;
        ledger.log.disk().unwrap().put(&key(1), flipped).unwrap();
        fail_a_write(&ledger, failed);
        for _ in 0..2 {
            let refused = ledger.reopen_now().unwrap_err();
            assert!(matches!(refused, ReopenError::Refused(OpenError::Damaged { .. })), "{refused:?}");
            assert!(matches!(append(&ledger), Err(AppendError::Poisoned { .. })));
            assert_damaged(&ledger);
        }
        ledger.log.disk().unwrap().put(&key(1), good).unwrap();
        ledger.reopen_now().unwrap();
        append(&ledger).unwrap();
    }
}

#[test]
fn a_store_that_lost_an_acknowledged_record_is_not_taken_up_again_though_the_head_file_knows_none_of_it() {
    for failed in [Failed::Write, Failed::Sync] {
        let dir = tempfile::tempdir().unwrap();
        let ledger = filled(dir.path());
        ledger.log.disk().unwrap().remove(&key(2)).unwrap();
        fail_a_write(&ledger, failed);
        let refused = ledger.reopen_now().unwrap_err();
        let OpenError::Loss { store, noted, .. } = (match refused {
            ReopenError::Refused(refused) => refused,
            other => panic!("{other:?}"),
        }) else {
            panic!("it was not called a loss")
        };
        assert_eq!((store.size, noted.size), (2, 3));
        assert!(matches!(append(&ledger), Err(AppendError::Poisoned { .. })));
        assert_eq!(ledger.log.read_now(Position(0), 2).unwrap().len(), 2);
    }
}

#[test]
fn a_head_file_that_cannot_be_synced_makes_the_store_be_written_anew() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = filled(dir.path());
    // What the thread of the head file says when it cannot note a checkpoint.
    fail_a_write(&ledger, Failed::Sync);
    assert!(dir.path().join("REWRITE").exists(), "the next start would not know");
    ledger.reopen_now().unwrap();
    assert!(!dir.path().join("REWRITE").exists());
    assert!(dir.path().join("recovery/1/store").exists());
    append(&ledger).unwrap();
}

#[test]
fn reads_wait_for_a_store_that_is_exchanged_and_one_who_still_reads_holds_it() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = filled(dir.path());
    let held = ledger.log.disk().unwrap();
    fail_a_write(&ledger, Failed::Write);
    std::thread::scope(|scope| {
        let reopening = scope.spawn(|| ledger.reopen_now());
        let reading = scope.spawn(|| ledger.log.read_now(Position(0), 3));
        // Not let go of yet: the store can not have been exchanged.
        assert!(held.get(&key(0)).unwrap().is_some());
        drop(held);
        assert_eq!(reading.join().unwrap().unwrap().len(), 3);
        assert_eq!(reopening.join().unwrap().unwrap().size, 3);
    });
}

#[test]
fn reader_that_waits_for_a_store_keeps_no_other_task_of_its_runtime_waiting() {
    let dir = tempfile::tempdir().unwrap();
    let slot = Arc::new(Slot::new(filled(dir.path()).log.disk().unwrap(), PATIENCE));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let found = runtime.block_on(runtime.spawn(async move {
        let disk = slot.take(std::time::Instant::now()).unwrap();
        let count = slot.count();
        let placing = Arc::clone(&slot);
        // It can not run before the one worker there is goes on to other tasks.
        tokio::spawn(async move { placing.place(disk) });
        (slot.get().is_ok(), slot.another_came(count))
    }));
    assert_eq!(found.unwrap(), (true, true));
}

/// Who has the disk and not the key can make every sum fit. The head file is taken away too, so that
/// nothing but the signed root is left to tell.
#[test]
fn a_leaf_forged_with_its_sum_is_refused_because_the_signed_root_is_another() {
    let dir = tempfile::tempdir().unwrap();
    let signing_key = SigningKey::generate("test").unwrap();
    let options = OpenOptions { min_free_bytes: 0, trust_store_without_head: true, ..OpenOptions::default() };
    let ledger = SledLedger::open(dir.path(), signing_key.clone(), options.clone()).unwrap();
    let record = Record { stream: StreamName::parse("a").unwrap(), leaf: b"decided: no".to_vec(), disclosure: None };
    let set = AppendSet { request: None, digest: [0; 32], expected: vec![], records: vec![record] };
    ledger.log.append_now(Batch { at: Position(0), sets: vec![set] }).unwrap();
    let disk = ledger.log.disk().unwrap();
    let mut chunk = Chunk::decode(&disk.get(&key(0)).unwrap().unwrap()).unwrap();
    chunk.entries[0].leaf = b"decided: yes".to_vec();
    disk.put(&key(0), chunk.encode()).unwrap();
    disk.sync().unwrap();
    drop(disk);
    ledger.log.close_now().unwrap();
    drop(ledger);
    std::fs::remove_file(dir.path().join("head")).unwrap();
    match SledLedger::open(dir.path(), signing_key, options).err() {
        Some(OpenError::Damaged { why, .. }) => assert!(why.contains("newest checkpoint"), "{why}"),
        other => panic!("{other:?}"),
    }
}

fn append_leaves(ledger: &SledLedger, count: u64) {
    let from = ledger.head().size;
    let record = |number: u64| Record {
        stream: StreamName::parse("a").unwrap(),
        leaf: format!("leaf {number}").into_bytes(),
        disclosure: None,
    };
    let records = (from..from + count).map(record).collect();
    let set = AppendSet { request: None, digest: [0; 32], expected: vec![], records };
    ledger.log.append_now(Batch { at: Position(from), sets: vec![set] }).unwrap();
}

/// The chunk that holds a position, as stored.
fn chunk_of(ledger: &SledLedger, position: u64) -> Chunk {
    let first = ledger.log.durable().chunk_of(Position(position));
    Chunk::decode(&ledger.log.disk().unwrap().get(&key(first.0)).unwrap().unwrap()).unwrap()
}

#[test]
fn a_tile_is_stored_in_the_batch_that_completes_it() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = filled(dir.path());
    append_leaves(&ledger, 252);
    assert_eq!(ledger.head().size, 255);
    let tiles = |ledger: &SledLedger| -> Vec<Vec<u8>> {
        let chunks = ledger.log.raw_chunks(Position(0), 1 << 24).unwrap();
        chunks.into_iter().flat_map(|raw| raw.chunk.tiles).map(|tile| tile.hashes).collect()
    };
    assert!(tiles(&ledger).is_empty());
    append_leaves(&ledger, 700);
    let stored = tiles(&ledger);
    let mut published = ledger.log.durable().index.tree().tiles(0, 955).unwrap();
    published.retain(|tile| tile.bytes.len() == 8_192);
    assert_eq!(stored, published.into_iter().map(|tile| tile.bytes).collect::<Vec<_>>());
    assert_eq!(stored.len(), 3);
}

/// Whoever changes a leaf and not the tile is told where, without the signed root.
#[test]
fn a_leaf_or_a_tile_that_is_not_the_others_is_named_by_an_open_and_not_copied() {
    for in_tile in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let signing_key = SigningKey::generate("test").unwrap();
        let options = OpenOptions { min_free_bytes: 0, ..OpenOptions::default() };
        let ledger = SledLedger::open(dir.path(), signing_key.clone(), options.clone()).unwrap();
        append_leaves(&ledger, 200);
        append_leaves(&ledger, 100);
        let mut chunk = match in_tile {
            false => chunk_of(&ledger, 77),
            true => chunk_of(&ledger, 255),
        };
        match in_tile {
            false => chunk.entries[77].leaf = b"decided: yes".to_vec(),
            true => chunk.tiles[0].hashes[77 * 32] ^= 1,
        }
        let disk = ledger.log.disk().unwrap();
        disk.put(&key(chunk.first.0), chunk.encode()).unwrap();
        disk.sync().unwrap();
        drop(disk);
        ledger.log.raw_chunks(Position(0), 1 << 24).unwrap_err();
        ledger.log.close_now().unwrap();
        drop(ledger);
        match SledLedger::open(dir.path(), signing_key, options).err() {
            Some(OpenError::Damaged { why, .. }) => {
                assert!(why.contains("the tile that ends at size 256 has another leaf at position 77"), "{why}");
            }
            other => panic!("{other:?}"),
        }
    }
}

/// The storage engine would put large nodes into side files, which nobody syncs.
#[test]
fn the_largest_chunks_never_end_up_in_side_files_of_the_storage_engine() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = filled(dir.path());
    let disk = ledger.log.disk().unwrap();
    for number in 0..80_u8 {
        disk.put(&key(3 + u64::from(number)), vec![number; crate::bounds::MAX_CHUNK]).unwrap();
        disk.sync().unwrap();
        let side_files = std::fs::read_dir(dir.path().join("store/blobs")).unwrap().count();
        assert_eq!(side_files, 0, "after {number} chunks of the largest size");
    }
}
