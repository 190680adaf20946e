use std::time::Duration;

use crate::{
    Ntp,
    ntp::from_short,
    rtcp::{Answer, ReportBlock},
};

/// What takes longer is no round trip, but a report that was made up.
const LONGEST: Duration = Duration::from_secs(60);

/// How long the way there and back takes, from what is answered to reports of ours: by receivers (RFC 3550 section 6.4.1), and by
/// senders (RFC 3611 section 4.5).
#[derive(Debug, Clone, Copy, Default)]
pub struct RoundTrip {
    smoothed: Option<Duration>,
}

impl RoundTrip {
    /// Takes a block that has just come, at the time that the own reports tell. Gives the round trip that it shows; `None` where
    /// it answers no report.
    pub fn handle_block(&mut self, now: Ntp, block: &ReportBlock) -> Option<Duration> {
        self.take(now, block.last_sr, block.delay)
    }

    /// Takes a sender's answer that has just come, in the same way.
    pub fn handle_answer(&mut self, now: Ntp, answer: &Answer) -> Option<Duration> {
        self.take(now, answer.last, answer.delay)
    }

    /// `last` is the middle of the time that was told, and `delay` how long it took to be answered.
    fn take(&mut self, now: Ntp, last: u32, delay: Duration) -> Option<Duration> {
        if last == 0 {
            return None;
        }
        let passed = now.middle().wrapping_sub(last);
        let way = from_short(passed).saturating_sub(delay);
        // More than half of what can be told is before the report: both clocks are rounded.
        let way = if passed >> 31 == 1 { Duration::ZERO } else { way };
        if way > LONGEST {
            return None;
        }
        // As RFC 6298 section 2 smooths it.
        self.smoothed = Some(self.smoothed.map_or(way, |smoothed| (smoothed * 7 + way) / 8));
        Some(way)
    }

    /// The round trip of late, smoothed; `None` as long as none is known.
    pub fn smoothed(&self) -> Option<Duration> {
        self.smoothed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_3550_shows_what_it_shows_there() {
        let block = ReportBlock {
            last_sr: 0xb705_2000,
            delay: Duration::from_millis(5_250),
            ..ReportBlock::default()
        };
        let mut round_trip = RoundTrip::default();
        let way = round_trip.handle_block(Ntp(0xb44d_b710_8000_0000), &block);
        assert_eq!(way, Some(Duration::from_millis(6_125)));
        let answer = Answer {
            ssrc: 1,
            last: block.last_sr,
            delay: block.delay,
        };
        let told = RoundTrip::default().handle_answer(Ntp(0xb44d_b710_8000_0000), &answer);
        assert_eq!(told, way, "senders answer in the same way");
        assert_eq!(round_trip.smoothed(), way);
    }

    #[test]
    fn what_answers_nothing_or_is_made_up_shows_nothing() {
        let now = Ntp(0xb44d_b710_8000_0000);
        let mut round_trip = RoundTrip::default();
        let mut show = |last_sr, delay| {
            round_trip.handle_block(
                now,
                &ReportBlock {
                    last_sr,
                    delay,
                    ..ReportBlock::default()
                },
            )
        };
        assert_eq!(show(0, Duration::ZERO), None);
        assert_eq!(show(now.middle().wrapping_sub(61 << 16), Duration::ZERO), None);
        assert_eq!(
            show(now.middle(), Duration::from_secs(1)),
            Some(Duration::ZERO),
            "clocks are rounded"
        );
        assert_eq!(show(now.middle().wrapping_add(1), Duration::ZERO), Some(Duration::ZERO));
    }

    #[test]
    fn it_is_smoothed() {
        let mut round_trip = RoundTrip::default();
        let now = Ntp::from_unix(Duration::from_secs(1_000_000));
        for (passed, smoothed) in [(1, 1_000), (9, 2_000)] {
            let last_sr = now.middle().wrapping_sub(passed << 16);
            round_trip.handle_block(
                now,
                &ReportBlock {
                    last_sr,
                    ..ReportBlock::default()
                },
            );
            assert_eq!(round_trip.smoothed(), Some(Duration::from_millis(smoothed)));
        }
    }
}
