//! Chance that is the same each time: the demonstration looks alike wherever it is made.
//!
//! Owns one small generator (SplitMix64). Nothing that must not be guessed may come from here.

/// A source of numbers.
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// The numbers of this seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: i32, high: i32) -> i32 {
        let width = u64::from(high.abs_diff(low)) + 1;
        let above = i64::try_from(self.next() % width).unwrap_or(0);
        i32::try_from(i64::from(low.min(high)) + above).unwrap_or(low)
    }

    /// True so many times of a hundred.
    pub fn percent(&mut self, share: i32) -> bool {
        self.between(1, 100) <= share
    }

    /// One of several; none of none.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        let last = i32::try_from(of.len()).ok()?.checked_sub(1)?;
        of.get(usize::try_from(self.between(0, last)).ok()?)
    }

    /// The same in another order.
    pub fn shuffled<T>(&mut self, of: impl IntoIterator<Item = T>) -> Vec<T> {
        let mut drawn: Vec<(u64, T)> = of.into_iter().map(|each| (self.next(), each)).collect();
        drawn.sort_by_key(|(number, _)| *number);
        drawn.into_iter().map(|(_, each)| each).collect()
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
