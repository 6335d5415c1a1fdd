//! `bundle.json`: what was asked, and what is in the bundle. Positions are written as ranges, so that
//! it stays small where everything is there.

use baton_domain::values::TransitionId;
use baton_ledger::Checkpoint;
use serde_json::{Value, json};

/// What it says it is.
const FORMAT: &str = "baton/bundle/1";

/// What has been put into a bundle so far.
pub(super) struct Manifest {
    origin: String,
    size: u64,
    transition: Option<String>,
    with_words: bool,
    leaves: Vec<(u64, u64)>,
    disclosed: Vec<(u64, u64)>,
    erased: Vec<(u64, u64)>,
    checkpoints: Vec<u64>,
}

impl Manifest {
    pub(super) fn new(checkpoint: &Checkpoint, transition: Option<&TransitionId>, with_words: bool) -> Self {
        Self {
            origin: checkpoint.origin.clone(),
            size: checkpoint.size,
            transition: transition.map(ToString::to_string),
            with_words,
            leaves: Vec::new(),
            disclosed: Vec::new(),
            erased: Vec::new(),
            checkpoints: Vec::new(),
        }
    }

    pub(super) fn with_words(&self) -> bool {
        self.with_words
    }

    /// A leaf is in it. Positions come in ascending order here and below.
    pub(super) fn leaf(&mut self, position: u64) {
        add(&mut self.leaves, position);
    }

    /// The words of this leaf are in it.
    pub(super) fn disclosed(&mut self, position: u64) {
        add(&mut self.disclosed, position);
    }

    /// The words of this leaf were erased.
    pub(super) fn erased(&mut self, position: u64) {
        add(&mut self.erased, position);
    }

    /// Whether the words of a leaf in it were erased.
    pub(super) fn has_erased(&self, position: u64) -> bool {
        self.erased.iter().any(|(first, last)| (*first..=*last).contains(&position))
    }

    /// An older checkpoint is in it.
    pub(super) fn checkpoint(&mut self, size: u64) {
        self.checkpoints.push(size);
    }

    pub(super) fn to_json(&self) -> Vec<u8> {
        let ranges = |ranges: &[(u64, u64)]| ranges.iter().map(|(first, last)| json!([first, last])).collect::<Vec<Value>>();
        let value = json!({
            "bundle": FORMAT,
            "asked": { "transition": self.transition, "with_words": self.with_words },
            "origin": self.origin,
            "size": self.size,
            "leaves": ranges(&self.leaves),
            "disclosed": ranges(&self.disclosed),
            "erased": ranges(&self.erased),
            "checkpoints": self.checkpoints,
        });
        format!("{value:#}\n").into_bytes()
    }
}

fn add(ranges: &mut Vec<(u64, u64)>, position: u64) {
    match ranges.last_mut() {
        Some((_, last)) if *last + 1 == position => *last = position,
        _ => ranges.push((position, position)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_side_by_side_become_one_range() {
        let mut ranges = Vec::new();
        [0, 1, 2, 5, 7, 8].into_iter().for_each(|position| add(&mut ranges, position));
        assert_eq!(ranges, [(0, 2), (5, 5), (7, 8)]);
    }
}
