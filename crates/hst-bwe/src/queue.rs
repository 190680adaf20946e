use crate::micros::Micros;

/// For how long, at least and twice as long at most, the shortest time is remembered: the way may have become another one,
/// and clocks drift.
const REMEMBERED: Micros = Micros::seconds(60);
/// No packet takes so much longer than the one before: the receiver's clock was set.
const JUMP: Micros = Micros::seconds(3);
/// A queue longer than this that grows by more than one part in so many of the time fills.
const FILLING: Micros = Micros::millis(50);
const STEEP: i64 = 4;

/// How long packets wait on their way: by how much they take longer than the shortest time of late.
///
/// Measured both on the way there, which takes the receiver's clock, and there and back, which takes only ours; the lesser
/// counts, so that neither a clock that is set nor a slow way back is taken for a queue.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Queue {
    there: Shortest,
    there_and_back: Shortest,
    last: Option<Micros>,
    /// As of the last two reports: a few packets may all be late by chance.
    levels: [Micros; 2],
    reported: Micros,
    fills: bool,
    round_trip: Option<Micros>,
}

impl Queue {
    /// Takes how long a packet was under way there, clocks apart; says whether that cannot be and all measured before is void.
    pub(crate) fn jumps(&mut self, there: Micros) -> bool {
        let has_jumped = self.last.is_some_and(|last| (there - last).abs() > JUMP);
        if has_jumped {
            self.there = Shortest::default();
        }
        self.last = Some(there);
        has_jumped
    }

    /// Takes of a report the shortest time there, and the time there and back of the newest packet.
    pub(crate) fn report(&mut self, now: Micros, there: Micros, there_and_back: Micros) {
        let waited = there - self.there.with(now, there);
        let waited = waited.min(there_and_back - self.there_and_back.with(now, there_and_back));
        let (passed, before) = (now - self.reported, self.level());
        self.levels = [waited, self.levels[0]];
        self.fills = self.level() > FILLING && (self.level() - before).times(STEEP) > passed;
        self.reported = now;
        self.round_trip = Some(match self.round_trip {
            Some(before) => Micros::new((7 * before.get() + there_and_back.get()) / 8),
            None => there_and_back,
        });
    }

    pub(crate) fn level(&self) -> Micros {
        self.levels[0].min(self.levels[1])
    }

    /// Whether it is long, and grows as fast as only a rate far beyond the link's makes it grow.
    pub(crate) fn fills(&self) -> bool {
        self.fills
    }

    /// Smoothed.
    pub(crate) fn round_trip(&self) -> Option<Micros> {
        self.round_trip
    }
}

/// The shortest time of late.
#[derive(Debug, Default, Clone, Copy)]
struct Shortest {
    since: Option<Micros>,
    /// Since then, and in the time before.
    present: Option<Micros>,
    before: Option<Micros>,
}

impl Shortest {
    /// Takes another one.
    fn with(&mut self, now: Micros, time: Micros) -> Micros {
        let since = *self.since.get_or_insert(now);
        if now - since >= REMEMBERED {
            self.since = Some(now);
            self.before = self.present.take();
        }
        let present = self.present.map_or(time, |present| present.min(time));
        self.present = Some(present);
        self.before.map_or(present, |before| before.min(present))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_fills_when_it_grows_fast() {
        let fills = |growth: i64| {
            let mut queue = Queue::default();
            (0..20).any(|at| {
                let (now, waited) = (Micros::millis(50 * at), Micros::millis(growth * at));
                queue.report(now, waited, waited + Micros::millis(100));
                queue.fills()
            })
        };
        assert!(!fills(0) && !fills(10) && fills(15));
    }

    #[test]
    fn what_takes_longer_both_ways_waits() {
        let mut queue = Queue::default();
        let mut level = |seconds, there, there_and_back| {
            for _ in 0..2 {
                queue.report(
                    Micros::seconds(seconds),
                    Micros::millis(there),
                    Micros::millis(there_and_back),
                );
            }
            queue.level()
        };
        assert_eq!(level(0, -7000, 100), Micros::ZERO);
        assert_eq!(level(1, -6920, 200), Micros::millis(80));
        assert_eq!(level(2, -5000, 120), Micros::millis(20), "his clock was set");
        assert_eq!(level(3, -7000, 300), Micros::ZERO, "the way back is slow");
        assert_eq!(level(100, -6920, 200), Micros::millis(80));
        assert_eq!(level(170, -6920, 200), Micros::ZERO, "that is the way now");
    }

    #[test]
    fn a_clock_that_is_set_begins_anew() {
        let mut queue = Queue::default();
        for (there, there_and_back, has_jumped) in [(-7000, 100, false), (90_000, 200, true), (90_001, 200, false)] {
            assert_eq!(queue.jumps(Micros::millis(there)), has_jumped);
            queue.report(Micros::ZERO, Micros::millis(there), Micros::millis(there_and_back));
        }
        assert!(queue.level() <= Micros::millis(1), "{:?}", queue.level());
    }
}
