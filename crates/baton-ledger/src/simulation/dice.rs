//! The generator of a seed.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// Draws that a seed decides for ever: ChaCha8, and arithmetic of our own above it, because ranges
/// of the library may be drawn otherwise in its next release.
pub struct Dice(ChaCha8Rng);

impl Dice {
    /// The dice of a seed.
    pub fn new(seed: u64) -> Self {
        Dice(ChaCha8Rng::seed_from_u64(seed))
    }

    /// Dice of their own: what is drawn from them later does not disturb these.
    pub fn fork(&mut self) -> Dice {
        Dice::new(self.0.next_u64())
    }

    /// A number from 0 to `bound` - 1; 0 where the bound is 0. Slightly uneven, which harms no simulation.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0.next_u64() % bound.max(1)
    }

    /// True in this many of a thousand draws.
    pub fn chance(&mut self, per_mille: u32) -> bool {
        // Drawn even where the answer is certain, so that a rate does not shift the draws after it.
        self.below(1_000) < u64::from(per_mille)
    }

    /// One of several; there must be one.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len() as u64) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_draws_the_same_numbers_for_ever() {
        let mut dice = Dice::new(7);
        let drawn = [(); 6].map(|()| dice.below(1_000));
        assert_eq!(drawn, [635, 994, 745, 443, 440, 238]);
    }
}
