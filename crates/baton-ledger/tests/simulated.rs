//! Single faults on the simulated machine, each with what must follow from it.
#![allow(clippy::unwrap_used)]

mod support;

use baton_ledger::simulation::{Dice, Faults, Machine, Refused, Restart, SimLedger};
use baton_ledger::*;
use support::*;

const SEEDS: u64 = 64;

fn machine(seed: u64) -> (Machine, SigningKey, SimLedger) {
    let machine = Machine::new(Dice::new(seed), None, false);
    let key = SigningKey::generate("baton.test/1").unwrap();
    let ledger = SimLedger::create(&machine, key.clone()).unwrap();
    (machine, key, ledger)
}

#[tokio::test]
async fn an_erasure_that_is_repeated_after_a_failed_sync_survives_power_loss() {
    for seed in 0..SEEDS {
        let (machine, key, ledger) = machine(seed);
        ledger.append(batch(&ledger, vec![set(vec![secret("a", b"1", b"a name")])])).await.unwrap();
        machine.set_faults(Faults { failed_syncs: 1_000, ..Faults::default() });
        assert!(ledger.erase(&[Position(0)]).await.is_err());
        machine.set_faults(Faults::default());
        // What was read from then on proves nothing, a zero no more than anything else: not before a new start.
        assert!(ledger.erase(&[Position(0)]).await.is_err());
        drop(ledger);
        machine.restart(Restart::Process);
        let ledger = SimLedger::open(&machine, key.clone()).unwrap();
        ledger.erase(&[Position(0)]).await.unwrap();
        drop(ledger);
        machine.restart(Restart::Power);
        let ledger = SimLedger::open(&machine, key).unwrap();
        assert_eq!(read_all(&ledger).await[0].disclosure, Disclosure::Erased, "seed {seed}");
    }
}

#[tokio::test]
async fn a_lost_end_is_never_opened_though_a_slot_of_the_head_file_cannot_be_read() {
    let mut refused_as_loss = 0;
    for seed in 0..SEEDS {
        let (machine, key, ledger) = machine(seed);
        append_one(&ledger, "a", b"1").await;
        ledger.note_head();
        append_one(&ledger, "a", b"2").await;
        ledger.note_head();
        drop(ledger);
        machine.restart(Restart::Power);
        assert!(machine.lose_end());
        machine.set_faults(Faults { failed_reads: 300, ..Faults::default() });
        let refused = SimLedger::open(&machine, key).map(|ledger| ledger.head()).unwrap_err();
        refused_as_loss += u64::from(matches!(refused, Refused::Loss { .. }));
    }
    assert!(refused_as_loss > 0);
}

#[tokio::test]
async fn appends_go_on_by_themselves_after_a_full_disk_of_which_nothing_was_written() {
    let mut certain = 0;
    for seed in 0..SEEDS {
        let (machine, _, ledger) = machine(seed);
        // Three chunks: the disk may be full at any of them.
        let large = || vec![set((0..3_u8).map(|leaf| record("a", &[leaf; 60_000])).collect())];
        machine.set_full(true);
        let result = ledger.append(batch(&ledger, large())).await;
        machine.set_full(false);
        if let Err(AppendError::Full { nothing_written: true }) = result {
            certain += 1;
            ledger.append(batch(&ledger, large())).await.unwrap();
        }
    }
    assert!(certain > 0);
}

#[tokio::test]
async fn a_batch_whose_end_was_lost_is_removed_whole() {
    let mut torn = 0;
    for seed in 0..SEEDS {
        let (machine, key, ledger) = machine(seed);
        append_one(&ledger, "a", b"1").await;
        machine.set_faults(Faults { stops: 200, ..Faults::default() });
        let large = vec![set((0..3_u8).map(|leaf| record("a", &[leaf; 60_000])).collect())];
        let _ = ledger.append(batch(&ledger, large)).await;
        machine.set_faults(Faults::default());
        drop(ledger);
        machine.restart(Restart::Power);
        let ledger = SimLedger::open(&machine, key).unwrap();
        assert!([1, 4].contains(&read_all(&ledger).await.len()), "seed {seed}");
        append_one(&ledger, "a", b"2").await;
        torn += machine.counts().torn_batches;
    }
    assert!(torn > 0);
}
