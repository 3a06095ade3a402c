//! Repeatable random numbers: the demonstration looks the same on every machine.
//!
//! Owns how numbers are drawn from one seeded generator (PCG). It must not be used for secrets.

use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// A source of numbers.
#[derive(Debug, Clone)]
pub struct Chance(Pcg64Mcg);

impl Chance {
    /// The numbers of this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Pcg64Mcg::seed_from_u64(seed))
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: i32, high: i32) -> i32 {
        self.0.random_range(low.min(high)..=low.max(high))
    }

    /// True in this many cases of a hundred.
    pub fn percent(&mut self, share: i32) -> bool {
        self.between(1, 100) <= share
    }

    /// One of several; none of none.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.choose(&mut self.0)
    }

    /// The same in another order.
    pub fn shuffled<T>(&mut self, of: impl IntoIterator<Item = T>) -> Vec<T> {
        let mut order: Vec<T> = of.into_iter().collect();
        order.shuffle(&mut self.0);
        order
    }
}

#[cfg(test)]
mod tests {
    use super::Chance;

    #[test]
    fn a_seed_gives_the_same_numbers_within_their_bounds() {
        let (mut one, mut other) = (Chance::new(7), Chance::new(7));
        for _ in 0..1000 {
            let number = one.between(-3, 12);
            assert!((-3..=12).contains(&number));
            assert_eq!(number, other.between(-3, 12));
        }
        assert_eq!(one.pick::<u8>(&[]), None);
        let mut order = one.shuffled(0..50);
        order.sort_unstable();
        assert_eq!(order, (0..50).collect::<Vec<_>>());
    }
}
