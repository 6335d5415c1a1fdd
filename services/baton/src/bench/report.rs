//! The result: which figures there are, in which order, and what the design asks of each.

use serde_json::Value;

use super::calls::{IN_FLIGHT, MANY, SOME_IN_FLIGHT};
use super::events::LONG_EVENTS;
use super::figures::{Bound, Figure, grouped, short};
use super::samples::Samples;
use super::store::MOST_HELD;
use crate::output::{Cell, Table, flagged, number, table};

/// Events of the log whose appends are compared with those of the large one.
pub(crate) const SMALL: u64 = 10_000;

/// What the figures are about.
#[derive(Debug, Clone)]
pub(crate) struct About {
    /// Events of the log.
    pub(crate) events: u64,
    /// Transitions of the log.
    pub(crate) transitions: u64,
    /// Rounds.
    pub(crate) rounds: u32,
    /// Why there are no syncs to be told.
    pub(crate) no_syncs: Option<String>,
    /// Why there is nothing to be compared with UmaDB.
    pub(crate) no_umadb: Option<String>,
}

/// Every figure of a run.
pub(crate) fn figures(samples: &Samples, about: &About) -> Vec<Figure> {
    let events = about.events;
    let plain = |name: String, unit, of: &str| Figure::of(name, unit, samples.of(of));
    let mut all = vec![
        Figure::of("rounds", "rounds", &[f64::from(about.rounds)]),
        Figure::of("events in the log", "events", &[events as f64]),
        Figure::of("transitions in the log", "transitions", &[about.transitions as f64]),
        plain("filling, requests of 128 commands".to_owned(), "events/s", "fill"),
        plain("bare fdatasync of a small write".to_owned(), "µs", "fdatasync us"),
    ];
    for clients in IN_FLIGHT {
        let record = plain(format!("Record, {clients} in flight, against bare echo"), "calls/s", &format!("record {clients}"));
        let record = record.against(samples.of(&format!("echo {clients}")));
        all.push(if clients == 256 { record.must(Bound::AtLeast(0.6)) } else { record });
    }
    for clients in IN_FLIGHT {
        let name = format!("bare durable append, {clients} in flight, against bare echo");
        all.push(plain(name, "calls/s", &format!("append {clients}")).against(samples.of(&format!("echo {clients}"))));
    }
    for clients in IN_FLIGHT {
        let name = format!("Record, {clients} in flight, against bare durable append");
        all.push(plain(name, "calls/s", &format!("record {clients}")).against(samples.of(&format!("append {clients}"))));
    }
    for clients in [64, 256] {
        let name = format!("Record of a fact on a walked transition, {clients} in flight, against bare echo");
        all.push(plain(name, "calls/s", &format!("fact {clients}")).against(samples.of(&format!("echo {clients}"))));
    }
    let least = |sync, echo| samples.joined(sync, echo, |sync, echo| sync + 2.0 * echo);
    let many = format!("Record, {MANY} commands a request, {SOME_IN_FLIGHT} in flight, against bare echo");
    let syncs = format!("syncs of the store per batch of one request, {} batches traced", super::syncs::BATCHES);
    all.extend([
        plain(many, "events/s", "record many").against(samples.of("echo many")),
        plain("Record latency, one client, against one fdatasync and two echoes".to_owned(), "µs", "record us")
            .against(&least("fdatasync us", "echo us"))
            .must(Bound::AtMost(1.0)),
        plain("bare durable append latency, one client, against one fdatasync and two echoes".to_owned(), "µs", "append us")
            .against(&least("fdatasync beside append us", "echo beside append us")),
        or_missing(plain(syncs, "syncs", "syncs"), about.no_syncs.as_deref()).must(Bound::Exactly(1.0)),
        Figure::of(
            format!("requests for each sync, {} in flight, through the engine alone", super::syncs::SHARING),
            "requests",
            &samples.joined("shared requests", "shared syncs", |requests, syncs| requests / syncs),
        ),
        plain(format!("GetTransition, {SOME_IN_FLIGHT} in flight, against echo with the same answer"), "calls/s", "read")
            .against(samples.of("echo read"))
            .must(Bound::AtLeast(0.8)),
        plain("answer to GetTransition".to_owned(), "bytes", "answer bytes"),
        plain(format!("as of a day, transition of {LONG_EVENTS} events, p50"), "ms", "as of p50 ms"),
        plain(format!("as of a day, transition of {LONG_EVENTS} events, p99"), "ms", "as of p99 ms").must(Bound::AtMost(5.0)),
        plain(format!("ListTransitions, 50 of {}, latency", grouped(about.transitions)), "ms", "list ms"),
        plain("Subscribe, one subscriber catching up".to_owned(), "events/s", "subscribe"),
        plain("rebuild of all projections from the store, hashes verified".to_owned(), "events/s", "rebuild verified")
            .must(Bound::AtLeast(250_000.0)),
        plain(
            format!(
                "rebuild of all projections, leaf hashes not verified, {} records held in memory",
                grouped(events.min(MOST_HELD))
            ),
            "events/s",
            "rebuild held",
        )
        .must(Bound::AtLeast(400_000.0)),
        plain(format!("opening the store after a clean stop, {} events", grouped(events)), "s", "open s"),
        plain(format!("opening the store without a snapshot, {} events", grouped(events)), "s", "open in full s"),
    ]);
    all.extend([
        plain(format!("start after a clean stop, {} events", grouped(events)), "s", "start s").must_at(
            Bound::AtMost(2.0),
            1_000_000,
            events,
        ),
        plain(format!("resident memory after that start, {} events", grouped(events)), "MB", "resident MB").must_at(
            Bound::AtMost(400.0),
            1_000_000,
            events,
        ),
        plain(format!("peak memory of that start, {} events", grouped(events)), "MB", "peak MB"),
        plain(format!("start without a snapshot, {} events", grouped(events)), "s", "start in full s"),
        plain(format!("peak memory of that start in full, {} events", grouped(events)), "MB", "peak in full MB"),
        plain("bytes on disk per byte of leaf and disclosure, filled in large requests".to_owned(), "bytes", "disk filled")
            .must(Bound::AtMost(2.5)),
        plain(
            "bytes on disk per byte of leaf and disclosure, as added by the calls of this run".to_owned(),
            "bytes",
            "disk added",
        )
        .must(Bound::AtMost(2.5)),
        plain("snapshot of a stop on disk, for each event, until the next start".to_owned(), "bytes", "snapshot bytes"),
        plain("leaf and disclosure of one event, mean".to_owned(), "bytes", "event bytes"),
    ]);
    for (what, name) in [("a note of a meeting", "note us"), ("a fact on a transition", "fact us")] {
        let title =
            format!("appending {what} at {} events against at {}, {SOME_IN_FLIGHT} in flight", grouped(events), grouped(SMALL));
        let figure = plain(title, "µs/event", &format!("{name} large")).against(samples.of(&format!("{name} small")));
        all.push(figure.must_at(Bound::AtMost(1.2), 10_000_000, events));
    }
    for (clients, least) in IN_FLIGHT.into_iter().zip([1.1, 1.25, 1.25, 1.3]) {
        let name = format!("Record, {clients} clients, against UmaDB {} conditional append", super::umadb::VERSION);
        let figure =
            plain(name, "calls/s", &format!("record beside uma {clients}")).against(samples.of(&format!("uma {clients}")));
        all.push(or_missing(figure, about.no_umadb.as_deref()).must(Bound::AtLeast(least)));
    }
    all
}

/// The figure, or that it is missing and why.
fn or_missing(figure: Figure, why: Option<&str>) -> Figure {
    match why {
        Some(why) => Figure::missing(figure.name, figure.unit, why),
        None => figure,
    }
}

/// The figures for programs.
pub(crate) fn json(figures: &[Figure]) -> Value {
    figures.iter().map(Figure::json).collect()
}

/// The figures for people.
pub(crate) fn drawn(figures: &[Figure]) -> Table {
    let mut drawn = table(["Name", "Value", "Unit", "Against", "Ratio", "Target", "Met"]).wide("Name");
    for figure in figures {
        let figures = |number: Option<f64>| number.map_or_else(Cell::default, |n| self::number(short(n)));
        drawn.row([
            figure.name.clone().into(),
            figures(figure.value),
            figure.unit.into(),
            figures(figure.against),
            figures(figure.ratio()),
            figure.bound.map_or_else(Cell::default, |bound| bound.to_string().into()),
            match figure.met() {
                Some(true) => "yes".into(),
                Some(false) => flagged("no", true),
                None => Cell::default(),
            },
        ]);
    }
    drawn
}

/// What is missing and why, a line each.
pub(crate) fn reasons(figures: &[Figure]) -> Vec<String> {
    figures.iter().filter_map(|figure| Some(format!("{}: {}", figure.name, figure.why.as_ref()?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn about(events: u64) -> About {
        About { events, transitions: 10_000, rounds: 5, no_syncs: None, no_umadb: Some("not installed".to_owned()) }
    }

    /// Every number that a run measures, each the same.
    fn samples() -> Samples {
        let mut samples = Samples::default();
        let names = [
            "fill",
            "fdatasync us",
            "echo us",
            "record us",
            "fdatasync beside append us",
            "echo beside append us",
            "append us",
            "record many",
            "echo many",
            "syncs",
            "read",
            "echo read",
            "answer bytes",
            "as of p50 ms",
            "as of p99 ms",
            "list ms",
            "subscribe",
            "rebuild verified",
            "rebuild held",
            "open s",
            "open in full s",
            "start s",
            "resident MB",
            "peak MB",
            "start in full s",
            "peak in full MB",
            "disk filled",
            "disk added",
            "snapshot bytes",
            "event bytes",
            "note us large",
            "note us small",
            "fact us large",
            "shared requests",
            "shared syncs",
            "fact us small",
            "fact 64",
            "fact 256",
        ];
        names.iter().for_each(|name| samples.add(*name, 1.0));
        for clients in IN_FLIGHT {
            samples.add(format!("record {clients}"), 1.0);
            samples.add(format!("echo {clients}"), 1.0);
            samples.add(format!("append {clients}"), 1.0);
        }
        samples
    }

    #[test]
    fn every_figure_has_a_name_of_its_own_and_a_value_or_a_reason() {
        let figures = figures(&samples(), &about(100_000));
        let names: BTreeSet<_> = figures.iter().map(|figure| &figure.name).collect();
        assert_eq!(names.len(), figures.len());
        for figure in &figures {
            assert!(figure.value.is_some() || figure.why.is_some(), "{}", figure.name);
        }
        let missing: Vec<_> = figures.iter().filter(|figure| figure.value.is_none()).collect();
        assert_eq!(missing.len(), IN_FLIGHT.len(), "only the comparison with what is not installed is missing: {missing:?}");
        assert!(missing.iter().all(|figure| figure.met().is_none() && figure.bound.is_some()));
    }

    #[test]
    fn targets_that_need_more_events_come_with_enough_of_them() {
        let targets = |events| figures(&samples(), &about(events)).iter().filter(|figure| figure.bound.is_some()).count();
        assert_eq!(targets(1_000_000), targets(100_000) + 2);
        assert_eq!(targets(10_000_000), targets(1_000_000) + 2);
    }

    #[test]
    fn one_client_is_compared_with_one_sync_and_two_echoes() {
        let mut samples = samples();
        for (name, us) in [("fdatasync us", 1_001.0), ("echo us", 200.0), ("record us", 1_400.0)] {
            samples.add(name, us);
        }
        for (name, us) in [("fdatasync beside append us", 501.0), ("echo beside append us", 100.0), ("append us", 601.0)] {
            samples.add(name, us);
        }
        let figures = figures(&samples, &about(100_000));
        let latency = |of: &str| {
            let name = format!("{of} latency, one client, against one fdatasync and two echoes");
            figures.iter().find(|figure| figure.name == name).expect("there")
        };
        // Two rounds: 1 + 2 and 1,001 + 400; their median is 702.
        let record = latency("Record");
        assert_eq!((record.value, record.against, record.met()), (Some(700.5), Some(702.0), Some(true)));
        // 1 + 2 and 501 + 200, the echo and the sync beside it.
        let append = latency("bare durable append");
        assert_eq!((append.value, append.against, append.bound), (Some(301.0), Some(352.0), None));
    }

    #[test]
    fn price_of_durability_is_told_beside_what_record_costs_beyond_it_and_nothing_is_asked_of_either() {
        let mut samples = samples();
        for (name, rate) in [("echo 16", 900.0), ("append 16", 300.0), ("record 16", 150.0)] {
            // With the 1 of before, two rounds each.
            samples.add(name, rate - 1.0);
        }
        let figures = figures(&samples, &about(100_000));
        let told = |name: &str| {
            let figure = figures.iter().find(|figure| figure.name == name).expect("there");
            (figure.value, figure.against, figure.ratio(), figure.bound)
        };
        let append = told("bare durable append, 16 in flight, against bare echo");
        assert_eq!(append, (Some(150.0), Some(450.0), Some(1.0 / 3.0), None));
        let record = told("Record, 16 in flight, against bare durable append");
        assert_eq!(record, (Some(75.0), Some(150.0), Some(0.5), None));
        let rows = |part: &str| figures.iter().filter(|figure| figure.name.contains(part)).count();
        assert_eq!(rows("bare durable append"), 2 * IN_FLIGHT.len() + 1);
    }

    #[test]
    fn table_and_json_tell_the_same_figures() {
        let figures = figures(&samples(), &about(100_000));
        let (table, json) = (drawn(&figures), json(&figures));
        assert_eq!(table.rows.len(), json.as_array().expect("an array").len());
        assert!(table.drawn(None, false).contains("rebuild of all projections from the store"));
        assert_eq!(reasons(&figures).len(), IN_FLIGHT.len() + 4, "what is not installed, and what this run is too small for");
    }
}
