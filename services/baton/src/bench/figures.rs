//! Figures: medians, ratios, and whether a figure keeps what the design asks.
//!
//! A figure is a value and its unit; where it is compared with something measured in the same rounds it
//! has that too, in the same unit, and the ratio of the two. The bound is held against the ratio where
//! there is one and against the value otherwise. Nothing here measures or prints.

use serde_json::{Value, json};

/// One line of the result.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Figure {
    /// What was measured, and where it is a comparison, with what.
    pub(crate) name: String,
    /// The median over the rounds. Absent when it could not be measured.
    pub(crate) value: Option<f64>,
    /// The unit of the value and of what it is compared with.
    pub(crate) unit: &'static str,
    /// The median of what it is compared with, over the same rounds.
    pub(crate) against: Option<f64>,
    /// What it must be. Absent when nothing is asked, or this run can not tell.
    pub(crate) bound: Option<Bound>,
    /// Why the value or the bound is missing.
    pub(crate) why: Option<String>,
}

/// What a figure must be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Bound {
    /// This or more.
    AtLeast(f64),
    /// This or less.
    AtMost(f64),
    /// This, to within a hundredth.
    Exactly(f64),
}

impl Bound {
    /// The number in it.
    pub(crate) fn number(self) -> f64 {
        match self {
            Self::AtLeast(number) | Self::AtMost(number) | Self::Exactly(number) => number,
        }
    }

    /// Whether a number keeps it.
    pub(crate) fn holds(self, number: f64) -> bool {
        match self {
            Self::AtLeast(least) => number >= least,
            Self::AtMost(most) => number <= most,
            Self::Exactly(wanted) => (number - wanted).abs() <= wanted.abs() / 100.0,
        }
    }
}

impl std::fmt::Display for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = match self {
            Self::AtLeast(_) => "≥",
            Self::AtMost(_) => "≤",
            Self::Exactly(_) => "=",
        };
        write!(f, "{sign} {}", short(self.number()))
    }
}

impl Figure {
    /// A figure that stands alone: the median of what the rounds gave.
    pub(crate) fn of(name: impl Into<String>, unit: &'static str, rounds: &[f64]) -> Self {
        let value = median(rounds);
        let why = value.is_none().then(|| "no round gave a value".to_owned());
        Self { name: name.into(), value, unit, against: None, bound: None, why }
    }

    /// A figure that could not be measured.
    pub(crate) fn missing(name: impl Into<String>, unit: &'static str, why: impl Into<String>) -> Self {
        Self { name: name.into(), value: None, unit, against: None, bound: None, why: Some(why.into()) }
    }

    /// Compared with the median of these rounds.
    pub(crate) fn against(mut self, rounds: &[f64]) -> Self {
        self.against = median(rounds);
        self
    }

    /// Must be this.
    pub(crate) fn must(mut self, bound: Bound) -> Self {
        self.bound = Some(bound);
        self
    }

    /// Must be this when the run is large enough to tell, and says so otherwise.
    pub(crate) fn must_at(self, bound: Bound, needed: u64, events: u64) -> Self {
        if events >= needed {
            return self.must(bound);
        }
        let why = format!("the design asks {bound} at {} events, and this run has {}", grouped(needed), grouped(events));
        Self { why: Some(why), ..self }
    }

    /// The value divided by what it is compared with.
    pub(crate) fn ratio(&self) -> Option<f64> {
        let against = self.against.filter(|against| *against != 0.0)?;
        Some(self.value? / against)
    }

    /// Whether the bound is kept; absent without a bound or without a value.
    pub(crate) fn met(&self) -> Option<bool> {
        let judged = if self.against.is_some() { self.ratio() } else { self.value };
        Some(self.bound?.holds(judged?))
    }

    /// As programs get it.
    pub(crate) fn json(&self) -> Value {
        let mut object = json!({
            "name": self.name,
            "value": self.value.map(rounded),
            "unit": self.unit,
            "against": self.against.map(rounded),
            "ratio": self.ratio().map(rounded),
            "target": self.bound.map(Bound::number),
            "met": self.met(),
        });
        if let Some(why) = &self.why {
            object["why"] = json!(why);
        }
        object
    }
}

/// The middle of some numbers, or the mean of the two in the middle. None of none.
pub(crate) fn median(numbers: &[f64]) -> Option<f64> {
    let sorted = sorted(numbers);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(sorted[middle]),
        _ => Some(f64::midpoint(sorted[middle - 1], sorted[middle])),
    }
}

/// The smallest of the numbers that at least this many percent of them do not exceed. None of none.
pub(crate) fn percentile(numbers: &[f64], percent: u32) -> Option<f64> {
    let sorted = sorted(numbers);
    let rank = (sorted.len() * percent.min(100) as usize).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

fn sorted(numbers: &[f64]) -> Vec<f64> {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// To four digits: more would say more than was measured.
fn rounded(number: f64) -> f64 {
    if number == 0.0 || !number.is_finite() {
        return number;
    }
    let digits = 3 - number.abs().log10().floor() as i32;
    // Through text, so that the number printed is the shortest one.
    format!("{number:.*}", digits.max(0) as usize).parse().unwrap_or(number)
}

/// A number for people: four digits, thousands apart.
pub(crate) fn short(number: f64) -> String {
    let number = rounded(number);
    if number.abs() >= 1000.0 && number.abs() < 1e18 { grouped(number.abs() as u64) } else { number.to_string() }
}

/// A whole number with its thousands apart.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The keys of a figure for programs; "why" stands beside them only where something is missing.
    const KEYS: [&str; 7] = ["name", "value", "unit", "against", "ratio", "target", "met"];

    #[test]
    fn median_is_the_middle_whatever_the_order() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[7.0]), Some(7.0));
        assert_eq!(median(&[9.0, 1.0, 5.0]), Some(5.0));
        assert_eq!(median(&[4.0, 1.0, 3.0, 2.0]), Some(2.5));
        assert_eq!(median(&[1.0, 1.0, 1.0, 1.0, 1000.0]), Some(1.0), "one bad round moves nothing");
    }

    #[test]
    fn percentile_is_a_number_that_was_measured() {
        let hundred: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!(percentile(&hundred, 99), Some(99.0));
        assert_eq!(percentile(&hundred, 50), Some(50.0));
        assert_eq!(percentile(&hundred, 100), Some(100.0));
        assert_eq!(percentile(&[3.0, 8.0], 99), Some(8.0));
        assert_eq!(percentile(&[3.0], 0), Some(3.0));
        assert_eq!(percentile(&[], 99), None);
    }

    #[test]
    fn bound_is_held_against_the_ratio_where_there_is_one() {
        let figure = Figure::of("a", "calls/s", &[600.0]).against(&[1000.0]);
        assert_eq!(figure.ratio(), Some(0.6));
        assert_eq!(figure.clone().must(Bound::AtLeast(0.6)).met(), Some(true), "at the bound");
        assert_eq!(figure.clone().must(Bound::AtLeast(0.61)).met(), Some(false), "one past it");
        assert_eq!(figure.clone().must(Bound::AtMost(0.6)).met(), Some(true));
        assert_eq!(figure.clone().must(Bound::AtMost(0.59)).met(), Some(false));
        assert_eq!(figure.met(), None, "nothing is asked");
    }

    #[test]
    fn bound_is_held_against_the_value_where_there_is_no_ratio() {
        let alone = Figure::of("a", "ms", &[4.0, 6.0, 5.0]);
        assert_eq!(alone.clone().must(Bound::AtMost(5.0)).met(), Some(true));
        assert_eq!(alone.clone().must(Bound::AtMost(4.9)).met(), Some(false));
        assert_eq!(alone.must(Bound::AtLeast(400.0)).met(), Some(false));
        let syncs = |count| Figure::of("a", "syncs", &[count]).must(Bound::Exactly(1.0)).met();
        assert_eq!((syncs(1.0), syncs(0.0), syncs(2.0)), (Some(true), Some(false), Some(false)));
    }

    #[test]
    fn what_was_not_measured_is_neither_met_nor_missed() {
        let missing = Figure::missing("a", "calls/s", "not installed").must(Bound::AtLeast(1.1));
        assert_eq!((missing.ratio(), missing.met()), (None, None));
        // Compared with something that was not measured: the value alone must not be judged in its place.
        let half = Figure { against: Some(0.0), ..Figure::of("a", "calls/s", &[5.0]) }.must(Bound::AtLeast(1.1));
        assert_eq!((half.ratio(), half.met()), (None, None));
        assert!(Figure::of("a", "s", &[]).why.is_some());
    }

    #[test]
    fn run_that_is_too_small_has_no_target_and_says_why() {
        let start = |events| Figure::of("start", "s", &[1.0]).must_at(Bound::AtMost(2.0), 1_000_000, events);
        assert_eq!(start(1_000_000).met(), Some(true));
        let small = start(999_999);
        assert_eq!((small.json()["target"].clone(), small.met()), (Value::Null, None));
        assert!(small.why.is_some_and(|why| why.contains("1,000,000") && why.contains("999,999")));
    }

    #[test]
    fn programs_get_exactly_these_keys() {
        let full = Figure::of("a", "calls/s", &[1234.5678]).against(&[2000.0]).must(Bound::AtLeast(0.6));
        let object = full.json();
        let mut keys: Vec<&str> = object.as_object().expect("an object").keys().map(String::as_str).collect();
        let mut wanted = KEYS.to_vec();
        keys.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(keys, wanted);
        assert_eq!(object["value"], json!(1235.0));
        assert_eq!(object["ratio"], json!(0.6173));
        assert_eq!((&object["target"], &object["met"]), (&json!(0.6), &json!(true)));
        let missing = Figure::missing("a", "s", "because").json();
        assert_eq!(missing["why"], json!("because"));
        assert!(["value", "against", "ratio", "target", "met"].iter().all(|key| missing[key].is_null()));
    }

    #[test]
    fn numbers_for_people_are_short() {
        assert_eq!(short(1_234_567.0), "1,234,567");
        assert_eq!(short(0.123_456), "0.1235");
        assert_eq!(short(12.0), "12");
        assert_eq!(short(0.0), "0");
        assert_eq!(grouped(1_000_000), "1,000,000");
        assert_eq!(grouped(999), "999");
        assert_eq!(Bound::AtLeast(0.6).to_string(), "≥ 0.6");
    }
}
