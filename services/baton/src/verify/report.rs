//! What a verification found: for people in sentences, for programs in JSON.

use super::forks::Fork;
use super::hex;
use baton_ledger::Checkpoint;
use serde_json::{Value, json};

/// Most failures that are listed; the rest is counted.
const LISTED: usize = 20;

/// Most of them that people are shown.
const SHOWN: usize = 5;

/// Most erased positions that are listed.
const ERASED_LISTED: usize = 100;

/// What was verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A whole log.
    Log,
    /// The events of one transition.
    Transition,
    /// One leaf with its receipt.
    Receipt,
    /// The log of a server as it is now.
    Live,
}

/// Something that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// The position it is about, where it is about one.
    pub(crate) index: Option<u64>,
    /// What is wrong.
    pub(crate) what: String,
}

/// What a verification found.
#[derive(Debug)]
pub(crate) struct Report {
    kind: Kind,
    subject: String,
    signed: Option<(Checkpoint, String)>,
    leaves: u64,
    held: Vec<String>,
    failures: Vec<Wrong>,
    more_failures: u64,
    first_bad: Option<u64>,
    warnings: Vec<String>,
    cannot_exclude: Vec<String>,
    remembered: Vec<u64>,
    words: [u64; 4],
    erased: Vec<(u64, u64)>,
    key_changes: Vec<(u64, String, String)>,
    forks: Vec<Fork>,
}

impl Report {
    pub(crate) fn new(kind: Kind, subject: String) -> Self {
        Self {
            kind,
            subject,
            signed: None,
            leaves: 0,
            held: Vec::new(),
            failures: Vec::new(),
            more_failures: 0,
            first_bad: None,
            warnings: Vec::new(),
            cannot_exclude: Vec::new(),
            remembered: Vec::new(),
            words: [0; 4],
            erased: Vec::new(),
            key_changes: Vec::new(),
            forks: Vec::new(),
        }
    }

    /// Whether everything that was to be shown was shown.
    pub(crate) fn verified(&self) -> bool {
        self.signed.is_some() && self.failures.is_empty()
    }

    /// What is wrong, as far as it is listed.
    pub(crate) fn failures(&self) -> &[Wrong] {
        &self.failures
    }

    pub(super) fn is_a(&mut self, kind: Kind) {
        self.kind = kind;
    }

    /// A trusted key signed this.
    pub(super) fn signed(&mut self, checkpoint: &Checkpoint, key: &str) {
        self.signed = Some((checkpoint.clone(), key.to_owned()));
    }

    pub(super) fn leaves(&mut self, leaves: u64) {
        self.leaves = leaves;
    }

    /// Something was checked and holds.
    pub(super) fn hold(&mut self, what: impl Into<String>) {
        self.held.push(what.into());
    }

    /// Something is wrong, and at which position.
    pub(super) fn fail(&mut self, index: Option<u64>, what: impl Into<String>) {
        if let Some(index) = index {
            self.first_bad = Some(self.first_bad.map_or(index, |first| first.min(index)));
        }
        match self.failures.len() < LISTED {
            true => self.failures.push(Wrong { index, what: what.into() }),
            false => self.more_failures += 1,
        }
    }

    pub(super) fn warn(&mut self, what: impl Into<String>) {
        self.warnings.push(what.into());
    }

    /// Something that this evidence does not show.
    pub(super) fn cannot_exclude(&mut self, what: impl Into<String>) {
        self.cannot_exclude.push(what.into());
    }

    /// The log continues the checkpoint of this size that the auditor remembers.
    pub(super) fn remembers(&mut self, size: u64) {
        self.remembered.push(size);
    }

    pub(super) fn erased(&mut self, position: u64, by: u64) {
        if self.erased.len() < ERASED_LISTED {
            self.erased.push((position, by));
        }
    }

    /// The log changed its key at this position, from one to another.
    pub(super) fn key_changed(&mut self, position: u64, old: &str, new: &str) {
        self.key_changes.push((position, old.to_owned(), new.to_owned()));
    }

    /// The log went on under another origin.
    pub(super) fn forked(&mut self, fork: &Fork) {
        self.forks.push(fork.clone());
    }

    /// Commitments, those opened, leaves whose words are withheld, leaves whose words are erased.
    pub(super) fn words(&mut self, commitments: u64, opened: u64, withheld: u64, erased: u64) {
        self.words = [commitments, opened, withheld, erased];
    }

    /// For programs. `first_bad_index` is the lowest position known to be wrong.
    pub(crate) fn to_json(&self) -> Value {
        let kind = match self.kind {
            Kind::Log => "log",
            Kind::Transition => "transition",
            Kind::Receipt => "receipt",
            Kind::Live => "live",
        };
        let signed = self.signed.as_ref();
        let [commitments, opened, withheld, erased] = self.words;
        let failures: Vec<Value> =
            self.failures.iter().map(|wrong| json!({ "index": wrong.index, "what": wrong.what })).collect();
        let changes = self.key_changes.iter();
        let changes: Vec<Value> =
            changes.map(|(at, old, new)| json!({ "position": at, "old_key": old, "new_key": new })).collect();
        let forks = self.forks.iter().map(|fork| {
            let Fork { position, old, new, last_known } = fork;
            json!({ "position": position, "old_origin": old, "new_origin": new, "last_known_size": last_known })
        });
        let forks: Vec<Value> = forks.collect();
        let by: Vec<Value> = self.erased.iter().map(|(at, by)| json!({ "position": at, "by": by })).collect();
        json!({
            "verdict": if self.verified() { "verified" } else { "failed" },
            "kind": kind,
            "subject": self.subject,
            "origin": signed.map(|(checkpoint, _)| &checkpoint.origin),
            "size": signed.map(|(checkpoint, _)| checkpoint.size),
            "root": signed.map(|(checkpoint, _)| hex(&checkpoint.root)),
            "key": signed.map(|(_, key)| key),
            "key_changes": changes,
            "forks": forks,
            "leaves": self.leaves,
            "first_contact": self.remembered.is_empty(),
            "remembered_sizes": self.remembered,
            "words": { "commitments": commitments, "opened": opened, "withheld_leaves": withheld, "erased_leaves": erased, "erased": by },
            "checked": self.held,
            "first_bad_index": self.first_bad,
            "failures": failures,
            "more_failures": self.more_failures,
            "cannot_exclude": self.cannot_exclude,
            "warnings": self.warnings,
        })
    }

    /// For people, line by line.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        lines.push(match self.verified() {
            true => format!("Verified: {}", self.subject),
            false => format!("NOT VERIFIED: {}", self.subject),
        });
        if let Some((checkpoint, key)) = &self.signed {
            lines.push(format!("Log {} at size {}, root {}", checkpoint.origin, checkpoint.size, hex(&checkpoint.root)));
            lines.push(format!("Signed by {key}"));
        }
        lines.extend(self.forks.iter().map(Fork::line));
        let mut section = |title: &str, items: Vec<String>| {
            if !items.is_empty() {
                lines.push(format!("{title}:"));
                lines.extend(items.into_iter().map(|item| format!("  - {item}")));
            }
        };
        let wrong = |wrong: &Wrong| match wrong.index {
            Some(index) => format!("position {index}: {}", wrong.what),
            None => wrong.what.clone(),
        };
        // What people look for comes first; the rest follows from it, and is whole in JSON.
        let first = self.first_bad.map(|first| format!("the first position known to be wrong is {first}"));
        let mut failures: Vec<String> = first.into_iter().chain(self.failures.iter().take(SHOWN).map(wrong)).collect();
        let more = self.more_failures + self.failures.len().saturating_sub(SHOWN) as u64;
        if more > 0 {
            failures.push(format!("and {more} more"));
        }
        section("Wrong", failures);
        section("Checked", self.held.clone());
        section("Words", self.words_lines());
        section("Cannot be excluded", self.cannot_exclude.clone());
        section("Warnings", self.warnings.clone());
        lines
    }

    fn words_lines(&self) -> Vec<String> {
        let [commitments, opened, withheld, erased] = self.words;
        let mut lines = Vec::new();
        if commitments > 0 {
            lines.push(format!("{opened} of {commitments} commitments were opened by the words in the bundle"));
        }
        if withheld > 0 {
            lines.push(format!("withheld: the words of {withheld} leaves are not in the bundle"));
        }
        let by: Vec<String> = self.erased.iter().map(|(at, by)| format!("position {at} by event {by}")).collect();
        if erased > 0 {
            lines.push(format!("erased: the words of {erased} leaves ({})", by.join(", ")));
        }
        lines
    }
}
