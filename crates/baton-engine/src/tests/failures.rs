//! What requests are answered when the ledger fails, and what is shown then: nothing that is not durable.

use std::sync::Arc;
use std::time::Duration;

use baton_domain::decide::Refusal;
use baton_domain::values::Position;
use baton_ledger::Ledger;

use super::faulty::{FaultyLedger, Mode};
use super::world::*;
use crate::{Engine, Options, ReadError, ShutdownError, StartError, SubmitError, Writes, dump};

async fn engine_on(ledger: &Arc<FaultyLedger>) -> Engine {
    let shared: Arc<dyn Ledger> = Arc::clone(ledger) as _;
    start_with(&shared, Options { reopen_pause: Duration::from_millis(1), ..Options::default() }).await
}

#[tokio::test]
async fn nothing_is_shown_before_it_is_durable() {
    let ledger = FaultyLedger::opened().await;
    let engine = engine_on(&ledger).await;
    let sizes = engine.follow();
    ledger.hold();
    let (answer, ()) = tokio::join!(ask(&engine, vec![note("n")]), async {
        ledger.entered().await;
        assert_eq!(engine.snapshot().size, 1);
        assert!(!sizes.has_changed().unwrap());
        assert_eq!(log(&engine).await.len(), 1);
        ledger.release();
    });
    assert_eq!(answer.unwrap().position, Position(1));
}

#[tokio::test]
async fn a_write_that_failed_whole_is_said_so_shows_nothing_and_the_next_one_works() {
    let ledger = FaultyLedger::opened().await;
    let engine = engine_on(&ledger).await;
    let before = dump(&engine.snapshot());
    ledger.set(Mode::Refuses);
    let failed = engine.submit(request(ADMIN, 1, vec![note("n")])).await;
    assert!(matches!(&failed, Err(SubmitError::NotWritten { why }) if why.contains("broken cable")), "{failed:?}");
    assert!(matches!(&*engine.writes().borrow(), Writes::Poisoned(_)));
    assert_eq!(dump(&engine.snapshot()), before);
    ledger.set(Mode::Works);
    let answer = engine.submit(request(ADMIN, 1, vec![note("n")])).await.unwrap();
    assert!(!answer.already_recorded);
    assert_eq!(answer.entries[0].position, Position(1));
    assert_eq!(*engine.writes().borrow(), Writes::Open);
}

#[tokio::test]
async fn a_full_disk_refuses_and_writing_goes_on_by_itself() {
    let ledger = FaultyLedger::opened().await;
    let engine = engine_on(&ledger).await;
    let mut writes = engine.writes();
    ledger.set(Mode::Full);
    assert!(matches!(ask(&engine, vec![note("n")]).await, Err(SubmitError::Full)));
    assert_eq!(*writes.borrow_and_update(), Writes::Full);
    assert_eq!(engine.snapshot().size, 1);
    ledger.set(Mode::Works);
    recovered(&engine).await;
    ask(&engine, vec![note("n")]).await.unwrap();
    assert_eq!(*writes.borrow_and_update(), Writes::Open);
}

#[tokio::test]
async fn a_ledger_that_failed_is_opened_again_without_any_request() {
    for mode in [Mode::Refuses, Mode::Unknown { kept: true }, Mode::Unknown { kept: false }, Mode::Full, Mode::Poisoned] {
        let ledger = FaultyLedger::opened().await;
        let engine = engine_on(&ledger).await;
        ledger.set(mode);
        ask(&engine, vec![note("n")]).await.unwrap_err();
        ledger.tried_again(3).await;
        assert_ne!(*engine.writes().borrow(), Writes::Open);
        ledger.heal();
        recovered(&engine).await;
        // What was found is shown as soon as requests can be recorded, and not only by the next one.
        let found = u64::from(mode == Mode::Unknown { kept: true });
        assert_eq!(engine.snapshot().size, 1 + found);
        assert_eq!(ask(&engine, vec![note("m")]).await.unwrap().position, Position(1 + found));
    }
}

#[tokio::test]
async fn while_it_cannot_be_opened_again_requests_are_refused_reads_are_served_and_it_is_tried_on() {
    let ledger = FaultyLedger::opened().await;
    let engine = engine_on(&ledger).await;
    ledger.set(Mode::Unknown { kept: false });
    assert!(matches!(ask(&engine, vec![note("n")]).await, Err(SubmitError::OutcomeUnknown)));
    for _ in 0..3 {
        ledger.tried_again(2).await;
        let refused = ask(&engine, vec![note("n")]).await;
        assert!(matches!(refused, Err(SubmitError::Poisoned { .. })), "{refused:?}");
        assert!(matches!(&*engine.writes().borrow(), Writes::Poisoned(_)));
        assert_eq!(log(&engine).await.len(), 1);
    }
}

#[tokio::test]
async fn a_ledger_that_takes_nothing_at_the_start_is_read_and_takes_requests_once_it_can() {
    let ledger = FaultyLedger::opened().await;
    ledger.set(Mode::Full);
    let engine = engine_on(&ledger).await;
    assert_eq!(*engine.writes().borrow(), Writes::Full);
    assert_eq!(log(&engine).await.len(), 1);
    assert!(matches!(ask(&engine, vec![note("n")]).await, Err(SubmitError::Full)));
    ledger.heal();
    recovered(&engine).await;
    ask(&engine, vec![note("n")]).await.unwrap();
}

#[tokio::test]
async fn an_engine_that_is_shut_down_while_its_ledger_fails_ends() {
    let ledger = FaultyLedger::opened().await;
    let engine = engine_on(&ledger).await;
    ledger.set(Mode::Poisoned);
    ask(&engine, vec![note("n")]).await.unwrap_err();
    ledger.tried_again(1).await;
    engine.shutdown().await.unwrap();
    assert_eq!(*engine.writes().borrow(), Writes::Closed);
}

#[tokio::test]
async fn a_worker_that_panics_ends_the_other_one_too_and_closes_nothing() {
    let ledger = FaultyLedger::opened().await;
    let engine = engine_on(&ledger).await;
    ledger.set(Mode::Panics);
    assert!(matches!(ask(&engine, vec![note("n")]).await, Err(SubmitError::OutcomeUnknown)));
    // With nobody asking for a stop.
    let mut writes = engine.writes();
    let said = writes.wait_for(|writes| matches!(writes, Writes::Poisoned(_)));
    tokio::time::timeout(Duration::from_secs(20), said).await.expect("the writer ends").unwrap();
    assert!(matches!(engine.shutdown().await, Err(ShutdownError::WriterGone)));
    assert!(matches!(ask(&engine, vec![note("n")]).await, Err(SubmitError::Closed)));
    assert_eq!(log(&engine).await.len(), 1);
    // What a defect left half done is not marked as stopped in order.
    ledger.set(Mode::Works);
    ask(&engine_on(&ledger).await, vec![note("n")]).await.unwrap();
}

#[tokio::test]
async fn an_unknown_outcome_that_was_kept_gives_its_receipt_on_the_repeat() {
    let ledger = FaultyLedger::opened().await;
    let engine = engine_on(&ledger).await;
    ledger.set(Mode::Unknown { kept: true });
    let unknown = engine.submit(request(ADMIN, 1, vec![note("n")])).await;
    assert!(matches!(unknown, Err(SubmitError::OutcomeUnknown)));
    assert_eq!(engine.snapshot().size, 1);
    assert_eq!(log(&engine).await.len(), 1);
    ledger.heal();
    recovered(&engine).await;
    let answer = engine.submit(request(ADMIN, 1, vec![note("n")])).await.unwrap();
    assert!(answer.already_recorded);
    assert_eq!(answer.entries[0].position, Position(1));
    assert_eq!(engine.snapshot().size, 2);
    assert_eq!(ask(&engine, vec![note("m")]).await.unwrap().position, Position(2));
}

#[tokio::test]
async fn an_unknown_outcome_that_was_not_kept_is_recorded_on_the_repeat() {
    let ledger = FaultyLedger::opened().await;
    let engine = engine_on(&ledger).await;
    ledger.set(Mode::Unknown { kept: false });
    let unknown = engine.submit(request(ADMIN, 1, vec![note("n")])).await;
    assert!(matches!(unknown, Err(SubmitError::OutcomeUnknown)));
    ledger.heal();
    recovered(&engine).await;
    let answer = engine.submit(request(ADMIN, 1, vec![note("n")])).await.unwrap();
    assert!(!answer.already_recorded);
    assert_eq!(answer.entries[0].position, Position(1));
}

#[tokio::test]
async fn a_poisoned_ledger_takes_nothing_while_reads_and_first_receipts_go_on() {
    let ledger = FaultyLedger::opened().await;
    let engine = engine_on(&ledger).await;
    let first = engine.submit(request(ADMIN, 1, vec![note("a note")])).await.unwrap();
    ledger.set(Mode::Poisoned);
    for _ in 0..2 {
        let refused = ask(&engine, vec![note("n")]).await;
        assert!(matches!(refused, Err(SubmitError::Poisoned { .. })), "{refused:?}");
    }
    assert!(matches!(&*engine.writes().borrow(), Writes::Poisoned(why) if why == "an earlier write"));
    assert_eq!(log(&engine).await.len(), 2);
    assert_eq!(engine.snapshot().size, 2);
    let again = engine.submit(request(ADMIN, 1, vec![note("a note")])).await.unwrap();
    assert!(again.already_recorded);
    assert_eq!(again.entries, first.entries);
    let reused = engine.submit(request(ADMIN, 1, vec![note("another")])).await;
    assert!(matches!(reused, Err(SubmitError::RequestReused { .. })));
}

#[tokio::test]
async fn a_refusal_that_could_not_be_recorded_is_not_given() {
    let ledger = FaultyLedger::opened().await;
    let engine = engine_on(&ledger).await;
    ledger.set(Mode::Refuses);
    let failed = engine.submit(request(STRANGER, 1, vec![note("n")])).await;
    assert!(matches!(failed, Err(SubmitError::NotWritten { .. })), "{failed:?}");
    ledger.set(Mode::Works);
    let refused = engine.submit(request(STRANGER, 1, vec![note("n")])).await;
    assert!(matches!(refused, Err(SubmitError::Refused(Refusal::Rules(_), Position(1)))));
}

#[tokio::test]
async fn of_a_batch_that_failed_only_what_rests_on_the_durable_log_is_answered() {
    let ledger = FaultyLedger::opened().await;
    let engine = engine_on(&ledger).await;
    engine.submit(request(ADMIN, 1, vec![note("durable")])).await.unwrap();
    ledger.hold();
    let held = tokio::spawn({
        let engine = engine.clone();
        async move { ask(&engine, vec![note("held")]).await }
    });
    ledger.entered().await;
    let expecting = crate::Submission {
        expected: vec![(stream(WAVE), baton_domain::decide::Expected::Exact(baton_domain::values::Revision(2)))],
        ..request(ADMIN, 4, vec![note("stale after the one before")])
    };
    let queued = async {
        tokio::join!(
            engine.submit(request(ADMIN, 2, vec![note("new")])),
            engine.submit(request(ADMIN, 2, vec![note("new")])),
            engine.submit(request(ADMIN, 1, vec![note("durable")])),
            engine.submit(expecting),
            async {
                ledger.set(Mode::Unknown { kept: false });
                ledger.release();
            }
        )
    };
    // The append that was held is the one with the unknown outcome; the batch after it is poisoned.
    let (new, repeat, durable, stale, ()) = queued.await;
    assert!(matches!(held.await.unwrap(), Err(SubmitError::OutcomeUnknown)));
    for failed in [new, repeat, stale] {
        assert!(matches!(failed, Err(SubmitError::Poisoned { .. })), "{failed:?}");
    }
    assert!(durable.unwrap().already_recorded);
    assert_eq!(engine.snapshot().size, 2);
}

#[tokio::test]
async fn words_that_were_altered_refuse_the_start_and_are_never_served() {
    let ledger = FaultyLedger::opened().await;
    let engine = engine_on(&ledger).await;
    engine.submit(request(ADMIN, 1, vec![note("a note")])).await.unwrap();
    ledger.forge(1);
    let read = engine.read(Position(0), 10).await;
    assert!(matches!(read, Err(ReadError::Damaged { position: Position(1), .. })));
    let repeat = engine.submit(request(ADMIN, 1, vec![note("a note")])).await;
    assert!(matches!(repeat, Err(SubmitError::Damaged { position: Some(Position(1)), .. })), "{repeat:?}");
    let start = Engine::start(ledger, Options::default()).await;
    assert!(matches!(start, Err(StartError::Read(ReadError::Damaged { position: Position(1), .. }))));
}

#[tokio::test]
async fn a_record_that_another_writer_appended_is_taken_in_before_the_next_request() {
    let ledger = FaultyLedger::opened().await;
    let one = engine_on(&ledger).await;
    let two = engine_on(&ledger).await;
    ask(&one, vec![note("of one")]).await.unwrap();
    assert_eq!(ask(&two, vec![note("of two")]).await.unwrap().position, Position(2));
    assert_eq!(ask(&one, vec![note("of one")]).await.unwrap().position, Position(3));
    ask(&two, vec![note("of two")]).await.unwrap();
    assert_eq!(two.snapshot().size, 5);
}
