//! Loading a history in any order gives the same story, when every row says after which it stands.

use super::generate::{CLOSE, FREE_ACTS, rows};
use crate::common::*;
use baton_domain::event::GapKind;
use baton_domain::values::{Revision, london_today};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// What a loaded history adds up to, told by rows and not by revisions.
#[derive(Debug, PartialEq)]
struct Read {
    order: Vec<usize>,
    stage: String,
    unmet: BTreeMap<usize, BTreeSet<(String, GapKind)>>,
    plans: Vec<(usize, &'static str)>,
    possible: Vec<Vec<String>>,
}

/// Loads rows in this order, each directly after the nearest row before it that is loaded already.
fn load(mut log: Given, rows: &[Act], order: &[usize]) -> Read {
    log.today("2027-01-01");
    let mut loaded: BTreeMap<usize, Revision> = BTreeMap::new();
    for row in order {
        let act = match loaded.range(..row).next_back() {
            Some((_, revision)) => rows[*row].clone().after(*revision),
            None => rows[*row].clone().first(),
        };
        loaded.insert(*row, log.take_by_two(&[act]));
    }
    let label: BTreeMap<Revision, usize> = loaded.iter().map(|(row, revision)| (*revision, *row)).collect();
    let transition = log.subject();
    let today = london_today("2027-01-01T12:00:00Z".parse().expect("instant"));
    let audit = transition.audit(&log.state.world).findings.into_iter().filter(|f| !f.unmet.is_empty());
    Read {
        order: transition.story.entries().skip(1).map(|e| label[&e.revision()]).collect(),
        stage: log.stage(),
        unmet: audit.map(|f| (label[&f.revision], f.unmet.into_iter().map(|u| (u.code, u.kind)).collect())).collect(),
        plans: transition.story.plans(today).iter().map(|p| (label[&p.revision], p.status.as_str())).collect(),
        possible: ["2016-12-01", "2017-10-15", "2021-09-30", "2022-01-01"]
            .map(|on| transition.possible_on(log.route(), day(on)).stages.iter().map(ToString::to_string).collect())
            .to_vec(),
    }
}

fn permutation(length: usize) -> impl Strategy<Value = Vec<usize>> {
    Just((0..length).collect::<Vec<_>>()).prop_shuffle()
}

/// Rows and another order of entering them.
fn shuffled(most: usize, of: Vec<usize>) -> impl Strategy<Value = (Vec<Act>, Vec<usize>)> {
    rows(most, of).prop_flat_map(|rows| {
        let order = permutation(rows.len());
        (Just(rows), order)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn shuffled_history_reads_as_the_one_loaded_in_order(
        (rows, order) in shuffled(9, (0..FREE_ACTS).collect())
    ) {
        let in_order: Vec<usize> = (0..rows.len()).collect();
        let read = load(Given::pod(), &rows, &in_order);
        prop_assert_eq!(&read.order, &in_order);
        prop_assert_eq!(load(Given::pod(), &rows, &order), read);
    }

    #[test]
    fn shuffled_decisions_are_judged_by_the_story_and_not_by_the_order_of_entry(
        (rows, order) in shuffled(7, CLOSE.to_vec())
    ) {
        let in_order: Vec<usize> = (0..rows.len()).collect();
        prop_assert_eq!(load(Given::pod(), &rows, &order), load(Given::pod(), &rows, &in_order));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5, ..ProptestConfig::default() })]

    #[test]
    fn shuffled_bedfordshire_reads_as_bedfordshire(order in permutation(bedfordshire().len())) {
        let read = load(Given::ccg(), &bedfordshire(), &order);
        prop_assert_eq!(&read.stage, "DEFERRED");
        prop_assert_eq!(read, load(Given::ccg(), &bedfordshire(), &(0..order.len()).collect::<Vec<_>>()));
    }

    #[test]
    fn shuffled_bnssg_reads_as_bnssg(order in permutation(bnssg().len())) {
        let read = load(Given::pod(), &bnssg(), &order);
        prop_assert_eq!(&read.stage, "LIVE");
        prop_assert_eq!(read, load(Given::pod(), &bnssg(), &(0..order.len()).collect::<Vec<_>>()));
    }
}

fn rows_of(rows: Vec<(&str, Act)>) -> Vec<Act> {
    rows.into_iter().map(|(on, act)| act.on(on).reported().late()).collect()
}

fn tabled() -> Act {
    act("ItemTabled", serde_json::json!({ "body_name": "Governing Body", "asks": ["consider"] }))
}

/// The shape of the history told in the paper of 7 September 2017.
fn bedfordshire() -> Vec<Act> {
    let both = &["ballot=support", "governing_body=apply"];
    rows_of(vec![
        ("2016", fact("joint_commissioning")),
        ("2016-10", fact("engagement")),
        ("2016-10", tabled()),
        ("2016-11", tabled()),
        ("2016-11", gate("governing_body", "deferred")),
        ("2017-03", fact("engagement")),
        ("2017-06", fact("engagement")),
        ("2017-07", tabled()),
        ("2017-09-07", tabled()),
        ("2017-09-07", plan("ItemCompleted:ballot_closed", "2017-10-09")),
        ("2017-09-07", plan("GateDecided:ballot", "2017-10")),
        ("2017-09-07", plan_if("ItemCompleted:application_documents", "2017-10-01..2017-11-30", &["ballot=support"])),
        ("2017-09-07", plan_if("ItemCompleted:application_submitted", "2017-12-04..2017-12-10", both)),
        ("2017-09-07", plan_if("GateDecided:national_decision", "2018-01", both)),
        ("2017-09-07", plan_if("DelegationCommenced:delegation_commenced", "2018-04", both)),
    ])
}

/// The shape of the history told in the paper of 28 September 2021 and what came of it.
fn bnssg() -> Vec<Act> {
    rows_of(vec![
        ("2021-07-22..2021-09-28", fact("publication")),
        ("?", fact("engagement")),
        ("?", fact("engagement")),
        ("2021-09-16", tabled()),
        ("2021-09-16", fact("future_intent")),
        ("2021-09-28", tabled()),
        ("2021-09-28", plan("AssessmentSubmitted:pdaf", "..2021-09-30")),
        ("2021-09-28", plan("ExpressionOfInterestSubmitted:eoi", "..2021-09-30")),
        ("2021-09-28", plan("GateDecided:national_decision", "..2021-10-14")),
        ("2021-09-28", plan("FactRecorded:allocation", "2022-01-01..")),
        ("2021-09-28", plan("DueDiligenceStageCompleted:full", "2021-09-28..2022-03-31")),
        ("2021-09-28", plan("GateDecided:go_no_go", "2022-01-01..2022-03-31")),
        ("2021-09-28", plan("DelegationCommenced:delegation_commenced", "2022-04-01")),
        ("2023-04-01", commencement("2023-04-01")),
    ])
}
