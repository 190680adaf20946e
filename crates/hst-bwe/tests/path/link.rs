use std::time::{Duration, Instant};

use rand::{Rng as _, rngs::StdRng};

/// The narrowest link of a path, with the queue before it.
pub struct Link {
    /// In bits in a second.
    pub rate: u64,
    /// How long it takes one way without a queue.
    pub delay: Duration,
    /// What would wait for longer is lost.
    pub longest_queue: Duration,
    /// At most so much more, by chance.
    pub jitter: Duration,
    pub loss: Loss,
    free_at: Instant,
}

/// Which packets are lost, beside those that find the queue full.
#[derive(Clone, Copy)]
pub enum Loss {
    Random(f64),
    /// All while the path is bad, none while it is good, with the probabilities of a change at each packet (Gilbert-Elliott).
    Bursts {
        begin: f64,
        end: f64,
        is_bad: bool,
    },
}

impl Loss {
    /// This share, in bursts of so many packets on average.
    pub fn bursts(share: f64, length: f64) -> Self {
        let end = 1.0 / length;
        Self::Bursts {
            begin: end * share / (1.0 - share),
            end,
            is_bad: false,
        }
    }

    fn strikes(&mut self, dice: &mut StdRng) -> bool {
        match self {
            Self::Random(share) => dice.random_bool(*share),
            Self::Bursts { begin, end, is_bad } => {
                *is_bad ^= dice.random_bool(if *is_bad { *end } else { *begin });
                *is_bad
            }
        }
    }
}

impl Link {
    pub fn new(now: Instant, rate: u64) -> Self {
        Self {
            rate,
            delay: Duration::from_millis(25),
            longest_queue: Duration::from_millis(1000),
            jitter: Duration::ZERO,
            loss: Loss::Random(0.0),
            free_at: now,
        }
    }

    /// When a packet arrives; `None` is never.
    pub fn carry(&mut self, now: Instant, bytes: usize, dice: &mut StdRng) -> Option<Instant> {
        if self.queue(now) > self.longest_queue {
            return None;
        }
        self.free_at = self.free_at.max(now) + Duration::from_secs_f64(bytes as f64 * 8.0 / self.rate as f64);
        let jitter = self.jitter.mul_f64(dice.random());
        (!self.loss.strikes(dice)).then(|| self.free_at + self.delay + jitter)
    }

    /// For how long a packet would wait now.
    pub fn queue(&self, now: Instant) -> Duration {
        self.free_at.saturating_duration_since(now)
    }
}
