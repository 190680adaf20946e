use super::{IS_LAST, MASKS};
use crate::{
    FIXED_HEADER, Packet,
    wire::{put_u16, put_u32},
};

/// So many numbers from the first on a mask can name.
const REACH: u16 = 109;

/// The sum of packets of one source. It goes out as what a repair packet carries: with it, any one of them that is lost can be
/// computed from the others.
#[derive(Debug, Clone, Default)]
pub struct Protection {
    /// Of whole packets, as long as the longest. Where their numbers and their source stand it means nothing.
    sum: Vec<u8>,
    len: u16,
    ssrc: u32,
    base: u16,
    mask: u128,
}

impl Protection {
    /// Adds a packet as it is sent, but for header extensions that are written later, which are zero. Says whether that was
    /// possible: it is not for what is no packet or longer than 64 KiB, is of another source than the first, is there already, or
    /// is not among the 109 numbers from the first on.
    pub fn add(&mut self, packet: &[u8]) -> bool {
        let header = Packet::parse_header(packet).map(|packet| packet.header);
        let len = packet.len().checked_sub(FIXED_HEADER).map(u16::try_from);
        let (Some(header), Some(Ok(len))) = (header, len) else {
            return false;
        };
        if self.is_empty() {
            (self.ssrc, self.base) = (header.ssrc, header.seq);
        }
        let at = header.seq.wrapping_sub(self.base);
        if at >= REACH || header.ssrc != self.ssrc {
            return false;
        }
        let bit = 1 << (u128::BITS - 1) >> at;
        if self.mask & bit != 0 {
            return false;
        }
        self.mask |= bit;
        self.len ^= len;
        self.sum.resize(self.sum.len().max(packet.len()), 0);
        self.sum.iter_mut().zip(packet).for_each(|(sum, byte)| *sum ^= byte);
        true
    }

    /// How many packets were added.
    pub fn len(&self) -> usize {
        self.mask.count_ones() as usize
    }

    /// Whether none was.
    pub fn is_empty(&self) -> bool {
        self.mask == 0
    }

    /// Appends what a repair packet for them carries, nothing where there are none, and begins anew.
    pub fn write(&mut self, out: &mut Vec<u8>) {
        if self.is_empty() {
            return;
        }
        out.extend_from_slice(&[self.sum[0] & 0x3f, self.sum[1]]);
        put_u16(out, self.len);
        out.extend_from_slice(&self.sum[4..8]);
        // One source.
        out.extend_from_slice(&[1, 0, 0, 0]);
        put_u32(out, self.ssrc);
        put_u16(out, self.base);
        let mut mask = self.mask;
        for len in MASKS {
            let bits = len as u32 * 8 - 1;
            let start = out.len();
            let part = (mask >> (u128::BITS - bits)) as u64;
            out.extend_from_slice(&part.to_be_bytes()[8 - len..]);
            mask <<= bits;
            if mask == 0 {
                out[start] |= IS_LAST;
                break;
            }
        }
        out.extend_from_slice(&self.sum[FIXED_HEADER..]);
        self.clear();
    }

    /// Forgets what was added.
    pub fn clear(&mut self) {
        (self.mask, self.len) = (0, 0);
        self.sum.clear();
    }
}
