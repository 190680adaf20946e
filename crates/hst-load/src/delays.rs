use std::time::Duration;

/// A doubling of the time has so many steps, which are about 1.5 % apart.
const STEPS: usize = 64;

/// How long many packets were under way, counted in steps, so that a million of them take no more room than a thousand.
#[derive(Debug, Default, Clone)]
pub struct Delays {
    counts: Vec<u64>,
}

impl Delays {
    /// How long at most so many thousandths of them were under way; nothing of none.
    pub fn permille(&self, share: u64) -> Duration {
        let all: u64 = self.counts.iter().sum();
        let rank = (all * share).div_ceil(1000).max(1);
        let mut passed = 0;
        let found = self.counts.iter().position(|count| {
            passed += count;
            passed >= rank
        });
        found.map(length).unwrap_or_default()
    }

    pub(crate) fn add(&mut self, delay: Duration) {
        let at = step(delay);
        if at >= self.counts.len() {
            self.counts.resize(at + 1, 0);
        }
        self.counts[at] += 1;
    }

    pub(crate) fn join(&mut self, other: &Self) {
        if other.counts.len() > self.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        for (own, count) in self.counts.iter_mut().zip(&other.counts) {
            *own += count;
        }
    }
}

/// The first steps are of one nanosecond each; then they double with each doubling of the time.
fn step(delay: Duration) -> usize {
    let nanos = delay.as_nanos() as u64;
    let doublings = (nanos / STEPS as u64).checked_ilog2().unwrap_or(0) as usize;
    doublings * STEPS + (nanos >> doublings) as usize
}

/// The longest time of a step.
fn length(step: usize) -> Duration {
    let doublings = (step / STEPS).saturating_sub(1);
    let first = ((step - doublings * STEPS) as u64) << doublings;
    Duration::from_nanos(first + (1 << doublings) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permille_is_right_within_two_percent() {
        let mut delays = Delays::default();
        assert_eq!(delays.permille(500), Duration::ZERO);
        let mut slow = Delays::default();
        for micros in 1..=1000 {
            let to = if micros <= 500 { &mut delays } else { &mut slow };
            to.add(Duration::from_micros(micros));
        }
        delays.join(&slow);
        for share in [1, 10, 500, 990, 999, 1000] {
            let micros = delays.permille(share).as_nanos() as f64 / 1e3;
            let exact = share as f64;
            assert!((exact..exact * 1.02).contains(&micros), "{micros} µs, and not {exact}");
        }
    }

    #[test]
    fn steps_follow_each_other_without_a_gap() {
        for at in 0..2000 {
            let last = length(at);
            assert_eq!(step(last), at);
            assert_eq!(step(last + Duration::from_nanos(1)), at + 1);
        }
    }
}
