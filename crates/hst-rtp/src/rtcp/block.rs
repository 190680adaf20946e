use std::time::Duration;

use crate::{
    ntp::{from_short, to_short},
    wire::{put_u24, put_u32},
};

/// How long a block is.
pub(crate) const LEN: usize = 24;

/// How the packets of a source are received (RFC 3550 section 6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ReportBlock {
    /// The source.
    pub ssrc: u32,
    /// Which share was lost since the last report, in 1/256.
    pub fraction_lost: u8,
    /// How many were lost ever; with duplicates it may be negative. 24 bits.
    pub lost: i32,
    /// The highest sequence number, with how often it wrapped above it.
    pub highest: u32,
    /// How unevenly they arrive, in ticks of their timestamps.
    pub jitter: u32,
    /// The middle of the NTP time of the source's last report; zero where none has come.
    pub last_sr: u32,
    /// How long ago that came, in steps of 1/65536 s.
    pub delay: Duration,
}

impl ReportBlock {
    fn read(bytes: &[u8; LEN]) -> Self {
        let (words, _) = bytes.as_chunks::<4>();
        let word = |at: usize| u32::from_be_bytes(words[at]);
        Self {
            ssrc: word(0),
            fraction_lost: bytes[4],
            // The lowest 24 bits, with their sign.
            lost: (word(1) << 8) as i32 >> 8,
            highest: word(2),
            jitter: word(3),
            last_sr: word(4),
            delay: from_short(word(5)),
        }
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        put_u32(out, self.ssrc);
        out.push(self.fraction_lost);
        put_u24(out, self.lost.clamp(-0x0080_0000, 0x007f_ffff) as u32);
        put_u32(out, self.highest);
        put_u32(out, self.jitter);
        put_u32(out, self.last_sr);
        put_u32(out, to_short(self.delay));
    }
}

/// The blocks of a report, at most 31.
#[derive(Debug, Clone)]
pub struct Blocks<'a>(std::slice::Iter<'a, [u8; LEN]>);

impl<'a> Blocks<'a> {
    /// Takes so many blocks, and passes over what an extension of the profile puts behind them.
    pub(crate) fn read(count: u8, bytes: &'a [u8]) -> Option<Self> {
        let (blocks, _) = bytes.as_chunks();
        Some(Self(blocks.get(..count.into())?.iter()))
    }
}

impl Iterator for Blocks<'_> {
    type Item = ReportBlock;

    fn next(&mut self) -> Option<ReportBlock> {
        self.0.next().map(ReportBlock::read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_losses_that_does_not_fit_is_the_nearest_that_does() {
        for (lost, told) in [
            (i32::MAX, 0x7f_ffff),
            (-0x80_0001, -0x80_0000),
            (0x80_0000, 0x7f_ffff),
            (-1, -1),
        ] {
            let mut out = Vec::new();
            let block = ReportBlock {
                lost,
                ..ReportBlock::default()
            };
            block.write(&mut out);
            let read = Blocks::read(1, &out).unwrap().next().unwrap();
            assert_eq!(read.lost, told);
        }
    }
}
