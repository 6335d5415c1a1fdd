//! What is read while the store changes below an open ledger.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::contract::{AppendSet, Record};
use crate::log::chunk::Chunk;

fn filled(dir: &std::path::Path) -> SledLedger {
    let options = OpenOptions { min_free_bytes: 0, ..OpenOptions::default() };
    let ledger = SledLedger::open(dir, SigningKey::generate("test").unwrap(), options).unwrap();
    for number in 0..3_u8 {
        let stream = StreamName::parse("a").unwrap();
        let records = vec![Record { stream, leaf: vec![number; 40], disclosure: None }];
        let set = AppendSet { request: None, digest: [0; 32], expected: vec![], records };
        ledger.log.append_now(&Batch { at: ledger.head().next(), sets: vec![set] }).unwrap();
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
    let refused = ledger.log.read_stream_now(&stream, Revision(2), 1).unwrap_err();
    assert!(matches!(refused, ReadError::Damaged { position: Position(1), .. }));
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
