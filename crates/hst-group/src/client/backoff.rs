use std::time::Duration;

/// The bound of the first wait.
const FIRST: Duration = Duration::from_millis(500);
/// The bound of all later ones is no higher.
const LONGEST: Duration = Duration::from_secs(10);

/// How long to wait before each try to connect: a random time up to a bound that doubles, so that many clients which were
/// cut at once do not come back at once.
#[derive(Debug)]
pub(super) struct Backoff {
    dice: u64,
    tries: u32,
}

impl Backoff {
    pub(super) fn new(seed: u64) -> Self {
        Self { dice: seed, tries: 0 }
    }

    /// The wait before the next try.
    pub(super) fn next(&mut self) -> Duration {
        let bound = FIRST.saturating_mul(1 << self.tries.min(8)).min(LONGEST);
        self.tries = self.tries.saturating_add(1);
        let millis = u64::try_from(bound.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(self.roll() % (millis + 1))
    }

    /// A try has led to something.
    pub(super) fn reset(&mut self) {
        self.tries = 0;
    }

    /// SplitMix64: chance is all that is asked of it.
    fn roll(&mut self) -> u64 {
        self.dice = self.dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.dice ^ (self.dice >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_random_under_a_bound_that_doubles() {
        for seed in 0..50 {
            let mut backoff = Backoff::new(seed);
            for bound in [500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000] {
                assert!(backoff.next() <= Duration::from_millis(bound), "seed {seed}");
            }
        }
        let first: Vec<_> = (0..1000).map(|seed| Backoff::new(seed).next().as_millis()).collect();
        let average = first.iter().sum::<u128>() / 1000;
        assert!((150..350).contains(&average), "{average}");
    }
}
