//! Transitions at rest: whenever and however often they are packed, written out and read again, nothing that
//! the state says is another.

use super::generate::{RawEvent, raw};
use super::live::{lived, tries};
use crate::common::Given;
use baton_domain::event::Recorded;
use baton_domain::state::State;
use baton_domain::transition::Held;
use proptest::prelude::*;
use std::sync::Arc;

/// All of a state, in words.
fn shown(state: &State) -> Vec<String> {
    let heads = state.transitions.values().map(|held| format!("{:?} {:?} {:?}", held.id(), held.revision(), held.registration()));
    heads.chain([format!("{state:?}")]).collect()
}

/// Twice, because the first time everything was asked for since the beginning.
fn rest(state: &State) {
    state.rest(0, u64::MAX);
    state.rest(0, u64::MAX);
    assert!(state.transitions.values().all(|held| !held.is_open()), "everything is packed");
}

/// The state as another process has it, that reads what this one wrote.
fn written_and_read(state: &State) -> State {
    let text = serde_json::to_vec(state).expect("a state has a text");
    let mut read: State = serde_json::from_slice(&text).expect("and is read from it");
    for (id, held) in &state.transitions {
        read.transitions.insert(id.clone(), Arc::new(Held::from_bytes(&held.to_bytes()).expect("a packed transition")));
    }
    read
}

/// Folds events twice, once with rests where `rests` says so.
pub fn rest_changes_nothing(events: &[Arc<Recorded>], rests: &[bool]) {
    let (mut plain, mut rested) = (State::default(), State::default());
    for (event, rests) in events.iter().zip(rests.iter().cycle()) {
        plain.evolve(event);
        // Somebody reads the state from before, so that it is changed in a copy, or nobody does.
        let reader = rests.then(|| (rested.clone(), shown(&rested)));
        if *rests {
            rest(&rested);
        }
        rested.evolve(event);
        if let Some((before, read)) = reader {
            assert_eq!(shown(&before), read, "what a reader holds is not changed by what comes after");
        }
    }
    assert_eq!(shown(&rested), shown(&plain));
    assert_eq!(shown(&written_and_read(&rested)), shown(&plain));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn rest_at_any_moment_changes_nothing(tries in tries(), rests in prop::collection::vec(any::<bool>(), 1..9)) {
        rest_changes_nothing(&lived(&tries).events, &rests);
    }

    #[test]
    fn rest_in_a_log_that_nobody_decided_changes_nothing(events in prop::collection::vec(raw(), 0..25), rests in prop::collection::vec(any::<bool>(), 1..9)) {
        let mut log = Given::pod();
        for event in &events {
            let recorded = RawEvent::recorded(event, &log, log.state.size);
            log.state.evolve(&recorded);
            log.events.push(recorded);
        }
        rest_changes_nothing(&log.events, &rests);
    }
}

#[test]
fn only_what_nobody_asked_for_rests_and_only_as_much_as_is_over() {
    let state = Given::pod().until("APPROVED").state;
    let held = state.transitions.values().next().expect("one");
    let events = held.revision().0;
    state.rest(0, u64::MAX);
    assert!(held.is_open(), "it was asked for just now");
    state.rest(events, u64::MAX);
    assert!(held.is_open(), "there is room for it");
    state.rest(0, 0);
    assert!(held.is_open(), "nothing may be packed this time");
    state.rest(events - 1, 1);
    assert!(!held.is_open());
    held.look();
    assert!(!held.is_open(), "who looks at many leaves them as they are");
    let opened = held.open();
    assert!(Arc::ptr_eq(&opened, &held.open()), "it is opened once for all who ask");
    state.rest(0, u64::MAX);
    assert!(held.is_open(), "it was asked for just now");
}

#[test]
fn bytes_that_are_no_packed_transition_are_none() {
    let state = Given::pod().state;
    let bytes = state.transitions.values().next().expect("one").to_bytes();
    assert!(Held::from_bytes(&bytes).is_some());
    for bad in [&[][..], &bytes[..7], &bytes[..20], &[255; 40]] {
        assert!(Held::from_bytes(bad).is_none(), "{} bytes", bad.len());
    }
}
