//! What is kept is what would be made anew, whichever state and day is asked for, in any order.

use super::*;
use baton_domain::event::Recorded;
use baton_domain::route::SHIPPED;
use proptest::prelude::*;
use serde_json::{Value, json};

const TRANSITIONS: [&str; 2] = ["QUY.DENT.POD-2021", "QVV.DENT.POD-2021"];

fn record(state: &mut State, stream: &str, kind: &str, payload: Value) {
    let revision = state.revision(&stream.parse().expect("stream")).map_or(1, |r| r.0 + 1);
    let recorded: Recorded = serde_json::from_value(json!({
        "position": state.size, "stream": stream, "revision": revision, "recorded_at": "2024-01-01T00:00:00Z",
        "recorded_by": "ada", "command_id": uuid::Uuid::nil(), "standing": "stated", "type": kind, "payload": payload,
        "occurred": { "precision": "day", "earliest": "2022-03-01", "latest": "2022-03-01" },
    }))
    .expect("recorded");
    state.evolve(&Arc::new(recorded));
}

fn begun() -> State {
    let mut state = State::default();
    let (_, text) = SHIPPED.iter().find(|(name, _)| *name == "pod-2021.toml").expect("route");
    record(&mut state, "route/pod-2021", "RoutePublished", json!({ "version": "1", "text": text }));
    let later = text.replace("version = \"1\"", "version = \"2\"").replace("title = \"Under", "title = \"Still under");
    record(&mut state, "route/pod-2021", "RoutePublished", json!({ "version": "2", "text": later }));
    for id in TRANSITIONS {
        let receiver = format!("organisation/{}", &id[..3]);
        record(&mut state, &receiver, "OrganisationRegistered", json!({ "name": "A board", "kind": "icb" }));
        let registered =
            json!({ "sender": "own:nhs-england", "route": "pod-2021", "route_version": "1", "starting_position": "none" });
        record(&mut state, &format!("transition/{id}"), "TransitionRegistered", registered);
    }
    state
}

/// Something that a view may show, or may not.
fn change(state: &mut State, what: u8, which: usize, n: u64) {
    let id = TRANSITIONS[which];
    let (stream, receiver) = (format!("transition/{id}"), format!("organisation/{}", &id[..3]));
    let target = json!({ "precision": "day", "earliest": "2024-02-02", "latest": "2024-02-02" });
    let (stream, kind, payload) = match what % 9 {
        0 => (stream, "ItemCompleted", json!({ "subject": "assessment_opened" })),
        1 => (stream, "ExpressionOfInterestSubmitted", json!({ "subject": "eoi", "right_to_withdraw": "none" })),
        2 => (stream, "Planned", json!({ "event": "AgreementSigned", "target": target })),
        3 => (stream, "StatementVoided", json!({ "target": n })),
        4 => (stream, "RouteMigrated", json!({ "to_version": if n.is_multiple_of(2) { "1" } else { "2" } })),
        5 => (stream, "ConflictFlagged", json!({ "conflict": format!("c{n}"), "statements": [1] })),
        6 => (receiver, "OrganisationRenamed", json!({ "name": format!("Board {n}"), "effective_on": "2023-01-01" })),
        7 => (
            receiver,
            "OrganisationRegistered",
            json!({ "name": "A board", "kind": "icb", "region": "own:south", "opens_on": "2024-02-02" }),
        ),
        _ => ("meeting/m".to_owned(), "MeetingHeld", json!({ "body_name": "Board" })),
    };
    record(state, &stream, kind, payload);
}

proptest! {
    #[test]
    fn kept_view_is_the_view_made_anew(
        steps in prop::collection::vec((any::<u8>(), 0usize..2, 1u64..6, any::<prop::sample::Index>(), 1i8..4), 1..40),
    ) {
        let kept = Kept::default();
        let mut states = vec![begun()];
        for (what, which, n, asked, day) in steps {
            let mut next = states[states.len() - 1].clone();
            change(&mut next, what, which, n);
            states.push(next);
            // A later page is read in the state of the first.
            let state = asked.get(&states);
            let today = jiff::civil::date(2024, 2, day);
            for found in state.transitions.values() {
                let fresh = row(state, &found.look(), &AsOf::default(), today);
                let line = kept.line(state, found, today).map(|line| (*line).clone());
                prop_assert_eq!(line, fresh.as_ref().map(Line::of));
                let in_full = fresh.as_ref().map(|row| transition(row, state.size - 1));
                prop_assert_eq!(kept.in_full(state, found, today), in_full);
            }
        }
    }
}

#[test]
fn view_is_made_once_while_nothing_it_shows_changes() {
    let kept = Kept::default();
    let mut state = begun();
    let today = jiff::civil::date(2024, 2, 2);
    let id: TransitionId = TRANSITIONS[0].parse().expect("id");
    let ask = |state: &State| kept.line(state, &state.transitions[&id], today).expect("a line");
    let first = ask(&state);
    // Something else happens, and the writer goes on from a state that readers hold.
    change(&mut state, 0, 1, 1);
    change(&mut state, 8, 1, 1);
    assert!(Arc::ptr_eq(&first, &ask(&state)));
    change(&mut state, 0, 0, 1);
    assert!(!Arc::ptr_eq(&first, &ask(&state)));
}

#[test]
fn views_beyond_the_bound_are_let_go_oldest_first() {
    let state = begun();
    let views: Views<u8, 2> = Views::default();
    let today = jiff::civil::date(2024, 2, 2);
    let found: Vec<&Arc<Held<Transition>>> = state.transitions.values().collect();
    let ask = |index: usize, made: u8| *views.get(&state, found[index], today, Held::open, |_| made).expect("a view");
    assert_eq!((ask(0, 1), ask(1, 2)), (1, 2));
    // Each generation holds one: the first is in the old one and comes back from there.
    assert_eq!((ask(0, 3), ask(1, 4)), (1, 2));
    let held = views.0.lock().expect("not poisoned");
    assert!(held.young.len() + held.old.len() <= 2);
}
