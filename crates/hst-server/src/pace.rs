use std::time::Duration;

use tokio::time::Instant;

/// Frames that a client may send on the average.
const PER_SECOND: u32 = 200;
/// Frames that it may send at once after a pause.
const BURST: u32 = 400;

/// How fast one client is read. Who sends faster waits: nothing is dropped, and the others in his group keep their
/// pace.
#[derive(Debug)]
pub(crate) struct Pace {
    /// When all frames so far would have come at the average rate.
    paid_until: Instant,
}

impl Pace {
    pub(crate) fn new(now: Instant) -> Self {
        Self { paid_until: now }
    }

    /// A frame was read.
    pub(crate) fn count(&mut self, now: Instant) {
        self.paid_until = self.paid_until.max(now) + Duration::from_secs(1) / PER_SECOND;
    }

    /// From when on the next frame may be read.
    pub(crate) fn next(&self) -> Instant {
        // Before the clock's beginning nothing can be: then the frame may be read now.
        self.paid_until
            .checked_sub(Duration::from_secs(1) / PER_SECOND * BURST)
            .unwrap_or(self.paid_until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn after_a_burst_the_average_holds() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        for _ in 0..=BURST {
            assert!(pace.next() <= start);
            pace.count(start);
        }
        assert_eq!(pace.next(), start + Duration::from_secs(1) / PER_SECOND);
        for _ in 1..PER_SECOND {
            pace.count(start);
        }
        assert_eq!(pace.next(), start + Duration::from_secs(1));
        tokio::time::advance(Duration::from_secs(60)).await;
        pace.count(Instant::now());
        assert!(pace.next() <= Instant::now(), "a pause pays for a new burst");
    }
}
