//! A rule that is not met: the one shape in which refusals, gaps, warnings and explanations are given.

use crate::event::{Gap, GapKind};

/// One unmet rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unmet {
    /// The reject code, stable: programs may rely on it.
    pub code: String,
    /// The id of the rule, such as `I19`, where it has one.
    pub rule: String,
    /// What is missing and what to do, in a sentence without private words.
    pub what: String,
    /// Whether evidence shows it unmet, or nothing shows it met.
    pub kind: GapKind,
    /// Whether a late entry may be accepted all the same, with a gap.
    pub waivable: bool,
}

impl Unmet {
    /// A rule nothing shows to be met.
    pub fn silent(code: &str, rule: &str, what: impl Into<String>) -> Self {
        Self { code: code.to_owned(), rule: rule.to_owned(), what: what.into(), kind: GapKind::NotEvidenced, waivable: true }
    }

    /// A rule that evidence shows unmet.
    pub fn contrary(code: &str, rule: &str, what: impl Into<String>) -> Self {
        Self { kind: GapKind::Contrary, ..Self::silent(code, rule, what) }
    }

    /// A rule no late entry may leave unmet: without it the statement would have no meaning.
    pub fn hard(code: &str, rule: &str, what: impl Into<String>) -> Self {
        Self { waivable: false, ..Self::contrary(code, rule, what) }
    }

    /// The gap a late entry keeps for it.
    pub fn gap(&self) -> Gap {
        Gap { kind: self.kind, code: self.code.clone(), what: self.what.clone() }
    }
}
