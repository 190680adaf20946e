use std::time::{Duration, Instant};

/// Nothing for so long is a pause: nobody waits for a picture that is not sent.
const PAUSE: Duration = Duration::from_secs(5);
/// A freeze is longer than the usual time by this, and so many times as long.
const LONGER: f32 = 0.15;
const TIMES: f32 = 3.0;
/// How much the latest time counts for the usual one.
const WEIGHT: f32 = 1.0 / 16.0;

/// How often the pictures on a line stood still, by when they were forwarded: the next one went three times the usual time later,
/// and 150 ms more than the usual time at least (W3C webrtc-stats, `freezeCount`). What was not to flow has not frozen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Freezes {
    /// How often.
    pub count: u32,
    /// For how long all together.
    pub time: Duration,
}

/// Finds them; asked once a picture.
#[derive(Debug, Default)]
pub(crate) struct FreezeMeter {
    latest: Option<Instant>,
    /// From one picture to the next, in seconds; 0 is not known.
    usual: f32,
    sum: Freezes,
}

impl FreezeMeter {
    /// A picture goes on.
    pub(crate) fn handle_picture(&mut self, now: Instant) {
        let Some(latest) = self.latest.replace(now) else { return };
        let passed = now.saturating_duration_since(latest);
        let seconds = passed.as_secs_f32();
        if self.usual == 0.0 {
            self.usual = seconds;
        } else if seconds <= (self.usual * TIMES).max(self.usual + LONGER) {
            self.usual += (seconds - self.usual) * WEIGHT;
        } else if passed < PAUSE {
            self.sum.count += 1;
            self.sum.time += passed;
        }
    }

    /// Nothing is meant to flow until the next picture.
    pub(crate) fn rest(&mut self) {
        self.latest = None;
    }

    pub(crate) fn sum(&self) -> Freezes {
        self.sum
    }
}
