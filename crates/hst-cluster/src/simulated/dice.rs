use std::{ops::RangeInclusive, time::Duration};

/// Chance that can be repeated (SplitMix64): the same seed throws the same numbers.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// Of one seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    pub fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.throw() % end as u64).expect("it is less than a usize")
    }

    /// Whether something comes to pass that does so `times` out of a thousand. One that never does costs no throw.
    pub fn comes_to_pass(&mut self, times: u32) -> bool {
        times > 0 && self.throw() % 1000 < u64::from(times)
    }

    /// Some time within the range, in whole microseconds.
    pub fn within(&mut self, range: &RangeInclusive<Duration>) -> Duration {
        let (from, to) = (*range.start(), *range.end());
        let width = u64::try_from(to.saturating_sub(from).as_micros()).unwrap_or(u64::MAX - 1);
        match width {
            0 => from,
            width => from + Duration::from_micros(self.throw() % (width + 1)),
        }
    }
}
