//! What requests are answered when nothing fails.

use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use baton_domain::decide::{Expected, Refusal};
use baton_domain::event::{Command, Event, EventType};
use baton_domain::values::{Position, Revision};
use baton_ledger::{AppendError, Batch, Ledger};
use serde_json::json;

use super::faulty::held;
use super::world::*;
use crate::{Engine, MAX_COMMANDS, OpenLogError, Options, StartError, SubmitError, Writes, dump, open_log};

/// Puts a request into the queue and goes away.
async fn queue_and_forget(engine: &Engine, submission: crate::Submission) {
    tokio::select! {
        biased;
        answer = engine.submit(submission) => panic!("it did not wait: {answer:?}"),
        () = std::future::ready(()) => {}
    }
}

#[tokio::test]
async fn a_log_begins_with_its_opening_and_only_once() {
    let ledger = opened().await;
    let engine = start(&ledger).await;
    let log = log(&engine).await;
    assert_eq!(log.len(), 1);
    assert!(matches!(&log[0].recorded.statement.event, Event::LogOpened(o) if o.origin == "baton.test/1" && o.format == 1));
    let again = open_log(ledger.as_ref(), person(ADMIN), None, clock()()).await;
    assert!(matches!(again, Err(OpenLogError::HasBegun { size: 1 })));
}

#[tokio::test]
async fn an_engine_does_not_start_on_a_log_that_has_not_begun() {
    let ledger: Arc<dyn Ledger> = Arc::new(baton_ledger::MemoryLedger::new());
    assert!(matches!(Engine::start(ledger, Options::default()).await, Err(StartError::NotBegun)));
}

#[tokio::test]
async fn an_answer_names_every_event_and_where_it_went() {
    let engine = start(&opened().await).await;
    let answer = ask(&engine, first_commands()).await.unwrap();
    assert_eq!(answer.entries.len(), first_commands().len());
    assert!(!answer.already_recorded);
    assert_eq!(answer.position, Position(first_commands().len() as u64));
    let log = log(&engine).await;
    for (entry, command) in answer.entries.iter().zip(first_commands()) {
        let recorded = &log[entry.position.0 as usize].recorded;
        assert_eq!((&recorded.stream, recorded.revision), (&entry.stream, entry.revision));
        assert_eq!((&entry.stream, entry.event_type), (&command.stream, command.statement.event.event_type()));
    }
    assert_eq!(engine.snapshot().size, log.len() as u64);
}

#[tokio::test]
async fn a_repeat_gets_the_first_receipt_even_after_a_restart() {
    let ledger = opened().await;
    let engine = start(&ledger).await;
    let first = engine.submit(request(ADMIN, 7, first_commands())).await.unwrap();
    ask(&engine, vec![note("something else")]).await.unwrap();
    let restarted = start(&ledger).await;
    for engine in [engine, restarted] {
        let again = engine.submit(request(ADMIN, 7, first_commands())).await.unwrap();
        assert_eq!(again.entries, first.entries);
        assert!(again.already_recorded);
        assert_eq!(again.position, Position(engine.snapshot().size - 1));
    }
    assert_eq!(ledger.head().size, first.position.0 + 2);
}

#[tokio::test]
async fn the_same_id_with_other_content_is_refused_and_that_of_another_person_is_another_request() {
    let engine = start(&opened().await).await;
    populate(&engine).await;
    let first = engine.submit(request(ADMIN, 7, vec![note("one")])).await.unwrap();
    let reused = engine.submit(request(ADMIN, 7, vec![note("two")])).await;
    assert!(matches!(reused, Err(SubmitError::RequestReused { first: at }) if at == first.entries[0].position), "{reused:?}");
    let other = engine.submit(request(OFFICER, 7, vec![note("one")])).await.unwrap();
    assert!(!other.already_recorded);
}

#[tokio::test]
async fn concurrent_requests_get_gapless_positions() {
    let ledger = opened().await;
    let engine = start(&ledger).await;
    populate(&engine).await;
    let before = engine.snapshot().size;
    let tasks: Vec<_> = (0..300_u128)
        .map(|id| {
            let engine = engine.clone();
            tokio::spawn(async move { engine.submit(request(ADMIN, id, vec![note("a"), note("b")])).await.unwrap() })
        })
        .collect();
    let mut positions = Vec::new();
    for task in tasks {
        let answer = task.await.unwrap();
        assert_eq!(answer.entries[1].position, answer.entries[0].position.next());
        assert!(answer.position >= answer.entries[1].position);
        positions.extend(answer.entries.iter().map(|entry| entry.position.0));
    }
    positions.sort_unstable();
    assert_eq!(positions, (before..before + 600).collect::<Vec<_>>());
    assert_eq!(dump(&engine.snapshot()), dump(&start(&ledger).await.snapshot()));
}

#[tokio::test]
async fn a_refusal_is_recorded_in_the_audit_stream_and_changes_nothing_else() {
    let engine = start(&opened().await).await;
    populate(&engine).await;
    let before = engine.snapshot();
    let wrong = command("organisation/QUY", "OrganisationRegistered", json!({ "name": "again", "kind": "icb" }));
    let refused = engine.submit(request(STRANGER, 1, vec![wrong.clone()])).await.unwrap_err();
    let SubmitError::Refused(Refusal::Rules(unmet), at) = refused else { panic!("{refused}") };
    assert_eq!(
        unmet.iter().map(|(at, u)| (*at, u.code.as_str())).collect::<Vec<_>>(),
        [(0, "NOT_PERMITTED"), (0, "ALREADY_REGISTERED")]
    );

    let after = engine.snapshot();
    assert_eq!(at, Position(before.size));
    assert_eq!(after.size, before.size + 1);
    let audit = engine.read_stream(&stream("audit"), Revision::FIRST, 10).await.unwrap();
    assert_eq!(audit.len(), 1);
    let recorded = &audit[0].recorded;
    assert_eq!((recorded.position, recorded.recorded_by.as_str()), (at, STRANGER));
    assert!(matches!(&recorded.statement.event, Event::CommandRefused(r)
        if r.codes == ["NOT_PERMITTED", "ALREADY_REGISTERED"] && r.event == EventType::OrganisationRegistered));
    let other_streams = |state: &baton_domain::state::State| {
        state.revisions.iter().filter(|(s, _)| **s != stream("audit")).map(|(s, r)| (s.clone(), *r)).collect::<Vec<_>>()
    };
    assert_eq!(other_streams(&after), other_streams(&before));

    // A refused request is not remembered: once its rules are met, the same id records it.
    let again = engine.submit(request(STRANGER, 1, vec![wrong])).await;
    assert!(matches!(again, Err(SubmitError::Refused(..))));
    assert_eq!(engine.snapshot().size, after.size + 1);
}

#[tokio::test]
async fn a_stale_revision_is_refused_and_leaves_no_trace() {
    let engine = start(&opened().await).await;
    populate(&engine).await;
    let size = engine.snapshot().size;
    let expecting =
        |expected| crate::Submission { expected: vec![(stream(WAVE), expected)], ..request(ADMIN, 1, vec![note("n")]) };
    for wrong in [Expected::Exact(Revision(2)), Expected::NoStream] {
        let refused = engine.submit(expecting(wrong)).await;
        assert!(
            matches!(refused, Err(SubmitError::Refused(Refusal::StaleRevision { actual: Some(Revision(1)), .. }, at)) if at.0 + 1 == size)
        );
    }
    assert_eq!(engine.snapshot().size, size);
    engine.submit(expecting(Expected::Exact(Revision(1)))).await.unwrap();
}

#[tokio::test]
async fn a_request_at_the_bound_of_commands_is_taken_and_one_past_it_refused() {
    let engine = start(&opened().await).await;
    let notes = |count| (0..count).map(|_| note("n")).collect::<Vec<Command>>();
    let answer = ask(&engine, notes(MAX_COMMANDS)).await.unwrap();
    assert_eq!(answer.entries.len(), MAX_COMMANDS);
    let refused = ask(&engine, notes(MAX_COMMANDS + 1)).await;
    assert!(matches!(refused, Err(SubmitError::TooManyCommands { count: 129, bound: MAX_COMMANDS })));
    assert!(matches!(ask(&engine, notes(0)).await, Err(SubmitError::NoCommands)));
    assert_eq!(engine.snapshot().size, 1 + MAX_COMMANDS as u64);
}

#[tokio::test]
async fn an_event_that_is_too_large_is_refused_by_the_index_of_its_command() {
    let engine = start(&opened().await).await;
    let refused = ask(&engine, vec![note("n"), large("a", 70_000)]).await;
    assert!(matches!(refused, Err(SubmitError::TooLarge { command: Some(1), what: "a leaf", .. })), "{refused:?}");
    assert_eq!(engine.snapshot().size, 1);
}

#[tokio::test]
async fn a_request_larger_than_any_batch_is_refused() {
    let engine = start(&opened().await).await;
    let commands = (0..80).map(|i| large(&format!("o{i}"), 60_000)).collect();
    let refused = ask(&engine, commands).await;
    assert!(matches!(refused, Err(SubmitError::TooLarge { command: None, what: "the bytes of a request", .. })), "{refused:?}");
    assert_eq!(engine.snapshot().size, 1);
}

#[tokio::test]
async fn a_full_queue_refuses_one_more_and_takes_again_later() {
    let (ledger, engine, first) = held(Options { queue: 2, batch_requests: 1, ..Options::default() }).await;
    // Besides the two in the queue the writer decides one ahead, sooner or later.
    let mut waiting = 0_u64;
    let refused = loop {
        let mut asked = Box::pin(engine.submit(request(ADMIN, u128::from(waiting) + 1, vec![note("waits")])));
        match std::future::poll_fn(|context| Poll::Ready(asked.as_mut().poll(context))).await {
            Poll::Pending => waiting += 1,
            Poll::Ready(answer) => break answer,
        }
    };
    assert!(matches!(refused, Err(SubmitError::QueueFull)), "{refused:?}");
    assert!((2..=3).contains(&waiting), "{waiting} requests wait");
    ledger.release();
    first.await.unwrap().unwrap();
    engine.snapshot_at(Position(1 + waiting), Duration::from_secs(60)).await.unwrap();
    engine.submit(request(ADMIN, u128::from(waiting) + 1, vec![note("now")])).await.unwrap();
}

#[tokio::test]
async fn a_request_whose_caller_went_away_is_recorded() {
    let (ledger, engine, first) = held(Options::default()).await;
    queue_and_forget(&engine, request(ADMIN, 1, vec![note("nobody waits for this")])).await;
    ledger.release();
    first.await.unwrap().unwrap();
    let again = engine.submit(request(ADMIN, 1, vec![note("nobody waits for this")])).await.unwrap();
    assert!(again.already_recorded);
    assert_eq!(again.entries[0].position, Position(2));
}

#[tokio::test]
async fn a_shutdown_answers_what_was_queued_and_takes_nothing_more() {
    let (ledger, engine, first) = held(Options::default()).await;
    let queued = engine.submit(request(ADMIN, 1, vec![note("queued")]));
    let shutdown = async {
        // Asked for while the first request is in its append and the second one waits.
        let (closed, ()) = tokio::join!(engine.shutdown(), async { ledger.release() });
        closed
    };
    let (queued, closed) = tokio::join!(queued, shutdown);
    closed.unwrap();
    first.await.unwrap().unwrap();
    assert_eq!(queued.unwrap().entries[0].position, Position(2));
    assert!(matches!(ask(&engine, vec![note("late")]).await, Err(SubmitError::Closed)));
    assert_eq!(*engine.writes().borrow(), Writes::Closed);
    engine.shutdown().await.unwrap();
    // The ledger is closed, and reads go on.
    let append = ledger.append(Batch { at: ledger.head().next(), sets: Vec::new() }).await;
    assert!(matches!(append, Err(AppendError::Closed)));
    assert_eq!(log(&engine).await.len(), 3);
}

#[tokio::test]
async fn an_engine_that_is_dropped_answers_what_was_queued() {
    let (ledger, engine, first) = held(Options::default()).await;
    queue_and_forget(&engine, request(ADMIN, 1, vec![note("queued")])).await;
    drop(engine);
    ledger.release();
    first.await.unwrap().unwrap();
    let mut heads = ledger.follow();
    heads.wait_for(|newest| newest.checkpoint().size == 3).await.unwrap();
}

#[tokio::test]
async fn receipts_of_an_answer_and_of_its_repeat_are_the_same_and_prove_the_leaf_of_each_event() {
    let ledger = opened().await;
    let engine = start(&ledger).await;
    let trusted = baton_ledger::TrustedKeys::parse(engine.verifier_key()).unwrap();
    let first = engine.submit(request(ADMIN, 1, first_commands())).await.unwrap();
    let receipts = engine.receipts(&first).await.unwrap();
    ask(&engine, vec![note("n")]).await.unwrap();
    let again = engine.submit(request(ADMIN, 1, first_commands())).await.unwrap();
    assert!(again.already_recorded);
    assert_eq!(engine.receipts(&again).await.unwrap(), receipts);
    for (entry, receipt) in first.entries.iter().zip(&receipts) {
        let leaf = &engine.read(entry.position, 1).await.unwrap()[0].leaf;
        let hash = baton_ledger::leaf_hash(leaf);
        assert_eq!(entry.leaf_hash, Some(hash));
        assert_eq!(&baton_ledger::Receipt::verify(&receipt.to_text(), hash, &trusted).unwrap(), receipt);
        assert_eq!(engine.receipt(entry.position).await.unwrap().as_ref(), Some(receipt));
    }
}

#[tokio::test]
async fn the_servers_clock_is_what_is_recorded_and_never_runs_backwards() {
    let ledger = opened().await;
    let times: [jiff::Timestamp; 2] = ["2026-10-03T00:00:00Z".parse().unwrap(), "2026-10-02T23:00:00Z".parse().unwrap()];
    let read = std::sync::atomic::AtomicUsize::new(0);
    let clock = Arc::new(move || times[read.fetch_add(1, std::sync::atomic::Ordering::Relaxed) % 2]);
    let engine = Engine::start_with(ledger, Options::default(), clock).await.unwrap();
    for _ in 0..2 {
        ask(&engine, vec![note("n")]).await.unwrap();
    }
    let log = log(&engine).await;
    assert_eq!([log[1].recorded.recorded_at, log[2].recorded.recorded_at], [times[0], times[0]]);
}
