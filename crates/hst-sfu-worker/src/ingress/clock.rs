use std::time::{Duration, Instant};

use hst_rtp::{Ntp, rtcp::SenderInfo};

use crate::media::Sampled;

/// So much longer the quickest report seems to have taken with each that comes: clocks are not alike, and a way may become another one.
const CREEP: Duration = Duration::from_millis(1);
/// What is so far from what was told before is another clock.
const JUMP: Duration = Duration::from_secs(3);
/// What is said by who has no clock (RFC 3550 section 6.4.1).
const NONE: Ntp = Ntp(0);

/// How a client's clock stands to ours, as his reports tell of all that he sends: as if the quickest of them had taken no time. What was
/// sampled at the same time is so for whoever receives it, however long either was on its way.
#[derive(Debug, Default)]
pub(super) struct Clock(Option<Standing>);

/// A moment by both clocks.
#[derive(Debug, Clone, Copy)]
struct Standing {
    ours: Instant,
    his: Ntp,
    /// Reports that came before were of another clock.
    since: Instant,
}

impl Clock {
    /// Takes the time of a report that has just come.
    pub(super) fn take(&mut self, now: Instant, his: Ntp) {
        if his == NONE {
            return;
        }
        let ours = self.ours(his);
        let late = ours.map_or(Duration::MAX, |ours| now.saturating_duration_since(ours));
        let early = ours.map_or(Duration::MAX, |ours| ours.saturating_duration_since(now));
        match &mut self.0 {
            Some(standing) if late.max(early) < JUMP => {
                let step = late.min(CREEP);
                (standing.ours, standing.his) = match early.is_zero() {
                    true => (standing.ours + step, standing.his),
                    false => (now, his),
                };
            }
            other => {
                *other = Some(Standing {
                    ours: now,
                    his,
                    since: now,
                });
            }
        }
    }

    /// When by our clock that was sampled of which a report told, which came at this time; `None` where that was another clock.
    pub(super) fn sampled(&self, (came, info): (Instant, SenderInfo)) -> Option<Sampled> {
        self.0.filter(|it| it.since <= came && info.ntp != NONE)?;
        Some(Sampled {
            at: self.ours(info.ntp)?,
            timestamp: info.timestamp,
        })
    }

    /// A moment of his by our clock.
    fn ours(&self, his: Ntp) -> Option<Instant> {
        let standing = self.0?;
        // The short way round, in units of 2^-32 s.
        let passed = his.0.wrapping_sub(standing.his.0) as i64;
        let nanos = (u128::from(passed.unsigned_abs()) * 1_000_000_000) >> 32;
        let time = Duration::from_nanos(nanos as u64);
        match passed < 0 {
            true => standing.ours.checked_sub(time),
            false => standing.ours.checked_add(time),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When a report's moment was by our clock, in ms after the beginning, which is the client's first moment.
    struct Reports {
        begin: Instant,
        clock: Clock,
    }

    impl Reports {
        fn new() -> Self {
            let (begin, clock) = (Instant::now() + 2 * JUMP, Clock::default());
            Self { begin, clock }
        }

        /// Takes a report of his, so many ms after his first moment, that comes so many later.
        fn take(&mut self, his: u64, takes: u64) -> (Instant, SenderInfo) {
            let came = self.begin + Duration::from_millis(his + takes);
            let ntp = Ntp(7 << 60).after(Duration::from_millis(his));
            self.clock.take(came, ntp);
            let info = SenderInfo {
                ntp,
                timestamp: his as u32,
                packets: 1,
                octets: 1,
            };
            (came, info)
        }

        fn sampled(&self, report: (Instant, SenderInfo)) -> Option<u64> {
            let sampled = self.clock.sampled(report)?;
            let ms = (sampled.at + Duration::from_micros(500) - self.begin).as_millis() as u64;
            Some(ms - u64::from(sampled.timestamp))
        }
    }

    #[test]
    fn the_quickest_report_tells_how_the_clocks_stand_and_is_believed_for_a_while() {
        let mut reports = Reports::new();
        let slow = reports.take(0, 80);
        assert_eq!(reports.sampled(slow), Some(80));
        let quick = reports.take(1000, 30);
        assert_eq!([slow, quick].map(|it| reports.sampled(it)), [Some(30); 2]);
        for at in 2..12 {
            reports.take(at * 1000, 200);
        }
        assert_eq!(reports.sampled(quick), Some(40));
        for at in 12..1000 {
            reports.take(at * 1000, 200);
        }
        assert_eq!(reports.sampled(quick), Some(200));
    }

    #[test]
    fn a_clock_that_is_another_one_says_nothing_of_what_was_told_before() {
        for jump in [0, 1 << 34, 1 << 62, 1 << 63, 0_u64.wrapping_sub(1 << 34)] {
            let mut reports = Reports::new();
            let before = reports.take(1000, 30);
            let (came, mut info) = reports.take(30_000, 30);
            let came = came + Duration::from_millis(1);
            info.ntp = Ntp(info.ntp.0.wrapping_add(jump));
            reports.clock.take(came, info.ntp);
            assert!(reports.clock.sampled((came, info)).is_some(), "{jump}");
            assert_eq!(reports.clock.sampled(before).is_some(), jump == 0, "{jump}");
        }
    }

    #[test]
    fn who_has_no_clock_says_nothing() {
        let mut reports = Reports::new();
        let report = reports.take(1000, 30);
        let (came, info) = report;
        let nothing = (came, SenderInfo { ntp: NONE, ..info });
        reports.clock.take(came, NONE);
        assert_eq!([report, nothing].map(|it| reports.sampled(it)), [Some(30), None]);
        let mut clock = Clock::default();
        clock.take(came, NONE);
        assert_eq!(clock.sampled(nothing), None);
    }
}
