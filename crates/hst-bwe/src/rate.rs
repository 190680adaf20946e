use crate::micros::Micros;

/// While no limit is known the rate goes up by so much in a second.
const GROWTH: f64 = 0.08;
/// Never beyond so much of what is carried, and a little.
const AHEAD: f64 = 1.5;
const A_LITTLE: f64 = 10_000.0;
/// What is left of what is carried while a queue grows, so that it is emptied; less if it is long, so that it is emptied
/// within this time, but not less than that.
const BACK: f64 = 0.9;
const EMPTIED: f64 = 0.5;
const FARTHEST_BACK: f64 = 0.5;
/// Who sends less than this share of the rate is not limited by it.
const UNUSED: f64 = 0.7;
/// What is sent is carried if this share of it arrives.
const ALL: f64 = 0.85;
/// How long it takes until a rate shows, beside a round trip.
const RESPONSE: Micros = Micros::millis(100);
/// The largest packet, and how often pictures come in a second: packets are no larger than a picture.
const PACKET: f64 = 9600.0;
const PICTURES: f64 = 30.0;

/// What the path does with what is sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Path {
    /// In bits in a second, as what follows; `None` while it cannot be told.
    pub(crate) carried: Option<u64>,
    pub(crate) sent: u64,
    pub(crate) round_trip: Micros,
    pub(crate) queue: Micros,
}

/// The rate: up by a share or by a packet, down by a factor (draft-ietf-rmcat-gcc-02, section 5.5).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rate {
    bits: f64,
    /// In which bounds it stays.
    least: f64,
    most: f64,
    ceiling: Ceiling,
    grown: Option<Micros>,
    lowered: Option<Micros>,
}

impl Rate {
    pub(crate) fn new(first: u64, least: u64, most: u64) -> Self {
        let mut rate = Self {
            bits: 0.0,
            least: least as f64,
            most: most.max(least) as f64,
            ceiling: Ceiling::default(),
            grown: None,
            lowered: None,
        };
        rate.set(first);
        rate
    }

    pub(crate) fn bits(&self) -> u64 {
        self.bits as u64
    }

    pub(crate) fn set(&mut self, bits: u64) {
        self.bits = (bits as f64).clamp(self.least, self.most);
    }

    /// Goes up by what the time since the last call allows and what was carried; up to a limit.
    pub(crate) fn grow(&mut self, now: Micros, path: Path, limit: u64) {
        let passed = self.pass(now).as_seconds();
        let Some(carried) = path.carried.map(|carried| carried as f64) else {
            return;
        };
        self.ceiling.rise(carried);
        let share = self.bits * GROWTH * passed;
        let step = match self.ceiling.is_near(carried) {
            true => share.min(self.packet() * passed / (path.round_trip + RESPONSE).as_seconds()),
            false => share,
        };
        let limit = (AHEAD * carried + A_LITTLE).min(limit as f64);
        self.bits = self.bits.max((self.bits + step).min(limit)).min(self.most);
    }

    /// Stays what it is: the time until now is no reason to go up.
    pub(crate) fn hold(&mut self, now: Micros) {
        self.pass(now);
    }

    /// Goes down to less than what was carried, but not twice before it can show. When that is not known, or it is all that
    /// was sent and says nothing of what more would be carried, it goes down by as large a step from what it is. Says whether
    /// it did.
    pub(crate) fn back_off(&mut self, now: Micros, path: Path) -> bool {
        self.pass(now);
        let sent = path.sent as f64;
        let is_unused = |carried: f64| sent < UNUSED * self.bits && carried > ALL * sent;
        let carried = path
            .carried
            .map(|carried| carried as f64)
            .filter(|&carried| !is_unused(carried));
        let shows = path.round_trip.clamp(Micros::millis(10), Micros::millis(200));
        let is_shown = self.lowered.is_none_or(|at| now - at >= shows);
        if !is_shown && carried.is_none_or(|carried| carried > self.bits / 2.0) {
            return false;
        }
        self.lowered = Some(now);
        if let Some(carried) = carried {
            self.ceiling.touch(carried);
        }
        let back = (1.0 - path.queue.as_seconds() / EMPTIED).clamp(FARTHEST_BACK, BACK);
        self.bits = (back * carried.unwrap_or(self.bits)).min(self.bits).max(self.least);
        true
    }

    fn pass(&mut self, now: Micros) -> Micros {
        let before = self.grown.replace(now).unwrap_or(now);
        (now - before).clamp(Micros::ZERO, Micros::seconds(1))
    }

    fn packet(&self) -> f64 {
        let picture = self.bits / PICTURES;
        picture / (picture / PACKET).ceil().max(1.0)
    }
}

/// What was carried when a queue grew: the link's rate, more or less.
#[derive(Debug, Default, Clone, Copy)]
struct Ceiling {
    mean: Option<f64>,
    /// The mean deviation, as a share of the mean.
    deviation: f64,
}

/// How fast it follows, and the bounds of its deviation.
const SMOOTH: f64 = 0.1;
const DEVIATIONS: (f64, f64) = (0.04, 0.12);

impl Ceiling {
    fn touch(&mut self, carried: f64) {
        let mean = match self.mean {
            Some(mean) if self.is_near(carried) => {
                let off = (carried - mean).abs() / mean;
                self.deviation += SMOOTH * (off - self.deviation);
                mean + SMOOTH * (carried - mean)
            }
            _ => carried,
        };
        self.deviation = self.deviation.clamp(DEVIATIONS.0, DEVIATIONS.1);
        self.mean = (mean > 0.0).then_some(mean);
    }

    /// Forgets what is clearly exceeded.
    fn rise(&mut self, carried: f64) {
        if self
            .mean
            .is_some_and(|mean| carried > mean * (1.0 + 3.0 * self.deviation))
        {
            self.mean = None;
        }
    }

    fn is_near(&self, carried: f64) -> bool {
        self.mean
            .is_some_and(|mean| (carried - mean).abs() <= 3.0 * self.deviation * mean)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(carried: u64, sent: u64) -> Path {
        Path {
            carried: Some(carried),
            sent,
            round_trip: Micros::millis(50),
            queue: Micros::millis(20),
        }
    }

    #[test]
    fn it_goes_up_only_as_far_as_something_was_carried() {
        let mut rate = Rate::new(1_000_000, 30_000, 10_000_000);
        for tenth in 0..300 {
            rate.grow(Micros::millis(100 * tenth), path(100_000, 100_000), u64::MAX);
        }
        assert_eq!(rate.bits(), 1_000_000);
        for tenth in 300..600 {
            rate.grow(Micros::millis(100 * tenth), path(1_000_000, 2_000_000), u64::MAX);
        }
        assert_eq!(rate.bits(), 1_510_000);
    }

    #[test]
    fn it_goes_down_to_what_is_carried_and_up_by_packets_from_there() {
        let mut rate = Rate::new(3_000_000, 30_000, 10_000_000);
        rate.back_off(Micros::seconds(1), path(1_000_000, 2_000_000));
        assert_eq!(rate.bits(), 900_000);
        rate.back_off(Micros::millis(1010), path(900_000, 2_000_000));
        assert_eq!(rate.bits(), 900_000, "the first step does not show yet");
        for tenth in 0..10 {
            rate.grow(Micros::millis(1100 + 100 * tenth), path(900_000, 2_000_000), u64::MAX);
        }
        assert!((940_000..980_000).contains(&rate.bits()), "{}", rate.bits());
    }

    #[test]
    fn it_goes_down_farther_for_a_long_queue() {
        let mut rate = Rate::new(3_000_000, 30_000, 10_000_000);
        let queue = Micros::seconds(2);
        rate.back_off(
            Micros::seconds(1),
            Path {
                queue,
                ..path(1_000_000, 2_000_000)
            },
        );
        assert_eq!(rate.bits(), 500_000);
    }

    #[test]
    fn what_is_not_used_goes_down_slowly() {
        let mut rate = Rate::new(3_000_000, 30_000, 10_000_000);
        for at in [1000, 1010] {
            rate.back_off(Micros::millis(at), path(100_000, 100_000));
            assert_eq!(rate.bits(), 2_700_000);
        }
    }
}
