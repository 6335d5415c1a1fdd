//! The roles of one person are found by an index; a search of all roles is the second opinion.

use baton_domain::event::Recorded;
use baton_domain::state::State;
use baton_domain::values::PersonId;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::Arc;

const STREAMS: [&str; 4] = ["log", "organisation/QUY", "organisation/QVV", "transition/QUY.DENT.POD-2021"];
const PERSONS: [&str; 3] = ["ada", "ben", "cleo"];

/// A role is granted or ended, or one such statement is voided or given to somebody else.
fn payload(what: u8, person: usize, target: u64) -> (&'static str, Value) {
    let granted = json!({ "person": PERSONS[person], "role": "icb_programme_lead" });
    match what % 4 {
        0 => ("RoleGranted", granted),
        1 => ("RoleEnded", json!({ "person": PERSONS[person], "role": "icb_programme_lead", "on": "2022-03-01" })),
        2 => ("StatementVoided", json!({ "target": target })),
        _ => (
            "StatementCorrected",
            json!({ "target": target, "was": target, "to": { "event": { "type": "RoleGranted", "payload": granted } } }),
        ),
    }
}

proptest! {
    #[test]
    fn roles_of_a_person_are_those_that_a_search_of_all_roles_finds(
        steps in prop::collection::vec((0u8..4, 0..STREAMS.len(), 0..PERSONS.len(), 1u64..6), 1..30),
    ) {
        let mut state = State::default();
        for (what, stream, person, target) in steps {
            let (kind, payload) = payload(what, person, target);
            let stream = STREAMS[stream];
            let revision = state.revision(&stream.parse().expect("stream")).map_or(1, |r| r.0 + 1);
            let recorded: Recorded = serde_json::from_value(json!({
                "position": state.size, "stream": stream, "revision": revision, "recorded_at": "2024-01-01T00:00:00Z",
                "recorded_by": "ada", "command_id": uuid::Uuid::nil(), "standing": "stated", "occurred": { "precision": "unknown" },
                "type": kind, "payload": payload,
            })).expect("recorded");
            state.evolve(&Arc::new(recorded));
            for person in PERSONS {
                let person: PersonId = person.parse().expect("person");
                let indexed: Vec<String> = state.world.roles_of(&person).map(|held| format!("{held:?}")).collect();
                let all = state.world.roles().map(|(_, held)| held);
                let searched: Vec<String> =
                    all.filter(|held| held.person.as_ref() == Some(&person)).map(|held| format!("{held:?}")).collect();
                prop_assert_eq!(state.knows(&person), !searched.is_empty());
                prop_assert_eq!(indexed, searched);
            }
        }
    }
}
