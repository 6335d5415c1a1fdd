//! What the rounds gave, by name: one number a round.

use std::collections::BTreeMap;

use super::load::Round;

/// Numbers by name, in the order of the rounds.
#[derive(Debug, Default)]
pub(crate) struct Samples(BTreeMap<String, Vec<f64>>);

impl Samples {
    /// Adds what a round gave.
    pub(crate) fn add(&mut self, name: impl Into<String>, number: f64) {
        self.0.entry(name.into()).or_default().push(number);
    }

    /// Adds the rate of a load.
    pub(crate) fn add_rate(&mut self, name: impl Into<String>, round: &Round) {
        self.add(name, round.rate());
    }

    /// What the rounds gave; nothing where nothing was measured.
    pub(crate) fn of(&self, name: &str) -> &[f64] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    /// Forgets everything: what came before only warmed up.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Takes over what others gave.
    pub(crate) fn absorb(&mut self, others: Self) {
        for (name, numbers) in others.0 {
            self.0.entry(name).or_default().extend(numbers);
        }
    }

    /// Two series put together, round by round.
    pub(crate) fn joined(&self, one: &str, other: &str, join: impl Fn(f64, f64) -> f64) -> Vec<f64> {
        self.of(one).iter().zip(self.of(other)).map(|(a, b)| join(*a, *b)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_are_joined_round_by_round() {
        let mut samples = Samples::default();
        for (sync, echo) in [(100.0, 1.0), (200.0, 2.0)] {
            samples.add("sync", sync);
            samples.add("echo", echo);
        }
        assert_eq!(samples.joined("sync", "echo", |sync, echo| sync + 2.0 * echo), [102.0, 204.0]);
        assert!(samples.joined("sync", "nothing", |a, _| a).is_empty());
        samples.clear();
        assert!(samples.of("sync").is_empty());
    }
}
