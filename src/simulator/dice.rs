//! Dice that fall the same way for the same seed, purpose and thing, whatever happened before: a simulated customs that was
//! killed and started again decides as it would have decided.

use sha2::{Digest, Sha256};

/// Dice that belong to a seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dice(pub u64);

impl Dice {
    /// A number for a purpose and a thing.
    #[must_use]
    pub fn roll(self, purpose: &str, thing: &str) -> u64 {
        let mut hash = Sha256::new();
        hash.update(self.0.to_le_bytes());
        hash.update(purpose.as_bytes());
        hash.update([0]);
        hash.update(thing.as_bytes());
        hash.finalize().iter().take(8).fold(0, |number, &byte| number << 8 | u64::from(byte))
    }

    /// A number below `bound`; 0 if the bound is.
    #[must_use]
    pub fn below(self, bound: u64, purpose: &str, thing: &str) -> u64 {
        self.roll(purpose, thing).checked_rem(bound).unwrap_or(0)
    }

    /// True for `per_mille` things of a thousand.
    #[must_use]
    pub fn chance(self, per_mille: u16, purpose: &str, thing: &str) -> bool {
        self.below(1_000, purpose, thing) < u64::from(per_mille)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_thing_falls_the_same_way_and_others_differ() {
        let dice = Dice(7);
        assert_eq!(dice.roll("a", "x"), Dice(7).roll("a", "x"));
        assert_ne!(dice.roll("a", "x"), dice.roll("a", "y"));
        assert_ne!(dice.roll("a", "x"), Dice(8).roll("a", "x"));
        assert_ne!(dice.roll("ab", "c"), dice.roll("a", "bc"));
        assert_eq!(dice.below(0, "a", "x"), 0);
    }

    #[test]
    fn chances_are_about_what_they_say() {
        let hits = (0..10_000).filter(|n: &u32| Dice(1).chance(100, "a", &n.to_string())).count();
        assert!((800..1_200).contains(&hits), "{hits}");
        assert!(!(0..1_000).any(|n: u32| Dice(1).chance(0, "a", &n.to_string())));
        assert!((0..1_000).all(|n: u32| Dice(1).chance(1_000, "a", &n.to_string())));
    }
}
