//! Transitions, stories and proposals at rest: whenever and however often they are packed, written out and read again,
//! nothing that the state says is another.

use super::generate::{RawEvent, raw};
use super::live::{lived, lived_with, tries};
use crate::common::{Given, act, fact, set, void, when, words};
use baton_domain::event::Recorded;
use baton_domain::state::State;
use baton_domain::values::Revision;
use proptest::prelude::*;
use serde_json::json;
use std::sync::Arc;

/// All of a state, in words.
pub fn shown(state: &State) -> Vec<String> {
    let transitions = state.transitions.values();
    let transitions = transitions.map(|held| format!("{:?} {:?} {:?}", held.id(), held.revision(), held.registration()));
    let proposals = state.proposals.iter().map(|(id, held)| format!("{id} {:?} {}", held.head(), held.events()));
    let stories = state.world.stories().map(|(stream, held)| {
        let story = held.look();
        assert_eq!(held.events(), (story.len() + story.truth().count()) as u64, "{stream}");
        format!("{stream} {}", held.events())
    });
    transitions.chain(proposals).chain(stories).chain([format!("{state:?}")]).collect()
}

/// Twice, because the first time everything was asked for since the beginning.
pub fn rest(state: &State) {
    state.rest(0, u64::MAX);
    state.rest(0, u64::MAX);
    assert!(state.transitions.values().all(|held| !held.is_open()), "every transition is packed");
    assert!(state.proposals.values().all(|held| !held.is_open()), "every proposal is packed");
    // The opening of the log stands in no story: that one holds nothing that could be packed.
    let packed = state.world.stories().all(|(_, held)| !held.is_open() || held.events() == 0);
    assert!(packed, "every story is packed");
}

/// The same log folded anew, so that no other test packs or opens what it holds.
pub fn alone(mut log: Given) -> Given {
    log.state = State::default();
    log.events.iter().for_each(|event| log.state.evolve(event));
    log
}

/// The state as another process has it, that reads what this one wrote.
pub fn written_and_read(state: &State) -> State {
    let text = serde_json::to_vec(state).expect("a state has a text");
    let mut read: State = serde_json::from_slice(&text).expect("and is read from it");
    for piece in state.pieces() {
        assert!(read.take_piece(&piece), "a piece of a state");
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
    fn what_is_decided_on_a_state_at_rest_is_what_is_decided_on_one_that_is_open(tries in tries()) {
        let (open, rested) = (lived(&tries), lived_with(&tries, rest));
        prop_assert_eq!(format!("{:?}", open.events), format!("{:?}", rested.events));
        prop_assert_eq!(shown(&open.state), shown(&rested.state));
    }

    #[test]
    fn rest_in_a_log_that_nobody_decided_changes_nothing(events in prop::collection::vec(raw(), 0..25), rests in prop::collection::vec(any::<bool>(), 1..9)) {
        let mut log = alone(Given::pod());
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
    let state = alone(Given::pod().until("APPROVED")).state;
    let held = state.transitions.values().next().expect("one");
    let events = held.revision().0;
    state.rest(0, u64::MAX);
    assert!(held.is_open(), "it was asked for just now");
    let story = || state.world.stories().map(|(_, story)| story).find(|story| story.events() > 0).expect("a story");
    state.rest(0, 0);
    assert!(held.is_open() && story().is_open(), "nothing may be packed this time");
    state.rest(events, u64::MAX);
    assert!(held.is_open(), "there is room for it");
    assert!(!story().is_open(), "no room is kept for stories");
    state.rest(events - 1, 0);
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
fn bytes_that_are_no_piece_of_a_state_are_none() {
    let mut log = alone(Given::pod());
    log.propose("p", &[fact("allocation").late()]);
    let kinds = ["transition/", "proposal/p", "organisation/", "wave/", "log"];
    for kind in kinds {
        let piece = log.state.pieces().find(|piece| piece.starts_with(kind.as_bytes())).expect("one of each");
        let name = piece.iter().position(|byte| *byte == b'\n').expect("a name") + 1;
        assert!(State::default().take_piece(&piece));
        let head = piece[name..].first_chunk().map(|length| u64::from_le_bytes(*length)).expect("a length");
        let no_parts = &piece[..name + 8 + head as usize];
        let no_stream = [b"meadow/1\n", &piece[name..]].concat();
        for bad in [&[][..], &piece[..name - 1], &piece[..name + 7], &piece[..piece.len() - 1], &[255; 40], no_parts, &no_stream]
        {
            let mut state = State::default();
            assert!(!state.take_piece(bad), "{kind}: {} bytes", bad.len());
            assert_eq!(shown(&state), shown(&State::default()));
        }
    }
}

#[test]
fn proposal_at_rest_says_whether_it_waits_and_for_whom() {
    let mut log = alone(Given::pod());
    let id = log.subject().id.clone();
    let seen = log.propose("first", &[fact("allocation").late().first()]);
    log.propose("second", &[fact("allocation").late().first()]);
    log.propose(
        "other",
        &[act("OrganisationRenamed", json!({ "name": "Another", "effective_on": "2022-01-01" })).at("organisation/QUY").late()],
    );
    rest(&log.state);
    let waiting = |log: &Given, on| log.state.waiting(on).map(|(id, _)| id.to_string()).collect::<Vec<_>>();
    assert_eq!(waiting(&log, None), ["first", "other", "second"]);
    assert_eq!(waiting(&log, Some(&id)), ["first", "second"]);
    log.take(log.approval("first", &seen));
    log.take(act("Declined", json!({ "reason": words("no") })).at("proposal/second").by("checker"));
    assert_eq!(waiting(&log, Some(&id)), [""; 0]);
    rest(&log.state);
    assert_eq!(waiting(&log, None), ["other"]);
    assert_eq!(log.refused(&log.approval("first", &seen)), set(&["PROPOSAL_ENDED"]));
    assert!(log.state.proposals.values().filter(|held| held.is_open()).count() < 2, "who is not asked for stays packed");
}

#[test]
fn only_what_a_command_takes_is_opened_for_it() {
    let mut log = alone(Given::pod());
    log.propose("p", &[fact("allocation").late().first()]);
    rest(&log.state);
    let (wave, organisation) = ("wave/POD-2021", "organisation/QUY");
    let body = json!({ "body": "board", "name": "Board", "kind": "board" });
    let cases = [
        (fact("allocation").at(wave), 0, 0, 0),
        (act("TimetableChanged", json!({ "item": "able_by", "to": when("2022") })).at(wave), 0, 0, 1),
        (void(Revision(1)).at(wave), 0, 0, 1),
        (act("BodyRegistered", body).at(organisation), 0, 0, 2),
        (act("Approved", json!({ "digest": "" })).at("proposal/p"), 0, 1, 2),
        (fact("allocation"), 1, 1, 2),
    ];
    for (act, transitions, proposals, stories) in cases {
        log.state.open_for(&log.command(&act));
        let counted = (
            log.state.transitions.values().filter(|held| held.is_open()).count(),
            log.state.proposals.values().filter(|held| held.is_open()).count(),
            log.state.world.stories().filter(|(_, held)| held.is_open() && held.events() > 0).count(),
        );
        assert_eq!(counted, (transitions, proposals, stories), "{}", act.kind);
    }
}
