//! The lint: what a route file can be wrong about although it is well formed.
//!
//! It runs inside [`super::Route::parse`], so a route with a lint error never exists. Each check
//! has a stable code:
//!
//! | Code | Refused |
//! |---|---|
//! | P001 | unknown key, wrong type, bad or repeated name (found while reading) |
//! | P002 | a name that stands for nothing |
//! | P003 | the first stage is not the plain `registered` |
//! | P004 | a stage nothing can lead to |
//! | P005 | an item, gate or outcome that can never come about |
//! | P006 | not exactly one live stage, or the live stage can not be reached or not by commencement |
//! | P008 | a gate with fewer than two outcomes, one twice, or `unknown` declared |
//! | P009 | an outcome nothing hangs on and that asks for no reason |
//! | P010 | a role used and not declared, or declared and not used |
//! | P012 | verification by the only role that does the work |
//! | P015 | an outcome that raises obligations in a route without kinds of obligation |
//! | P016 | no way out before the live stage; a way back that is one-sided, doubled or leaves its exit standing |
//! | P017 | a deadline counted from itself |
//! | P019 | a later stage that holds as soon as the transition is registered |
//! | P021 | a closed stage after the live stage that does not rest on an ending |

mod reach;
mod references;
mod shape;
mod ways;

use super::{RouteError, read::Draft};

/// All problems of a draft whose parts could all be read.
pub(super) fn check(draft: &Draft) -> Vec<RouteError> {
    let mut found = Findings { draft, errors: Vec::new() };
    references::check(&mut found);
    shape::check(&mut found);
    ways::check(&mut found);
    // A name that stands for nothing, or a start that is none, leaves everything behind it without
    // a way in; say the cause once instead.
    if !found.errors.iter().any(|error| matches!(error.rule, "P002" | "P003")) {
        reach::check(&mut found);
    }
    found.errors
}

struct Findings<'d> {
    draft: &'d Draft,
    errors: Vec<RouteError>,
}

impl Findings<'_> {
    fn report(&mut self, rule: &'static str, key: impl Into<String>, message: impl Into<String>) {
        let (key, message) = (key.into(), message.into());
        let place = self.draft.place(&key);
        let (line, column) = (place.line, place.column);
        self.errors.push(RouteError { line, column, key, rule, message });
    }
}
