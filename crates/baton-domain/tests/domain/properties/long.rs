//! Long stories at rest: what was packed stays as it is, and what comes after it waits beside it. Read, it is one story.

use super::generate::{RawEvent, truth_act};
use super::resting::{alone, rest, shown, written_and_read};
use crate::common::{Act, Given, act, words};
use baton_domain::event::{Placed, Recorded};
use baton_domain::state::State;
use baton_domain::values::{Revision, StreamId};
use proptest::prelude::*;
use serde_json::json;
use std::sync::Arc;

const MEETING: &str = "meeting/m";

/// What may happen to a meeting.
#[derive(Debug, Clone)]
enum Step {
    Notes(u64),
    /// A note that says another place than the end.
    Placed(Placed),
    Interest,
    /// A correction or a void of any target.
    Truth(Act),
    /// The words of this revision are erased.
    Erased(u64),
    /// Everything is packed; and somebody reads the state from before meanwhile, or nobody does.
    Rest {
        read: bool,
    },
    Asked,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let place = prop_oneof![Just(Placed::First), (0_u64..300).prop_map(|r| Placed::After(Revision(r)))];
    let step = prop_oneof![
        6 => prop_oneof![1_u64..4, 100_u64..300].prop_map(Step::Notes),
        6 => any::<bool>().prop_map(|read| Step::Rest { read }),
        1 => place.prop_map(Step::Placed),
        1 => Just(Step::Interest),
        1 => truth_act().prop_map(Step::Truth),
        1 => (1_u64..300).prop_map(Step::Erased),
        1 => Just(Step::Asked),
    ];
    prop::collection::vec(step, 1..20)
}

fn note(words_of_it: &str) -> Act {
    act("MeetingHeld", json!({ "body_name": "Board", "note": words(words_of_it) })).at(MEETING)
}

fn interest() -> Act {
    act("InterestDeclared", json!({ "meeting": "m", "person": "dr-a", "action": "left_room" })).at(MEETING)
}

fn erasure(revision: u64) -> Act {
    let record = json!({ "position": revision, "stream": MEETING, "revision": revision });
    act("ErasureAuthorised", json!({ "positions": [], "ground": "court_order", "records": [record] })).at("audit")
}

/// The state that is never packed, and the one that is.
struct Both {
    log: Given,
    plain: State,
    rested: State,
    revision: u64,
}

impl Both {
    fn new() -> Self {
        let log = alone(Given::pod());
        let (plain, rested) = (log.state.clone(), written_and_read(&log.state));
        Self { log, plain, rested, revision: 0 }
    }

    fn take(&mut self, act: Act, placed: Option<Placed>) -> Arc<Recorded> {
        self.revision += 1;
        let recorded = RawEvent { act, placed, revision: self.revision }.recorded(&self.log, self.plain.size);
        self.plain.evolve(&recorded);
        self.rested.evolve(&recorded);
        recorded
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Notes(count) => {
                (0..*count).for_each(|number| drop(self.take(note(&format!("note {number}")), Some(Placed::End))))
            }
            Step::Placed(placed) => drop(self.take(note("found later"), Some(*placed))),
            Step::Interest => drop(self.take(interest(), Some(Placed::End))),
            Step::Truth(act) => drop(self.take(act.clone().at(MEETING), None)),
            Step::Erased(revision) => drop(self.take(erasure(*revision), None)),
            Step::Rest { read: false } => rest(&self.rested),
            Step::Rest { read: true } => {
                let (before, shows) = (self.rested.clone(), shown(&self.rested));
                rest(&self.rested);
                self.take(note("while somebody reads"), Some(Placed::End));
                assert_eq!(shown(&before), shows, "what a reader holds is not changed by what comes after");
            }
            Step::Asked => drop(self.rested.world.story(&meeting())),
        }
    }
}

fn meeting() -> StreamId {
    MEETING.parse().expect("a stream")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn long_story_at_rest_is_the_one_that_is_open(steps in steps()) {
        let mut both = Both::new();
        steps.iter().for_each(|step| both.step(step));
        prop_assert_eq!(shown(&both.rested), shown(&both.plain));
        let mut read = written_and_read(&both.rested);
        prop_assert_eq!(shown(&read), shown(&both.plain));
        // And it goes on alike, from whatever form it has.
        for _ in 0..2 {
            let recorded = both.take(note("one more"), Some(Placed::End));
            read.evolve(&recorded);
            let recorded = both.take(interest(), Some(Placed::End));
            read.evolve(&recorded);
            prop_assert_eq!(shown(&both.rested), shown(&both.plain));
            prop_assert_eq!(shown(&read), shown(&both.plain));
            rest(&read);
        }
    }
}

#[test]
fn note_to_a_packed_story_opens_nothing_and_packs_nothing_anew() {
    let mut both = Both::new();
    both.step(&Step::Notes(1_000));
    rest(&both.rested);
    let piece = |state: &State| state.pieces().find(|piece| piece.starts_with(MEETING.as_bytes())).expect("a piece");
    let before = piece(&both.rested);
    let end_of_it = &before[before.len() - 64..];
    for number in 1..=300 {
        both.take(note(&format!("later note {number}")), Some(Placed::End));
        let (_, held) = both.rested.world.stories().find(|(stream, _)| **stream == meeting()).expect("a story");
        assert!(!held.is_open());
        assert_eq!(held.events(), 1_000 + number);
        if number % 100 == 0 {
            rest(&both.rested);
        }
    }
    assert!(piece(&both.rested).windows(64).any(|bytes| bytes == end_of_it), "the thousand were packed once");
    assert_eq!(both.rested.world.story(&meeting()).expect("a story").len(), 1_300);
    assert_eq!(shown(&both.rested), shown(&both.plain));
}
