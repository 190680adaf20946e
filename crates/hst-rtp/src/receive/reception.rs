use std::time::{Duration, Instant};

use super::jitter::Jitter;
use crate::{
    Header, nearest,
    rtcp::{ReportBlock, SenderInfo},
    timestamp::duration,
};

/// A jump forwards by so many is no loss, but may be a restart (RFC 3550 appendix A.1).
const MAX_DROPOUT: u16 = 3000;
/// What is so much older is late; what is older still may be a restart. More than there, because some senders send again in the
/// same stream, up to a second later.
const MAX_MISORDER: u16 = 1000;
const CYCLE: u64 = 1 << 16;

/// What is known of the packets of one source.
#[derive(Debug)]
pub struct Reception {
    numbers: Option<Numbers>,
    jitter: Jitter,
    packets: u64,
    bytes: u64,
    /// The last report of the source, and when it came.
    reported: Option<(Instant, SenderInfo)>,
}

/// What has come since the source started.
#[derive(Debug)]
struct Numbers {
    first: u64,
    highest: u64,
    received: u64,
    /// What would follow the last packet that fitted nowhere.
    restart: Option<u16>,
    /// How many were expected, and how many came, up to the last report of ours.
    told: (u64, u64),
}

impl Numbers {
    fn starting(first: u64) -> Self {
        Self {
            first,
            highest: first,
            received: 1,
            restart: None,
            told: (0, 0),
        }
    }

    fn expected(&self) -> u64 {
        self.highest - self.first + 1
    }

    /// The number of a packet (RFC 3550 appendix A.1).
    fn place(&mut self, seq: u16) -> Option<u64> {
        let ahead = seq.wrapping_sub(self.highest as u16);
        let number = if ahead < MAX_DROPOUT {
            self.highest + u64::from(ahead)
        } else if ahead.wrapping_neg() <= MAX_MISORDER {
            self.highest - u64::from(ahead.wrapping_neg())
        } else if self.restart == Some(seq) {
            // On the next cycle but one, so that no number of before comes again.
            *self = Self::starting((self.highest / CYCLE + 2) * CYCLE + u64::from(seq));
            return Some(self.highest);
        } else {
            self.restart = Some(seq.wrapping_add(1));
            return None;
        };
        self.highest = self.highest.max(number);
        self.received += 1;
        Some(number)
    }
}

impl Reception {
    /// Nothing is known. The clock rate of its timestamps is in Hz.
    pub fn new(clock_rate: u32) -> Self {
        Self {
            numbers: None,
            jitter: Jitter::new(clock_rate),
            packets: 0,
            bytes: 0,
            reported: None,
        }
    }

    /// Takes a packet of so many bytes that has just come, not one that was sent again in a stream of its own. Gives its number,
    /// which is its sequence number, extended so that it never wraps.
    ///
    /// `None` is one that fits nowhere: it is to be dropped. If the next of that kind follows it, the source has started anew, and
    /// numbers go on far above those of before.
    pub fn handle_packet(&mut self, now: Instant, header: &Header, bytes: usize) -> Option<u64> {
        let number = match &mut self.numbers {
            None => {
                let first = CYCLE + u64::from(header.seq);
                self.numbers = Some(Numbers::starting(first));
                first
            }
            Some(numbers) => numbers.place(header.seq)?,
        };
        self.jitter.take(now, header.timestamp);
        self.packets += 1;
        self.bytes += bytes as u64;
        Some(number)
    }

    /// The number of a packet that was sent again in a stream of its own, by its first sequence number; `None` as long as no
    /// other has come.
    pub fn number(&self, seq: u16) -> Option<u64> {
        Some(nearest(self.numbers.as_ref()?.highest, seq))
    }

    /// Takes a report of the source that has just come.
    pub fn handle_report(&mut self, now: Instant, info: SenderInfo) {
        self.reported = Some((now, info));
    }

    /// The last report of the source, and when it came.
    pub fn reported(&self) -> Option<(Instant, SenderInfo)> {
        self.reported
    }

    /// What is to be reported of it, as source `ssrc`; `None` as long as nothing has come. The share of loss is that since this
    /// was last called.
    pub fn report(&mut self, now: Instant, ssrc: u32) -> Option<ReportBlock> {
        let lost = self.lost();
        let jitter = self.jitter.ticks();
        let numbers = self.numbers.as_mut()?;
        let (expected, received) = (numbers.expected(), numbers.received);
        let (told_expected, told_received) = std::mem::replace(&mut numbers.told, (expected, received));
        let (expected, received) = (expected - told_expected, received - told_received);
        let missing = expected.saturating_sub(received);
        let fraction_lost = (missing * 256).checked_div(expected).unwrap_or(0).min(255) as u8;
        let middle = |(came, info): (Instant, SenderInfo)| (info.ntp.middle(), now.saturating_duration_since(came));
        let (last_sr, delay) = self.reported.map_or((0, Duration::ZERO), middle);
        Some(ReportBlock {
            ssrc,
            fraction_lost,
            lost: lost.clamp(i32::MIN.into(), i32::MAX.into()) as i32,
            // What began one cycle up here is told from zero.
            highest: (numbers.highest - CYCLE) as u32,
            jitter,
            last_sr,
            delay,
        })
    }

    /// How many packets were lost since the source started; less than none where more came than were sent.
    pub fn lost(&self) -> i64 {
        let lost = |numbers: &Numbers| numbers.expected() as i64 - numbers.received as i64;
        self.numbers.as_ref().map_or(0, lost)
    }

    /// How many packets have come.
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// How many bytes they had.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How unevenly they arrive (RFC 3550 section 6.4.1).
    pub fn jitter(&self) -> Duration {
        duration(self.jitter.ticks(), self.jitter.clock_rate())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Ntp;

    fn take(reception: &mut Reception, now: Instant, seqs: impl IntoIterator<Item = u16>) -> Vec<Option<u64>> {
        let header = |seq| Header {
            seq,
            ..Header::default()
        };
        seqs.into_iter()
            .map(|seq| reception.handle_packet(now, &header(seq), 100))
            .collect()
    }

    #[test]
    fn losses_are_told_as_rfc_3550_a_3_reckons_them() {
        let now = Instant::now();
        let mut reception = Reception::new(90_000);
        assert_eq!(reception.report(now, 7), None);
        // Every fourth is lost, across where numbers wrap.
        take(
            &mut reception,
            now,
            (0..100).filter(|at| at % 4 != 1).map(|at| 65_500_u16.wrapping_add(at)),
        );
        let block = reception.report(now, 7).unwrap();
        assert_eq!((block.ssrc, block.fraction_lost, block.lost), (7, 64, 25));
        assert_eq!(block.highest, 65_536 + 63);
        take(&mut reception, now, 64..=80);
        let block = reception.report(now, 7).unwrap();
        assert_eq!((block.fraction_lost, block.lost), (0, 25));
        assert_eq!(
            reception.report(now, 7).unwrap().fraction_lost,
            0,
            "nothing was expected"
        );
        assert_eq!(
            (reception.packets(), reception.bytes(), reception.lost()),
            (92, 9_200, 25)
        );
    }

    #[test]
    fn duplicates_make_up_for_losses_and_more() {
        let now = Instant::now();
        let mut reception = Reception::new(90_000);
        take(&mut reception, now, [1, 1, 1, 2]);
        let block = reception.report(now, 7).unwrap();
        assert_eq!((block.fraction_lost, block.lost), (0, -2));
    }

    #[test]
    fn numbers_go_on_across_wraps_and_back_to_what_is_late() {
        let now = Instant::now();
        let mut reception = Reception::new(90_000);
        let numbers = take(&mut reception, now, [65_535, 0, 65_534, 2_999, 1_999, 1_998, 5_999]);
        assert_eq!(numbers[..5], [131_071, 131_072, 131_070, 134_071, 133_071].map(Some));
        assert_eq!(numbers[5..], [None, None], "too old, and too new");
        assert_eq!(reception.number(65_533), Some(131_069));
        assert_eq!(Reception::new(90_000).number(1), None);
    }

    #[test]
    fn a_source_that_jumps_has_started_anew_once_two_packets_follow_each_other() {
        let now = Instant::now();
        let mut reception = Reception::new(90_000);
        take(&mut reception, now, [1, 2, 3]);
        assert_eq!(
            take(&mut reception, now, [30_000, 50_000, 4]),
            [None, None, Some(65_540)]
        );
        assert_eq!(
            take(&mut reception, now, [50_001, 50_002]),
            [Some(3 * CYCLE + 50_001), Some(3 * CYCLE + 50_002)]
        );
        let block = reception.report(now, 7).unwrap();
        assert_eq!(
            (block.lost, block.fraction_lost, block.highest),
            (0, 0, 2 * 65_536 + 50_002)
        );
        assert_eq!(reception.packets(), 6);
    }

    #[test]
    fn a_report_says_which_one_of_the_source_came_last_and_when() {
        let now = Instant::now();
        let mut reception = Reception::new(90_000);
        take(&mut reception, now, [1]);
        assert_eq!(reception.report(now, 7).unwrap().last_sr, 0);
        let info = SenderInfo {
            ntp: Ntp(0xb44d_b705_2000_0000),
            ..SenderInfo::default()
        };
        reception.handle_report(now, info);
        let block = reception.report(now + Duration::from_millis(5_250), 7).unwrap();
        assert_eq!(
            (block.last_sr, block.delay),
            (0xb705_2000, Duration::from_millis(5_250))
        );
        assert_eq!(reception.reported(), Some((now, info)));
    }
}
