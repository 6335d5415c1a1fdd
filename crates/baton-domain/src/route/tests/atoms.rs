//! Atoms and names: what is read, what is written, what is refused.

use super::parsed;
use crate::route::{Atom, AtomError, ItemKind, MAX_ID_LEN, QuestionId, RouteId, StageId, SubjectId};

const PHRASES: [&str; 12] = [
    "registered",
    "done ask",
    "verified form",
    "gate answer is yes",
    "gate answer is yes|maybe",
    "obligations answer clear",
    "checklist form complete",
    "checklist form corroborated",
    "checklist form resolved",
    "handover clear",
    "field ask.right_to_withdraw is asserted|accepted",
    "fact budget recorded",
];

fn atom(text: &str) -> Atom {
    text.parse().expect("an atom")
}

#[test]
fn every_phrase_reads_back_as_itself() {
    for phrase in PHRASES {
        assert_eq!(atom(phrase).to_string(), phrase);
        let json = serde_json::to_string(&atom(phrase)).expect("plain text");
        assert_eq!(json, format!("\"{phrase}\""));
        assert_eq!(serde_json::from_str::<Atom>(&json).expect("an atom"), atom(phrase));
    }
}

#[test]
fn space_around_a_bar_is_allowed_and_not_kept() {
    assert_eq!(atom("gate  answer is yes | maybe").to_string(), "gate answer is yes|maybe");
}

#[test]
fn a_phrase_that_is_none_of_the_known_ones_is_refused_with_the_list() {
    for phrase in ["", "not done ask", "done", "done ask form", "gate answer", "field ask is yes"] {
        let error = phrase.parse::<Atom>().expect_err("no atom");
        assert!(matches!(error, AtomError::Phrase(_)), "{phrase}");
        assert!(error.to_string().contains("done ITEM"), "{error}");
    }
}

#[test]
fn a_bad_name_or_a_repeated_outcome_inside_a_phrase_is_refused() {
    assert!(matches!("done Ask".parse::<Atom>(), Err(AtomError::Name(_))));
    assert!(matches!("gate answer is yes|".parse::<Atom>(), Err(AtomError::Name(_))));
    assert!(matches!("gate answer is yes|yes".parse::<Atom>(), Err(AtomError::Twice(_))));
}

#[test]
fn every_kind_of_atom_has_a_reject_code_of_its_own_kind() {
    let codes: Vec<_> = PHRASES.iter().map(|phrase| atom(phrase).default_code()).collect();
    assert_eq!(
        codes,
        [
            "NOT_REGISTERED",
            "ITEM_NOT_DONE",
            "ITEM_NOT_VERIFIED",
            "GATE_NOT_DECIDED",
            "GATE_NOT_DECIDED",
            "OBLIGATION_OPEN",
            "INCOMPLETE_ASSESSMENT",
            "NOT_CORROBORATED",
            "UNRESOLVED_NONCOMPLIANCE",
            "HANDOVER_NOT_CLEAR",
            "FIELD_NOT_MET",
            "FACT_NOT_RECORDED",
        ]
    );
}

#[test]
fn every_atom_can_be_said_plainly_with_the_titles_of_the_route() {
    let route = parsed(super::WHOLE);
    let said: Vec<_> = PHRASES.iter().map(|phrase| atom(phrase).plain(&route)).collect();
    assert_eq!(said[1], "\"The asking\" is done");
    assert_eq!(said[4], "\"The answer\" is decided as yes or maybe");
    assert_eq!(said[10], "\"The asking\" gives right to withdraw as asserted or accepted");
    assert_eq!(said[11], "a fact \"Budget\" is on record");
    assert!(said.iter().all(|sentence| !sentence.contains('_') && !sentence.ends_with('.')));
}

#[test]
fn names_are_checked_at_their_bounds() {
    let longest = "a".repeat(MAX_ID_LEN);
    assert_eq!(longest.parse::<SubjectId>().expect("a name").as_str(), longest);
    assert!(format!("{longest}a").parse::<SubjectId>().is_err());
    assert!("".parse::<SubjectId>().is_err());
    assert!("live".parse::<StageId>().is_err());
    assert!("LIVE_1".parse::<StageId>().is_ok());
    assert!("3a".parse::<QuestionId>().is_err());
    assert!("POD".parse::<RouteId>().is_err());
    let error = "Go/no-go".parse::<SubjectId>().expect_err("no name").to_string();
    assert!(error.starts_with("\"Go/no-go\" is not an item or gate id: write 1 to 64"), "{error}");
}

#[test]
fn a_word_outside_its_closed_list_is_refused_with_the_list() {
    let error = "setp".parse::<ItemKind>().expect_err("no kind").to_string();
    assert!(error.contains("write one of step, expression_of_interest"), "{error}");
    for kind in ItemKind::ALL {
        assert_eq!(kind.as_str().parse(), Ok(*kind));
    }
}
