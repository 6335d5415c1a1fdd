//! Requests that are decided together: each on what those before it leave, and on nothing else.

use baton_domain::decide::{Expected, Refusal};
use baton_domain::values::{Position, Revision};
use serde_json::json;

use super::faulty::held;
use super::world::*;
use crate::{Options, SubmitError, dump};

#[tokio::test]
async fn requests_that_are_not_taken_leave_nothing_to_those_after_them_in_the_batch() {
    let (ledger, engine, first) = held(Options::default()).await;
    let wrong = || command("organisation/QUX", "BodyRegistered", json!({ "body": "board", "name": "Board", "kind": "board" }));
    let ask = |commands| ask(&engine, commands);
    let (one, refused, large, two, again, three, ()) = tokio::join!(
        ask(vec![note("one")]),
        ask(vec![note("taken back"), note("taken back"), wrong()]),
        ask(vec![note("taken back"), large("a", 70_000)]),
        ask(vec![note("two")]),
        ask(vec![note("taken back"), wrong()]),
        ask(vec![note("three")]),
        async { ledger.release() }
    );
    first.await.unwrap().unwrap();
    assert!(matches!(refused, Err(SubmitError::Refused(Refusal::Rules(ref unmet), _)) if unmet[0].0 == 2), "{refused:?}");
    assert!(matches!(large, Err(SubmitError::TooLarge { command: Some(1), .. })), "{large:?}");
    assert!(matches!(again, Err(SubmitError::Refused(Refusal::Rules(ref unmet), _)) if unmet[0].0 == 1), "{again:?}");
    // Positions 3 and 5 are those of the recorded refusals.
    let places = [one, two, three].map(|answer| answer.unwrap().entries[0].clone()).map(|e| (e.position.0, e.revision.0));
    assert_eq!(places, [(2, 2), (4, 3), (6, 4)]);
    let shared: std::sync::Arc<dyn baton_ledger::Ledger> = ledger;
    assert_eq!(dump(&engine.snapshot()), dump(&start(&shared).await.snapshot()));
}

#[tokio::test]
async fn repeats_within_one_batch_get_the_same_receipt() {
    let (ledger, engine, first) = held(Options::default()).await;
    let same = || engine.submit(request(ADMIN, 7, vec![note("same")]));
    let other = engine.submit(request(ADMIN, 7, vec![note("other")]));
    let (one, two, three, ()) = tokio::join!(same(), same(), other, async { ledger.release() });
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(one.entries, two.entries);
    assert_eq!((one.already_recorded, two.already_recorded), (false, true));
    assert!(matches!(three, Err(SubmitError::RequestReused { first }) if first == one.entries[0].position));
    first.await.unwrap().unwrap();
    assert_eq!(engine.snapshot().size, 3);
}

#[tokio::test]
async fn of_two_requests_in_one_batch_that_expect_the_same_revision_the_second_is_stale() {
    let (ledger, engine, first) = held(Options::default()).await;
    let expecting = |id| crate::Submission {
        expected: vec![(stream(WAVE), Expected::Exact(Revision(1)))],
        ..request(ADMIN, id, vec![note("n")])
    };
    let (one, two, ()) = tokio::join!(engine.submit(expecting(1)), engine.submit(expecting(2)), async { ledger.release() });
    first.await.unwrap().unwrap();
    assert_eq!(one.unwrap().entries[0].revision, Revision(2));
    assert!(matches!(two, Err(SubmitError::Refused(Refusal::StaleRevision { actual: Some(Revision(2)), .. }, Position(2)))));
}

#[tokio::test]
async fn requests_that_do_not_fit_into_one_batch_go_into_the_next() {
    let (ledger, engine, first) = held(Options::default()).await;
    let tasks: Vec<_> = (0..100_u128)
        .map(|id| {
            let engine = engine.clone();
            // Little content, large events: only the built batch shows how much it is.
            let mut submission = request(ADMIN, id, vec![large(&format!("o{id}"), 60_000)]);
            submission.content = Vec::new();
            tokio::spawn(async move { engine.submit(submission).await })
        })
        .collect();
    tokio::task::yield_now().await;
    ledger.release();
    first.await.unwrap().unwrap();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(engine.snapshot().size, 102);
}
