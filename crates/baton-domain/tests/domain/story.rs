//! Folding is total: what can not be read as meant is listed, and changes nothing.

use crate::common::{Act, Given, correction, eoi, fact, item, void, when};
use crate::properties::RawEvent;
use baton_domain::event::Placed;
use baton_domain::values::Revision;
use serde_json::json;

const UNKNOWN: Revision = Revision(99);

/// A registration at revision 1, a fact at 2 and another at 3; then events that nobody decided.
fn folded(raw: &[(Act, Option<Placed>)]) -> (Vec<u64>, Vec<String>) {
    let mut log = Given::pod();
    let given = [(fact("engagement"), Some(Placed::End)), (fact("publication"), Some(Placed::End))];
    for (act, placed) in given.iter().chain(raw) {
        let event = RawEvent { act: act.clone(), placed: *placed, revision: log.newest().0 + 1 };
        let recorded = event.recorded(&log, log.state.size);
        log.state.evolve(&recorded);
    }
    let story = &log.subject().story;
    (
        story.entries().filter(|e| e.in_force()).map(|e| e.revision().0).collect(),
        story.anomalies().map(|a| a.what.clone()).collect(),
    )
}

#[track_caller]
fn changes_nothing(act: Act, what: &str) {
    let (order, anomalies) = folded(&[(act, None)]);
    assert_eq!(order, [1, 2, 3]);
    assert!(anomalies.len() == 1 && anomalies[0].contains(what), "{anomalies:?}");
}

#[test]
fn unknown_target_is_an_anomaly_and_changes_nothing() {
    changes_nothing(void(UNKNOWN), "not in this stream");
    changes_nothing(correction(UNKNOWN, UNKNOWN, json!({ "occurred": when("?") })), "not in this stream");
}

#[test]
fn change_of_type_is_an_anomaly_and_changes_nothing() {
    changes_nothing(correction(Revision(2), Revision(2), json!({ "event": eoi().event() })), "change the type");
}

#[test]
fn move_to_an_unknown_place_or_after_itself_is_an_anomaly_and_moves_nothing() {
    changes_nothing(correction(Revision(2), Revision(2), json!({ "place": { "after": 99 } })), "nothing moves");
    changes_nothing(correction(Revision(2), Revision(2), json!({ "place": { "after": 2 } })), "after itself");
    changes_nothing(correction(Revision(1), Revision(1), json!({ "place": "end" })), "move the registration");
}

#[test]
fn second_void_is_an_anomaly() {
    let (order, anomalies) = folded(&[(void(Revision(2)), None), (void(Revision(2)), None)]);
    assert_eq!((order, anomalies.len()), (vec![1, 3], 1));
}

#[test]
fn statement_after_an_unknown_one_stands_at_the_end_and_is_an_anomaly() {
    let (order, anomalies) = folded(&[(item("public_involvement"), Some(Placed::After(UNKNOWN)))]);
    assert_eq!((order, anomalies.len()), (vec![1, 2, 3, 4], 1));
}

#[test]
fn correction_moves_a_statement_and_nothing_else() {
    let (order, anomalies) = folded(&[(correction(Revision(3), Revision(3), json!({ "place": "first" })), None)]);
    assert_eq!((order, anomalies.len()), (vec![1, 3, 2], 0));
    let (order, _) = folded(&[(correction(Revision(2), Revision(2), json!({ "place": { "after": 3 } })), None)]);
    assert_eq!(order, [1, 3, 2]);
}
