/// Where an extended number begins to count: what came before the first packet has a number, too.
const FIRST_CYCLE: u64 = 1 << 16;

/// Extends sequence numbers of 16 bits to numbers that never wrap, each to the one that is closest to the highest so far.
///
/// Two packets of one stream have the same number only where they are the same packet, as long as no packet is 32,768 away
/// from the highest.
#[derive(Debug, Clone, Copy, Default)]
pub struct Extender {
    highest: Option<u64>,
}

impl Extender {
    /// The number of a packet. The first packet's is its sequence number, one cycle up.
    pub fn extend(&mut self, seq: u16) -> u64 {
        let number = match self.highest {
            Some(highest) => nearest(highest, seq),
            None => FIRST_CYCLE + u64::from(seq),
        };
        self.highest = self.highest.max(Some(number));
        number
    }

    /// The highest so far.
    pub fn highest(&self) -> Option<u64> {
        self.highest
    }
}

/// The number with these lowest 16 bits that is closest to another: half a cycle away it is the lower one.
pub fn nearest(to: u64, seq: u16) -> u64 {
    // The short way round the circle of 16 bits.
    let step = seq.wrapping_sub(to as u16) as i16;
    // Below zero there is nothing, so the long way is the only one.
    to.checked_add_signed(step.into()).unwrap_or(seq.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_on_where_sequence_numbers_wrap_and_back_to_what_comes_late() {
        let mut extender = Extender::default();
        assert_eq!(extender.extend(65_534), 131_070);
        assert_eq!(extender.extend(1), 131_073);
        assert_eq!(extender.extend(65_535), 131_071, "late");
        assert_eq!(extender.highest(), Some(131_073));
        assert_eq!(extender.extend(2), 131_074);
    }

    #[test]
    fn what_came_before_the_first_packet_has_a_number_too() {
        let mut extender = Extender::default();
        assert_eq!(extender.extend(0), 65_536);
        assert_eq!(extender.extend(65_535), 65_535);
    }

    #[test]
    fn the_nearest_number_is_never_further_than_half_a_cycle_away() {
        assert_eq!(nearest(100_000, 34_464), 100_000);
        assert_eq!(nearest(100_000, 1_695), 132_767);
        assert_eq!(nearest(100_000, 34_464_u16.wrapping_add(32_768)), 67_232);
        assert_eq!(nearest(3, 65_535), 65_535, "there is nothing below zero");
    }
}
