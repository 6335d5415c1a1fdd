//! Voids and corrections in any order, with any target; and logs that nobody decided. Nothing panics.

use super::generate::{RawEvent, raw, truth_act};
use crate::common::{Given, day, stage_of};
use baton_domain::transition::AsOf;
use baton_domain::values::Position;
use proptest::prelude::*;

/// Asks everything that can be asked; the answers may be anything.
fn ask_everything(log: &Given) {
    let today = day("2024-01-01");
    for transition in log.state.transitions.values().map(|held| held.look()) {
        transition.audit(&log.state.world);
        transition.explain(&log.state.world, today);
        transition.story.plans(today);
        stage_of(&transition, &log.state);
        for as_of in
            [AsOf { position: Some(Position(70)), ..AsOf::default() }, AsOf { documented_by: Some(today), ..AsOf::default() }]
        {
            stage_of(&transition.as_known(&as_of), &log.state);
        }
        if let Some(route) = transition.route(&log.state.world) {
            transition.possible_on(route, day("2022-06-01"));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn truth_in_any_order_with_any_target_is_answered(truths in prop::collection::vec(truth_act(), 1..10), stage in 0usize..4) {
        let stage = ["INTEREST_EXPRESSED", "UNDER_ASSESSMENT", "APPROVED", "GO_DECIDED"][stage];
        let mut log = Given::pod().until(stage);
        log.today("2024-01-01");
        for act in truths {
            match log.try_by_two(&[act]) {
                Ok(_) => {}
                Err(codes) => prop_assert!(!codes.is_empty()),
            }
        }
        prop_assert!(log.subject().story.anomalies().next().is_none(), "what is decided folds as it was meant");
        ask_everything(&log);
    }

    #[test]
    fn log_that_nobody_decided_is_folded_and_answered(events in prop::collection::vec(raw(), 0..25), positions in any::<u64>()) {
        let mut log = Given::pod();
        for (n, event) in events.iter().enumerate() {
            let position = if positions.is_multiple_of(3) { positions.wrapping_add(n as u64) } else { log.state.size };
            let recorded = RawEvent::recorded(event, &log, position);
            log.state.evolve(&recorded);
        }
        ask_everything(&log);
    }

    #[test]
    fn log_that_nobody_decided_takes_or_refuses_further_acts(events in prop::collection::vec(raw(), 0..12), truths in prop::collection::vec(truth_act(), 1..4)) {
        let mut log = Given::pod();
        for event in &events {
            let recorded = event.recorded(&log, log.state.size);
            log.state.evolve(&recorded);
        }
        log.today("2024-01-01");
        for act in truths {
            let _ = log.try_by_two(&[act]);
        }
        let acts: Vec<_> = crate::common::pod_path().into_iter().map(|step| step.act).collect();
        for act in acts {
            if let Ok(decided) = log.decide(&act) {
                log.keep(decided);
            }
        }
        ask_everything(&log);
    }
}
