use crate::micros::Micros;

/// Losses are judged by so many packets and so long a time at least.
const LEAST: u32 = 30;
const PERIOD: Micros = Micros::millis(500);
/// So many packets make a share that is believed in.
const SURE: f32 = 100.0;
/// Of so many packets (a power of two), more or less, the share of late is, in parts of all.
const OF_LATE: u32 = 8;
const ALL: i32 = 1 << 24;
/// Beyond what is known not to depend on the rate, the rate goes down from this share on, and may go up below this; and
/// beyond a part of what is known, which is as uncertain as it is large.
const MUCH: f32 = 0.1;
const LITTLE: f32 = 0.02;
const UNCERTAIN: f32 = 0.25;
/// When that is tried, the rate goes down to this share at the farthest.
const FARTHEST: f32 = 0.5;
/// Who sends more than this share of what he did before has not tried.
const LESS: f32 = 0.9;
/// How fast it is forgotten when less is lost, in each period.
const FORGOTTEN: f32 = 0.05;
/// Packets that are lost while others wait for so long are lost for a queue.
const QUEUED: Micros = Micros::millis(50);
/// In bits in a second: with which share lost at any rate there is at most this rate, and less by the square of what more is
/// lost. 40 % lost leave it a quarter of this, enough for sound and small pictures, which have the fewest packets to lose: it
/// does not crowd out others if it should be congestion after all.
const MOST: f32 = 2_000_000.0;
const WITH: f32 = 0.2;

/// What is lost on the way, and whether sending less would help.
///
/// What is lost while a queue is long is lost by sending too much. Without a queue it may be a path that loses at any rate,
/// which slower sending only makes worse, or a link that drops what is beyond its rate. That is tried: the rate goes down to
/// what arrives. On such a link nothing is lost then; if as much is lost as before, it is *inherent*, the rate is what it was
/// again, and from then on only more than that counts.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Losses {
    /// Of the packets sent since then.
    since: Micros,
    began: Option<Micros>,
    reported: u32,
    lost: u32,
    /// Smoothed; `None` before anything is known.
    share: Option<f32>,
    /// Of all packets, in parts of [`ALL`].
    of_late: i32,
    inherent: f32,
    trial: Option<Trial>,
}

/// What was before the rate went down to see whether it helps.
#[derive(Debug, Clone, Copy)]
struct Trial {
    share: f32,
    sent: u64,
    rate: u64,
}

/// What losses are judged by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Circumstances {
    pub(crate) rate: u64,
    /// In bits in a second.
    pub(crate) sent: u64,
    pub(crate) queue: Micros,
}

impl Losses {
    /// Takes what is reported of a packet. One that was said to be lost, and has arrived after all, is counted as one that is
    /// not lost beside it.
    pub(crate) fn count(&mut self, sent: Micros, has_arrived: bool, was_lost: bool) {
        let lost = if has_arrived { 0 } else { ALL };
        self.of_late += (lost - self.of_late) >> OF_LATE;
        if sent < self.since {
            return;
        }
        if was_lost && self.lost > 0 {
            self.lost -= 1;
        } else {
            self.reported += 1;
            self.lost += u32::from(!has_arrived);
        }
    }

    /// Says which rate losses call for; `None` is that which is.
    pub(crate) fn judge(&mut self, now: Micros, circumstances: Circumstances) -> Option<u64> {
        if self.reported == 0 {
            return None;
        }
        let began = *self.began.get_or_insert(now);
        if self.reported < LEAST || now - began < PERIOD {
            return None;
        }
        let recent = self.lost as f32 / self.reported as f32;
        let weight = (self.reported as f32 / SURE).clamp(0.2, 0.7);
        let share = self.share.map_or(recent, |share| share + weight * (recent - share));
        self.share = Some(share);
        (self.began, self.reported, self.lost) = (Some(now), 0, 0);

        let Circumstances { rate, sent, queue } = circumstances;
        if queue > QUEUED {
            self.trial = None;
            let excess = recent - self.inherent;
            return (excess > MUCH).then(|| less(rate, excess));
        }
        if let Some(trial) = self.trial.take() {
            return self.conclude(trial, recent, sent, rate);
        }
        if share - self.inherent > MUCH + UNCERTAIN * self.inherent {
            self.trial = Some(Trial { share, sent, rate });
            (self.since, self.began) = (now, None);
            let arrives = sent as f32 * (1.0 - share.min(recent)).max(FARTHEST);
            return Some(rate.min(arrives as u64));
        }
        self.inherent -= FORGOTTEN * (self.inherent - share).max(0.0);
        (rate > self.limit()).then(|| less(rate, share).max(self.limit()))
    }

    /// The rate has gone down for a queue: what was lost of what was sent before is no reason to go down farther.
    pub(crate) fn lowered(&mut self, now: Micros) {
        *self = Self {
            since: now,
            of_late: self.of_late,
            inherent: self.inherent,
            ..Self::default()
        };
    }

    /// Judges by which is nearer: as large a share lost as before, or as much arriving as before. Who has not sent less, for he
    /// has nothing smaller, gains nothing by a lower rate.
    fn conclude(&mut self, trial: Trial, recent: f32, sent: u64, rate: u64) -> Option<u64> {
        self.share = Some(recent);
        let arrived = trial.sent as f32 * (1.0 - trial.share);
        let helped = (1.0 - arrived / sent.max(1) as f32).clamp(0.0, trial.share);
        let has_sent_less = (sent as f32) < LESS * trial.sent as f32;
        if has_sent_less && recent < (trial.share + helped) / 2.0 {
            return None;
        }
        self.inherent = recent.min(trial.share);
        Some(trial.rate.min(self.limit()).max(rate))
    }

    /// Whether so little is lost that the rate may go up.
    pub(crate) fn are_few(&self) -> bool {
        self.trial.is_none() && self.share.unwrap_or(0.0) - self.inherent < LITTLE + UNCERTAIN * self.inherent
    }

    /// The most that the rate may go up to.
    pub(crate) fn limit(&self) -> u64 {
        (MOST * (WITH / self.inherent).powi(2)) as u64
    }

    /// Which share was lost of late.
    pub(crate) fn of_late(&self) -> f32 {
        self.of_late as f32 / ALL as f32
    }

    /// Which share is lost at any rate.
    pub(crate) fn inherent(&self) -> f32 {
        self.inherent
    }

    /// How much would have arrived if only what the rate is to blame for were lost.
    pub(crate) fn carried(&self, arrives: u64) -> u64 {
        (arrives as f32 / (1.0 - self.inherent.min(self.of_late()).min(0.5))) as u64
    }
}

/// By half the share that is lost (draft-ietf-rmcat-gcc-02, section 6).
fn less(rate: u64, lost: f32) -> u64 {
    (rate as f32 * (1.0 - lost / 2.0)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Path {
        losses: Losses,
        now: Micros,
        rate: u64,
        queue: Micros,
    }

    impl Path {
        fn new(rate: u64) -> Self {
            let (losses, now, queue) = (Losses::default(), Micros::ZERO, Micros::ZERO);
            Self {
                losses,
                now,
                rate,
                queue,
            }
        }

        /// 500 ms, of whose packets the path loses a share that depends on the rate.
        fn period(&mut self, lost: impl Fn(u64) -> f32) -> u64 {
            let share = lost(self.rate);
            for packet in 0..100 {
                self.losses.count(self.now, packet as f32 >= 100.0 * share, false);
            }
            let circumstances = Circumstances {
                rate: self.rate,
                sent: self.rate,
                queue: self.queue,
            };
            self.losses
                .judge(self.now, circumstances)
                .inspect(|&rate| self.rate = rate);
            self.now = self.now + PERIOD;
            self.rate
        }
    }

    #[test]
    fn what_is_lost_at_any_rate_is_tried_once_and_borne() {
        let mut path = Path::new(400_000);
        let mut lowest = u64::MAX;
        for _ in 0..20 {
            lowest = lowest.min(path.period(|_| 0.4));
        }
        assert_eq!(path.rate, 400_000);
        assert!(lowest >= 230_000, "never less than arrives: {lowest}");
        assert!(path.losses.are_few());
        for _ in 0..100 {
            path.period(|_| 0.0);
        }
        assert!(path.losses.inherent < 0.01, "and forgotten when it is over");
    }

    #[test]
    fn a_link_that_drops_what_is_beyond_its_rate_gets_that_rate() {
        let mut path = Path::new(2_000_000);
        for _ in 0..20 {
            path.period(|rate| 1.0 - (1_000_000.0 / rate as f32).min(1.0));
        }
        assert!(path.rate.abs_diff(1_000_000) < 20_000, "{}", path.rate);
        assert!(path.losses.inherent == 0.0);
    }

    #[test]
    fn what_is_lost_for_a_queue_takes_the_rate_down() {
        let mut path = Path::new(400_000);
        path.queue = Micros::millis(200);
        for _ in 0..20 {
            path.period(|_| 0.4);
        }
        assert!(path.rate < 20_000, "{}", path.rate);
    }

    #[test]
    fn who_loses_very_much_gets_no_more_than_a_little() {
        for (lost, most) in [(0.05, 3_000_000), (0.12, 3_000_000), (0.2, 2_000_000), (0.4, 500_000)] {
            let mut path = Path::new(3_000_000);
            for _ in 0..60 {
                path.period(|_| lost);
            }
            assert!(path.rate.abs_diff(most) < most / 50, "{lost}: {}", path.rate);
        }
    }
}
