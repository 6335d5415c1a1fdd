//! Random batches: order holds, both ledgers say the same, and a reopen changes nothing.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::HashMap;

use baton_ledger::*;
use proptest::prelude::*;
use support::*;

/// A random batch: per set, an optional request id and records as (stream, leaf, disclosure).
type Drawn = Vec<(Option<u8>, Vec<(u8, Vec<u8>, Option<Vec<u8>>)>)>;

fn drawn_batches() -> impl Strategy<Value = Vec<Drawn>> {
    let bytes = |max| prop::collection::vec(any::<u8>(), 1..max);
    let leaf = prop_oneof![8 => bytes(64), 1 => bytes(60_000)];
    let record = (0..4_u8, leaf, prop::option::of(bytes(200)));
    let set = (prop::option::of(0..8_u8), prop::collection::vec(record, 1..6));
    prop::collection::vec(prop::collection::vec(set, 1..4), 1..12)
}

fn to_sets(drawn: &Drawn) -> Vec<AppendSet> {
    let to_record = |(name, leaf, disclosure): &(u8, Vec<u8>, Option<Vec<u8>>)| Record {
        disclosure: disclosure.clone(),
        ..record(&format!("s{name}"), leaf)
    };
    let to_set = |(id, records): &(Option<u8>, Vec<_>)| AppendSet {
        request: id.map(|id| key(id.into())),
        ..set(records.iter().map(to_record).collect())
    };
    drawn.iter().map(to_set).collect()
}

/// What a ledger says about everything that can be asked of it.
type Said = (Head, Vec<StoredRecord>, HashMap<u8, Option<RequestRecord>>, Vec<Vec<StoredRecord>>);

async fn said(ledger: &dyn Ledger) -> Said {
    let requests = (0..8).map(|id| (id, ledger.request(&key(id.into())))).collect();
    let mut streams = Vec::new();
    for name in 0..4 {
        let name = stream(&format!("s{name}"));
        streams.push(ledger.read_stream(&name, Revision(1), usize::MAX).await.unwrap());
    }
    (ledger.head(), read_all(ledger).await, requests, streams)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn random_batches_keep_order_and_both_ledgers_agree_also_after_a_reopen(
        batches in drawn_batches(),
        clean in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let dir = tempfile::tempdir().unwrap();
            // Under the same key even the checkpoints are the same, byte for byte.
            let memory = MemoryLedger::with_key(signing_key(dir.path()));
            let sled = open(dir.path());
            for drawn in &batches {
                let in_memory = memory.append(batch(&memory, to_sets(drawn))).await;
                let on_disk = sled.append(batch(&sled, to_sets(drawn))).await;
                match (in_memory, on_disk) {
                    (Ok(a), Ok(b)) => assert_eq!(a, b),
                    (Err(a), Err(b)) => assert_eq!(a.to_string(), b.to_string()),
                    (a, b) => panic!("{a:?} in memory, {b:?} on disk"),
                }
            }
            let before = said(&sled).await;
            assert_eq!(before, said(&memory).await);
            assert_in_order(&before.1);
            assert_eq!(before.0.size as usize, before.1.len());
            if clean {
                sled.close().await.unwrap();
            }
            drop(sled);
            assert_eq!(said(&open(dir.path())).await, before);
        });
    }
}
