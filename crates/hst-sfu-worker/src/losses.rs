use std::time::{Duration, Instant};

/// From this share of lost packets on a network counts as lossy.
const LOSSY: f32 = 0.08;
/// Below this share, for so long, it does not any more.
const CALM: f32 = 0.04;
const SETTLED: Duration = Duration::from_secs(30);
/// Of what is sent, at most this share goes into sending lost packets again: a fifth of the stream. What asks for more is
/// no loss but a flood.
const SHARE: f32 = 1.0 / 6.0;
/// Where as much as that is lost, each packet may be sent twice on average.
const LOSSY_SHARE: f32 = 0.5;
/// Losses come from a full queue, when a round trip takes so much longer than the shortest one.
const QUEUED: Duration = Duration::from_millis(100);
/// For how long, at least and twice as long at most, a round trip is remembered as the shortest: the way may have become
/// another one.
const REMEMBERED: Duration = Duration::from_secs(120);
/// What a client's network loses of what is sent to him, as he reports.
#[derive(Debug, Default)]
pub(crate) struct Losses {
    /// Since when less than a calm network's share is lost; `None` while more is.
    calm_since: Option<Instant>,
    is_lossy: bool,
    shortest: Shortest,
}

impl Losses {
    /// Takes a report; says whether [`resend_share`](Self::resend_share) is another one now. What is lost while packets wait in
    /// a queue is lost by sending too much: to send more for that would make it worse.
    pub(crate) fn report(&mut self, report: &Report) -> bool {
        let now = report.at;
        let lost = if report.lost.is_finite() {
            report.lost.clamp(0.0, 1.0)
        } else {
            0.0
        };
        if report
            .round_trip
            .is_none_or(|rtt| rtt > self.shortest.with(now, rtt) + QUEUED)
        {
            return false;
        }
        self.judge(now, lost)
    }

    fn judge(&mut self, now: Instant, lost: f32) -> bool {
        self.calm_since = (lost < CALM).then(|| self.calm_since.unwrap_or(now));
        let has_settled = |since: Instant| now.saturating_duration_since(since) >= SETTLED;
        let is_lossy = match self.is_lossy {
            true => !self.calm_since.is_some_and(has_settled),
            false => lost >= LOSSY,
        };
        std::mem::replace(&mut self.is_lossy, is_lossy) != is_lossy
    }

    /// Whether he loses much.
    pub(crate) fn is_lossy(&self) -> bool {
        self.is_lossy
    }

    /// Which share of what is sent may go into sending lost packets again.
    pub(crate) fn resend_share(&self) -> f32 {
        if self.is_lossy { LOSSY_SHARE } else { SHARE }
    }
}

/// How a network did until a moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Report {
    pub(crate) at: Instant,
    /// Which share of what was sent has not arrived of late.
    pub(crate) lost: f32,
    pub(crate) round_trip: Option<Duration>,
}

/// The shortest round trip of late.
#[derive(Debug, Default)]
struct Shortest {
    since: Option<Instant>,
    /// Since then, and in the time before.
    present: Option<Duration>,
    before: Option<Duration>,
}

impl Shortest {
    /// Takes another one.
    fn with(&mut self, now: Instant, rtt: Duration) -> Duration {
        let since = *self.since.get_or_insert(now);
        if now.saturating_duration_since(since) >= REMEMBERED {
            self.since = Some(now);
            self.before = self.present.take();
        }
        let present = self.present.map_or(rtt, |present| present.min(rtt));
        self.present = Some(present);
        self.before.map_or(present, |before| before.min(present))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RTT: u64 = 50;

    struct Reports {
        losses: Losses,
        report: Report,
    }

    impl Reports {
        fn new() -> Self {
            let report = Report {
                at: Instant::now(),
                lost: 0.0,
                round_trip: None,
            };
            let losses = Losses::default();
            let mut reports = Self { losses, report };
            reports.next(0.0, RTT);
            reports
        }

        /// A second later.
        fn next(&mut self, lost: f32, rtt: u64) -> bool {
            self.report.at += Duration::from_secs(1);
            self.report.lost = lost;
            self.report.round_trip = Some(Duration::from_millis(rtt));
            self.losses.report(&self.report)
        }
    }

    #[test]
    fn who_loses_much_may_have_much_sent_again_until_he_has_lost_little_for_a_while() {
        let mut reports = Reports::new();
        assert_eq!(reports.losses.resend_share(), SHARE);
        assert!(!reports.next(0.07, RTT));
        assert!(reports.next(0.08, RTT));
        assert_eq!(reports.losses.resend_share(), LOSSY_SHARE);
        for _ in 0..SETTLED.as_secs() {
            assert!(!reports.next(0.0, RTT));
        }
        assert!(reports.next(0.0, RTT));
        assert_eq!(reports.losses.resend_share(), SHARE);
    }

    #[test]
    fn a_longer_way_is_no_queue_once_it_has_been_the_way_for_a_while() {
        let mut reports = Reports::new();
        for _ in 0..REMEMBERED.as_secs() {
            assert!(!reports.next(0.2, RTT + 300), "that may be a queue");
        }
        let seconds = 2 * REMEMBERED.as_secs();
        assert!((0..seconds).any(|_| reports.next(0.2, RTT + 300)));
    }

    #[test]
    fn what_is_lost_in_a_full_queue_does_not_count_and_neither_does_nonsense() {
        let mut reports = Reports::new();
        for _ in 0..10 {
            assert!(!reports.next(0.4, RTT + 101), "that is congestion");
        }
        for lost in [f32::NAN, f32::INFINITY, -1.0] {
            assert!(!reports.next(lost, RTT));
        }
        assert!(reports.next(2.0, RTT), "more than all is all");
    }
}
