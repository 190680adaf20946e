use std::time::{Duration, Instant};

/// Lets so many things a second happen on the average, and so many at once after a pause.
///
/// The generic cell rate algorithm: one moment is all its state.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rate {
    each: Duration,
    at_once: Duration,
    /// When all things so far would have happened at the average rate.
    paid_until: Option<Instant>,
}

impl Rate {
    /// `per_second` on the average and at once.
    pub(super) fn new(per_second: u32) -> Self {
        let each = Duration::from_secs(1) / per_second;
        Self {
            each,
            at_once: each * per_second,
            paid_until: None,
        }
    }

    /// Whether one more may happen now; then it has.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        let paid_until = self.paid_until.map_or(now, |paid| paid.max(now)) + self.each;
        let is_free = paid_until <= now + self.at_once;
        if is_free {
            self.paid_until = Some(paid_until);
        }
        is_free
    }

    /// For how long from now all things so far are paid ahead.
    pub(super) fn owed(&self, now: Instant) -> Duration {
        let paid = self.paid_until.map(|paid| paid.saturating_duration_since(now));
        paid.unwrap_or_default()
    }

    /// As much was owed elsewhere; never more than can be.
    pub(super) fn owe(&mut self, now: Instant, owed: Duration) {
        self.paid_until = Some(now + owed.min(self.at_once));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The naive model: a bucket that is refilled by the nanosecond.
        #[test]
        fn it_is_a_bucket_of_tokens(per_second in 1u32..200, pauses in prop::collection::vec(0u64..40, 1..400)) {
            let mut rate = Rate::new(per_second);
            let each = u64::from(1_000_000_000 / per_second);
            let full = each * u64::from(per_second);
            let (mut bucket, mut now) = (full, Instant::now());
            for pause in pauses {
                now += Duration::from_millis(pause);
                bucket = (bucket + pause * 1_000_000).min(full);
                let expected = bucket >= each;
                if expected {
                    bucket -= each;
                }
                prop_assert_eq!(rate.take(now), expected);
            }
        }
    }

    #[test]
    fn after_a_burst_the_average_holds() {
        let (mut rate, now) = (Rate::new(100), Instant::now());
        assert_eq!((0..200).filter(|_| rate.take(now)).count(), 100);
        let later = now + Duration::from_millis(55);
        assert_eq!((0..200).filter(|_| rate.take(later)).count(), 5);
    }
}
