//! Whatever is erased of whatever history: no stage, no fact and no finding changes, and the state is
//! the one that is folded when the keys are gone.

use super::generate::{free_act, truth_act};
use super::resting::rest_changes_nothing;
use crate::common::{Act, Given, day, words};
use crate::erasure::{erasure, folded_without_keys};
use baton_domain::decide::Refusal;
use baton_domain::event::sealed_fields;
use baton_domain::values::Position;
use proptest::prelude::*;

/// Everything that is told of the transition, without the words.
fn told(log: &Given) -> String {
    let today = day("2024-01-01");
    let transition = log.subject();
    let plans = transition.story.plans(today);
    let explained = transition.explain(&log.state.world, today);
    blank(&format!("{}\n{:?}\n{:?}\n{plans:?}\n{explained:?}", log.stage(), transition.facts(log.route()), log.audit()))
}

/// Every text, open or erased, as the same blank.
fn blank(text: &str) -> String {
    let mut blanked = String::new();
    let mut rest = text;
    while let Some(at) = [r#"Open(""#, "Erased(Position("].iter().filter_map(|begin| rest.find(begin)).min() {
        blanked.push_str(&rest[..at]);
        blanked.push_str("TEXT");
        let end = if rest[at..].starts_with("Open") {
            rest[at..].find("\")").map(|e| e + 2)
        } else {
            rest[at..].find("))").map(|e| e + 2)
        };
        rest = &rest[at + end.expect("an end")..];
    }
    blanked + rest
}

/// Adds to `named` what an erasure of it is said to lack, until it is taken; `None` when it is refused for another reason.
fn complete(log: &Given, mut named: Vec<Position>) -> Option<Vec<Position>> {
    loop {
        let unmet = match log.decide(&log.proposal("tried", &[erasure(&named)])) {
            Ok(_) => return Some(named),
            Err(Refusal::Rules(unmet)) => unmet,
            Err(other) => panic!("{other:?}"),
        };
        let [(_, only)] = unmet.as_slice() else { return None };
        let listed = only.what.strip_prefix("commands[0]: the same words stand at positions ")?.split(" as well").next()?;
        named.extend(listed.split(", ").map(|p| Position(p.parse().expect("a position"))));
    }
}

/// The act with words, where it takes any.
fn worded(act: Act) -> Act {
    match act.kind {
        "ExpressionOfInterestSubmitted" | "ItemCompleted" | "FactRecorded" | "AssessmentSubmitted" | "FindingRaised" => {
            act.with("note", words("some note"))
        }
        "ChecklistAnswered" => act.with("narrative", words("some narrative")),
        "ObligationRaised" => act.with("text", words("some text")),
        _ => act,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn erasing_changes_no_stage_no_fact_and_no_finding(
        acts in prop::collection::vec((0usize..28, any::<bool>()), 1..12), truths in prop::collection::vec(truth_act(), 0..6),
        picked in prop::collection::vec(any::<prop::sample::Index>(), 1..4),
    ) {
        let mut log = Given::pod().until("UNDER_ASSESSMENT");
        log.today("2024-01-01");
        log.take(free_act(12, 0).with("note", words("always there")));
        for (n, (which, late)) in acts.iter().enumerate() {
            let act = worded(free_act(*which, n));
            let last = log.subject().story.entries().last().expect("one").revision();
            if *late {
                let _ = log.try_by_two(&[act.late().after(last)]);
            } else if let Ok(decided) = log.decide(&act) {
                log.keep(decided);
            }
        }
        for truth in truths {
            let _ = log.try_by_two(&[truth]);
        }
        let with_words: Vec<Position> = log.events.iter().filter(|e| !sealed_fields(e).is_empty()).map(|e| e.position).collect();
        let before = told(&log);
        let mut erased = 0;
        // The first one can always be erased, so no case is empty.
        for position in with_words.first().into_iter().chain(picked.iter().map(|index| index.get(&with_words))) {
            let Some(named) = complete(&log, vec![*position]) else { continue };
            prop_assert!(log.try_by_two(&[erasure(&named)]).is_ok());
            erased += named.len();
        }
        prop_assert!(erased > 0 && log.state.erased.len() == erased);
        prop_assert_eq!(told(&log), before);
        prop_assert_eq!(format!("{:?}", folded_without_keys(&log)), format!("{:?}", log.state));
        rest_changes_nothing(&log.events, &[true, false, false]);
    }
}
