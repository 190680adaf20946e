use crate::micros::Micros;

const SLOTS: usize = 10;
const SLOT: Micros = Micros::millis(50);
/// What came in less time than this says nothing of a rate.
const LEAST: Micros = Micros::millis(150);

/// How much was sent or arrived in the last half second of a clock.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Window {
    /// Bytes, each at its slot's number modulo their number.
    slots: [u32; SLOTS],
    newest: i64,
    /// The first and the last time that they stand for.
    first: Option<Micros>,
    last: Micros,
}

impl Window {
    pub(crate) fn add(&mut self, at: Micros, bytes: u32) {
        // Most of what is added is in the newest slot.
        let into = at - Micros::new(self.newest.saturating_mul(SLOT.get()));
        if self.first.is_none() || !(0..SLOT.get()).contains(&into.get()) {
            return self.add_elsewhere(at, bytes);
        }
        self.last = self.last.max(at);
        let slot = &mut self.slots[Self::index(self.newest)];
        *slot = slot.saturating_add(bytes);
    }

    fn add_elsewhere(&mut self, at: Micros, bytes: u32) {
        let slot = at.get().div_euclid(SLOT.get());
        let gap = slot.saturating_sub(self.newest);
        if self.first.is_none() || gap > SLOTS as i64 {
            *self = Self {
                newest: slot,
                first: Some(at),
                last: at,
                ..Self::default()
            };
        } else if gap <= -(SLOTS as i64) {
            return;
        }
        for slot in self.newest + 1..=slot {
            self.slots[Self::index(slot)] = 0;
        }
        self.newest = self.newest.max(slot);
        self.last = self.last.max(at);
        let slot = &mut self.slots[Self::index(slot)];
        *slot = slot.saturating_add(bytes);
    }

    /// In bits in a second; `None` while too little has come.
    pub(crate) fn rate(&self) -> Option<u64> {
        let oldest = Micros::new((self.newest + 1 - SLOTS as i64).saturating_mul(SLOT.get()));
        let span = self.last - self.first?.max(oldest);
        let bytes: u64 = self.slots.iter().map(|&bytes| u64::from(bytes)).sum();
        (span >= LEAST).then(|| bytes * 8_000_000 / span.get() as u64)
    }

    fn index(slot: i64) -> usize {
        slot.rem_euclid(SLOTS as i64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_last_half_second() {
        let mut window = Window::default();
        assert_eq!(window.rate(), None);
        for (seconds, bytes) in [(0, 1250), (1, 250), (7, 500)] {
            for packet in 0..100 {
                window.add(Micros::seconds(seconds) + Micros::millis(10 * packet), bytes);
            }
            let (rate, expected) = (window.rate().unwrap(), u64::from(bytes) * 800);
            assert!(rate.abs_diff(expected) < expected / 20, "{rate}");
        }
    }

    #[test]
    fn what_comes_from_long_ago_counts_for_nothing() {
        let mut window = Window::default();
        for packet in 0..100 {
            window.add(Micros::seconds(10) + Micros::millis(10 * packet), 125);
        }
        let before = window.rate();
        window.add(Micros::ZERO, 1_000_000);
        assert_eq!(window.rate(), before);
        for absurd in [i64::MAX, i64::MIN, 0] {
            window.add(Micros::new(absurd), u32::MAX);
            window.rate();
        }
    }
}
