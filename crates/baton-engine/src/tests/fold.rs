//! Folding a log of several pages: read by several threads, folded in one order.

use std::sync::Arc;

use baton_domain::event::Recorded;
use baton_domain::state::State;
use baton_ledger::bounds::{MAX_BATCH_RECORDS, MAX_READ_RECORDS};
use baton_ledger::{AppendSet, Batch, Ledger, MemoryLedger, Record};
use serde_json::json;

use super::samples;
use super::world::{ADMIN, opened};
use crate::{StartError, batch, dump, fold};

/// More pages than any machine has threads that read, and one begun.
const EVENTS: usize = 9 * MAX_READ_RECORDS + 7;

/// A role granted and ended again and again: every event changes what the one before it said.
fn event(position: u64) -> Arc<Recorded> {
    let (kind, payload) = match position % 3 {
        0 => ("RoleGranted", json!({ "person": ADMIN, "role": "records_officer", "from": "2020-01-01" })),
        1 => ("RoleEnded", json!({ "person": ADMIN, "role": "records_officer", "on": "2023-01-01" })),
        _ => ("StatementVoided", json!({ "target": position - 1 })),
    };
    let organisation = position / 64;
    let recorded = samples::parse(json!({
        "position": position, "stream": format!("organisation/own:o{organisation}"), "revision": 1 + position % 64,
        "recorded_at": "2026-03-04T05:06:07Z", "recorded_by": ADMIN, "command_id": uuid::Uuid::nil(), "standing": "stated",
        "occurred": { "precision": "unknown" }, "type": kind, "payload": payload,
    }));
    Arc::new(recorded.unwrap())
}

async fn append(ledger: &dyn Ledger, records: Vec<Record>) {
    let set = AppendSet { request: None, digest: [0; 32], expected: Vec::new(), records };
    ledger.append(Batch { at: ledger.head().next(), sets: vec![set] }).await.unwrap();
}

async fn log(events: &[Arc<Recorded>]) -> MemoryLedger {
    let ledger = MemoryLedger::new();
    for events in events.chunks(MAX_BATCH_RECORDS) {
        append(&ledger, events.iter().map(|event| batch::record(event).unwrap()).collect()).await;
    }
    ledger
}

#[tokio::test]
async fn a_log_of_many_pages_folds_to_the_state_of_its_events_one_by_one() {
    let events: Vec<_> = (0..EVENTS as u64).map(event).collect();
    let mut one_by_one = State::default();
    events.iter().for_each(|event| one_by_one.evolve(event));
    let ledger = log(&events).await;
    // Folding blocks its thread, which a runtime does not allow to its own.
    let folded = std::thread::spawn(move || fold::fold(&ledger).unwrap()).join().unwrap();
    assert!(dump(&folded) == dump(&one_by_one), "the folded state differs");
}

/// A read ends with so many bytes, also in the middle of a page.
#[tokio::test]
async fn pages_that_the_ledger_gives_bit_by_bit_fold_to_the_same_state() {
    let long = "\u{1d518}".repeat(4_000);
    let wordy = |position| {
        let mut value = serde_json::to_value(&*event(position)).unwrap();
        value["remark"] = json!({ "$open": long });
        Arc::new(samples::parse(value).unwrap())
    };
    let events: Vec<_> = (0..MAX_READ_RECORDS as u64 + 100).map(wordy).collect();
    let mut one_by_one = State::default();
    events.iter().for_each(|event| one_by_one.evolve(event));
    let ledger = MemoryLedger::new();
    for events in events.chunks(200) {
        append(&ledger, events.iter().map(|event| batch::record(event).unwrap()).collect()).await;
    }
    assert!(ledger.read(baton_ledger::Position(0), MAX_READ_RECORDS).await.unwrap().len() < MAX_READ_RECORDS);
    let folded = std::thread::spawn(move || fold::fold(&ledger).unwrap()).join().unwrap();
    assert!(dump(&folded) == dump(&one_by_one), "the folded state differs");
}

#[tokio::test]
async fn a_damaged_record_in_a_later_page_ends_the_fold_and_is_named() {
    let events: Vec<_> = (0..EVENTS as u64).map(event).collect();
    let ledger = log(&events[..EVENTS / 2]).await;
    let mut bad = batch::record(&events[EVENTS / 2]).unwrap();
    bad.leaf.truncate(bad.leaf.len() - 1);
    append(&ledger, vec![bad]).await;
    for events in events[EVENTS / 2 + 1..].chunks(MAX_BATCH_RECORDS) {
        append(&ledger, events.iter().map(|event| batch::record(event).unwrap()).collect()).await;
    }
    let refused = std::thread::spawn(move || fold::fold(&ledger)).join().unwrap();
    let Err(StartError::Read(error)) = refused else { panic!("the start is not refused: {refused:?}") };
    assert!(error.to_string().contains(&(EVENTS / 2).to_string()), "{error}");
}

#[tokio::test]
async fn the_same_papers_are_held_once_for_all_statements_that_name_them() {
    let ledger = opened().await;
    let paper = json!([{ "title": "Board paper 7", "held": { "sha256": "ab".repeat(32) } }]);
    for position in 1..3 {
        let mut value = serde_json::to_value(&*event(position)).unwrap();
        value["evidence"] = paper.clone();
        let recorded = samples::parse(value).unwrap();
        append(ledger.as_ref(), vec![batch::record(&recorded).unwrap()]).await;
    }
    let mut decoder = crate::codec::Decoder::default();
    let stored = ledger.read(baton_ledger::Position(1), 2).await.unwrap();
    let held: Vec<_> = stored.iter().map(|s| decoder.decode(&s.leaf, &s.disclosure).unwrap().0.statement.evidence).collect();
    assert_eq!(held[0].len(), 1);
    assert!(Arc::ptr_eq(&held[0], &held[1]));
}
