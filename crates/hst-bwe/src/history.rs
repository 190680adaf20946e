use std::{collections::VecDeque, hint::black_box};

use crate::{micros::Micros, probe::ProbeId};

/// Of so many packets, the last ones sent, a report is understood: 5 s of 15 Mbit/s. When another is sent, the oldest is
/// forgotten, and a report of it is ignored.
const CAPACITY: usize = 8192;
/// For so long, too. What has not been reported by then never will be.
const KEPT: Micros = Micros::seconds(5);
/// What is said to be lost may still arrive when it is no older than this.
const LATE: Micros = Micros::seconds(1);

/// What was sent of late, in the order of its numbers. It takes 8 bytes a packet, and room only for as many as were
/// under way at once.
#[derive(Debug, Default)]
pub(crate) struct History {
    packets: VecDeque<Packet>,
    /// The number of the first of them.
    first: u16,
    last_sent: Micros,
    /// The number that is the next to be reported.
    expected: u16,
}

/// A packet of which something new was reported.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reported {
    pub(crate) sent: Micros,
    pub(crate) bytes: u32,
    pub(crate) probe: Option<ProbeId>,
    /// It has arrived, and was said to be lost before.
    pub(crate) was_lost: bool,
    /// Of those sent before nothing was reported: a report was lost.
    pub(crate) is_after_gap: bool,
}

#[derive(Debug, Clone, Copy)]
struct Packet {
    /// The lower half of the time: unambiguous, as no packet is kept for longer than [`KEPT`].
    sent: u32,
    bytes: u16,
    probe: Option<ProbeId>,
    fate: Fate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Unknown,
    Lost,
    Arrived,
}

impl History {
    /// Reads what noting a packet will use.
    pub(crate) fn foresee(&self) {
        black_box([self.packets.front().copied(), self.packets.back().copied()]);
    }

    /// Notes a packet, and says which number it has.
    pub(crate) fn push(&mut self, now: Micros, bytes: usize, probe: Option<ProbeId>) -> u16 {
        if now - self.last_sent > KEPT {
            self.first = self.next();
            self.packets.clear();
        }
        self.last_sent = now;
        while self.packets.front().is_some_and(|packet| packet.is_done(now)) || self.packets.len() == CAPACITY {
            self.packets.pop_front();
            self.first = self.first.wrapping_add(1);
        }
        let number = self.next();
        self.packets.push_back(Packet {
            sent: now.get() as u32,
            bytes: u16::try_from(bytes).unwrap_or(u16::MAX),
            probe,
            fate: Fate::Unknown,
        });
        number
    }

    /// Takes a report; `None` is one that says nothing new, or is of a packet that was never sent or is forgotten.
    pub(crate) fn report(&mut self, now: Micros, number: u16, has_arrived: bool) -> Option<Reported> {
        let at = usize::from(number.wrapping_sub(self.first));
        if now - self.last_sent > KEPT {
            return None;
        }
        let packet = self.packets.get_mut(at)?;
        let age = packet.age(now);
        let fate = if has_arrived { Fate::Arrived } else { Fate::Lost };
        if age > KEPT || packet.fate == Fate::Arrived || packet.fate == fate {
            return None;
        }
        let was_lost = packet.fate == Fate::Lost;
        packet.fate = fate;
        let skipped = number.wrapping_sub(self.expected);
        let is_newest = skipped <= u16::MAX / 2;
        if is_newest {
            self.expected = number.wrapping_add(1);
        }
        Some(Reported {
            sent: now - age,
            bytes: u32::from(packet.bytes),
            probe: packet.probe,
            was_lost,
            is_after_gap: is_newest && skipped > 0,
        })
    }

    fn next(&self) -> u16 {
        self.first.wrapping_add(self.packets.len() as u16)
    }
}

impl Packet {
    fn age(&self, now: Micros) -> Micros {
        Micros::new(i64::from((now.get() as u32).wrapping_sub(self.sent)))
    }

    fn is_done(&self, now: Micros) -> bool {
        match self.fate {
            Fate::Unknown => self.age(now) > KEPT,
            Fate::Lost => self.age(now) > LATE,
            Fate::Arrived => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_takes_eight_bytes() {
        assert_eq!(size_of::<Packet>(), 8);
    }

    #[test]
    fn a_report_is_understood_once_but_who_was_lost_may_still_arrive() {
        let mut history = History::default();
        let number = history.push(Micros::ZERO, 1200, None);
        let later = Micros::millis(100);
        assert!(!history.report(later, number, false).unwrap().was_lost);
        assert!(history.report(later, number, false).is_none());
        let reported = history.report(later, number, true).unwrap();
        assert!(reported.was_lost && reported.sent == Micros::ZERO && reported.bytes == 1200);
        for has_arrived in [false, true] {
            assert!(history.report(later, number, has_arrived).is_none());
        }
        assert!(history.report(later, number.wrapping_add(1), true).is_none());
        assert!(history.report(later, number.wrapping_sub(1), true).is_none());
    }

    #[test]
    fn what_follows_a_report_that_was_lost_is_known() {
        let mut history = History::default();
        for _ in 0..8 {
            history.push(Micros::ZERO, 1200, None);
        }
        let mut follows = |number| history.report(Micros::ZERO, number, true).unwrap().is_after_gap;
        assert_eq!(
            [0, 1, 4, 5, 3, 6].map(&mut follows),
            [false, false, true, false, false, false]
        );
    }

    #[test]
    fn numbers_go_on_after_the_last_one_and_after_any_silence() {
        let mut history = History::default();
        // Beyond the half of a time that is stored.
        let mut now = Micros::seconds(4290);
        for expected in (0..=u16::MAX).chain(0..10_000) {
            now = now + Micros::millis(1);
            assert_eq!(history.push(now, 100, None), expected);
            assert!(history.report(now + Micros::millis(30), expected, true).is_some());
        }
        assert_eq!(history.packets.len(), 1, "who has arrived is not kept");
        now = now + Micros::seconds(4295);
        assert!(history.report(now, 9_999, false).is_none());
        assert_eq!(history.push(now, 100, None), 10_000);
        assert!(history.report(now, 9_999, false).is_none());
        assert!(history.report(now, 10_000, true).is_some());
    }

    #[test]
    fn the_oldest_is_forgotten_when_too_many_are_under_way_or_it_is_too_old() {
        let mut history = History::default();
        let mut now = Micros::ZERO;
        for _ in 0..3 * CAPACITY {
            now = now + Micros::new(100);
            history.push(now, 100, None);
        }
        assert_eq!(history.packets.len(), CAPACITY);
        assert!(history.packets.capacity() <= CAPACITY, "{}", history.packets.capacity());
        let oldest = (2 * CAPACITY) as u16;
        assert!(history.report(now, oldest.wrapping_sub(1), true).is_none());
        assert!(history.report(now, oldest, true).is_some());
        assert!(history.report(now + Micros::seconds(5), oldest + 1, true).is_none());
    }
}
