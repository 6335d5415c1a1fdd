//! Where a statement may stand: no legal place contradicts a certain date, no other place is free of contradiction.

use super::generate::{RawEvent, day_after, free_act, fuzzy};
use crate::common::{Given, date};
use baton_domain::event::Placed;
use baton_domain::story::Story;
use proptest::prelude::*;

fn story(log: &Given, drawn: &[(u16, u8)]) -> Story {
    let mut story = Story::default();
    story.evolve(log.events.iter().find(|e| e.stream.transition().is_some()).expect("registration"));
    for (n, (day, how)) in drawn.iter().enumerate() {
        let act = free_act(12, n).on(&fuzzy(&day_after(*day), *how));
        let raw = RawEvent { act, placed: Some(Placed::End), revision: n as u64 + 2 };
        story.evolve(&raw.recorded(log, n as u64));
    }
    story
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn legal_places_are_exactly_those_no_certain_date_speaks_against(
        drawn in prop::collection::vec((0u16..400, any::<u8>()), 0..8),
        sorted in any::<bool>(),
        (day, how) in (0u16..400, any::<u8>()),
    ) {
        let mut drawn = drawn;
        if sorted {
            drawn.sort();
        }
        let log = Given::pod();
        let story = story(&log, &drawn);
        let occurred = date(&fuzzy(&day_after(day), how));
        let dates: Vec<_> = story.entries().map(|e| e.statement().occurred.clone()).collect();
        let legal = story.legal_indexes(&occurred);
        for index in 1..=dates.len() {
            let before = dates[1..index].iter().all(|d| !occurred.certainly_before(d));
            let after = dates[index..].iter().all(|d| !d.certainly_before(&occurred));
            prop_assert_eq!(legal.contains(&index), before && after, "index {} of {:?}", index, legal);
        }
        prop_assert!(!sorted || !legal.is_empty() || how_contradicts(&dates[1..]), "a story in order has a place for every date");
    }

    #[test]
    fn insertion_reorders_nothing_and_stands_where_it_was_placed(
        drawn in prop::collection::vec((0u16..400, any::<u8>()), 0..8),
        (day, how) in (0u16..400, any::<u8>()),
    ) {
        let log = Given::pod();
        let story = story(&log, &drawn);
        let act = free_act(12, 99).on(&fuzzy(&day_after(day), how));
        let before: Vec<_> = story.entries().map(|e| e.revision()).collect();
        for index in story.legal_indexes(&date(act.on.as_deref().expect("date"))) {
            let placed = story.placed_at(index);
            prop_assert_eq!(story.index_of(placed), Some(index));
            let mut next = story.clone();
            next.evolve(&RawEvent { act: act.clone(), placed: Some(placed), revision: 99 }.recorded(&log, 99));
            let mut after: Vec<_> = next.entries().map(|e| e.revision()).collect();
            prop_assert_eq!(after.remove(index).0, 99);
            prop_assert_eq!(&after, &before);
            prop_assert!(next.anomalies().next().is_none());
        }
    }
}

/// Whether the story's own order contradicts its dates.
fn how_contradicts(dates: &[baton_domain::values::FuzzyDate]) -> bool {
    dates.iter().enumerate().any(|(i, a)| dates[i + 1..].iter().any(|b| b.certainly_before(a)))
}
