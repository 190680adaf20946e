//! How much of a processor's time something takes.

use std::{
    fs,
    time::{Duration, Instant},
};

/// Counts from a moment on what the thread itself has worked, where the system says that: on a busy machine the clock on the
/// wall counts what others do, too.
pub(super) struct Effort {
    begun: Instant,
    before: Option<Duration>,
}

impl Effort {
    pub(super) fn begin() -> Self {
        Self {
            begun: Instant::now(),
            before: worked(),
        }
    }

    pub(super) fn so_far(&self) -> Duration {
        let worked = self
            .before
            .zip(worked())
            .map(|(before, now)| now.saturating_sub(before));
        worked.unwrap_or_else(|| self.begun.elapsed())
    }
}

/// Of this thread since it began, as Linux counts it, in steps of some milliseconds.
fn worked() -> Option<Duration> {
    let counts = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanoseconds = counts.split(' ').next()?.parse().ok()?;
    Some(Duration::from_nanos(nanoseconds))
}

#[test]
fn what_is_worked_counts() {
    let effort = Effort::begin();
    while effort.so_far() < Duration::from_millis(20) {
        std::hint::spin_loop();
    }
}
