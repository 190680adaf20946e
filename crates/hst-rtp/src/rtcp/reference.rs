use std::time::Duration;

/// The steps in which a feedback says from when it counts.
pub(crate) const STEP: Duration = Duration::from_millis(64);
/// After so many it begins anew: 24 bits.
const CYCLE: u64 = 1 << 24;

/// The clock of who receives a transport's packets, as its feedbacks tell it: after 12 days they begin anew, and it goes on.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReferenceClock {
    /// In steps; the first is one cycle up, so that there is something before it.
    last: Option<u64>,
}

impl ReferenceClock {
    /// The time that a feedback counts from.
    pub(crate) fn extend(&mut self, reference: u32) -> Duration {
        let last = self.last.unwrap_or(CYCLE + u64::from(reference));
        // The short way round the circle of 24 bits.
        let step = (reference.wrapping_sub(last as u32) << 8) as i32 >> 8;
        let time = last.saturating_add_signed(step.into());
        self.last = Some(time);
        Duration::from_millis(time.saturating_mul(64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_on_where_the_references_begin_anew() {
        let mut clock = ReferenceClock::default();
        let last = clock.extend(0x00ff_ffff);
        assert_eq!(clock.extend(1), last + 2 * STEP);
        assert_eq!(clock.extend(0x00ff_fffe), last - STEP, "late");
    }

    #[test]
    fn there_is_something_before_the_first() {
        let mut clock = ReferenceClock::default();
        let first = clock.extend(0);
        assert_eq!(clock.extend(0x00ff_ffff), first - STEP);
        for _ in 0..10 {
            clock.extend(0x0080_0000);
            clock.extend(0);
        }
    }
}
