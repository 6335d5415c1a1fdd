//! Dates as the papers give them: the words, how precise they are, and the outer bounds they allow.
//!
//! Days are calendar days in Europe/London. Unknown is a value (rule I48): a date nobody printed stays
//! without bounds, and a precise date nobody printed is refused.

use super::InvalidValue;
use serde::{Deserialize, Serialize};
use smol_str::{SmolStr, format_smolstr};
use std::fmt;

/// A calendar day in Europe/London, written `YYYY-MM-DD`.
pub type Day = jiff::civil::Date;

/// The calendar day in Europe/London at this instant.
pub fn london_today(now: jiff::Timestamp) -> Day {
    // The zone is bundled with the library; if it could not be read, UTC is at most an hour away.
    now.in_tz("Europe/London").map_or_else(|_| now.to_zoned(jiff::tz::TimeZone::UTC).date(), |zoned| zoned.date())
}

/// How a date is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// One day.
    Day,
    /// Not after a day.
    ByDay,
    /// The week that begins on a day.
    WeekCommencing,
    /// Some day of a month.
    Month,
    /// Early in a month.
    EarlyMonth,
    /// In the middle of a month.
    MidMonth,
    /// Late in a month.
    LateMonth,
    /// At the end of a month.
    MonthEnd,
    /// Not after the end of a month.
    ByMonth,
    /// A season of a year.
    Season,
    /// A quarter of the calendar year.
    QuarterCalendar,
    /// A quarter of the financial year, which begins on 1 April.
    QuarterFinancial,
    /// A quarter, calendar or financial not said: the bounds hold both.
    QuarterNotSaid,
    /// From one time to another, the whole of it.
    Range,
    /// Some time between two days.
    Between,
    /// Since a time.
    Since,
    /// Not before a day.
    NotBefore,
    /// Before a time.
    Before,
    /// Some time in a financial year.
    FinancialYear,
    /// Some time in a calendar year.
    CalendarYear,
    /// Not known.
    Unknown,
}

impl Precision {
    /// Every precision, in the order of declaration.
    pub const ALL: [Self; 21] = [
        Self::Day,
        Self::ByDay,
        Self::WeekCommencing,
        Self::Month,
        Self::EarlyMonth,
        Self::MidMonth,
        Self::LateMonth,
        Self::MonthEnd,
        Self::ByMonth,
        Self::Season,
        Self::QuarterCalendar,
        Self::QuarterFinancial,
        Self::QuarterNotSaid,
        Self::Range,
        Self::Between,
        Self::Since,
        Self::NotBefore,
        Self::Before,
        Self::FinancialYear,
        Self::CalendarYear,
        Self::Unknown,
    ];

    fn needs_earliest(self) -> bool {
        !matches!(self, Self::ByDay | Self::ByMonth | Self::Before | Self::Season | Self::Unknown)
    }

    fn needs_latest(self) -> bool {
        !matches!(self, Self::Since | Self::NotBefore | Self::Unknown)
    }
}

/// A date as printed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "RawDate", into = "RawDate")]
pub struct FuzzyDate {
    text: SmolStr,
    precision: Precision,
    earliest: Option<Day>,
    latest: Option<Day>,
    year_inferred: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDate {
    #[serde(default, skip_serializing_if = "SmolStr::is_empty")]
    text: SmolStr,
    precision: Precision,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    earliest: Option<Day>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    latest: Option<Day>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    year_inferred: bool,
}

impl FuzzyDate {
    /// The longest wording kept, in characters.
    pub const MAX_TEXT: usize = 120;

    /// A date worded `text`, lying between the two bounds, both inclusive; an open bound is `None`.
    ///
    /// # Errors
    /// When the bounds do not fit the precision (DATE_WITHOUT_PRECISION, rule I48) or are in the wrong order.
    pub fn new(
        text: &str,
        precision: Precision,
        earliest: Option<Day>,
        latest: Option<Day>,
        year_inferred: bool,
    ) -> Result<Self, InvalidValue> {
        Self { text: text.into(), precision, earliest, latest, year_inferred }.checked()
    }

    fn checked(self) -> Result<Self, InvalidValue> {
        let Self { text, precision, earliest, latest, .. } = &self;
        let (precision, earliest, latest) = (*precision, *earliest, *latest);
        let refuse = |why: &str| Err(InvalidValue::new(format!("DATE_WITHOUT_PRECISION: {why}")));
        if text.chars().count() > Self::MAX_TEXT || text.chars().any(char::is_control) {
            return refuse("the words of a date are at most 120 characters without control characters");
        }
        if precision == Precision::Unknown && (earliest.is_some() || latest.is_some()) {
            return refuse("an unknown date has no bounds; say how the bounds are known instead");
        }
        if precision.needs_earliest() && earliest.is_none() {
            return refuse("this precision needs an earliest day");
        }
        if precision.needs_latest() && latest.is_none() {
            return refuse("this precision needs a latest day");
        }
        if precision == Precision::Day && earliest != latest {
            return refuse("a date of precision day has the same earliest and latest day");
        }
        if matches!((earliest, latest), (Some(e), Some(l)) if e > l) {
            return refuse("the earliest day comes after the latest");
        }
        Ok(self)
    }

    /// One certain day.
    pub fn day(day: Day) -> Self {
        Self {
            text: format_smolstr!("{day}"),
            precision: Precision::Day,
            earliest: Some(day),
            latest: Some(day),
            year_inferred: false,
        }
    }

    /// A date nobody gave.
    pub fn unknown() -> Self {
        Self { text: SmolStr::default(), precision: Precision::Unknown, earliest: None, latest: None, year_inferred: false }
    }

    /// The words as written; may be empty.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How the date is known.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// The first day it can be, if bounded.
    pub fn earliest(&self) -> Option<Day> {
        self.earliest
    }

    /// The last day it can be, if bounded.
    pub fn latest(&self) -> Option<Day> {
        self.latest
    }

    /// Whether the year was read from the context and is not printed.
    pub fn year_inferred(&self) -> bool {
        self.year_inferred
    }

    /// Whether this certainly lies before `other`: every day it can be is before every day the other can be.
    pub fn certainly_before(&self, other: &Self) -> bool {
        matches!((self.latest, other.earliest), (Some(latest), Some(earliest)) if latest < earliest)
    }

    /// Whether this is one certain day.
    pub fn is_day(&self) -> bool {
        self.earliest.is_some() && self.earliest == self.latest
    }
}

impl fmt::Display for FuzzyDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.earliest, self.latest) {
            _ if self.is_day() => write!(f, "{}", self.earliest.unwrap_or_default()),
            (None, None) if self.text.is_empty() => f.write_str("date unknown"),
            (Some(e), None) if self.text.is_empty() => write!(f, "not before {e}"),
            (None, Some(l)) if self.text.is_empty() => write!(f, "not after {l}"),
            (Some(e), Some(l)) if self.text.is_empty() => write!(f, "{e} to {l}"),
            _ => f.write_str(&self.text),
        }
    }
}

impl TryFrom<RawDate> for FuzzyDate {
    type Error = InvalidValue;
    fn try_from(raw: RawDate) -> Result<Self, InvalidValue> {
        let RawDate { text, precision, earliest, latest, year_inferred } = raw;
        Self { text, precision, earliest, latest, year_inferred }.checked()
    }
}

impl From<FuzzyDate> for RawDate {
    fn from(date: FuzzyDate) -> Self {
        Self {
            text: date.text,
            precision: date.precision,
            earliest: date.earliest,
            latest: date.latest,
            year_inferred: date.year_inferred,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn date_without_bounds_is_taken_only_as_unknown() {
        assert!(FuzzyDate::new("some day", Precision::Unknown, None, None, false).is_ok());
        assert!(FuzzyDate::new("some day", Precision::Day, None, None, false).is_err());
        assert!(FuzzyDate::new("", Precision::Unknown, Some(date(2021, 1, 1)), None, false).is_err());
    }

    #[test]
    fn certainly_before_needs_every_day_of_one_before_every_day_of_the_other() {
        let july =
            FuzzyDate::new("July 17", Precision::Month, Some(date(2017, 7, 1)), Some(date(2017, 7, 31)), false).expect("ok");
        let august = FuzzyDate::day(date(2017, 8, 1));
        let mid_july = FuzzyDate::day(date(2017, 7, 15));
        assert!(july.certainly_before(&august));
        assert!(!july.certainly_before(&mid_july) && !mid_july.certainly_before(&july));
        assert!(!FuzzyDate::unknown().certainly_before(&august) && !august.certainly_before(&FuzzyDate::unknown()));
    }

    #[test]
    fn stored_date_with_contradicting_bounds_is_refused() {
        let stored = r#"{"precision":"range","earliest":"2018-03-31","latest":"2018-01-01"}"#;
        assert!(serde_json::from_str::<FuzzyDate>(stored).is_err());
    }
}
