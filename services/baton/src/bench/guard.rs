//! A short guard against regressions: a few ratios, each of two things measured one after the other in
//! the same run, with floors so generous that only a change of kind falls through.
//!
//! No floor is a time or a rate, so it holds for a debug build on a busy machine as for a release build
//! on an idle one. It says that something broke, not that something is fast: that is what the bench is for.

use super::figures::{Bound, Figure};
use super::samples::Samples;

/// The figures of the guard.
pub(crate) fn figures(samples: &Samples) -> Vec<Figure> {
    let ratio = |name: &str, unit, of: &str, against: &str, bound| {
        Figure::of(name, unit, samples.of(of)).against(samples.of(against)).must(bound)
    };
    let least = samples.joined("fdatasync us", "echo us", |sync, echo| sync + 2.0 * echo);
    let shared = samples.joined("shared requests", "shared syncs", |requests, syncs| requests / syncs);
    vec![
        // Without group commit this is 1, on any machine and in any build.
        Figure::of("requests for each sync, 64 in flight", "requests", &shared).must(Bound::AtLeast(4.0)),
        ratio("Record against bare echo, 64 in flight", "calls/s", "record 64", "echo 64", Bound::AtLeast(0.08)),
        // Grows by one for each further sync.
        Figure::of("Record latency against one fdatasync and two echoes, one client", "µs", samples.of("record us"))
            .against(&least)
            .must(Bound::AtMost(6.0)),
        ratio(
            "GetTransition against echo with the same answer, 16 in flight",
            "calls/s",
            "read",
            "echo read",
            Bound::AtLeast(0.1),
        ),
        // What looks at every event or transition for each append shows as the ratio of the sizes, which is over 4.
        ratio("appending a note, large log against small", "µs/event", "note us large", "note us small", Bound::AtMost(3.0)),
        ratio("appending a fact, large log against small", "µs/event", "fact us large", "fact us small", Bound::AtMost(3.5)),
        ratio(
            "rebuild from the store, hashes verified, against records held in memory",
            "events/s",
            "rebuild verified",
            "rebuild held",
            Bound::AtLeast(0.05),
        ),
    ]
}

/// The figures that fell below their floor, or could not be measured.
pub(crate) fn fallen(figures: &[Figure]) -> Vec<&Figure> {
    figures.iter().filter(|figure| figure.met() != Some(true)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(requests: f64, note_us_large: f64) -> Samples {
        let mut samples = Samples::default();
        for (name, number) in [
            ("shared requests", requests),
            ("shared syncs", 10.0),
            ("record 64", 400.0),
            ("echo 64", 1_000.0),
            ("record us", 900.0),
            ("fdatasync us", 500.0),
            ("echo us", 100.0),
            ("read", 50.0),
            ("echo read", 100.0),
            ("note us large", note_us_large),
            ("note us small", 100.0),
            ("fact us large", 120.0),
            ("fact us small", 100.0),
            ("rebuild verified", 50.0),
            ("rebuild held", 100.0),
        ] {
            samples.add(name, number);
        }
        samples
    }

    #[test]
    fn sound_run_passes() {
        let figures = figures(&samples(400.0, 110.0));
        assert!(fallen(&figures).is_empty(), "{:?}", fallen(&figures));
    }

    #[test]
    fn each_ratio_that_falls_is_named() {
        let without_group_commit = figures(&samples(10.0, 110.0));
        let fallen_now: Vec<_> = fallen(&without_group_commit).into_iter().map(|figure| figure.name.as_str()).collect();
        assert_eq!(fallen_now, ["requests for each sync, 64 in flight"]);
        let slower_with_size = figures(&samples(400.0, 800.0));
        assert_eq!(fallen(&slower_with_size).len(), 1);
    }

    #[test]
    fn what_was_not_measured_does_not_pass() {
        let figures = figures(&Samples::default());
        assert_eq!(fallen(&figures).len(), figures.len());
    }
}
