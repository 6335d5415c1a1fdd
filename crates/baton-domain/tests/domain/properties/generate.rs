//! Histories made up at random: acts, dates that keep an order, and raw events that keep none.

use crate::common::*;
use baton_domain::event::{Placed, Recorded};
use baton_domain::values::{Position, Revision};
use proptest::prelude::*;
use serde_json::json;
use std::sync::Arc;

/// Acts of the dental route that need no other to have a meaning; `n` keeps their ids apart.
pub fn free_act(which: usize, n: usize) -> Act {
    let question = QUESTIONS[n % QUESTIONS.len()];
    let conditional =
        |subject: &str, outcome: &str| gate(subject, outcome).with("conditions", json!([{ "obligation": format!("c{n}") }]));
    match which % FREE_ACTS {
        0 => eoi(),
        1 => item("assessment_opened"),
        2 => answer(question, if n.is_multiple_of(3) { "no" } else { "yes" }),
        3 => check(question, 1, "yes"),
        4 => gate("executive_sign_off", "signed_off"),
        5 => assessment(),
        6 => gate("national_decision", "approved"),
        7 => conditional("national_decision", "approved_with_conditions"),
        8 => gate("national_decision", "deferred"),
        9 => diligence("full").done_by(if n.is_multiple_of(2) { "icb_programme_lead" } else { "dr-a" }),
        10 => diligence("finance"),
        11 => pack(),
        12 => fact("allocation"),
        13 => gate("go_no_go", "go"),
        14 => conditional("go_no_go", "go_with_conditions"),
        15 => signature("QUY", if n.is_multiple_of(4) { "2" } else { "1" }),
        16 => signature(NHSE, "1"),
        17 => gate("readiness", "ready"),
        18 => commencement("2023-04-01"),
        19 => rating("regional", "whole_function", if n.is_multiple_of(2) { "red" } else { "green" }),
        20 => withdrawal(),
        21 => finding(&format!("f{n}"), "full", 5).done_by("dr-a"),
        22 => plan("DelegationCommenced:delegation_commenced", if n.is_multiple_of(2) { "2022-04-01" } else { "2023-04-01" }),
        23 => plan_if("AgreementSigned:delegation_agreement", "2023-03", &["go_no_go=go"]),
        24 => prospect(&format!("o{n}"), question, "2022-03-31"),
        25 => endorsement("endorsed"),
        26 => ending(),
        _ => statute(),
    }
}

pub const FREE_ACTS: usize = 28;

/// Words for a date that may be this day: the day, its month, its year, a bound on either side, or nothing.
pub fn fuzzy(day: &str, how: u8) -> String {
    match how % 7 {
        0 | 1 => day.to_owned(),
        2 => day[..7].to_owned(),
        3 => day[..4].to_owned(),
        4 => format!("..{day}"),
        5 => format!("{day}.."),
        _ => "?".to_owned(),
    }
}

/// A day so many days after the programme began.
pub fn day_after(days: u16) -> String {
    let begun = jiff::civil::date(2021, 7, 22);
    begun.checked_add(jiff::Span::new().days(i64::from(days))).expect("day").to_string()
}

/// Acts that follow one another closely: answers, sign-off, assessment; due diligence, pack, decision.
pub const CLOSE: [usize; 7] = [2, 4, 5, 9, 10, 11, 13];

/// Rows of history in the order in which they happened: their dates contradict no earlier row.
pub fn rows(most: usize, of: Vec<usize>) -> impl Strategy<Value = Vec<Act>> {
    prop::collection::vec((prop::sample::select(of), 0u16..60, any::<u8>()), 2..=most).prop_map(|drawn| {
        let mut days = 0;
        let row = |(n, (which, later, how)): (usize, (usize, u16, u8))| {
            days += later;
            free_act(which, n).on(&fuzzy(&day_after(days), how)).late()
        };
        drawn.into_iter().enumerate().map(row).collect()
    })
}

/// One event as it might stand in a log that nobody decided: any revision, any place, any target.
pub fn raw() -> impl Strategy<Value = RawEvent> {
    let place = prop_oneof![
        Just(None),
        Just(Some(Placed::End)),
        Just(Some(Placed::First)),
        (0u64..20).prop_map(|r| Some(Placed::After(Revision(r))))
    ];
    let act =
        prop_oneof![4 => (0..FREE_ACTS, 0usize..6).prop_map(|(w, n)| free_act(w, n)), 3 => truth_act(), 1 => other_stream()];
    (act, place, 1u64..20, 0u16..900, any::<u8>()).prop_map(|(act, placed, revision, day, how)| RawEvent {
        act: act.on(&fuzzy(&day_after(day), how)),
        placed,
        revision,
    })
}

/// A correction or void of any target, to anything.
pub fn truth_act() -> impl Strategy<Value = Act> {
    let to = prop_oneof![
        (0u16..900, any::<u8>()).prop_map(|(day, how)| json!({ "occurred": when(&fuzzy(&day_after(day), how)) })),
        Just(json!({ "standing": "inferred" })),
        Just(json!({ "place": "first" })),
        Just(json!({ "place": "end" })),
        (0u64..30).prop_map(|r| json!({ "place": { "after": r } })),
        (0..FREE_ACTS, 0usize..6).prop_map(|(w, n)| json!({ "event": free_act(w, n).event() })),
        Just(json!({})),
    ];
    (0u64..30, 0u64..40, to, any::<bool>()).prop_map(|(target, was, to, voids)| {
        if voids {
            void(Revision(target))
        } else {
            correction(Revision(target), Revision(if was < 25 { target } else { was }), to)
        }
    })
}

fn other_stream() -> impl Strategy<Value = Act> {
    prop_oneof![
        Just(
            act(
                "OrganisationSucceeded",
                json!({ "successor": "QZZ", "kind": "split", "part": "part", "effective_on": "2022-01-01" })
            )
            .at("organisation/QUY")
        ),
        Just(act("RoundOpened", json!({ "stage": "REGISTERED", "set_aside": [1, 2, 3, 99] }))),
        Just(void(Revision(3)).at("organisation/QUY")),
        Just(void(Revision(1)).at("wave/POD-2021")),
        Just(act("RouteMigrated", json!({ "to_version": "9" }))),
        Just(act("BodyChanged", json!({ "body": "no-such-body", "name": "X" })).at("organisation/QUY")),
        Just(act("Approved", json!({ "digest": "" })).at("proposal/never")),
        (0u64..40, 0u64..30).prop_map(|(position, revision)| {
            let stream = "transition/QUY.DENT.POD-2021";
            let record = json!({ "position": position, "stream": stream, "revision": revision });
            act("ErasureAuthorised", json!({ "positions": [], "ground": "court_order", "records": [record] })).at("audit")
        }),
    ]
}

#[derive(Debug, Clone)]
pub struct RawEvent {
    pub act: Act,
    pub placed: Option<Placed>,
    pub revision: u64,
}

impl RawEvent {
    pub fn recorded(&self, log: &Given, position: u64) -> Arc<Recorded> {
        let command = log.command(&self.act);
        Arc::new(Recorded {
            position: Position(position),
            stream: command.stream,
            revision: Revision(self.revision),
            recorded_at: jiff::Timestamp::UNIX_EPOCH,
            recorded_by: person("somebody"),
            command_id: uuid::Uuid::nil(),
            approval: None,
            placed: self.placed,
            gaps: Vec::new(),
            statement: command.statement,
        })
    }
}
