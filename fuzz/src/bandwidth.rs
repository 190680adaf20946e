use std::time::{Duration, Instant};

use hst_bwe::{Config, Estimator};
use hst_rtp::rtcp::{Compound, Message, ReferenceClock};

const CONFIG: Config = Config {
    first: 300_000,
    least: 50_000,
    most: 5_000_000,
};

/// What a receiver reports of packets, as messages, and what is sent meanwhile: the estimate stays within its bounds, and probes are
/// no floods.
///
/// Each piece begins with how many packets are sent, how large they are, how many milliseconds pass and how long it is.
pub fn feedback(data: &[u8]) {
    let mut now = Instant::now();
    let mut clock = ReferenceClock::default();
    let mut estimator = Estimator::new(now, CONFIG);
    let mut rest = data;
    while let Some((&[count, size, wait, len], behind)) = rest.split_first_chunk() {
        let (piece, behind) = behind.split_at(usize::from(len).min(behind.len()));
        rest = behind;
        for _ in 0..count {
            estimator.sent(now, usize::from(size) * 8, None);
        }
        now += Duration::from_millis(wait.into());
        for message in Compound::new(piece) {
            if let Message::TransportFeedback(feedback) = message {
                estimator.feedback(now, feedback.arrivals(&mut clock));
            }
        }
        if estimator.next_timeout().is_some_and(|at| at <= now) {
            estimator.handle_timeout(now);
        }
        while let Some(probe) = estimator.poll_probe(now) {
            assert!(probe.bytes <= 100_000 && probe.packets <= 200, "{probe:?}");
            for _ in 0..probe.packets {
                estimator.sent(now, probe.bytes / probe.packets, Some(probe.id));
            }
        }
        let estimate = estimator.estimate();
        assert!(
            estimate.is_none_or(|rate| (CONFIG.least..=CONFIG.most).contains(&rate)),
            "{estimate:?}"
        );
        assert!((0.0..=1.0).contains(&estimator.lost()));
    }
}
