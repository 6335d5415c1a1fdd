//! The contract of a ledger, as sentences, run for every implementation.
#![allow(clippy::unwrap_used)]

mod support;

use baton_ledger::bounds::*;
use baton_ledger::*;
use support::*;

async fn appended_records_are_read_back_in_order(ledger: &dyn Ledger) {
    let sets = vec![set(vec![record("a", b"1"), record("b", b"2")]), set(vec![secret("a", b"3", b"a name")])];
    let appended = ledger.append(batch(ledger, sets)).await.unwrap();
    assert_eq!(appended.first, Position(0));
    assert_eq!(appended.checkpoint, ledger.checkpoint());

    let records = read_all(ledger).await;
    assert_in_order(&records);
    let leaves: Vec<&[u8]> = records.iter().map(|r| r.leaf.as_slice()).collect();
    assert_eq!(leaves, [b"1", b"2", b"3"]);
    assert_eq!(records[1].disclosure, Disclosure::None);
    assert_eq!(records[2].disclosure, Disclosure::Open(b"a name".to_vec()));
    for (record, place) in records.iter().zip(&appended.records) {
        assert_eq!(record.position, place.position);
        assert_eq!((&record.stream, record.revision), (&place.stream, place.revision));
        assert_eq!(record.leaf_hash, place.leaf_hash);
        assert_eq!(record.leaf_hash, leaf_hash(&record.leaf));
    }
    let mut tree = Tree::new();
    [b"1", b"2", b"3"].iter().for_each(|leaf| tree.push(leaf_hash(*leaf)));
    assert_eq!(ledger.head(), Head { size: 3, root: tree.root() });
}

async fn an_empty_ledger_has_nothing_to_say(ledger: &dyn Ledger) {
    assert_eq!(ledger.head(), Head::EMPTY);
    assert_eq!(ledger.read(Position(0), 10).await.unwrap(), []);
    assert_eq!(ledger.read_stream(&stream("a"), Revision(1), 10).await.unwrap(), []);
    assert_eq!(ledger.revision(&stream("a")), None);
    assert_eq!(ledger.request(&key(1)), None);
}

async fn a_stream_is_read_from_a_revision_on(ledger: &dyn Ledger) {
    for leaf in 0..6_u8 {
        append_one(ledger, if leaf % 2 == 0 { "even" } else { "odd" }, &[leaf]).await;
    }
    let leaves = async |from, limit| -> Vec<u8> {
        let records = ledger.read_stream(&stream("odd"), Revision(from), limit).await.unwrap();
        records.iter().map(|r| r.leaf[0]).collect()
    };
    assert_eq!(leaves(1, 9).await, [1, 3, 5]);
    assert_eq!(leaves(0, 9).await, [1, 3, 5]);
    assert_eq!(leaves(2, 1).await, [3]);
    assert_eq!(leaves(4, 9).await, []);
    assert_eq!(leaves(u64::MAX, 9).await, []);
    assert_eq!(ledger.revision(&stream("odd")), Some(Revision(3)));
}

async fn reads_begin_where_asked_and_stop_at_limit_and_head(ledger: &dyn Ledger) {
    for leaf in 0..5_u8 {
        append_one(ledger, "a", &[leaf]).await;
    }
    let positions = async |from, limit| -> Vec<u64> {
        let records = ledger.read(Position(from), limit).await.unwrap();
        records.iter().map(|r| r.position.0).collect()
    };
    assert_eq!(positions(1, 2).await, [1, 2]);
    assert_eq!(positions(3, 9).await, [3, 4]);
    assert_eq!(positions(5, 9).await, []);
    assert_eq!(positions(u64::MAX, 9).await, []);
    assert_eq!(positions(0, 0).await, []);
}

async fn a_batch_for_another_head_is_refused_and_nothing_is_written(ledger: &dyn Ledger) {
    append_one(ledger, "a", b"1").await;
    for wrong in [0, 2] {
        let stale = Batch { at: Position(wrong), sets: vec![set(vec![record("a", b"2")])] };
        let refused = ledger.append(stale).await.unwrap_err();
        assert!(matches!(refused, AppendError::HeadMoved { expected: Position(w), actual: Position(1) } if w == wrong));
    }
    assert_eq!(ledger.head().size, 1);
}

async fn a_stale_revision_refuses_the_whole_batch(ledger: &dyn Ledger) {
    append_one(ledger, "a", b"1").await;
    let cases = [
        (Expected::Exact(Revision(2)), "a", Some(Revision(1))),
        (Expected::NoStream, "a", Some(Revision(1))),
        (Expected::Exact(Revision(1)), "b", None),
    ];
    for (wrong, name, is) in cases {
        let sets = vec![set(vec![record("c", b"first set")]), expecting(name, wrong, vec![record("a", b"2")])];
        match ledger.append(batch(ledger, sets)).await.unwrap_err() {
            AppendError::StaleRevision { set: 1, stream, expected, actual } => {
                assert_eq!((stream.as_str(), expected, actual), (name, wrong, is));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(ledger.head().size, 1);
    assert_eq!(ledger.revision(&stream("c")), None);
}

async fn an_expectation_that_holds_is_taken(ledger: &dyn Ledger) {
    append_one(ledger, "a", b"1").await;
    for (holds, name) in
        [(Expected::Exact(Revision(1)), "a"), (Expected::Any, "a"), (Expected::Any, "new"), (Expected::NoStream, "other")]
    {
        let sets = vec![expecting(name, holds, vec![record("x", b"2")])];
        ledger.append(batch(ledger, sets)).await.unwrap();
    }
}

async fn a_set_sees_the_sets_before_it(ledger: &dyn Ledger) {
    let sets = vec![
        expecting("a", Expected::NoStream, vec![record("a", b"1"), record("a", b"2")]),
        expecting("a", Expected::Exact(Revision(2)), vec![record("a", b"3")]),
    ];
    ledger.append(batch(ledger, sets)).await.unwrap();
    let sets = vec![set(vec![record("a", b"4")]), expecting("a", Expected::Exact(Revision(3)), vec![record("a", b"5")])];
    let refused = ledger.append(batch(ledger, sets)).await.unwrap_err();
    assert!(matches!(refused, AppendError::StaleRevision { actual: Some(Revision(4)), .. }));
}

async fn a_request_is_remembered_and_its_repeat_named(ledger: &dyn Ledger) {
    append_one(ledger, "a", b"0").await;
    let sets = vec![requested(1, 7, vec![record("a", b"1"), record("a", b"2")]), requested(2, 8, vec![record("a", b"3")])];
    ledger.append(batch(ledger, sets)).await.unwrap();
    let second = RequestRecord { first: Position(3), count: 1, digest: [8; 32] };
    assert_eq!(ledger.request(&key(2)), Some(second));

    let repeat = vec![requested(1, 7, vec![record("a", b"1"), record("a", b"2")])];
    let refused = ledger.append(batch(ledger, repeat)).await.unwrap_err();
    assert!(matches!(refused, AppendError::RequestRepeated { set: 0, first: Position(1), count: 2 }));
    assert_eq!(ledger.head().size, 4);
}

async fn a_request_id_with_other_content_is_refused_before_revisions_are_looked_at(ledger: &dyn Ledger) {
    let first = vec![requested(1, 7, vec![record("a", b"1")])];
    ledger.append(batch(ledger, first)).await.unwrap();
    let mut reuse = requested(1, 8, vec![record("a", b"2")]);
    reuse.expected.push((stream("a"), Expected::NoStream));
    let refused = ledger.append(batch(ledger, vec![reuse])).await.unwrap_err();
    assert!(matches!(refused, AppendError::RequestReused { set: 0, first: Position(0) }));

    let mut other_caller = requested(1, 8, vec![record("a", b"2")]);
    other_caller.request.as_mut().unwrap().caller = "region:East".into();
    ledger.append(batch(ledger, vec![other_caller])).await.unwrap();
}

async fn a_request_twice_in_one_batch_is_refused(ledger: &dyn Ledger) {
    let twice = [(); 2].map(|()| requested(1, 7, vec![record("a", b"1")]));
    let refused = ledger.append(batch(ledger, twice.to_vec())).await.unwrap_err();
    assert!(matches!(refused, AppendError::RequestTwiceInBatch { set: 1, earlier: 0 }));
    assert_eq!(ledger.request(&key(1)), None);
}

async fn what_is_empty_is_refused(ledger: &dyn Ledger) {
    for sets in [vec![], vec![set(vec![])], vec![set(vec![record("a", b"")])]] {
        let refused = ledger.append(batch(ledger, sets)).await.unwrap_err();
        assert!(matches!(refused, AppendError::Empty { .. }), "{refused:?}");
    }
    assert_eq!(ledger.head(), Head::EMPTY);
}

async fn every_bound_holds_at_the_bound_and_not_one_past_it(ledger: &dyn Ledger) {
    let bytes = |n: usize| vec![1_u8; n];
    let of_bytes = move |n: usize| {
        let whole = n / 60_000;
        let mut records: Vec<Record> = (0..whole).map(|_| record("a", &bytes(60_000))).collect();
        records.push(record("a", &bytes(n - whole * 60_000)));
        vec![set(records)]
    };
    type Sets = Box<dyn Fn(usize) -> Vec<AppendSet>>;
    let cases: Vec<(usize, Sets)> = vec![
        (MAX_LEAF, Box::new(move |n| vec![set(vec![record("a", &bytes(n))])])),
        (MAX_DISCLOSURE, Box::new(move |n| vec![set(vec![secret("a", b"1", &bytes(n))])])),
        (MAX_RECORD, Box::new(move |n| vec![set(vec![secret("a", &bytes(n - 40_000), &bytes(40_000))])])),
        (MAX_BATCH_SETS, Box::new(|n| vec![set(vec![record("a", b"1")]); n])),
        (MAX_BATCH_RECORDS, Box::new(|n| vec![set(vec![record("a", b"1"); n])])),
        (MAX_BATCH_BYTES, Box::new(of_bytes)),
        (
            MAX_EXPECTED,
            Box::new(|n| {
                let mut set = set(vec![record("a", b"1")]);
                set.expected = vec![(stream("b"), Expected::Any); n];
                vec![set]
            }),
        ),
        (
            MAX_CALLER,
            Box::new(|n| {
                let mut set = requested(n as u128, 1, vec![record("a", b"1")]);
                set.request.as_mut().unwrap().caller = "c".repeat(n).into();
                vec![set]
            }),
        ),
    ];
    for (bound, sets) in cases {
        let head = ledger.head();
        match ledger.append(batch(ledger, sets(bound + 1))).await.unwrap_err() {
            AppendError::TooLarge { size, bound: named, .. } => assert_eq!((size, named), (bound + 1, bound)),
            other => panic!("{other:?}"),
        }
        assert_eq!(ledger.head(), head);
        ledger.append(batch(ledger, sets(bound))).await.unwrap();
    }
    assert_in_order(&read_all(ledger).await);
}

async fn a_read_is_cut_to_its_bounds(ledger: &dyn Ledger) {
    let small = vec![set(vec![record("a", b"1"); MAX_READ_RECORDS + 1])];
    ledger.append(batch(ledger, small)).await.unwrap();
    assert_eq!(ledger.read(Position(0), usize::MAX).await.unwrap().len(), MAX_READ_RECORDS);
    let stream_page = ledger.read_stream(&stream("a"), Revision(1), usize::MAX).await.unwrap();
    assert_eq!(stream_page.len(), MAX_READ_RECORDS);

    let large = record("b", &vec![1; 1 << 15]);
    let per_batch = MAX_BATCH_BYTES / (1 << 15);
    for _ in 0..3 {
        let large = vec![set(vec![large.clone(); per_batch])];
        ledger.append(batch(ledger, large)).await.unwrap();
    }
    let page = ledger.read_stream(&stream("b"), Revision(1), usize::MAX).await.unwrap();
    assert_eq!(page.len(), MAX_READ_BYTES / (1 << 15));
}

async fn a_follower_is_woken_with_the_durable_head(ledger: &dyn Ledger) {
    let mut heads = ledger.follow();
    assert_eq!(*heads.borrow_and_update(), ledger.checkpoint());
    append_one(ledger, "a", b"1").await;
    heads.changed().await.unwrap();
    let seen = heads.borrow_and_update().clone();
    assert_eq!(seen, ledger.checkpoint());
    assert_eq!(ledger.read(Position(0), 9).await.unwrap().len() as u64, seen.checkpoint().size);

    let stale = Batch { at: Position(9), sets: vec![set(vec![record("a", b"2")])] };
    ledger.append(stale).await.unwrap_err();
    assert!(!heads.has_changed().unwrap());
}

async fn a_keyed_digest_is_the_same_for_the_same_bytes_and_no_plain_hash(ledger: &dyn Ledger) {
    let digest = ledger.keyed_digest(b"free text");
    assert_eq!(digest, ledger.keyed_digest(b"free text"));
    assert_ne!(digest, ledger.keyed_digest(b"free texts"));
    assert_ne!(digest, MemoryLedger::new().keyed_digest(b"free text"));
}

/// Three batches of two records, and each answer.
async fn three_batches(ledger: &dyn Ledger) -> Vec<Appended> {
    let mut answers = Vec::new();
    for number in 0..3_u8 {
        let records = vec![record("a", &[number, 0]), secret("b", &[number, 1], b"a name")];
        answers.push(ledger.append(batch(ledger, vec![set(records)])).await.unwrap());
    }
    answers
}

async fn a_checkpoint_is_signed_by_the_ledgers_key_and_is_that_of_the_tree_over_its_leaves(ledger: &dyn Ledger) {
    let trusted = TrustedKeys::parse(ledger.verifier_key()).unwrap();
    assert_eq!(trusted.verify(ledger.checkpoint().note().as_bytes()).unwrap().checkpoint().root, EMPTY_ROOT);
    for answer in three_batches(ledger).await {
        let signed = trusted.verify(answer.checkpoint.note().as_bytes()).unwrap();
        let mut tree = Tree::new();
        let size = signed.checkpoint().size;
        read_all(ledger).await.iter().take(size as usize).for_each(|record| tree.push(record.leaf_hash));
        assert_eq!(size, answer.first.0 + 2);
        assert_eq!((signed.checkpoint().root, signed.checkpoint().origin.as_str()), (tree.root(), ledger.origin()));
    }
    assert_eq!(ledger.checkpoint().checkpoint().root, ledger.head().root);
}

async fn a_receipt_is_the_same_each_time_and_proves_its_leaf_and_no_other(ledger: &dyn Ledger) {
    let trusted = TrustedKeys::parse(ledger.verifier_key()).unwrap();
    let answers = three_batches(ledger).await;
    for (number, record) in read_all(ledger).await.iter().enumerate() {
        let receipt = ledger.receipt(record.position).await.unwrap().unwrap();
        assert_eq!(receipt.checkpoint, answers[number / 2].checkpoint);
        let text = receipt.to_text();
        assert_eq!(Receipt::verify(&text, record.leaf_hash, &trusted).unwrap(), receipt);
        let other = Receipt::verify(&text, leaf_hash(b"another"), &trusted);
        assert_eq!(other.unwrap_err(), ReceiptError::NotIncluded { position: record.position });
        assert_eq!(ledger.receipt(record.position).await.unwrap().unwrap().to_text(), text);
    }
    assert_eq!(ledger.receipt(Position(6)).await.unwrap(), None);
}

async fn every_older_checkpoint_is_proved_to_be_a_beginning_of_every_newer_one(ledger: &dyn Ledger) {
    let heads: Vec<Head> = three_batches(ledger).await.iter().map(|a| a.checkpoint.checkpoint().into()).collect();
    for (at, old) in heads.iter().enumerate() {
        for new in &heads[at..] {
            let proof = ledger.prove_consistency(old.size, new.size).unwrap();
            assert!(check_consistency(&proof, old.size, old.root, new.size, new.root));
            assert!(!check_consistency(&proof, old.size, [1; 32], new.size, new.root));
        }
    }
    assert_eq!(ledger.prove_consistency(0, 2), Err(ProofError::NotOlder { old: 0, new: 2 }));
    assert_eq!(ledger.prove_consistency(3, 2), Err(ProofError::NotOlder { old: 3, new: 2 }));
    assert_eq!(ledger.prove_consistency(1, 7), Err(ProofError::BeyondLog { asked: 7, size: 6 }));
    assert_eq!(ledger.prove_inclusion(Position(2), 2), Err(ProofError::NotInTree { position: Position(2), size: 2 }));
}

async fn what_was_erased_stays_closed_and_every_proof_stays_as_it_was(ledger: &dyn Ledger) {
    three_batches(ledger).await;
    let (before, receipt) = (ledger.checkpoint(), ledger.receipt(Position(1)).await.unwrap());
    // Position 0 has nothing beside it, and erasing twice changes nothing more.
    for _ in 0..2 {
        ledger.erase(&[Position(0), Position(1), Position(5)]).await.unwrap();
    }
    let disclosures: Vec<Disclosure> = read_all(ledger).await.into_iter().map(|record| record.disclosure).collect();
    let name = Disclosure::Open(b"a name".to_vec());
    let (none, erased) = (Disclosure::None, Disclosure::Erased);
    assert_eq!(disclosures, [none.clone(), erased.clone(), none.clone(), name, none, erased]);
    assert_eq!((ledger.checkpoint(), ledger.receipt(Position(1)).await.unwrap()), (before, receipt));
    let refused = ledger.erase(&[Position(6)]).await.unwrap_err();
    assert!(matches!(refused, EraseError::NoRecord { position: Position(6) }));
}

async fn a_closed_ledger_reads_on_and_appends_no_more(ledger: &dyn Ledger) {
    append_one(ledger, "a", b"1").await;
    ledger.close().await.unwrap();
    let refused = ledger.append(batch(ledger, vec![set(vec![record("a", b"2")])])).await;
    assert!(matches!(refused.unwrap_err(), AppendError::Closed));
    assert_eq!(read_all(ledger).await.len(), 1);
    ledger.close().await.unwrap();
}

/// The log on a simulated machine where nothing goes wrong.
fn simulated() -> simulation::SimLedger {
    let machine = simulation::Machine::new(simulation::Dice::new(0), None, false);
    simulation::SimLedger::create(&machine, SigningKey::generate("baton.test/1").unwrap()).unwrap()
}

macro_rules! contract {
    ($($sentence:ident)*) => {
        mod memory {
            $(#[tokio::test]
            async fn $sentence() {
                super::$sentence(&super::MemoryLedger::new()).await;
            })*
        }
        mod sled {
            $(#[tokio::test]
            async fn $sentence() {
                let dir = tempfile::tempdir().unwrap();
                super::$sentence(&super::open(dir.path())).await;
            })*
        }
        mod simulated {
            $(#[tokio::test]
            async fn $sentence() {
                super::$sentence(&super::simulated()).await;
            })*
        }
    };
}

contract! {
    appended_records_are_read_back_in_order
    an_empty_ledger_has_nothing_to_say
    a_stream_is_read_from_a_revision_on
    reads_begin_where_asked_and_stop_at_limit_and_head
    a_batch_for_another_head_is_refused_and_nothing_is_written
    a_stale_revision_refuses_the_whole_batch
    an_expectation_that_holds_is_taken
    a_set_sees_the_sets_before_it
    a_request_is_remembered_and_its_repeat_named
    a_request_id_with_other_content_is_refused_before_revisions_are_looked_at
    a_request_twice_in_one_batch_is_refused
    what_is_empty_is_refused
    every_bound_holds_at_the_bound_and_not_one_past_it
    a_read_is_cut_to_its_bounds
    a_follower_is_woken_with_the_durable_head
    a_keyed_digest_is_the_same_for_the_same_bytes_and_no_plain_hash
    a_closed_ledger_reads_on_and_appends_no_more
    a_checkpoint_is_signed_by_the_ledgers_key_and_is_that_of_the_tree_over_its_leaves
    a_receipt_is_the_same_each_time_and_proves_its_leaf_and_no_other
    every_older_checkpoint_is_proved_to_be_a_beginning_of_every_newer_one
    what_was_erased_stays_closed_and_every_proof_stays_as_it_was
}

#[test]
fn debug_output_shows_no_payload() {
    let text = format!("{:?}", secret("a", b"LEAFTEXT", b"SECRETNAME"));
    let text = text + &format!("{:?}", Disclosure::Open(b"SECRETNAME".to_vec()));
    for (shown, bytes) in [("LEAFTEXT", b"LEAFTEXT".as_slice()), ("SECRETNAME", b"SECRETNAME")] {
        assert!(!text.contains(shown) && !text.contains(&format!("{bytes:?}")), "{text}");
    }
}
