//! Dates as people read them, and as programs do.

use baton_proto::v1::{DoneBy, FuzzyDate};
use serde_json::{Value, json};

/// The ISO day if it is one day, else the words as printed, else the bounds.
pub(crate) fn words(date: &FuzzyDate) -> String {
    match (date.earliest.as_str(), date.latest.as_str()) {
        (earliest, latest) if !earliest.is_empty() && earliest == latest => earliest.to_owned(),
        _ if !date.text.is_empty() => date.text.clone(),
        ("", "") => "date unknown".to_owned(),
        (earliest, "") => format!("not before {earliest}"),
        ("", latest) => format!("not after {latest}"),
        (earliest, latest) => format!("{earliest} to {latest}"),
    }
}

/// The words, or nothing when there is no date.
pub(crate) fn optional(date: Option<&FuzzyDate>) -> String {
    date.map(words).unwrap_or_default()
}

/// For programs: the same words, or `null`.
pub(crate) fn value(date: Option<&FuzzyDate>) -> Value {
    date.map_or(Value::Null, |date| words(date).into())
}

/// For programs: everything that is known of a date.
pub(crate) fn whole(date: Option<&FuzzyDate>) -> Value {
    let given = |text: &str| if text.is_empty() { Value::Null } else { text.into() };
    date.map_or(Value::Null, |date| {
        json!({
            "text": given(&date.text),
            "precision": crate::words::precision(date.precision),
            "earliest": given(&date.earliest),
            "latest": given(&date.latest),
            "year_inferred": date.year_inferred,
        })
    })
}

/// An instant in ISO form, in UTC.
pub(crate) fn instant(time: Option<&prost_types::Timestamp>) -> String {
    time.and_then(|t| jiff::Timestamp::new(t.seconds, t.nanos).ok()).map(|t| t.to_string()).unwrap_or_default()
}

/// The doer as the source gives them.
pub(crate) fn doer(by: Option<&DoneBy>) -> String {
    let Some(by) = by else { return String::new() };
    let body = if by.body.is_empty() { &by.organisation } else { &by.body };
    let parts = [by.printed.as_str(), body.as_str(), by.person.as_str()];
    match parts.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first, rest @ ..] => format!("{first} ({})", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str, earliest: &str, latest: &str) -> FuzzyDate {
        FuzzyDate { text: text.into(), earliest: earliest.into(), latest: latest.into(), ..Default::default() }
    }

    #[test]
    fn one_day_is_iso_and_anything_else_is_worded() {
        assert_eq!(words(&date("1 July 2022", "2022-07-01", "2022-07-01")), "2022-07-01");
        assert_eq!(words(&date("summer 2022", "", "2022-08-31")), "summer 2022");
        assert_eq!(words(&date("", "2022-07-01", "2022-07-31")), "2022-07-01 to 2022-07-31");
        assert_eq!(words(&date("", "", "")), "date unknown");
    }

    #[test]
    fn doer_is_named_as_far_as_known() {
        let by = |printed: &str, organisation: &str, body: &str| {
            doer(Some(&DoneBy {
                printed: printed.into(),
                organisation: organisation.into(),
                body: body.into(),
                ..Default::default()
            }))
        };
        assert_eq!(by("", "06F", ""), "06F");
        assert_eq!(by("Locality Boards", "06F", "06F/locality-boards"), "Locality Boards (06F/locality-boards)");
        assert_eq!(doer(None), "");
    }

    #[test]
    fn instant_keeps_its_microseconds() {
        let time = prost_types::Timestamp { seconds: 1_700_000_000, nanos: 123_456_000 };
        assert_eq!(instant(Some(&time)), "2023-11-14T22:13:20.123456Z");
    }
}
