use std::{fmt, num::NonZeroU16, time::Duration};

/// What is remembered of a packet that was sent, in two bytes: whether it had the marker bit, and how old it was when it was sent
/// again last. That it is never 0 leaves room to say that there is none.
#[derive(Clone, Copy)]
pub(super) struct Marks(NonZeroU16);

const MARKER: u16 = 1 << 15;
/// Ages are counted in these, from 1 on, above the lowest bit: 0 is never. Older than three seconds is as old as that; packets are
/// kept for one.
const UNIT: Duration = Duration::from_micros(200);
const MOST: u16 = (1 << 14) - 1;

impl Marks {
    /// Those of a packet that was sent once.
    pub(super) fn new(marker: bool) -> Self {
        Self(NonZeroU16::MIN | if marker { MARKER } else { 0 })
    }

    pub(super) fn marker(self) -> bool {
        self.0.get() & MARKER != 0
    }

    /// How old the packet was when it was sent again last.
    pub(super) fn again_at(self) -> Option<Duration> {
        let units = ((self.0.get() & !MARKER) >> 1).checked_sub(1)?;
        Some(UNIT * u32::from(units))
    }

    /// It is sent again.
    pub(super) fn set_again(&mut self, age: Duration) {
        let units = age.as_micros() / UNIT.as_micros();
        let units = u16::try_from(units).unwrap_or(MOST).min(MOST - 1) + 1;
        self.0 = Self::new(self.marker()).0 | units << 1;
    }
}

impl fmt::Debug for Marks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (marker, again_at) = (self.marker(), self.again_at());
        f.debug_struct("Marks")
            .field("marker", &marker)
            .field("again_at", &again_at)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_it_was_told_and_takes_two_bytes() {
        for marker in [false, true] {
            let mut marks = Marks::new(marker);
            assert_eq!((marks.marker(), marks.again_at()), (marker, None));
            for ms in [0, 10, 999, 3_000] {
                let age = Duration::from_millis(ms);
                marks.set_again(age);
                assert_eq!((marks.marker(), marks.again_at()), (marker, Some(age)));
            }
            marks.set_again(Duration::from_secs(100));
            assert!(marks.marker() == marker && marks.again_at() > Some(Duration::from_secs(3)));
        }
        assert_eq!(size_of::<Option<Marks>>(), 2);
    }
}
