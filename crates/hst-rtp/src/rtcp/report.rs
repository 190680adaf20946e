use super::{
    Blocks, ReportBlock,
    frame::{self, kind},
};
use crate::{
    Ntp,
    wire::{put_u32, u32_at, u64_at},
};

/// So many blocks a report may have.
const MAX_BLOCKS: usize = 31;
/// A sender's own figures.
const INFO: usize = 20;

/// What a sender reports of its source, and how it receives others (SR, RFC 3550 section 6.4.1).
#[derive(Debug, Clone)]
pub struct SenderReport<'a> {
    /// The source.
    pub ssrc: u32,
    /// What it has sent.
    pub info: SenderInfo,
    /// How it receives.
    pub blocks: Blocks<'a>,
}

/// What a source has sent so far, and where its clock stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct SenderInfo {
    /// When it was told.
    pub ntp: Ntp,
    /// What the timestamp of a packet would be that was sampled then.
    pub timestamp: u32,
    /// How many packets it has sent.
    pub packets: u32,
    /// How many bytes of payload were in them.
    pub octets: u32,
}

/// How somebody receives (RR, RFC 3550 section 6.4.2).
#[derive(Debug, Clone)]
pub struct ReceiverReport<'a> {
    /// Who reports.
    pub ssrc: u32,
    /// How it receives.
    pub blocks: Blocks<'a>,
}

impl<'a> SenderReport<'a> {
    pub(crate) fn read(count: u8, body: &'a [u8]) -> Option<Self> {
        Some(Self {
            ssrc: u32_at(body, 0)?,
            info: SenderInfo {
                ntp: Ntp(u64_at(body, 4)?),
                timestamp: u32_at(body, 12)?,
                packets: u32_at(body, 16)?,
                octets: u32_at(body, 20)?,
            },
            blocks: Blocks::read(count, body.get(4 + INFO..)?)?,
        })
    }

    /// Appends such a report. Blocks beyond 31 go into receiver reports behind it.
    pub fn write(out: &mut Vec<u8>, ssrc: u32, info: SenderInfo, blocks: impl IntoIterator<Item = ReportBlock>) {
        let mut blocks = blocks.into_iter().peekable();
        frame::write(out, kind::SENDER_REPORT, |out| {
            put_u32(out, ssrc);
            out.extend_from_slice(&info.ntp.0.to_be_bytes());
            put_u32(out, info.timestamp);
            put_u32(out, info.packets);
            put_u32(out, info.octets);
            write_blocks(out, &mut blocks)
        });
        if blocks.peek().is_some() {
            ReceiverReport::write(out, ssrc, blocks);
        }
    }
}

impl<'a> ReceiverReport<'a> {
    pub(crate) fn read(count: u8, body: &'a [u8]) -> Option<Self> {
        Some(Self {
            ssrc: u32_at(body, 0)?,
            blocks: Blocks::read(count, &body[4..])?,
        })
    }

    /// Appends such a report, also one without blocks; as many as are needed where there are more blocks than 31.
    pub fn write(out: &mut Vec<u8>, ssrc: u32, blocks: impl IntoIterator<Item = ReportBlock>) {
        let mut blocks = blocks.into_iter().peekable();
        loop {
            frame::write(out, kind::RECEIVER_REPORT, |out| {
                put_u32(out, ssrc);
                write_blocks(out, &mut blocks)
            });
            if blocks.peek().is_none() {
                break;
            }
        }
    }
}

/// Says how many there were.
fn write_blocks(out: &mut Vec<u8>, blocks: &mut impl Iterator<Item = ReportBlock>) -> u8 {
    let mut count = 0;
    for block in blocks.take(MAX_BLOCKS) {
        block.write(out);
        count += 1;
    }
    count
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{super::Compound, super::Message, *};

    const BLOCK: ReportBlock = ReportBlock {
        ssrc: 0xbc5e_9a40,
        fraction_lost: 0x40,
        lost: -2,
        highest: 0x0001_46e1,
        jitter: 273,
        last_sr: 0x09f3_6432,
        delay: Duration::from_millis(1_500),
    };
    const INFO: SenderInfo = SenderInfo {
        ntp: Ntp(0xb44d_b705_2000_0000),
        timestamp: 0x0102_0304,
        packets: 1_000,
        octets: 1_000_000,
    };

    #[test]
    fn a_sender_report_is_written_as_rfc_3550_draws_it() {
        let mut out = Vec::new();
        SenderReport::write(&mut out, 0x1122_3344, INFO, [BLOCK]);
        let figure = [
            0x81, 200, 0, 12, 0x11, 0x22, 0x33, 0x44, // one block, 13 words, the source
            0xb4, 0x4d, 0xb7, 0x05, 0x20, 0, 0, 0, 1, 2, 3, 4, 0, 0, 0x03, 0xe8, 0, 0x0f, 0x42,
            0x40, // what it has sent
            0xbc, 0x5e, 0x9a, 0x40, 0x40, 0xff, 0xff, 0xfe, 0, 1, 0x46, 0xe1, // the block
            0, 0, 1, 0x11, 0x09, 0xf3, 0x64, 0x32, 0, 1, 0x80, 0,
        ];
        assert_eq!(out, figure);
        let message = Compound::new(&figure).next();
        let Some(Message::SenderReport(report)) = message else {
            panic!("{message:?}")
        };
        assert_eq!((report.ssrc, report.info), (0x1122_3344, INFO));
        assert!(report.blocks.eq([BLOCK]));
    }

    #[test]
    fn a_receiver_report_may_be_empty() {
        let mut out = Vec::new();
        ReceiverReport::write(&mut out, 7, []);
        assert_eq!(out, [0x80, 201, 0, 1, 0, 0, 0, 7]);
        let message = Compound::new(&out).next();
        assert!(matches!(
            message,
            Some(Message::ReceiverReport(ReceiverReport { ssrc: 7, .. }))
        ));
    }

    #[test]
    fn more_blocks_than_a_report_holds_go_into_more_reports() {
        let blocks = |count| (0..count).map(|ssrc| ReportBlock { ssrc, ..BLOCK });
        let mut out = Vec::new();
        SenderReport::write(&mut out, 7, INFO, blocks(70));
        let counts: Vec<_> = Compound::new(&out)
            .map(|message| match message {
                Message::SenderReport(report) => report.blocks.count(),
                Message::ReceiverReport(report) => report.blocks.count(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(counts, [31, 31, 8]);
        out.clear();
        ReceiverReport::write(&mut out, 7, blocks(31));
        assert_eq!(Compound::new(&out).count(), 1);
    }

    #[test]
    fn a_report_that_lacks_a_block_is_none() {
        let mut out = Vec::new();
        ReceiverReport::write(&mut out, 7, [BLOCK]);
        out[0] += 1;
        assert_eq!(Compound::new(&out).count(), 0);
    }
}
