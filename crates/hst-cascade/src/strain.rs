//! How much of a link the media of each room may take, when it carries less than all want to send.

use std::time::{Duration, Instant};

/// How often it is looked at.
pub(crate) const LOOK: Duration = Duration::from_millis(200);
/// Of its share a link takes so much, in percent, before anything is left out: the rest is for keyframes.
const FULL: u64 = 80;
/// And so much is meant to be taken then.
const AIM: u64 = 70;
/// A queue that is so full, in percent, and so many lost packets of a hundred, mean that it carries less than its share.
const QUEUE: u64 = 50;
const LOST: u64 = 5;
/// Of what it has carried then, so much is meant to be sent, in percent.
const LESS: u64 = 85;
/// What was left out takes so long to show.
const EFFECT: Duration = Duration::from_millis(800);
/// So long it must go well before more is tried, at first and at last: each time that it was too early twice as long.
const CALM: Duration = Duration::from_secs(2);
const MAX_CALM: Duration = Duration::from_secs(32);
/// And then so much more each time, in percent.
const STEP: Duration = Duration::from_millis(600);
const MORE: u64 = 150;
/// Who has gone well without a bound for so long has forgotten that there was one.
const FORGOTTEN: Duration = Duration::from_secs(30);
/// The least that a room may take, in bits in a second: some voices.
const LEAST: u64 = 200_000;

/// A link within a time of [`LOOK`]; all in bits in a second, or in percent.
#[derive(Debug, Clone, Default)]
pub(crate) struct Look {
    /// What it may carry.
    pub(crate) share: u64,
    /// What has left.
    pub(crate) sent: u64,
    /// What was lost of it, or was dropped before.
    pub(crate) lost: u64,
    /// How full its queue is.
    pub(crate) queue: u64,
    /// What each room has handed over.
    pub(crate) rooms: Vec<u64>,
}

/// Decides when a link is under strain, and what each room may send then: all equally much, so that who sends little loses
/// nothing. It knows no clock.
#[derive(Debug, Default)]
pub(crate) struct Strain {
    /// What each room may send, in bits in a second; `None` is everything.
    bound: Option<u64>,
    /// When that last became less, and when it last changed.
    cut_at: Option<Instant>,
    changed_at: Option<Instant>,
    /// When something was last amiss.
    amiss_at: Option<Instant>,
    /// How long it must go well now, and whether more was tried since.
    calm: Duration,
    has_tried: bool,
}

impl Strain {
    /// What each room may send from now on.
    pub(crate) fn bound(&self) -> Option<u64> {
        self.bound
    }

    /// Takes what there was since the last look; says whether the bound is another one from now on.
    pub(crate) fn look(&mut self, now: Instant, look: &Look) -> bool {
        let before = self.bound;
        let offered = look.rooms.iter().sum::<u64>();
        let carries_less = look.queue > QUEUE || look.lost > LOST;
        if carries_less || offered.max(look.sent) > look.share / 100 * FULL {
            self.amiss_at = Some(now);
            if self.cut_at.is_none_or(|at| passed(now, at, EFFECT)) {
                self.cut(now, look, carries_less);
            }
        } else if let Some(bound) = self.bound
            && self.amiss_at.is_none_or(|at| passed(now, at, self.calm))
            && self.changed_at.is_none_or(|at| passed(now, at, STEP))
        {
            let more = bound / 100 * MORE;
            self.bound = (more < look.share).then_some(more);
            self.changed_at = Some(now);
            self.has_tried = true;
        }
        self.bound != before
    }

    fn cut(&mut self, now: Instant, look: &Look, carries_less: bool) {
        let is_forgotten = self.bound.is_none() && self.changed_at.is_none_or(|at| passed(now, at, FORGOTTEN));
        self.calm = match (is_forgotten, std::mem::take(&mut self.has_tried)) {
            (true, _) => CALM,
            (false, true) => (self.calm * 2).clamp(CALM, MAX_CALM),
            (false, false) => self.calm.max(CALM),
        };
        let offered = look.rooms.iter().sum::<u64>();
        let mut aim = look.share / 100 * AIM;
        if carries_less {
            aim = aim.min(offered.min(look.sent) / 100 * LESS);
        }
        let level = level(&look.rooms, aim).max(LEAST);
        self.bound = Some(
            self.bound
                .map_or(level, |bound| level.min((bound / 100 * LESS).max(LEAST))),
        );
        (self.cut_at, self.changed_at) = (Some(now), Some(now));
    }
}

fn passed(now: Instant, since: Instant, time: Duration) -> bool {
    now.saturating_duration_since(since) >= time
}

/// How much each may send at most, so that all together send so much.
fn level(rooms: &[u64], all: u64) -> u64 {
    let mut rooms = rooms.to_vec();
    rooms.sort_unstable();
    let mut left = all;
    for (at, &room) in rooms.iter().enumerate() {
        let each = left / (rooms.len() - at) as u64;
        if room > each {
            return each;
        }
        left -= room;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    const MBIT: u64 = 1_000_000;

    /// Rooms of which each sends the largest of its layers that it may, over a link that carries so much.
    struct World {
        now: Instant,
        strain: Strain,
        share: u64,
        carries: u64,
        /// What each room's layers cost.
        rooms: Vec<Vec<u64>>,
        /// How much was lost in the queue, in bits.
        dropped: u64,
        /// When the bound became another one.
        changes: usize,
    }

    impl World {
        fn new(share: u64, rooms: Vec<Vec<u64>>) -> Self {
            Self {
                now: Instant::now(),
                strain: Strain::default(),
                share,
                carries: share,
                rooms,
                dropped: 0,
                changes: 0,
            }
        }

        fn sends(&self) -> Vec<u64> {
            let bound = self.strain.bound().unwrap_or(u64::MAX);
            let fits = |room: &Vec<u64>| room.iter().copied().filter(|&rate| rate <= bound).max();
            self.rooms.iter().map(|room| fits(room).unwrap_or(0)).collect()
        }

        fn run(&mut self, time: Duration) {
            self.dropped = 0;
            self.changes = 0;
            for _ in 0..time.as_millis() / LOOK.as_millis() {
                self.now += LOOK;
                let rooms = self.sends();
                let offered = rooms.iter().sum::<u64>();
                let sent = offered.min(self.carries);
                self.dropped += (offered - sent) / 5;
                let look = Look {
                    share: self.share,
                    sent,
                    lost: 0,
                    queue: if offered > self.carries { 100 } else { 0 },
                    rooms,
                };
                self.changes += usize::from(self.strain.look(self.now, &look));
            }
        }
    }

    fn cameras(count: usize) -> Vec<Vec<u64>> {
        vec![vec![MBIT / 5, MBIT, 3 * MBIT]; count]
    }

    #[test]
    fn a_link_with_room_to_spare_has_no_bound() {
        let mut world = World::new(100 * MBIT, cameras(20));
        world.run(Duration::from_secs(60));
        assert_eq!((world.strain.bound(), world.changes), (None, 0));
    }

    #[test]
    fn before_a_share_is_used_up_the_largest_layers_are_left_out_and_who_sends_little_loses_nothing() {
        let mut world = World::new(100 * MBIT, cameras(40));
        world.rooms.push(vec![MBIT / 2]);
        world.run(Duration::from_secs(3));
        let sends = world.sends();
        assert!(sends.iter().sum::<u64>() <= 80 * MBIT, "{sends:?}");
        assert_eq!(sends[40], MBIT / 2);
        assert!(sends[..40].iter().all(|&rate| rate == MBIT));
    }

    #[test]
    fn when_it_carries_less_than_its_share_the_queue_tells_and_all_come_back_within_seconds() {
        let mut world = World::new(100 * MBIT, cameras(20));
        world.run(Duration::from_secs(5));
        world.carries = 30 * MBIT;
        world.run(Duration::from_secs(2));
        assert_eq!(world.sends(), [MBIT; 20]);
        world.run(Duration::from_secs(10));
        world.carries = 100 * MBIT;
        world.run(Duration::from_secs(60));
        assert_eq!(world.strain.bound(), None);
        assert_eq!(world.sends(), [3 * MBIT; 20]);

        world.carries = 30 * MBIT;
        world.run(Duration::from_secs(1));
        world.carries = 100 * MBIT;
        world.run(Duration::from_secs(8));
        assert_eq!(world.sends(), [3 * MBIT; 20], "a short one is over soon");
    }

    #[test]
    fn what_does_not_fit_is_tried_ever_more_rarely() {
        let mut world = World::new(100 * MBIT, cameras(20));
        world.carries = 30 * MBIT;
        world.run(Duration::from_secs(120));
        world.run(Duration::from_secs(120));
        assert!(world.changes <= 24, "{}", world.changes);
        assert!(world.dropped <= 120 * MBIT, "{}", world.dropped);
    }

    #[test]
    fn loss_is_a_sign_too_and_a_little_of_it_is_none() {
        for (lost, is_bound) in [(2, false), (10, true)] {
            let mut strain = Strain::default();
            let look = Look {
                share: 100 * MBIT,
                sent: 20 * MBIT,
                lost,
                queue: 0,
                rooms: vec![10 * MBIT, 10 * MBIT],
            };
            strain.look(Instant::now(), &look);
            assert_eq!(strain.bound().is_some(), is_bound, "{lost} %");
        }
    }

    #[test]
    fn a_level_is_what_fills_it() {
        assert_eq!(level(&[], 10), 10);
        assert_eq!(level(&[1, 2, 3], 10), 10, "all fit");
        assert_eq!(level(&[2, 100, 100], 10), 4);
        assert_eq!(level(&[100, 100], 10), 5);
    }
}
