//! Logs decided act by act: replay gives the same, positions have no gaps, a request is taken whole or not at all.

use super::generate::{FREE_ACTS, free_act, truth_act};
use super::resting::alone;
use crate::common::{Act, Given, stage_of};
use baton_domain::decide::{Refusal, decide};
use baton_domain::event::Recorded;
use baton_domain::state::State;
use baton_domain::values::Position;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One thing somebody tries.
#[derive(Debug, Clone)]
pub(super) enum Try {
    Live(Act),
    Late(Act),
    Truth(Act),
    Step,
}

pub(super) fn tries() -> impl Strategy<Value = Vec<Try>> {
    let one = prop_oneof![
        3 => (0..FREE_ACTS, 0usize..8).prop_map(|(w, n)| Try::Live(free_act(w, n))),
        6 => Just(Try::Step),
        1 => (0..FREE_ACTS, 8usize..16).prop_map(|(w, n)| Try::Late(free_act(w, n).late().first())),
        2 => truth_act().prop_map(Try::Truth),
    ];
    prop::collection::vec(one, 1..40)
}

/// Tries everything in turn; what is refused leaves the log as it was.
pub(super) fn lived(tries: &[Try]) -> Given {
    lived_with(tries, |_| ())
}

/// The same, with something done to the state before each of them.
pub(super) fn lived_with(tries: &[Try], before_each: impl Fn(&State)) -> Given {
    let mut log = alone(Given::pod());
    log.today("2024-01-01");
    let way: Vec<Act> = log.way().into_iter().map(|step| step.act).collect();
    for one in tries {
        let size = log.state.size;
        before_each(&log.state);
        match one {
            Try::Live(act) => drop(log.decide(act).map(|decided| log.keep(decided))),
            Try::Step => {
                // The next step of the way that is open, so that histories get somewhere.
                if let Some(Ok(decided)) = way.iter().map(|act| log.decide(act)).find(Result::is_ok) {
                    log.keep(decided);
                }
            }
            Try::Late(act) | Try::Truth(act) => {
                if let Err(codes) = log.try_by_two(std::slice::from_ref(act)) {
                    assert!(!codes.is_empty(), "a refusal names a rule");
                }
            }
        }
        assert_eq!(log.state.size, log.events.len() as u64, "after {size}");
    }
    log
}

fn replayed(events: &[Arc<Recorded>]) -> State {
    let mut state = State::default();
    for event in events {
        state.evolve(event);
    }
    state
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn replay_equals_what_was_lived(tries in tries()) {
        let log = lived(&tries);
        let again = replayed(&log.events);
        let (live, then) = (log.subject(), again.transition(&log.subject().id).expect("registered"));
        let order = |t: &baton_domain::transition::Transition| t.story.entries().map(|e| (e.revision(), e.voided_by(), e.corrected_by().to_vec())).collect::<Vec<_>>();
        prop_assert_eq!(order(&live), order(&then));
        prop_assert_eq!(log.stage(), stage_of(&then, &again));
        prop_assert_eq!(log.audit(), then.audit(&again.world));
        let today = crate::common::day("2024-01-01");
        prop_assert_eq!(format!("{:?}", live.story.plans(today)), format!("{:?}", then.story.plans(today)));
        prop_assert_eq!(format!("{:?}", live.explain(&log.state.world, today)), format!("{:?}", then.explain(&again.world, today)));
        prop_assert_eq!((&log.state.revisions, log.state.size), (&again.revisions, again.size));
    }

    #[test]
    fn decided_events_fold_without_anomaly_and_are_numbered_without_gaps(tries in tries()) {
        let log = lived(&tries);
        prop_assert!(log.subject().story.anomalies().next().is_none());
        let mut newest = BTreeMap::new();
        let mut clock = jiff::Timestamp::MIN;
        for (at, event) in log.events.iter().enumerate() {
            prop_assert_eq!(event.position, Position(at as u64));
            let revision = newest.entry(event.stream.clone()).or_insert(0u64);
            *revision += 1;
            prop_assert_eq!(event.revision.0, *revision);
            prop_assert!(event.recorded_at >= clock);
            clock = event.recorded_at;
        }
    }

    #[test]
    fn request_is_decided_whole_or_not_at_all(acts in prop::collection::vec((0..FREE_ACTS, 0usize..8), 1..5), steps in 0usize..30) {
        let log = lived(&vec![Try::Step; steps]);
        // One person with every role, so that one request can hold acts of both sides.
        let mut log = log;
        let roles: Vec<String> = log.route().roles().iter().map(|r| r.id.to_string()).collect();
        for role in roles {
            log.grant("all", &role, "QUY");
            log.grant("all", &role, crate::common::NHSE);
        }
        let commands: Vec<_> = acts.iter().map(|(w, n)| log.command(&free_act(*w, *n))).collect();
        let request = log.request("all");
        let mut state = log.state.clone();
        let mut events = Vec::new();
        let mut refusal = None;
        for (index, command) in commands.iter().enumerate() {
            let size = state.size;
            match decide(&mut state, &request, std::slice::from_ref(command)) {
                Ok(decided) => {
                    prop_assert_eq!(state.size, size + decided.events.len() as u64);
                    events.extend(decided.events);
                }
                Err(Refusal::Rules(unmet)) => {
                    refusal = Some(Refusal::Rules(unmet.into_iter().map(|(_, u)| (index, u)).collect()));
                    break;
                }
                Err(stale) => panic!("{stale:?}"),
            }
        }
        match (decide(&mut log.state, &request, &commands), refusal) {
            (Ok(whole), None) => prop_assert_eq!(whole.events, events),
            (Err(whole), Some(one)) => prop_assert_eq!(whole, one),
            (whole, one) => prop_assert!(false, "{:?} but {:?}", whole.map(|d| d.events), one),
        }
    }
}
