use std::time::{Duration, Instant};

use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

/// One direction of a path: it takes its time, loses some of what it carries, changes its order, and may be narrow.
pub(super) struct Link {
    pub(super) delay: Duration,
    /// How much longer a datagram may take: each takes another part of it, so that some overtake others.
    pub(super) jitter: Duration,
    pub(super) loss: Loss,
    /// How many bits it carries in a second; `None` is as many as come.
    pub(super) rate: Option<u64>,
    /// How many bytes have come through.
    pub(super) carried: usize,
    /// When everything that waits has gone.
    free_at: Instant,
    dice: StdRng,
}

/// Which datagrams are lost.
#[derive(Clone, Copy)]
pub(super) enum Loss {
    /// Each with this probability.
    Random(f64),
    /// Sounds with one probability, and all else with another.
    Apart { sound: f64, rest: f64 },
    /// All while the path is bad, none while it is good, with the probabilities of a change at each datagram
    /// (Gilbert-Elliott).
    Bursts { begin: f64, end: f64, is_bad: bool },
}

/// What waits before a narrow link for longer than this is lost.
const QUEUE: Duration = Duration::from_millis(300);

impl Loss {
    /// Loses this share, in bursts of so many datagrams on average.
    pub(super) fn bursts(share: f64, length: f64) -> Self {
        let end = 1.0 / length;
        Self::Bursts {
            begin: end * share / (1.0 - share),
            end,
            is_bad: false,
        }
    }

    fn strikes(&mut self, dice: &mut StdRng, datagram: &[u8]) -> bool {
        match self {
            Self::Random(share) => dice.random_bool(*share),
            Self::Apart { sound, rest } => dice.random_bool(if is_sound(datagram) { *sound } else { *rest }),
            Self::Bursts { begin, end, is_bad } => {
                *is_bad ^= dice.random_bool(if *is_bad { *end } else { *begin });
                *is_bad
            }
        }
    }
}

/// Under these payload types str0m sends sound, and sound that is repeated.
const SOUNDS: [u8; 2] = [111, 63];

/// Whether it is a packet of sound, by the type of its payload (RFC 3550 section 5.1).
fn is_sound(datagram: &[u8]) -> bool {
    matches!(datagram, [0x80..=0xbf, kind, ..] if SOUNDS.contains(&(kind & 0x7f)))
}

impl Link {
    pub(super) fn new(now: Instant, delay: Duration, seed: u64) -> Self {
        Self {
            delay,
            jitter: Duration::ZERO,
            loss: Loss::Random(0.0),
            rate: None,
            carried: 0,
            free_at: now,
            dice: StdRng::seed_from_u64(seed),
        }
    }

    /// When a datagram arrives; `None` is never.
    pub(super) fn carry(&mut self, now: Instant, datagram: &[u8]) -> Option<Instant> {
        let starts = self.free_at.max(now);
        if starts - now > QUEUE {
            return None;
        }
        let bits = datagram.len() as f64 * 8.0;
        let takes = self.rate.map_or(0.0, |rate| bits / rate as f64);
        self.free_at = starts + Duration::from_secs_f64(takes);
        if self.loss.strikes(&mut self.dice, datagram) {
            return None;
        }
        self.carried += datagram.len();
        let longer = match self.jitter.is_zero() {
            true => Duration::ZERO,
            false => self.jitter.mul_f64(self.dice.random()),
        };
        Some(self.free_at + self.delay + longer)
    }
}
