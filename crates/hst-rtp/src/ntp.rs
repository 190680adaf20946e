use std::time::Duration;

/// From the year 1900, where NTP begins, to 1970, where Unix does (RFC 868).
const UNIX_EPOCH: u64 = 2_208_988_800;

/// A moment as NTP writes it: seconds since 1900, with 32 bits before the point and 32 behind it (RFC 3550 section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Ntp(pub u64);

impl Ntp {
    /// The moment that is so long after the beginning of 1970. In 2036 the seconds begin anew.
    pub fn from_unix(since: Duration) -> Self {
        let seconds = since.as_secs().wrapping_add(UNIX_EPOCH);
        Self(seconds << 32 | fraction(since, 32))
    }

    /// How long it is after the beginning of 1970, up to 2106.
    pub fn to_unix(self) -> Duration {
        let seconds = (self.0 >> 32).wrapping_sub(UNIX_EPOCH) & u64::from(u32::MAX);
        Duration::new(seconds, nanos(self.0 & u64::from(u32::MAX), 32))
    }

    /// The 32 bits around the point, as reports name it.
    pub fn middle(self) -> u32 {
        (self.0 >> 16) as u32
    }

    /// The moment so much later.
    pub fn after(self, time: Duration) -> Self {
        Self(
            self.0
                .wrapping_add((time.as_secs() << 32).wrapping_add(fraction(time, 32))),
        )
    }
}

/// A time in units of 1/65536 s; the longest there is, where it is longer than 18 hours.
pub(crate) fn to_short(time: Duration) -> u32 {
    match u16::try_from(time.as_secs()) {
        Ok(seconds) => u32::from(seconds) << 16 | fraction(time, 16) as u32,
        Err(_) => u32::MAX,
    }
}

/// A time of that many units of 1/65536 s.
pub(crate) fn from_short(units: u32) -> Duration {
    Duration::new((units >> 16).into(), nanos(u64::from(units & 0xffff), 16))
}

/// What is behind the seconds, as a binary fraction.
fn fraction(time: Duration, bits: u32) -> u64 {
    (u64::from(time.subsec_nanos()) << bits) / 1_000_000_000
}

/// The nanoseconds of a binary fraction, rounded up, so that they become the same fraction again.
fn nanos(fraction: u64, bits: u32) -> u32 {
    ((fraction * 1_000_000_000).div_ceil(1 << bits)).min(999_999_999) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_3550_is_read_as_there() {
        // RFC 3550 figure 2: a round trip of 6.125 s, from a report of 10 Nov 1995 11:33:25.125 UTC.
        let sent = Ntp(0xb44d_b705_2000_0000);
        assert_eq!(sent.to_unix(), Duration::new(816_003_205, 125_000_000));
        assert_eq!(Ntp::from_unix(sent.to_unix()), sent);
        assert_eq!(sent.middle(), 0xb705_2000);
        assert_eq!(to_short(Duration::from_millis(5_250)), 0x0005_4000);
        assert_eq!(from_short(0x0005_4000), Duration::from_millis(5_250));
        let arrived = Ntp(0xb44d_b710_8000_0000);
        assert_eq!(sent.after(Duration::from_millis(11_375)), arrived);
    }

    #[test]
    fn a_time_is_the_same_after_it_was_written_and_read() {
        for units in (0..=u32::MAX).step_by(65_521) {
            assert_eq!(to_short(from_short(units)), units);
            let moment = Ntp(u64::from(units) << 32 | 0x8000_0000 | u64::from(units) >> 2);
            let again = Ntp::from_unix(moment.to_unix());
            assert!(again.0.wrapping_sub(moment.0) as i64 <= 4, "{moment:?} {again:?}");
        }
        assert_eq!(to_short(Duration::MAX), u32::MAX);
    }

    #[test]
    fn the_seconds_begin_anew_in_2036() {
        let new_era = Duration::from_secs((1 << 32) - UNIX_EPOCH);
        assert_eq!(Ntp::from_unix(new_era), Ntp(0));
        assert_eq!(Ntp(0).to_unix(), new_era);
    }
}
