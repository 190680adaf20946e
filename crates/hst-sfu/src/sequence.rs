/// The largest step forward that counts as loss; a larger one is a new beginning (RFC 3550 appendix A.1).
const MAX_DROPOUT: i64 = 3000;
/// How far back a packet may come late, in packets. Retransmissions come late by some round trips.
const WINDOW: usize = 2048;

/// One publisher's sequence numbers: extended past 16 bits, each admitted only once.
#[derive(Debug)]
pub(crate) struct Sequence {
    highest: u64,
    /// A bit for each of the last `WINDOW` numbers, at the number modulo `WINDOW`.
    seen: [u64; WINDOW / 64],
    /// The number which, coming next, proves that the publisher really went on elsewhere.
    suspect: Option<u16>,
}

/// Where a packet stands in its sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// Within the sequence, maybe late or after a gap.
    Within(u64),
    /// The first of a new sequence, past all of the old one.
    Restart(u64),
    /// A duplicate, too late, or far off without a second packet to confirm it.
    Refused,
}

impl Sequence {
    /// A sequence that begins with this packet.
    pub(crate) fn begin(seq: u16) -> Self {
        let mut sequence = Self {
            highest: 0,
            seen: [0; WINDOW / 64],
            suspect: None,
        };
        sequence.restart(seq);
        sequence
    }

    pub(crate) fn highest(&self) -> u64 {
        self.highest
    }

    pub(crate) fn admit(&mut self, seq: u16) -> Arrival {
        // Reading the difference as signed makes it the short way round the circle of 16 bits.
        let step = i64::from(seq.wrapping_sub(self.highest as u16) as i16);
        if step > MAX_DROPOUT || step <= -(WINDOW as i64) {
            if self.suspect == Some(seq) {
                self.restart(seq);
                return Arrival::Restart(self.highest);
            }
            self.suspect = Some(seq.wrapping_add(1));
            return Arrival::Refused;
        }
        self.suspect = None;
        let index = self.highest.saturating_add_signed(step);
        for skipped in self.highest + 1..=index {
            self.mark(skipped, false);
        }
        if step <= 0 && self.has_seen(index) {
            return Arrival::Refused;
        }
        self.highest = self.highest.max(index);
        self.mark(index, true);
        Arrival::Within(index)
    }

    /// Goes on from this number, past everything so far.
    pub(crate) fn restart(&mut self, seq: u16) {
        self.highest = (((self.highest >> 16) + 2) << 16) + u64::from(seq);
        self.seen = [0; WINDOW / 64];
        self.suspect = None;
        self.mark(self.highest, true);
    }

    fn has_seen(&self, index: u64) -> bool {
        let bit = index as usize % WINDOW;
        self.seen[bit / 64] & 1 << (bit % 64) != 0
    }

    fn mark(&mut self, index: u64, seen: bool) {
        let bit = index as usize % WINDOW;
        let mask = 1 << (bit % 64);
        if seen {
            self.seen[bit / 64] |= mask;
        } else {
            self.seen[bit / 64] &= !mask;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn within(arrival: Arrival) -> u64 {
        match arrival {
            Arrival::Within(index) => index,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn numbers_grow_across_the_wrap_and_keep_their_gaps() {
        let mut sequence = Sequence::begin(65_534);
        let begin = sequence.highest();
        for (seq, offset) in [(65_535, 1), (0, 2), (1, 3), (10, 12), (5, 7), (65_533, -1)] {
            assert_eq!(
                within(sequence.admit(seq)),
                begin.saturating_add_signed(offset),
                "{seq}"
            );
        }
    }

    #[test]
    fn every_number_is_admitted_once() {
        let mut sequence = Sequence::begin(100);
        assert_eq!(sequence.admit(100), Arrival::Refused);
        within(sequence.admit(105));
        within(sequence.admit(103));
        assert_eq!(sequence.admit(103), Arrival::Refused);
        // The window slides: a number of the next lap is not taken for one of the last.
        for seq in 106..6000 {
            within(sequence.admit(seq));
        }
        assert_eq!(
            sequence.admit(5999 - 2047),
            Arrival::Refused,
            "the oldest of the window, seen"
        );
        assert_eq!(sequence.admit(5999 - 2048), Arrival::Refused, "older than the window");
    }

    #[test]
    fn a_far_jump_counts_only_when_the_next_packet_confirms_it() {
        let mut sequence = Sequence::begin(100);
        assert_eq!(sequence.admit(40_000), Arrival::Refused);
        within(sequence.admit(101));
        assert_eq!(
            sequence.admit(40_001),
            Arrival::Refused,
            "the packet between cleared the suspicion"
        );
        let before = sequence.highest();
        let Arrival::Restart(index) = sequence.admit(40_002) else {
            panic!()
        };
        assert!(index > before + 65_536);
        assert_eq!(within(sequence.admit(40_003)), index + 1);
    }
}
