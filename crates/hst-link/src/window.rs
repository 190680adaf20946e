use std::{
    any::Any,
    sync::Arc,
    time::{Duration, Instant},
};

use quinn::congestion::{Controller, ControllerFactory};
use quinn_proto::RttEstimator;

/// The least window, in bytes: a burst of some keyframes within the round trip of a data centre.
const MIN: u64 = 256 * 1024;
/// The most, in bytes: what a peer that acknowledges nothing may make this side remember.
const MAX: u64 = 32 * 1024 * 1024;

/// A peer may acknowledge later by this much (RFC 9000, section 18.2: max_ack_delay), and a busy one does.
const ACKNOWLEDGED_WITHIN: Duration = Duration::from_millis(25);

/// Congestion control of a link whose share of the network is provisioned: as much may be under way as the share comes to
/// until it is acknowledged, whatever gets lost. Controllers that take loss for congestion bring media to a standstill at one lost
/// packet in a thousand; here those who send media decide what to leave out.
#[derive(Debug, Clone)]
pub(crate) struct FixedWindow {
    /// In bits a second.
    share: u64,
    window: u64,
}

impl FixedWindow {
    pub(crate) fn new(share: u64) -> Self {
        Self { share, window: MIN }
    }

    fn measure(&mut self, round_trip: Duration) {
        let time = round_trip + ACKNOWLEDGED_WITHIN;
        let bytes = u128::from(self.share) * time.as_micros() / 8_000_000;
        self.window = u64::try_from(bytes).unwrap_or(MAX).clamp(MIN, MAX);
    }
}

impl ControllerFactory for FixedWindow {
    fn build(self: Arc<Self>, _now: Instant, _current_mtu: u16) -> Box<dyn Controller> {
        Box::new(Self::new(self.share))
    }
}

impl Controller for FixedWindow {
    fn on_ack(&mut self, _now: Instant, _sent: Instant, _bytes: u64, _app_limited: bool, rtt: &RttEstimator) {
        self.measure(rtt.get());
    }

    fn on_congestion_event(&mut self, _now: Instant, _sent: Instant, _is_persistent: bool, _lost_bytes: u64) {}

    fn on_mtu_update(&mut self, _new_mtu: u16) {}

    fn window(&self) -> u64 {
        self.window
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }

    fn initial_window(&self) -> u64 {
        MIN
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_is_the_share_of_a_round_trip_within_bounds() {
        let mut control = FixedWindow::new(1_000_000_000);
        assert_eq!(control.window(), MIN);
        for (millis, window) in [(0, 3_125_000), (75, 12_500_000), (1000, MAX)] {
            control.measure(Duration::from_millis(millis));
            assert_eq!(control.window(), window, "{millis} ms");
        }
        let mut narrow = FixedWindow::new(10_000_000);
        narrow.measure(Duration::from_millis(20));
        assert_eq!(narrow.window(), MIN);
    }

    #[test]
    fn loss_changes_nothing() {
        let mut control = FixedWindow::new(1_000_000_000);
        control.measure(Duration::from_millis(75));
        let now = Instant::now();
        control.on_congestion_event(now, now, true, 12_500_000);
        assert_eq!(control.window(), 12_500_000);
    }
}
