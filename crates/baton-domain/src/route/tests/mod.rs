//! Tests of routes, as sentences.

mod atoms;
mod evaluation;
mod lint;
mod reading;
mod shipped;

use super::{Route, RouteError};

/// The smallest whole route. Tests break one thing at a time.
const WHOLE: &str = include_str!("whole.toml");

/// The whole route with one text replaced, which must be there exactly once.
fn with(from: &str, to: &str) -> String {
    assert_eq!(WHOLE.matches(from).count(), 1, "{from:?} must be in the sample once");
    WHOLE.replace(from, to)
}

/// The whole route with something added at its end.
fn and(more: &str) -> String {
    format!("{WHOLE}\n{more}\n")
}

fn parsed(text: &str) -> Route {
    match Route::parse(text) {
        Ok(route) => route,
        Err(errors) => panic!("expected a whole route, but:\n{errors}"),
    }
}

fn refused(text: &str) -> Vec<RouteError> {
    match Route::parse(text) {
        Ok(_) => panic!("expected problems, but the route is whole"),
        Err(errors) => errors.into_iter().collect(),
    }
}

/// The number of the line on which `part` begins; it must be in the text once.
fn line_of(text: &str, part: &str) -> usize {
    assert_eq!(text.matches(part).count(), 1, "{part:?} must be in the text once");
    let before = text.find(part).map_or("", |at| &text[..at]);
    before.matches('\n').count() + 1
}

/// The broken text has exactly this problem, on the line that holds `part`.
fn only(text: &str, part: &str, rule: &str, key: &str) {
    let errors = refused(text);
    let seen: Vec<_> = errors.iter().map(|e| (e.line, e.rule, e.key.as_str())).collect();
    assert_eq!(seen, [(line_of(text, part), rule, key)], "{errors:#?}");
}
