use crate::{Ntp, rtcp::SenderInfo};

/// Where the timestamps of a source stand: that of one moment, and how fast they go on. Those of a sound and of a picture that
/// belong together are told in the same time, and so they are shown together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeline {
    /// The moment.
    pub ntp: Ntp,
    /// The timestamp of what is sampled then.
    pub timestamp: u32,
    /// How many ticks they go on in a second.
    pub clock_rate: u32,
}

impl Timeline {
    /// That of a source, as it has reported it.
    pub fn of(info: &SenderInfo, clock_rate: u32) -> Self {
        Self {
            ntp: info.ntp,
            timestamp: info.timestamp,
            clock_rate,
        }
    }

    /// The timestamp of what is sampled at a moment, which may be before that of the timeline.
    pub fn timestamp_at(&self, ntp: Ntp) -> u32 {
        // The short way round, in units of 2^-32 s.
        let passed = ntp.0.wrapping_sub(self.ntp.0) as i64;
        let ticks = (i128::from(passed) * i128::from(self.clock_rate)) >> 32;
        self.timestamp.wrapping_add(ticks as u32)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn timestamps_go_on_and_back() {
        let ntp = Ntp::from_unix(Duration::from_secs(1_700_000_000));
        let info = SenderInfo {
            ntp,
            timestamp: 1_000,
            packets: 1,
            octets: 1,
        };
        let timeline = Timeline::of(&info, 48_000);
        assert_eq!(timeline.timestamp_at(ntp), 1_000);
        assert_eq!(timeline.timestamp_at(ntp.after(Duration::from_millis(500))), 25_000);
        assert_eq!(
            timeline.timestamp_at(Ntp(ntp.0 - (1 << 32))),
            1_000_u32.wrapping_sub(48_000)
        );
        let year = Duration::from_secs(86_400 * 365);
        let passed = (year.as_secs() * 48_000) as u32;
        assert_eq!(timeline.timestamp_at(ntp.after(year)), 1_000_u32.wrapping_add(passed));
    }
}
