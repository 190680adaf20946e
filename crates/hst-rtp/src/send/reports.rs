use super::Timeline;
use crate::{Ntp, rtcp::SenderInfo};

/// What has been sent of a source, for the reports of it (RFC 3550 section 6.4.1).
#[derive(Debug, Clone, Copy, Default)]
pub struct SenderReports {
    packets: u32,
    octets: u32,
}

impl SenderReports {
    /// Takes a packet that is sent, with so many bytes of payload, without padding.
    pub fn handle_packet(&mut self, payload: usize) {
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add(payload as u32);
    }

    /// What is to be reported at a moment; `None` as long as nothing has been sent.
    pub fn report(&self, now: Ntp, timeline: &Timeline) -> Option<SenderInfo> {
        (self.packets > 0).then(|| SenderInfo {
            ntp: now,
            timestamp: timeline.timestamp_at(now),
            packets: self.packets,
            octets: self.octets,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_report_says_what_was_sent_and_where_the_clock_stands() {
        let ntp = Ntp::from_unix(Duration::from_secs(1_700_000_000));
        let timeline = Timeline {
            ntp,
            timestamp: 1_000,
            clock_rate: 90_000,
        };
        let mut reports = SenderReports::default();
        assert_eq!(reports.report(ntp, &timeline), None);
        for payload in [100, 200] {
            reports.handle_packet(payload);
        }
        let now = ntp.after(Duration::from_secs(1));
        let info = SenderInfo {
            ntp: now,
            timestamp: 91_000,
            packets: 2,
            octets: 300,
        };
        assert_eq!(reports.report(now, &timeline), Some(info));
    }
}
