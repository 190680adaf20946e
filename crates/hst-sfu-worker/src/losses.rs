use std::time::{Duration, Instant};

use str0m::stats::PeerStats;

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
/// So much more than what has arrived, in percent, a network is taken to carry when what it loses is not for a queue; but
/// not more than this for that alone: sound and small pictures, which have the fewest packets to lose.
const MORE: u64 = 125;
const MOST: u64 = 500_000;
/// Reports are lost too, and then tell of too little: what they said before holds, and by a report goes down to so much, in
/// percent.
const KEPT: u64 = 95;

/// What a client's network loses of what is sent to him, as he reports.
#[derive(Debug, Default)]
pub(crate) struct Losses {
    /// Since when less than a calm network's share is lost; `None` while more is.
    calm_since: Option<Instant>,
    is_lossy: bool,
    /// The last report: when, and the bytes sent until then.
    last: Option<(Instant, u64)>,
    shortest: Shortest,
    least: u64,
}

impl Losses {
    /// Takes a report; says whether [`resend_share`](Self::resend_share) is another one now. What is lost while packets wait in
    /// a queue is lost by sending too much: to send more for that would make it worse.
    pub(crate) fn report(&mut self, stats: &PeerStats) -> bool {
        let now = stats.timestamp;
        let lost = stats.egress_loss_fraction.unwrap_or(0.0).clamp(0.0, 1.0);
        let before = self.last.replace((now, stats.bytes_tx));
        let sent = before.map_or(0, |(at, bytes)| {
            let millis = now.saturating_duration_since(at).as_millis().max(1) as u64;
            stats.bytes_tx.saturating_sub(bytes) * 8000 / millis
        });
        if stats.rtt.is_none_or(|rtt| rtt > self.shortest.with(now, rtt) + QUEUED) {
            self.least = 0;
            return false;
        }
        let has_changed = self.judge(now, lost);
        let arrived = (sent as f32 * (1.0 - lost)) as u64;
        self.least = match self.is_lossy {
            true => MOST.min(arrived * MORE / 100).max(self.least * KEPT / 100),
            false => 0,
        };
        has_changed
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

    /// How many bits in a second the network carries at least, whatever is estimated: an estimate takes all loss for
    /// congestion, and falls to a tenth of what arrives.
    pub(crate) fn least(&self) -> u64 {
        self.least
    }
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
        stats: PeerStats,
    }

    impl Reports {
        fn new() -> Self {
            let stats = PeerStats {
                peer_bytes_rx: 0,
                peer_bytes_tx: 0,
                bytes_rx: 0,
                bytes_tx: 0,
                timestamp: Instant::now(),
                bwe_tx: None,
                egress_loss_fraction: None,
                ingress_loss_fraction: None,
                rtt: None,
                selected_candidate_pair: None,
            };
            let losses = Losses::default();
            let mut reports = Self { losses, stats };
            reports.next(0.0, RTT);
            reports
        }

        /// A second of 1 Mbit/s later.
        fn next(&mut self, lost: f32, rtt: u64) -> bool {
            self.stats.timestamp += Duration::from_secs(1);
            self.stats.bytes_tx += 125_000;
            self.stats.egress_loss_fraction = Some(lost);
            self.stats.rtt = Some(Duration::from_millis(rtt));
            self.losses.report(&self.stats)
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
    fn what_arrives_is_carried_unless_a_queue_is_full() {
        let mut reports = Reports::new();
        reports.next(0.4, RTT);
        assert_eq!(reports.losses.least(), MOST);
        reports.next(0.9, RTT);
        assert_eq!(reports.losses.least(), MOST * KEPT / 100);
        reports.next(0.4, RTT + 101);
        assert_eq!(reports.losses.least(), 0, "that is congestion");
        reports.next(0.9, RTT);
        assert!(
            reports.losses.least().abs_diff(125_000) < 1000,
            "{}",
            reports.losses.least()
        );
        for _ in 0..=SETTLED.as_secs() {
            reports.next(0.02, RTT);
        }
        assert_eq!(reports.losses.least(), 0, "the estimate is right");
        // Whatever a client says of himself.
        for lost in [f32::NAN, f32::INFINITY, -1.0, 2.0] {
            reports.next(lost, RTT);
            assert!(reports.losses.least() < 2_000_000);
        }
    }
}
