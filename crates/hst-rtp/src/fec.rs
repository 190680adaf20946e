//! Forward error correction: packets out of which one that was lost can be computed (FlexFEC as browsers speak it, which is
//! draft-ietf-payload-flexible-fec-scheme-03; RFC 8627 writes it in another way).

mod protection;

pub use protection::Protection;

use crate::{
    FIXED_HEADER,
    wire::{u16_at, u32_at},
};

/// The header with the shortest mask, of 15 bits; those of 46 and of 109 bits are longer.
const SHORTEST: usize = 20;
/// The bytes of the mask's parts, of which there are one, two or three.
const MASKS: [usize; 3] = [2, 4, 8];
/// Of each part of the mask: that it is the last.
const IS_LAST: u8 = 0x80;
const VERSION: u8 = 0x80;

/// What a repair packet carries: the bytes of all packets that it protects, each added to the others without carry (XOR).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repair<'a> {
    /// The source that it protects.
    pub ssrc: u32,
    base: u16,
    /// Which of the numbers from the base on it protects: the first is the highest bit.
    mask: u128,
    /// What stands for the packets' first bytes, their lengths and their timestamps.
    header: &'a [u8; 8],
    /// What stands for all behind the fixed header.
    rest: &'a [u8],
}

impl<'a> Repair<'a> {
    /// Reads the payload of a repair packet; `None` where it is none, protects nothing, or more than one source.
    pub fn parse(payload: &'a [u8]) -> Option<Self> {
        let header: &[u8; 8] = payload.first_chunk()?;
        // Two bits of it say that it is no retransmission and that its mask is flexible; how many sources follows.
        if header[0] & 0xc0 != 0 || *payload.get(8)? != 1 {
            return None;
        }
        let ssrc = u32_at(payload, 12)?;
        let base = u16_at(payload, 16)?;
        let (mut mask, mut bits, mut end) = (0_u128, 0, SHORTEST - 2);
        for len in MASKS {
            let part = payload.get(end..end + len)?;
            let part_bits = len as u32 * 8 - 1;
            let value = part.iter().fold(0_u128, |value, byte| value << 8 | u128::from(*byte));
            mask = mask << part_bits | value & ((1 << part_bits) - 1);
            (bits, end) = (bits + part_bits, end + len);
            if part[0] & IS_LAST != 0 {
                let mask = mask << (u128::BITS - bits);
                return (mask != 0).then_some(Self {
                    ssrc,
                    base,
                    mask,
                    header,
                    rest: &payload[end..],
                });
            }
        }
        None
    }

    /// The sequence numbers of the packets that it protects, at most 109.
    pub fn seqs(&self) -> impl Iterator<Item = u16> + use<> {
        let Self { base, mut mask, .. } = *self;
        std::iter::from_fn(move || {
            let at = mask.leading_zeros();
            mask &= !(1_u128 << 127).checked_shr(at)?;
            Some(base.wrapping_add(at as u16))
        })
    }

    /// The packet with this number, computed from all others that it protects; `None` where they do not belong together.
    ///
    /// They must be as they were when it was made: header extensions that are written later are zero.
    pub fn recover<'b>(&self, seq: u16, others: impl IntoIterator<Item = &'b [u8]>) -> Option<Vec<u8>> {
        let mut packet = vec![0; FIXED_HEADER];
        packet.extend_from_slice(self.rest);
        let [first, second, long, short, timestamp @ ..] = *self.header;
        let mut len = u16::from_be_bytes([long, short]);
        packet[..2].copy_from_slice(&[first, second]);
        packet[4..8].copy_from_slice(&timestamp);
        for other in others {
            let behind = other.len().checked_sub(FIXED_HEADER)?;
            len ^= u16::try_from(behind).ok()?;
            // It is as long as the longest of them.
            let target = packet.get_mut(..other.len())?;
            target.iter_mut().zip(other).for_each(|(byte, other)| *byte ^= other);
        }
        let len = FIXED_HEADER + usize::from(len);
        if len > packet.len() {
            return None;
        }
        packet.truncate(len);
        packet[0] = packet[0] & 0x3f | VERSION;
        packet[2..4].copy_from_slice(&seq.to_be_bytes());
        packet[8..FIXED_HEADER].copy_from_slice(&self.ssrc.to_be_bytes());
        Some(packet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One that protects so many bits of this mask, with nothing behind its header.
    fn repair(mask: &[u8]) -> Vec<u8> {
        [&[0; 8][..], &[1, 0, 0, 0, 0, 0, 0, 9, 0xff, 0xfe], mask].concat()
    }

    fn seqs(mask: &[u8]) -> Option<Vec<u16>> {
        Some(Repair::parse(&repair(mask))?.seqs().collect())
    }

    #[test]
    fn each_of_the_three_masks_names_the_packets_from_the_base_on() {
        assert_eq!(seqs(&[0xc0, 0x01]), Some(vec![0xfffe, 12]));
        let second = [0x40, 0x01, 0xc0, 0, 0, 0x01];
        assert_eq!(seqs(&second), Some(vec![0xfffe, 12, 13, 43]));
        let third = [&[0, 0, 0, 0, 0, 1, 0xc0][..], &[0; 6], &[1]].concat();
        assert_eq!(seqs(&third), Some(vec![43, 44, 106]));
        let all = [&[0x7f, 0xff, 0x7f][..], &[0xff; 11]].concat();
        assert_eq!(seqs(&all).map(|all| all.len()), Some(109));
    }

    #[test]
    fn what_is_no_repair_is_none() {
        let good = [&repair(&[0xc0, 0])[..], b"rest"].concat();
        assert!(Repair::parse(&good).is_some());
        for (what, at, value) in [
            ("it is a retransmission", 0, 0x80),
            ("its mask is of the other kind", 0, 0x40),
            ("no source", 8, 0),
            ("two sources", 8, 2),
            ("it protects nothing", 18, 0x80),
        ] {
            let mut bad = good.clone();
            bad[at] = value;
            assert_eq!(Repair::parse(&bad), None, "{what}");
        }
        assert!((0..SHORTEST).all(|len| Repair::parse(&good[..len]).is_none()));
        assert_eq!(seqs(&[0; 14]), None, "the mask has no end");
    }

    #[test]
    fn packets_that_do_not_belong_together_give_none() {
        let bytes = [&repair(&[0xe0, 0])[..], &[0; 8]].concat();
        let repair = Repair::parse(&bytes).expect("one that is well-formed");
        assert!(repair.recover(1, [&[0x80; 20][..]]).is_some());
        assert_eq!(repair.recover(1, [&[0x80; 21][..]]), None, "longer than the longest");
        assert_eq!(repair.recover(1, [&[0x80; 11][..]]), None, "no packet");
    }
}
