use std::time::Instant;

use crate::timestamp::{after, ticks};

/// How unevenly the packets of a source arrive (RFC 3550 section 6.4.1 and appendix A.8).
#[derive(Debug)]
pub(super) struct Jitter {
    clock_rate: u32,
    /// When the packet before arrived, and its timestamp.
    last: Option<(Instant, u32)>,
    /// In sixteenths of a tick, so that nothing is lost in rounding.
    sixteenths: u64,
}

impl Jitter {
    pub(super) fn new(clock_rate: u32) -> Self {
        Self {
            clock_rate,
            last: None,
            sixteenths: 0,
        }
    }

    pub(super) fn take(&mut self, now: Instant, timestamp: u32) {
        if let Some((arrived, before)) = self.last {
            let waited = ticks(now.saturating_duration_since(arrived), self.clock_rate);
            let difference = after(waited, after(timestamp, before) as u32).unsigned_abs();
            // A source that jumps in time, or starts anew, says nothing of the network.
            if difference < self.clock_rate {
                self.sixteenths = self.sixteenths + u64::from(difference) - ((self.sixteenths + 8) >> 4);
            }
        }
        self.last = Some((now, timestamp));
    }

    /// In ticks.
    pub(super) fn ticks(&self) -> u32 {
        (self.sixteenths >> 4) as u32
    }

    pub(super) fn clock_rate(&self) -> u32 {
        self.clock_rate
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn packets_that_come_evenly_have_none_and_it_grows_towards_what_it_is() {
        let begin = Instant::now();
        let mut jitter = Jitter::new(48_000);
        for packet in 0..500 {
            jitter.take(
                begin + Duration::from_millis(20) * packet,
                0_u32.wrapping_sub(9_600).wrapping_add(960 * packet),
            );
        }
        assert_eq!(jitter.ticks(), 0);
        // Every other one comes 5 ms late, which is 240 ticks more or less than the one before.
        for packet in 500..1_000 {
            let late = Duration::from_millis(if packet % 2 == 0 { 5 } else { 0 });
            jitter.take(
                begin + Duration::from_millis(20) * packet + late,
                0_u32.wrapping_sub(9_600).wrapping_add(960 * packet),
            );
        }
        assert!((238..=240).contains(&jitter.ticks()), "{}", jitter.ticks());
    }

    #[test]
    fn a_jump_in_time_is_no_jitter() {
        let begin = Instant::now();
        let mut jitter = Jitter::new(90_000);
        for (ms, timestamp) in [(0, 0), (33, 2_970), (66, 4_000_000_000), (99, 4_000_002_970)] {
            jitter.take(begin + Duration::from_millis(ms), timestamp);
        }
        assert_eq!(jitter.ticks(), 0);
    }
}
