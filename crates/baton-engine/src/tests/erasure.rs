//! Erasure: durable first, then no copy of the words can be read anywhere, whatever crashes or fails.

use std::sync::Arc;

use baton_domain::event::{Command, EventType};
use baton_domain::values::Position;
use baton_ledger::{Disclosure, Ledger, MemoryLedger, OpenOptions, SigningKey, SledLedger, StoredRecord};
use serde_json::{Value, json};
use uuid::Uuid;

use super::faulty::{FaultyLedger, Mode};
use super::world::*;
use crate::{Engine, SubmitError, dump};

pub(super) const SECRET: &str = "whispered in the corridor";

fn late(stream: &str, event: &str, payload: Value) -> Value {
    let mut command = serde_json::to_value(command(stream, event, payload)).unwrap();
    command["late"] = json!(true);
    command["evidence"] = json!([{ "title": "A paper", "held": { "cited_not_held": "seen" } }]);
    command
}

fn proposed(id: &str, commands: Value) -> Command {
    command(&format!("proposal/{id}"), "Proposed", json!({ "commands": commands }))
}

/// Proposes as one person and approves as another.
async fn by_two(engine: &Engine, id: &str, commands: Value) -> Result<(), SubmitError> {
    ask(engine, vec![proposed(id, commands)]).await?;
    let approve = |digest: &str| {
        let approved = command(&format!("proposal/{id}"), "Approved", json!({ "digest": digest }));
        request(OFFICER, Uuid::new_v4().as_u128(), vec![approved])
    };
    let digest = engine.validate(&approve(""))?.assessment.unwrap().digest;
    engine.submit(approve(&digest)).await.map(|_| ())
}

pub(super) async fn erase(engine: &Engine, id: &str, positions: &[u64]) -> Result<(), SubmitError> {
    let erasure = json!({ "positions": positions, "ground": "recorded_in_error" });
    by_two(engine, id, json!([command("audit", "ErasureAuthorised", erasure)])).await
}

/// A log with the secret in a statement, in the proposal it came from and in a correction; their positions.
pub(super) async fn with_secret(engine: &Engine) -> Vec<u64> {
    populate(engine).await;
    let words = |text: &str| json!({ "$open": format!("{SECRET}: {text}") });
    let fact = |text: &str| json!({ "kind": "allocation", "note": words(text) });
    by_two(engine, "p1", json!([late(TRANSITION, "FactRecorded", fact("first"))])).await.unwrap();
    let correction = json!({
        "target": 2, "was": 2, "reason": { "$open": "misread" },
        "to": { "event": { "type": "FactRecorded", "payload": fact("second") } },
    });
    by_two(engine, "p2", json!([command(TRANSITION, "StatementCorrected", correction)])).await.unwrap();
    let holding: Vec<u64> = stored(engine).await.iter().filter(|r| holds(r)).map(|r| r.position.0).collect();
    assert_eq!(holding.len(), 4, "the statement, its correction, and the proposals of both");
    holding
}

/// Every record as the ledger gives it, whatever the engine thinks of it.
async fn stored(engine: &Engine) -> Vec<StoredRecord> {
    let mut all = Vec::new();
    while (all.len() as u64) < engine.ledger().head().size {
        all.extend(engine.ledger().read(baton_ledger::Position(all.len() as u64), 100).await.unwrap());
    }
    all
}

fn holds(record: &StoredRecord) -> bool {
    matches!(&record.disclosure, Disclosure::Open(words) if String::from_utf8_lossy(words).contains(SECRET))
}

/// Whether anybody can read the secret through the engine.
async fn shown(engine: &Engine) -> bool {
    format!("{:?}", log(engine).await).contains(SECRET) || dump(&engine.snapshot()).contains(SECRET)
}

#[tokio::test]
async fn after_an_erasure_no_copy_of_the_words_can_be_read_anywhere_without_a_restart() {
    let engine = start(&opened().await).await;
    let positions = with_secret(&engine).await;
    assert!(shown(&engine).await);
    let before = stored(&engine).await;
    erase(&engine, "e1", &positions).await.unwrap();
    assert!(!shown(&engine).await);
    let after = stored(&engine).await;
    assert!(!after.iter().any(holds), "the keys are gone");
    for position in &positions {
        assert_eq!(after[*position as usize].disclosure, Disclosure::Erased);
    }
    // Leaves, and so every proof, stay as they were; every other word does too.
    for (old, new) in before.iter().zip(&after) {
        assert_eq!(old.leaf, new.leaf);
        assert!(old.disclosure == new.disclosure || positions.contains(&old.position.0));
    }
    let by = after.len() as u64 - 1;
    let entries = log(&engine).await;
    let erased: Vec<u64> = entries.iter().filter(|e| e.erased_by.is_some()).map(|e| e.recorded.position.0).collect();
    assert_eq!(erased, positions);
    assert!(entries.iter().all(|e| e.erased_by.is_none_or(|p| p.0 == by)));
    assert_eq!(entries[by as usize].recorded.statement.event.event_type(), EventType::ErasureAuthorised);
}

#[tokio::test]
async fn an_erasure_that_leaves_a_copy_out_is_refused_and_every_copy_is_named() {
    let engine = start(&opened().await).await;
    let positions = with_secret(&engine).await;
    for left_out in &positions {
        let named: Vec<u64> = positions.iter().filter(|p| *p != left_out).copied().collect();
        let refused = erase(&engine, &format!("e{left_out}"), &named).await.unwrap_err();
        assert!(refused.to_string().contains("ERASURE_INCOMPLETE"), "{refused}");
        let SubmitError::Refused(refusal, _) = refused else { panic!("{refused}") };
        assert!(format!("{refusal:?}").contains(&format!("positions {left_out} ")), "{refusal:?}");
    }
    assert!(shown(&engine).await);
}

#[tokio::test]
async fn given_an_erasure_authorised_when_the_engine_restarts_before_the_keys_are_destroyed_then_they_are() {
    let ledger = FaultyLedger::opened().await;
    let shared: Arc<dyn Ledger> = ledger.clone();
    let engine = start(&shared).await;
    let positions = with_secret(&engine).await;
    ledger.keep_keys(true);
    erase(&engine, "e1", &positions).await.unwrap();
    assert!(stored(&engine).await.iter().any(holds), "the keys are still there");
    assert!(!shown(&engine).await, "and nobody is shown the words all the same");
    let live = dump(&engine.snapshot());
    ledger.keep_keys(false);
    let again = start(&shared).await;
    assert!(!stored(&again).await.iter().any(holds));
    assert!(!shown(&again).await);
    assert_eq!(dump(&again.snapshot()), live, "words that can still be read when folding leave no trace");
    assert_eq!(dump(&start(&shared).await.snapshot()), live, "and neither do words that can not");
}

#[tokio::test]
async fn keys_whose_destruction_failed_are_destroyed_before_the_next_batch() {
    let ledger = FaultyLedger::opened().await;
    let shared: Arc<dyn Ledger> = ledger.clone();
    let engine = start(&shared).await;
    let positions = with_secret(&engine).await;
    ledger.keep_keys(true);
    erase(&engine, "e1", &positions).await.unwrap();
    ask(&engine, vec![note("and on")]).await.unwrap();
    assert!(stored(&engine).await.iter().any(holds));
    ledger.keep_keys(false);
    ask(&engine, vec![note("and on")]).await.unwrap();
    assert!(!stored(&engine).await.iter().any(holds));
}

#[tokio::test]
async fn an_erasure_that_was_not_recorded_destroys_nothing_and_one_found_later_does() {
    for kept in [false, true] {
        let ledger = FaultyLedger::opened().await;
        let shared: Arc<dyn Ledger> = ledger.clone();
        let options = crate::Options { reopen_pause: std::time::Duration::from_millis(1), ..crate::Options::default() };
        let engine = start_with(&shared, options).await;
        let positions = with_secret(&engine).await;
        let erasure = json!({ "positions": positions, "ground": "court_order" });
        ask(&engine, vec![proposed("e1", json!([command("audit", "ErasureAuthorised", erasure)]))]).await.unwrap();
        let approve = |digest: &str| request(OFFICER, 77, vec![command("proposal/e1", "Approved", json!({ "digest": digest }))]);
        let digest = engine.validate(&approve("")).unwrap().assessment.unwrap().digest;
        ledger.set(Mode::Unknown { kept });
        assert!(matches!(engine.submit(approve(&digest)).await, Err(SubmitError::OutcomeUnknown)));
        assert!(stored(&engine).await.iter().any(holds) && shown(&engine).await);
        ledger.heal();
        recovered(&engine).await;
        ask(&engine, vec![note("and on")]).await.unwrap();
        assert_eq!(stored(&engine).await.iter().any(holds), !kept);
        assert_eq!(shown(&engine).await, !kept);
    }
}

#[tokio::test]
async fn words_erased_on_disk_stay_erased_and_their_receipts_stay_good() {
    let dir = tempfile::tempdir().unwrap();
    let open = || -> Arc<dyn Ledger> {
        let path = dir.path().join("signing-key");
        let key = SigningKey::read(&path).or_else(|_| SigningKey::create(&path, ORIGIN)).unwrap();
        let options = OpenOptions { min_free_bytes: 0, ..OpenOptions::default() };
        Arc::new(SledLedger::open(&dir.path().join("data"), key, options).unwrap())
    };
    let ledger = open();
    begin(ledger.as_ref()).await;
    let engine = start(&ledger).await;
    let positions = with_secret(&engine).await;
    let first = baton_ledger::Position(positions[0]);
    let receipt = format!("{:?}", ledger.receipt(first).await.unwrap().unwrap());
    erase(&engine, "e1", &positions).await.unwrap();
    engine.shutdown().await.unwrap();
    let live = dump(&engine.snapshot());
    drop((engine, ledger));
    let ledger = open();
    let engine = start(&ledger).await;
    assert!(!stored(&engine).await.iter().any(holds) && !shown(&engine).await);
    assert_eq!(dump(&engine.snapshot()), live);
    assert_eq!(format!("{:?}", ledger.receipt(first).await.unwrap().unwrap()), receipt);
}

#[tokio::test]
async fn forks_and_key_changes_are_recorded_into_a_log_nobody_serves() {
    let ledger = opened().await;
    let now = "2026-10-03T12:00:00Z".parse().unwrap();
    let forked = baton_domain::event::LogForked {
        old_origin: "baton.test/0".to_owned(),
        new_origin: ORIGIN.to_owned(),
        last_known_checkpoint: None,
        restored_size: 0,
        note: None,
    };
    assert_eq!(crate::record_fork(ledger.as_ref(), person(ADMIN), forked, now).await.unwrap(), Position(1));
    let alone = crate::record_key_rotation(ledger.as_ref(), person(ADMIN), now).await;
    assert!(matches!(alone, Err(crate::SystemEventError::NoSuccessor)), "{alone:?}");
    let entries = log(&start(&ledger).await).await;
    let leaf: Value = serde_json::from_slice(&entries[1].leaf).unwrap();
    assert_eq!((&leaf["type"], &leaf["payload"]["restored_size"]), (&json!("LogForked"), &json!(1)));
    assert_eq!(entries.len(), 2);

    let (old, new) = (SigningKey::generate(ORIGIN).unwrap(), SigningKey::generate(ORIGIN).unwrap());
    let ledger: Arc<dyn Ledger> = Arc::new(MemoryLedger::with_key(old.handing_over_to(&new).unwrap()));
    let empty = crate::record_key_rotation(ledger.as_ref(), person(ADMIN), now).await;
    assert!(matches!(empty, Err(crate::SystemEventError::NotBegun)), "{empty:?}");
    crate::open_log(ledger.as_ref(), person(ADMIN), None, now).await.unwrap();
    assert_eq!(crate::record_key_rotation(ledger.as_ref(), person(ADMIN), now).await.unwrap(), Position(1));
    let entries = log(&start(&ledger).await).await;
    let leaf: Value = serde_json::from_slice(&entries[1].leaf).unwrap();
    assert_eq!(leaf["payload"], json!({ "old_key": old.verifier_key(), "new_key": new.verifier_key() }));
    assert_eq!(entries[1].recorded.stream, stream("log"));
    assert!([&old, &new].into_iter().all(|key| ledger.checkpoint().is_signed_by(key)));
}
