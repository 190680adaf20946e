use std::{
    sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering},
    time::{Duration, Instant},
};

/// How much of a thread's time a connection is taken to need, in thousandths, before it is known what it needs.
const PLACE: usize = 1;
/// Over how long it is measured how busy a thread is.
const SPAN: Duration = Duration::from_secs(1);

/// How much a media thread has to do: written by the thread, read by whoever looks for a place for a room or a peer.
#[derive(Debug)]
pub(crate) struct Load {
    /// How many rooms and connections it has.
    places: AtomicUsize,
    /// How much of its time it worked lately, in thousandths ...
    busy: AtomicU32,
    /// ... and when that was written, in milliseconds since `epoch`.
    written: AtomicU64,
    epoch: Instant,
}

impl Load {
    pub(crate) fn new(epoch: Instant) -> Self {
        Self {
            places: AtomicUsize::new(0),
            busy: AtomicU32::new(0),
            written: AtomicU64::new(0),
            epoch,
        }
    }

    pub(crate) fn enter(&self) {
        self.places.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn leave(&self) {
        self.places.fetch_sub(1, Ordering::Relaxed);
    }

    /// In thousandths of what it can do: what it does, and at least what its connections are expected to need.
    pub(crate) fn level(&self, now: Instant) -> usize {
        // A thread that sleeps writes nothing.
        let age = self.millis(now).saturating_sub(self.written.load(Ordering::Relaxed));
        let is_recent = u128::from(age) < 2 * SPAN.as_millis();
        let busy = if is_recent {
            self.busy.load(Ordering::Relaxed)
        } else {
            0
        };
        let places = self.places.load(Ordering::Relaxed) * PLACE;
        places.max(busy as usize)
    }

    fn write(&self, now: Instant, busy: u32) {
        self.busy.store(busy, Ordering::Relaxed);
        self.written.store(self.millis(now), Ordering::Relaxed);
    }

    fn millis(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.epoch).as_millis() as u64
    }
}

/// Measures how much of its time a thread works.
#[derive(Debug)]
pub(crate) struct Shift {
    since: Instant,
    idle: Duration,
}

impl Shift {
    pub(crate) fn begin(now: Instant) -> Self {
        Self {
            since: now,
            idle: Duration::ZERO,
        }
    }

    /// The thread has waited from one moment to the other.
    pub(crate) fn pause(&mut self, from: Instant, to: Instant, load: &Load) {
        self.idle += to.saturating_duration_since(from);
        let span = to.saturating_duration_since(self.since);
        if span >= SPAN {
            let work = span.saturating_sub(self.idle);
            load.write(to, (work.as_secs_f64() / span.as_secs_f64() * 1000.0) as u32);
            *self = Self::begin(to);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_works_is_busy_for_as_long_as_it_says_so() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let load = Load::new(start);
        let mut shift = Shift::begin(start);
        (0..10).for_each(|_| load.enter());
        assert_eq!(load.level(start), 10, "nothing is known but its connections");
        for second in 0..11 {
            shift.pause(at(second * 100), at(second * 100 + 25), &load);
        }
        assert_eq!(load.level(at(1100)), 731, "it waited for 275 of 1025 milliseconds");
        assert_eq!(load.level(at(10_000)), 10, "it sleeps");
        (0..10).for_each(|_| load.leave());
        assert_eq!(load.level(at(10_000)), 0);
    }
}
