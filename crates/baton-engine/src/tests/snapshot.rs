//! The snapshot of the state: the same as folding gives, or passed over.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use baton_domain::state::State;
use baton_ledger::{Head, Ledger};

use super::erasure::{SECRET, erase, with_secret};
use super::sled::open;
use super::world::*;
use crate::{Engine, dump, fold, snapshot};

/// Folding blocks its thread, which a runtime does not allow to its own.
fn folded(ledger: &Arc<dyn Ledger>) -> State {
    std::thread::scope(|scope| scope.spawn(|| fold::fold(ledger.as_ref()).unwrap()).join().unwrap())
}

/// A new log on disk, and its engine.
async fn begun(dir: &Path) -> (Arc<dyn Ledger>, Engine) {
    let ledger = open(dir);
    begin(ledger.as_ref()).await;
    let engine = start(&ledger).await;
    (ledger, engine)
}

#[tokio::test]
async fn state_left_at_a_stop_in_order_is_found_once_and_is_the_one_that_folding_gives() {
    let dir = tempfile::tempdir().unwrap();
    let (ledger, engine) = begun(dir.path()).await;
    let secret = with_secret(&engine).await;
    ask(&engine, vec![note("something that stays")]).await.unwrap();
    erase(&engine, "e1", &secret).await.unwrap();
    engine.shutdown().await.unwrap();
    let live = dump(&engine.snapshot());
    drop((engine, ledger));

    let ledger = open(dir.path());
    let left = snapshot::read(ledger.as_ref()).expect("a state was left");
    assert_eq!(dump(&left), live);
    assert_eq!(dump(&folded(&ledger)), live);
    assert!(live.contains("something that stays") && !live.contains(SECRET));
    assert!(snapshot::read(ledger.as_ref()).is_none(), "it is given once");
}

fn is_packed(state: &State) -> bool {
    state.transitions.values().all(|held| !held.is_open())
        && state.proposals.values().all(|held| !held.is_open())
        && state.world.stories().all(|(_, held)| !held.is_open())
}

#[tokio::test]
async fn log_goes_on_from_the_state_that_was_left_as_from_one_that_was_folded() {
    let dir = tempfile::tempdir().unwrap();
    let (ledger, engine) = begun(dir.path()).await;
    populate(&engine).await;
    engine.shutdown().await.unwrap();
    drop((engine, ledger));

    for round in 0..3 {
        let ledger = open(dir.path());
        let engine = start(&ledger).await;
        assert!(is_packed(&engine.snapshot()), "round {round}: the state was folded, and not the one that was left");
        let fact = serde_json::json!({ "kind": "allocation", "note": { "$open": format!("round {round}") } });
        ask(&engine, vec![command(TRANSITION, "FactRecorded", fact)]).await.unwrap();
        assert_eq!(dump(&engine.snapshot()), dump(&folded(&ledger)));
        engine.shutdown().await.unwrap();
    }
}

#[tokio::test]
async fn what_is_only_put_behind_a_story_opens_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (ledger, engine) = begun(dir.path()).await;
    populate(&engine).await;
    engine.shutdown().await.unwrap();
    drop((engine, ledger));

    let ledger = open(dir.path());
    let engine = start(&ledger).await;
    ask(&engine, vec![note("more")]).await.unwrap();
    assert!(is_packed(&engine.snapshot()));
    assert_eq!(dump(&engine.snapshot()), dump(&folded(&ledger)));
}

#[tokio::test]
async fn no_state_is_left_where_nobody_stopped_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let (ledger, engine) = begun(dir.path()).await;
    populate(&engine).await;
    let writer = engine.follow();
    drop((engine, ledger));
    // The writer of an engine that was dropped ends on its own thread, soon, and with it the last handle of the log.
    while writer.has_changed().is_ok() || std::fs::File::open(dir.path().join("LOCK")).unwrap().try_lock().is_err() {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    let ledger = open(dir.path());
    assert!(snapshot::read(ledger.as_ref()).is_none());
}

/// A snapshot of a small log, and where the log ends.
async fn written() -> (Vec<u8>, Head) {
    let ledger = opened().await;
    let engine = start(&ledger).await;
    populate(&engine).await;
    let (mut bytes, head) = (Vec::new(), ledger.head());
    snapshot::write(&engine.snapshot(), head, &mut bytes).unwrap();
    (bytes, head)
}

#[tokio::test]
async fn snapshot_of_another_program_or_log_or_moment_is_passed_over() {
    let (bytes, head) = written().await;
    let program = snapshot::program().unwrap();
    assert!(snapshot::read_of(&program, head, &mut bytes.as_slice()).is_ok());
    let mut other = program;
    other[31] ^= 1;
    let (mut longer, mut another) = (head, head);
    longer.size += 1;
    another.root[0] ^= 1;
    for (program, head) in [(other, head), (program, longer), (program, another)] {
        let refused = snapshot::read_of(&program, head, &mut bytes.as_slice()).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidData, "{refused}");
    }
}

#[tokio::test]
async fn snapshot_cut_short_anywhere_or_with_more_behind_it_is_passed_over() {
    let (bytes, head) = written().await;
    let program = snapshot::program().unwrap();
    for cut in (0..64).map(|part| bytes.len() * part / 64).chain([bytes.len() - 1]) {
        assert!(snapshot::read_of(&program, head, &mut &bytes[..cut]).is_err(), "{cut} of {} bytes", bytes.len());
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    assert!(snapshot::read_of(&program, head, &mut longer.as_slice()).is_err());
}
