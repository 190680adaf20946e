use crate::{bursts::Step, micros::Micros};

/// So many steps make a trend.
const STEPS: usize = 20;
/// How much of the smoothed delay a further step leaves as it was.
const SMOOTH: f64 = 0.9;
/// A trend counts more the more steps there were, up to so many.
const SURE: f64 = 60.0;
const GAIN: f64 = 4.0;
/// From this trend on a queue grows, to begin with, and within these bounds.
const THRESHOLD: f64 = 12.5;
const THRESHOLDS: (f64, f64) = (6.0, 600.0);
/// How fast that follows what is usual on this path, up and down, in a millisecond: it rises so that a flow which fills
/// queues does not drive this one out, and falls slower.
const RISE: f64 = 0.0087;
const FALL: f64 = 0.039;
/// A trend so far beyond the threshold is an event, not what is usual.
const EVENT: f64 = 15.0;
/// The threshold follows in steps of at most this.
const LONGEST: f64 = 100.0;
/// Over so many steps jitter is averaged.
const JITTERS: f64 = 30.0;
/// A queue that grows for so long grows.
const LASTING: Micros = Micros::millis(10);

/// What the queue before the narrowest link does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Usage {
    /// It is emptied.
    Under,
    #[default]
    Normal,
    /// It grows.
    Over,
}

/// The slope of the delay over the last steps, and from which slope on a queue grows (draft-ietf-rmcat-gcc-02, section 5;
/// with a line through the delays in place of its filter).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trend {
    /// When, and the smoothed delay then, in milliseconds; the last [`STEPS`] of `count`.
    times: [f32; STEPS],
    delays: [f32; STEPS],
    count: usize,
    origin: Micros,
    delay: f64,
    smoothed: f64,
    slope: f64,
    /// How much later or earlier a burst comes than the one before, on average, in milliseconds.
    jitter: f64,
    threshold: f64,
    adapted: Option<Micros>,
    /// For how long the slope has been beyond the threshold.
    growing: Option<Micros>,
    usage: Usage,
}

impl Default for Trend {
    fn default() -> Self {
        Self {
            times: [0.0; STEPS],
            delays: [0.0; STEPS],
            count: 0,
            origin: Micros::ZERO,
            delay: 0.0,
            smoothed: 0.0,
            slope: 0.0,
            jitter: 0.0,
            threshold: THRESHOLD,
            adapted: None,
            growing: None,
            usage: Usage::Normal,
        }
    }
}

impl Trend {
    pub(crate) fn usage(&self) -> Usage {
        self.usage
    }

    pub(crate) fn jitter(&self) -> Micros {
        Micros::new((self.jitter * 1000.0) as i64)
    }

    pub(crate) fn add(&mut self, step: Step) {
        if self.count == 0 {
            self.origin = step.at;
        }
        self.delay += step.delay.as_millis();
        self.jitter += (step.delay.abs().as_millis() - self.jitter) / JITTERS;
        self.smoothed = SMOOTH * self.smoothed + (1.0 - SMOOTH) * self.delay;
        self.times[self.count % STEPS] = (step.at - self.origin).as_millis() as f32;
        self.delays[self.count % STEPS] = self.smoothed as f32;
        self.count += 1;
        if self.count.is_multiple_of(STEPS) {
            self.rebase(step.at);
        }
        if self.count >= STEPS {
            self.detect(step);
        }
    }

    /// Keeps the numbers small, for they are not exact.
    fn rebase(&mut self, at: Micros) {
        let passed = (at - self.origin).as_millis() as f32;
        let smoothed = self.smoothed;
        self.times.iter_mut().for_each(|time| *time -= passed);
        self.delays.iter_mut().for_each(|delay| *delay -= smoothed as f32);
        self.origin = at;
        self.delay -= smoothed;
        self.smoothed = 0.0;
    }

    fn detect(&mut self, step: Step) {
        let slope = self.fit().unwrap_or(self.slope);
        let trend = slope * GAIN * SURE.min(self.count as f64);
        if trend > self.threshold {
            let before = self.growing;
            let since = before.map_or(Micros::new(step.sent.get() / 2), |since| since + step.sent);
            self.growing = Some(since);
            if before.is_some() && since > LASTING && slope >= self.slope {
                self.growing = None;
                self.usage = Usage::Over;
            }
        } else {
            self.growing = None;
            self.usage = if trend < -self.threshold {
                Usage::Under
            } else {
                Usage::Normal
            };
        }
        self.slope = slope;
        self.adapt(step.at, trend.abs());
    }

    fn adapt(&mut self, now: Micros, trend: f64) {
        let passed = (now - self.adapted.replace(now).unwrap_or(now)).as_millis();
        if trend > self.threshold + EVENT {
            return;
        }
        let speed = if trend < self.threshold { FALL } else { RISE };
        self.threshold += speed * (trend - self.threshold) * passed.clamp(0.0, LONGEST);
        self.threshold = self.threshold.clamp(THRESHOLDS.0, THRESHOLDS.1);
    }

    /// The slope of the line with the least squares; `None` when all came at once.
    fn fit(&self) -> Option<f64> {
        let (times, delays) = (&self.times, &self.delays);
        let time = sum(|at| times[at]) / STEPS as f32;
        let delay = sum(|at| delays[at]) / STEPS as f32;
        let up = sum(|at| (times[at] - time) * (delays[at] - delay));
        let across = sum(|at| (times[at] - time) * (times[at] - time));
        (across > 0.0).then(|| f64::from(up / across))
    }
}

/// Of all steps, in four lanes that a processor takes at once.
fn sum(value: impl Fn(usize) -> f32) -> f32 {
    const LANES: usize = 4;
    let mut sums = [0.0; LANES];
    for first in (0..STEPS).step_by(LANES) {
        for (lane, sum) in sums.iter_mut().enumerate() {
            *sum += value(first + lane);
        }
    }
    sums.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A step each 10 ms, so much later than the one before.
    fn usages(delays: impl Iterator<Item = i64>) -> Vec<Usage> {
        let mut trend = Trend::default();
        let mut at = Micros::ZERO;
        delays
            .map(|delay| {
                let (sent, delay) = (Micros::millis(10), Micros::new(delay));
                at = at + sent + delay;
                trend.add(Step { at, sent, delay });
                trend.usage()
            })
            .collect()
    }

    #[test]
    fn a_queue_that_grows_by_a_tenth_of_the_time_is_noticed_within_half_a_second() {
        let usages = usages((0..150).map(|step| if step < 100 { 0 } else { 1000 }));
        assert!(usages[..100].iter().all(|&usage| usage == Usage::Normal));
        assert!(usages[100..].contains(&Usage::Over));
    }

    #[test]
    fn a_queue_that_is_emptied_is_noticed() {
        let usages = usages((0..150).map(|step| if step < 100 { 0 } else { -1000 }));
        assert!(usages.contains(&Usage::Under) && !usages.contains(&Usage::Over));
    }

    #[test]
    fn a_steady_slope_of_delay_by_clocks_that_drift_is_none() {
        let usages = usages((0..10_000).map(|step| step % 2));
        assert!(usages.iter().all(|&usage| usage == Usage::Normal));
    }
}
