//! Laws of guards, and what the accessors of a route answer.

use std::collections::BTreeSet;

use super::parsed;
use crate::route::{Atom, DueFrom, Guard, Need, RoleSide, Route, Subject, Unmet};

fn is(text: &str) -> Guard {
    Guard::Is(Need { atom: text.parse().expect("an atom"), code: None, rule: None })
}

/// `done a` to `done d`.
fn letters() -> Vec<Atom> {
    ["a", "b", "c", "d"].iter().map(|x| format!("done {x}").parse().expect("an atom")).collect()
}

fn samples() -> Vec<Guard> {
    let [a, b, c, d] = ["done a", "done b", "done c", "done d"].map(is);
    vec![
        Guard::always(),
        a.clone(),
        Guard::All(vec![a.clone(), b.clone()]),
        Guard::Any(vec![a.clone(), b.clone()]),
        Guard::All(vec![a.clone(), Guard::Any(vec![b.clone(), Guard::All(vec![c.clone(), d.clone()])])]),
        Guard::Any(vec![Guard::All(vec![a, b]), Guard::All(vec![c, d])]),
    ]
}

/// Every set of letters, as a function of atoms.
fn worlds() -> Vec<BTreeSet<Atom>> {
    let all = letters();
    (0..16u32)
        .map(|bits| {
            let chosen = all.iter().enumerate().filter(|(i, _)| bits >> i & 1 == 1);
            chosen.map(|(_, atom)| atom.clone()).collect()
        })
        .collect()
}

#[test]
fn nothing_is_missing_exactly_when_the_guard_holds() {
    for guard in samples() {
        for world in worlds() {
            let holds = |atom: &Atom| world.contains(atom);
            assert_eq!(guard.evaluate(&holds).is_empty(), guard.holds(&holds), "{guard:?} {world:?}");
        }
    }
}

#[test]
fn more_facts_never_close_what_was_open() {
    for guard in samples() {
        for small in worlds() {
            for large in worlds().iter().filter(|large| small.is_subset(large)) {
                let before = guard.holds(&|atom| small.contains(atom));
                assert!(!before || guard.holds(&|atom| large.contains(atom)), "{guard:?}");
            }
        }
    }
}

#[test]
fn giving_all_that_is_missing_opens_the_guard() {
    for guard in samples() {
        for world in worlds() {
            let unmet = guard.evaluate(&|atom| world.contains(atom));
            let missing: BTreeSet<&Atom> = unmet.iter().flat_map(Unmet::needs).map(|need| &need.atom).collect();
            assert!(missing.iter().all(|atom| !world.contains(atom)));
            assert!(guard.holds(&|atom| world.contains(atom) || missing.contains(atom)));
        }
    }
}

#[test]
fn all_names_every_missing_part_and_any_groups_the_ways() {
    let guard = &samples()[4];
    let unmet = guard.evaluate(&|_| false);
    let [Unmet::Need(first), Unmet::OneOf(ways)] = unmet.as_slice() else { panic!("{unmet:?}") };
    assert_eq!(first.atom.to_string(), "done a");
    assert_eq!(ways.iter().map(Vec::len).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(unmet[1].needs().len(), 3);
}

#[test]
fn a_guard_requires_what_no_way_around_it_lacks() {
    let a = |atom: &Atom| atom.to_string() == "done a";
    let required: Vec<_> = samples().iter().map(|guard| guard.requires(&a)).collect();
    assert_eq!(required, [false, true, true, false, true, false]);
}

#[test]
fn a_need_answers_with_the_code_of_the_route_or_of_its_atom() {
    let route = parsed(super::WHOLE);
    let start = route.item(&"start".parse().expect("a name")).expect("an item");
    let needs = start.needs.needs();
    let codes: Vec<_> = needs.iter().map(|need| (need.code(), need.rule.as_deref())).collect();
    assert_eq!(
        codes,
        [("GATE_NOT_DECIDED", None), ("CONDITION_OPEN", Some("I29")), ("HANDOVER_NOT_CLEAR", None), ("FACT_NOT_RECORDED", None),]
    );
    assert_eq!(
        start.needs.plain(&route),
        "\"The answer\" is decided as yes or maybe, and nothing owed under \"The answer\" is open, \
         and every handover is accepted or carried as a named open item, and a fact \"Budget\" is \
         on record"
    );
}

#[test]
fn the_last_stage_in_file_order_wins() {
    let route = parsed(super::WHOLE);
    let at = |facts: &[&str]| {
        let facts: Vec<Atom> = facts.iter().map(|fact| fact.parse().expect("an atom")).collect();
        route.last_stage(&|atom| facts.contains(atom)).map(|stage| stage.id.to_string())
    };
    assert_eq!(at(&[]), None);
    assert_eq!(at(&["registered"]).as_deref(), Some("BEGUN"));
    assert_eq!(at(&["registered", "gate answer is no", "done ask"]).as_deref(), Some("REFUSED"));
    assert_eq!(at(&["registered", "done leave", "done start"]).as_deref(), Some("LIVING"));
    assert_eq!(at(&["done start"]).as_deref(), Some("LIVING"));
}

#[test]
fn lists_keep_the_order_of_the_file() {
    let route = parsed(super::WHOLE);
    let stages: Vec<_> = route.stages().iter().map(|stage| stage.id.as_str()).collect();
    assert_eq!(stages, ["BEGUN", "ASKED", "REFUSED", "GONE", "LIVING", "OVER"]);
    let items: Vec<_> = route.items().iter().map(|item| item.id.as_str()).collect();
    assert_eq!(items, ["ask", "leave", "form", "start", "finish"]);
    let questions: Vec<_> = route.checklists()[0].questions.iter().map(|q| q.id.as_str()).collect();
    assert_eq!(questions, ["2B", "1A"], "not sorted by name");
    let fields: Vec<_> = route.facts()[0].fields.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(fields, ["year", "amount"], "not sorted by name");
    let roles: Vec<_> = route.roles().iter().map(|role| role.id.as_str()).collect();
    assert_eq!(roles, ["taker", "giver"]);
}

#[test]
fn names_find_their_parts() {
    let route = parsed(super::WHOLE);
    let name = |text: &str| text.parse().expect("a name");
    assert_eq!(route.stage_index(&"LIVING".parse().expect("a name")), Some(route.live_index()));
    assert_eq!(route.live().id.as_str(), "LIVING");
    assert!(matches!(route.subject(&name("answer")), Some(Subject::Gate(_))));
    assert!(matches!(route.subject(&name("ask")), Some(Subject::Item(_))));
    assert!(route.subject(&name("nothing")).is_none());
    assert_eq!(route.role_side(&"giver".parse().expect("a name")), Some(RoleSide::Sender));
    assert_eq!(route.dues()[0].after, DueFrom::Subject(name("ask")));
}

#[test]
fn what_is_left_out_has_its_default() {
    let text = super::with("\nfrom = [\"GONE\"]", "").replace("to = [\"BEGUN\"]", "to = [\"ASKED\"]");
    let text = text.replace("title = \"The asking\"", "title = \"The asking\"\nevidence = 2");
    let route = parsed(&text);
    let ask = &route.items()[0];
    assert_eq!(ask.until.as_ref().map(|until| until.as_str()), Some("LIVING"));
    assert_eq!(ask.evidence, 2);
    assert!(ask.needs.is_always());
    let finish = route.items().last().expect("an item");
    assert_eq!(finish.until, None, "at home in the live stage");
    assert_eq!(route.reopenings()[0].from.len(), 4, "every stage before the live one");
    assert_eq!(route.stages()[1].title, "Asked");
    assert_eq!(route.checklists()[0].until.as_ref().map(|u| u.as_str()), Some("LIVING"));
}

#[test]
fn a_route_is_known_by_the_bytes_of_its_file() {
    let route = parsed(super::WHOLE);
    let other = parsed(&super::and("# A remark."));
    assert_eq!(route.text_len(), super::WHOLE.len());
    assert_ne!(route.sha256(), other.sha256());
    assert_eq!(route.sha256(), parsed(super::WHOLE).sha256());
}

#[test]
fn parsing_is_a_function_of_the_text() {
    let once: Route = parsed(super::WHOLE);
    assert_eq!(once, parsed(super::WHOLE));
}
