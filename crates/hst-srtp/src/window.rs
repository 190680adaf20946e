/// How many packets back one may come late, for each source: a quarter of a second at 4,000 packets in one.
pub const WINDOW: u64 = 1024;

const WORD: u64 = u64::BITS as u64;
const HALF: u16 = 1 << 15;

/// Which indices of one source have been here: each is taken once (RFC 3711, section 3.3.2).
#[derive(Debug, Clone)]
pub(crate) struct Window {
    highest: u64,
    /// A bit for each index of the window, at its number modulo [`WINDOW`].
    seen: [u64; (WINDOW / WORD) as usize],
}

impl Window {
    /// Begins with the first index that was heard.
    pub(crate) fn new(first: u64) -> Self {
        let mut window = Self {
            highest: first,
            seen: [0; (WINDOW / WORD) as usize],
        };
        window.take(first);
        window
    }

    /// The most likely index of a packet with this sequence number (RFC 3711, appendix A). Where that would be before the
    /// first index or behind the last one there can be, it is the one that exists.
    pub(crate) fn estimate(&self, sequence: u16) -> u64 {
        let (rollovers, last) = ((self.highest >> 16) as u32, self.highest as u16);
        let rollovers = if last < HALF && sequence.saturating_sub(last) > HALF {
            rollovers.saturating_sub(1)
        } else if last >= HALF && sequence < last - HALF {
            rollovers.saturating_add(1)
        } else {
            rollovers
        };
        u64::from(rollovers) << 16 | u64::from(sequence)
    }

    /// Whether a packet of this index may still be taken.
    pub(crate) fn is_fresh(&self, index: u64) -> bool {
        if index > self.highest {
            return true;
        }
        let (word, bit) = place(index);
        self.highest - index < WINDOW && self.seen[word] & bit == 0
    }

    /// Takes the index of a packet that was proven to be genuine.
    pub(crate) fn take(&mut self, index: u64) {
        if index > self.highest {
            if index - self.highest >= WINDOW {
                self.seen.fill(0);
            } else {
                (self.highest + 1..index).for_each(|skipped| {
                    let (word, bit) = place(skipped);
                    self.seen[word] &= !bit;
                });
            }
            self.highest = index;
        }
        let (word, bit) = place(index);
        self.seen[word] |= bit;
    }
}

fn place(index: u64) -> (usize, u64) {
    let at = index % WINDOW;
    ((at / WORD) as usize, 1 << (at % WORD))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    const LAST: u64 = (1 << 48) - 1;

    proptest! {
        #[test]
        fn an_index_is_taken_once_and_only_within_the_window(
            indices in prop::collection::vec(prop_oneof![0..5000_u64, 4000..4100_u64, 0..=LAST], 1..400)
        ) {
            let mut window = Window::new(indices[0]);
            let mut seen = BTreeSet::from([indices[0]]);
            for index in indices {
                let highest = *seen.last().unwrap();
                let is_old = highest.saturating_sub(index) >= WINDOW;
                prop_assert_eq!(window.is_fresh(index), !is_old && !seen.contains(&index));
                if window.is_fresh(index) {
                    window.take(index);
                    seen.insert(index);
                }
            }
        }

        #[test]
        fn an_index_is_known_by_its_sequence_number_when_it_is_less_than_half_a_round_away(
            highest in prop_oneof![0..200_000_u64, 0..=LAST, LAST - 200_000..=LAST],
            distance in -32_767..32_768_i64,
        ) {
            let index = highest.saturating_add_signed(distance).min(LAST);
            prop_assert_eq!(Window::new(highest).estimate(index as u16), index);
        }
    }

    #[test]
    fn exactly_half_a_round_away_is_within_the_same_round() {
        let round = 3 << 16;
        assert_eq!(Window::new(round + 10).estimate(32_778), round + 32_778);
        assert_eq!(Window::new(round + 40_000).estimate(7_232), round + 7_232);
    }

    #[test]
    fn before_the_first_index_and_behind_the_last_there_is_none() {
        assert_eq!(Window::new(2).estimate(65_535), 65_535);
        assert_eq!(Window::new(LAST - 1).estimate(0), LAST - 65_535);
    }
}
