use std::time::{Duration, Instant};

use hst_rtp::timestamp::after;

/// So much longer the shortest way seems to take with each packet, in microseconds: clocks are not alike, and a way may become another
/// one. With 50 packets in a second it has forgotten a queue of 100 ms after seven minutes.
const CREEP: i64 = 5;
/// A source that jumps by more than this in time, in microseconds, begins anew.
const JUMP: i64 = 10_000_000;

/// How long packets wait in queues on their way, as those of a sound tell, which is sent as soon as it is made.
#[derive(Debug, Default)]
pub(super) struct Lateness {
    last: Option<(Instant, u32)>,
    /// How much longer the last packet took than the first, and how much the fastest did, in microseconds.
    took: i64,
    shortest: i64,
    late: Duration,
}

impl Lateness {
    /// Takes a packet that has just come.
    pub(super) fn take(&mut self, now: Instant, timestamp: u32, clock_rate: u32) {
        let (last, before) = self.last.replace((now, timestamp)).unwrap_or((now, timestamp));
        let made = i64::from(after(timestamp, before)) * 1_000_000 / i64::from(clock_rate.max(1));
        self.took += now.saturating_duration_since(last).as_micros() as i64 - made;
        if (self.took - self.shortest).abs() > JUMP {
            (self.took, self.shortest) = (0, 0);
        }
        self.shortest = (self.shortest + CREEP).min(self.took);
        let late = Duration::from_micros((self.took - self.shortest).unsigned_abs());
        // It grows at once, and is not believed at once to be over.
        self.late = late.max(self.late * 7 / 8);
    }

    /// How much longer they take than the fastest.
    pub(super) fn late(&self) -> Duration {
        self.late
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sounds of 20 ms, each of which takes as long as this says, in ms.
    fn take(lateness: &mut Lateness, begin: Instant, from: u32, took: impl IntoIterator<Item = u64>) -> u128 {
        for (number, took) in (from..).zip(took) {
            let now = begin + Duration::from_millis(u64::from(number) * 20 + took);
            lateness.take(now, number.wrapping_mul(960).wrapping_sub(9_600), 48_000);
        }
        lateness.late().as_millis()
    }

    #[test]
    fn a_queue_shows_at_once_and_for_a_while_and_what_is_uneven_is_none() {
        let (begin, mut lateness) = (Instant::now(), Lateness::default());
        assert!(take(&mut lateness, begin, 0, [40, 45, 42, 41].repeat(100)) <= 5);
        assert!((295..305).contains(&take(&mut lateness, begin, 400, [140, 240, 340])));
        // What has waited arrives all at once.
        let drains = (2..17).rev().map(|left| left * 20);
        assert!(take(&mut lateness, begin, 403, drains) > 30);
        assert!(take(&mut lateness, begin, 418, [40; 20]) < 20);
    }

    #[test]
    fn a_source_that_begins_anew_is_not_late() {
        let (begin, mut lateness) = (Instant::now(), Lateness::default());
        take(&mut lateness, begin, 0, [40; 10]);
        assert_eq!(take(&mut lateness, begin, 100_000, [40; 3]), 0, "it was silent");
        lateness.take(begin + Duration::from_secs(2_001), 77, 48_000);
        assert_eq!(lateness.late(), Duration::ZERO);
    }
}
