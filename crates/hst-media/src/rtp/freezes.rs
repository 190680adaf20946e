use std::time::Duration;

use tokio::time::Instant;

/// Nothing for so long is a pause: nobody waits for a picture that is not sent.
const PAUSE: Duration = Duration::from_secs(5);
/// A freeze is longer than the usual time by this, and so many times as long.
const LONGER: f64 = 0.15;
const TIMES: f64 = 3.0;

/// Finds out when a picture stood still, by how its frames arrive.
#[derive(Debug, Default)]
pub(super) struct Freezes {
    latest: Option<Instant>,
    /// From one frame to the next, in seconds.
    usual: Option<f64>,
}

impl Freezes {
    /// A frame has arrived; gives for how long the one before it stood still, if that was too long.
    pub(super) fn arrived(&mut self, now: Instant) -> Option<Duration> {
        let latest = self.latest.replace(now)?;
        let passed = now.saturating_duration_since(latest);
        if passed >= PAUSE {
            return None;
        }
        let seconds = passed.as_secs_f64();
        let Some(usual) = self.usual else {
            self.usual = Some(seconds);
            return None;
        };
        let is_freeze = seconds > (usual * TIMES).max(usual + LONGER);
        if !is_freeze {
            self.usual = Some(usual + (seconds - usual) / 16.0);
        }
        is_freeze.then_some(passed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_much_later_than_usual_was_frozen_and_a_pause_is_none() {
        let mut freezes = Freezes::default();
        let mut now = Instant::now();
        let mut after = |millis: u64| {
            now += Duration::from_millis(millis);
            freezes.arrived(now)
        };
        for _ in 0..50 {
            assert_eq!(after(40), None);
        }
        assert_eq!(after(180), None, "late, but nobody notices");
        assert_eq!(after(400), Some(Duration::from_millis(400)));
        assert_eq!(after(40), None);
        assert_eq!(after(5_000), None, "nothing was sent");
        assert_eq!(after(4_999), Some(Duration::from_millis(4_999)));
    }
}
