//! The arithmetic of timestamps (RFC 3550 section 5.1).

use std::time::Duration;

/// How many ticks of a clock of this rate, in Hz, pass in a time; they wrap as timestamps do.
pub fn ticks(time: Duration, clock_rate: u32) -> u32 {
    (time.as_nanos() * u128::from(clock_rate) / 1_000_000_000) as u32
}

/// How long a clock of this rate, in Hz, takes for so many ticks; for ever is zero.
pub fn duration(ticks: u32, clock_rate: u32) -> Duration {
    let nanos = u64::from(ticks) * 1_000_000_000;
    Duration::from_nanos(nanos.checked_div(clock_rate.into()).unwrap_or(0))
}

/// How many ticks a timestamp is after another: the short way round the circle of 32 bits.
pub fn after(timestamp: u32, other: u32) -> i32 {
    timestamp.wrapping_sub(other) as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_become_ticks_and_ticks_times() {
        assert_eq!(ticks(Duration::from_millis(20), 48_000), 960);
        assert_eq!(
            ticks(Duration::from_secs(1 << 20), 90_000),
            ((1_u64 << 20) * 90_000) as u32
        );
        assert_eq!(duration(3_000, 90_000), Duration::from_nanos(33_333_333));
        assert_eq!(duration(u32::MAX, 0), Duration::ZERO);
    }

    #[test]
    fn timestamps_are_compared_the_short_way() {
        assert_eq!(after(5, u32::MAX), 6);
        assert_eq!(after(u32::MAX, 5), -6);
    }
}
