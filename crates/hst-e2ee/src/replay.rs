/// How many counters back a frame may come late. The counter of a sender goes over all that he publishes, so this is
/// some seconds of a camera, a screen and a microphone.
pub const WINDOW: u64 = 2048;

const WORD: u64 = u64::BITS as u64;

/// Which counters of one sender have been seen: each is taken once.
#[derive(Debug, Clone)]
pub struct ReplayWindow {
    /// The counter that would be the first beyond all that have been seen.
    next: u64,
    /// A bit for each counter from `next - WINDOW` on, at its number modulo [`WINDOW`].
    seen: [u64; (WINDOW / WORD) as usize],
}

impl Default for ReplayWindow {
    fn default() -> Self {
        Self {
            next: 0,
            seen: [0; (WINDOW / WORD) as usize],
        }
    }
}

impl ReplayWindow {
    /// Whether a frame with this counter may still be taken.
    pub fn is_fresh(&self, counter: u64) -> bool {
        if counter >= self.next {
            return true;
        }
        let (word, bit) = place(counter);
        self.next - counter <= WINDOW && self.seen[word] & bit == 0
    }

    /// Takes a counter of a frame that was proven to be genuine.
    pub fn take(&mut self, counter: u64) {
        if counter >= self.next {
            if counter - self.next >= WINDOW {
                self.seen.fill(0);
            } else {
                (self.next..counter).for_each(|skipped| {
                    let (word, bit) = place(skipped);
                    self.seen[word] &= !bit;
                });
            }
            self.next = counter.saturating_add(1);
        }
        let (word, bit) = place(counter);
        self.seen[word] |= bit;
    }
}

fn place(counter: u64) -> (usize, u64) {
    let at = counter % WINDOW;
    ((at / WORD) as usize, 1 << (at % WORD))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_counter_is_taken_once_and_only_within_the_window(
            counters in prop::collection::vec(prop_oneof![0..5000_u64, 4000..4100_u64, any::<u64>()], 1..400)
        ) {
            let mut window = ReplayWindow::default();
            let mut seen = BTreeSet::new();
            for counter in counters {
                let highest = seen.last().copied();
                let is_old = highest.is_some_and(|highest: u64| highest.saturating_add(1).saturating_sub(counter) > WINDOW);
                prop_assert_eq!(window.is_fresh(counter), !is_old && !seen.contains(&counter));
                if window.is_fresh(counter) {
                    window.take(counter);
                    seen.insert(counter);
                }
            }
        }
    }
}
