use std::rc::Rc;

use hst_sfu::TrackId;

use crate::recent::Recent;

/// Packets of a track that a packet of its publisher's protects (FlexFEC), as branches of a room tell each other: by the numbers that
/// the publisher gave them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Covered {
    pub(crate) track: TrackId,
    pub(crate) encoding: u8,
    pub(crate) ssrc: u32,
    pub(crate) numbers: Numbers,
}

/// Packets of a publisher's that a packet of his protects (FlexFEC).
#[derive(Debug)]
pub(crate) struct Protected {
    /// Where they are kept.
    pub(crate) recent: Rc<Recent>,
    pub(crate) numbers: Numbers,
}

/// Some of the sequence numbers of a source, which are near each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Numbers {
    pub(crate) first: u16,
    /// Those from the first on, which is the lowest bit.
    pub(crate) bits: u128,
}

impl FromIterator<u16> for Numbers {
    /// The first comes first; those are left out that are more than 127 behind it.
    fn from_iter<T: IntoIterator<Item = u16>>(numbers: T) -> Self {
        let mut numbers = numbers.into_iter().peekable();
        let first = numbers.peek().copied().unwrap_or_default();
        let bits = numbers.filter_map(|number| 1_u128.checked_shl(number.wrapping_sub(first).into()));
        Self {
            first,
            bits: bits.fold(0, |all, bit| all | bit),
        }
    }
}

impl Numbers {
    pub(crate) fn contain(&self, number: u16) -> bool {
        let at = number.wrapping_sub(self.first);
        1_u128.checked_shl(at.into()).is_some_and(|bit| self.bits & bit != 0)
    }

    /// Whether a number is before all of them.
    pub(crate) fn are_behind(&self, number: u16) -> bool {
        (number.wrapping_sub(self.first) as i16) < 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_go_on_where_sequence_numbers_wrap() {
        let numbers: Numbers = [65_534, 65_535, 3, 125, 126].into_iter().collect();
        let contained: Vec<u16> = (65_000..=65_535)
            .chain(0..500)
            .filter(|it| numbers.contain(*it))
            .collect();
        assert_eq!(contained, [65_534, 65_535, 3, 125], "126 is too far");
        let behind = [65_533, 65_534, 0, 127, 40_000].map(|it| numbers.are_behind(it));
        assert_eq!(behind, [true, false, false, false, true]);
        let none: Numbers = [].into_iter().collect();
        assert!(!none.contain(0));
    }
}
