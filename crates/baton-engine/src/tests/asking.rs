//! What can be asked without recording anything: validating, snapshots, following, the log.

use std::time::Duration;

use baton_domain::decide::{Expected, Refusal};
use baton_domain::event::{Event, EventType};
use baton_domain::values::{Position, Revision};
use serde_json::json;
use uuid::Uuid;

use super::world::*;
use crate::{NotYet, SubmitError, dump};

#[tokio::test]
async fn validating_says_what_would_be_recorded_and_writes_nothing() {
    let ledger = opened().await;
    let engine = start(&ledger).await;
    let before = dump(&engine.snapshot());
    let request = request(ADMIN, 1, first_commands());
    let validated = engine.validate(&request).unwrap();
    assert_eq!(dump(&engine.snapshot()), before);
    assert_eq!(ledger.head().size, 1);
    assert!(validated.assessment.is_none());
    let mut recorded = engine.submit(request).await.unwrap().entries;
    // Only what is recorded has a leaf, and so a hash of it.
    assert!(recorded.iter_mut().all(|entry| entry.leaf_hash.take().is_some()));
    assert_eq!(recorded, validated.entries);
}

#[tokio::test]
async fn validating_refuses_as_submitting_would_and_records_no_refusal() {
    let engine = start(&opened().await).await;
    let refused = engine.validate(&request(STRANGER, 1, first_commands()));
    assert!(matches!(refused, Err(SubmitError::Refused(Refusal::Rules(_), Position(0)))));
    let stale =
        crate::Submission { expected: vec![(stream(WAVE), Expected::Exact(Revision(1)))], ..request(ADMIN, 1, vec![note("n")]) };
    assert!(matches!(engine.validate(&stale), Err(SubmitError::Refused(Refusal::StaleRevision { .. }, _))));
    assert!(matches!(engine.validate(&request(ADMIN, 1, Vec::new())), Err(SubmitError::NoCommands)));
    assert_eq!(engine.snapshot().size, 1);
}

#[tokio::test]
async fn validating_an_approval_gives_the_digest_with_which_it_is_taken() {
    let engine = start(&opened().await).await;
    populate(&engine).await;
    ask(
        &engine,
        vec![command(TRANSITION, "Planned", json!({ "event": "AgreementSigned", "target": { "precision": "unknown" } }))],
    )
    .await
    .unwrap();
    let void = serde_json::to_value(command(
        TRANSITION,
        "StatementVoided",
        json!({ "target": 2, "reason": { "$open": "wrong board" } }),
    ))
    .unwrap();
    ask(&engine, vec![command("proposal/p1", "Proposed", json!({ "commands": [void] }))]).await.unwrap();

    let approval = |by, digest: &str| {
        request(by, Uuid::new_v4().as_u128(), vec![command("proposal/p1", "Approved", json!({ "digest": digest }))])
    };
    let refused = engine.validate(&approval(ADMIN, "")).unwrap_err();
    assert!(
        matches!(&refused, SubmitError::Refused(Refusal::Rules(unmet), _) if unmet[0].1.code == "SELF_APPROVAL"),
        "{refused}"
    );
    let seen = engine.validate(&approval(OFFICER, "")).unwrap();
    let digest = seen.assessment.unwrap().digest;
    assert_eq!(seen.entries.len(), 2);
    assert!(engine.submit(approval(OFFICER, "not what was seen")).await.is_err());
    let answer = engine.submit(approval(OFFICER, &digest)).await.unwrap();
    let types: Vec<_> = answer.entries.iter().map(|entry| entry.event_type).collect();
    assert_eq!(types, [EventType::Approved, EventType::StatementVoided]);
    let ended = engine.validate(&approval(OFFICER, &digest)).unwrap_err();
    assert!(matches!(&ended, SubmitError::Refused(Refusal::Rules(unmet), _) if unmet[0].1.code == "PROPOSAL_ENDED"), "{ended}");
}

#[tokio::test]
async fn a_snapshot_waits_for_its_position_or_says_how_far_it_is() {
    let engine = start(&opened().await).await;
    let early = engine.snapshot_at(Position(1), Duration::ZERO).await;
    assert_eq!(early.unwrap_err(), NotYet { asked: Position(1), newest: Some(Position(0)) });
    let (state, answer) = tokio::join!(engine.snapshot_at(Position(1), Duration::from_secs(60)), ask(&engine, vec![note("n")]));
    answer.unwrap();
    assert_eq!(state.unwrap().size, 2);
    assert_eq!(engine.snapshot_at(Position(0), Duration::ZERO).await.unwrap().size, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_follows_finds_a_snapshot_and_a_log_that_reach_what_was_seen() {
    let engine = start(&opened().await).await;
    let mut sizes = engine.follow();
    let follower = tokio::spawn({
        let engine = engine.clone();
        async move {
            loop {
                let size = *sizes.borrow_and_update();
                assert!(engine.snapshot().size >= size);
                assert_eq!(engine.read(Position(size - 1), 1).await.unwrap().len(), 1);
                if size == 101 {
                    return;
                }
                sizes.changed().await.unwrap();
            }
        }
    });
    for _ in 0..100 {
        let answer = ask(&engine, vec![note("n")]).await.unwrap();
        assert!(engine.snapshot().size > answer.position.0);
    }
    follower.await.unwrap();
}

#[tokio::test]
async fn the_log_gives_words_and_leaves_and_the_leaves_hold_no_words() {
    let engine = start(&opened().await).await;
    ask(&engine, vec![note("a whispered note")]).await.unwrap();
    let log = log(&engine).await;
    let Event::FactRecorded(fact) = &log[1].recorded.statement.event else { panic!() };
    assert_eq!(fact.note.as_ref().unwrap().words(), Some("a whispered note"));
    assert_eq!(log[1].schema_version, 1);
    assert_eq!(log[1].leaf_hash, baton_ledger::leaf_hash(&log[1].leaf));
    assert!(!String::from_utf8(log[1].leaf.clone()).unwrap().contains("whispered"));
    assert!(engine.read(Position(2), 10).await.unwrap().is_empty());
    assert!(engine.read_stream(&stream("meeting/none"), Revision::FIRST, 10).await.unwrap().is_empty());
}
