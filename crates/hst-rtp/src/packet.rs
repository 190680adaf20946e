use std::ops::Range;

use crate::{Extensions, FIXED_HEADER, Header, extension::BLOCK_HEADER, header::First, wire::words};

/// A plain RTP packet, read where it lies (RFC 3550 section 5.1).
#[derive(Debug, Clone)]
pub struct Packet<'a> {
    /// What it says of itself.
    pub header: Header,
    /// Behind so many bytes the payload begins.
    pub header_len: usize,
    /// What it carries, without padding.
    pub payload: &'a [u8],
    csrcs: &'a [u8],
    extensions: Extensions<'a>,
}

impl<'a> Packet<'a> {
    /// Reads a packet; `None` where it is none.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (mut packet, first) = Self::head(bytes)?;
        if first.has_padding {
            let padding = usize::from(*packet.payload.last()?);
            let len = packet.payload.len().checked_sub(padding).filter(|_| padding != 0)?;
            packet.payload = &packet.payload[..len];
        }
        Some(packet)
    }

    /// Reads a packet that may be encrypted, which its header is not: its payload is whatever comes behind that.
    pub fn parse_header(bytes: &'a [u8]) -> Option<Self> {
        Some(Self::head(bytes)?.0)
    }

    fn head(bytes: &'a [u8]) -> Option<(Self, First)> {
        let first = First::read(bytes)?;
        let header = Header::read(bytes)?;
        let csrcs = bytes.get(FIXED_HEADER..FIXED_HEADER + first.csrc_count * 4)?;
        let mut header_len = FIXED_HEADER + csrcs.len();
        let mut extensions = Extensions::NONE;
        if first.has_extensions {
            let (block, len) = Extensions::parse(&bytes[header_len..])?;
            extensions = block;
            header_len += len;
        }
        let packet = Self {
            header,
            header_len,
            payload: &bytes[header_len..],
            csrcs,
            extensions,
        };
        Some((packet, first))
    }

    /// The sources that were mixed into it, at most 15.
    pub fn csrcs(&self) -> impl Iterator<Item = u32> + '_ {
        words(self.csrcs)
    }

    /// Its header extensions.
    pub fn extensions(&self) -> Extensions<'a> {
        self.extensions.clone()
    }

    /// The value of one of them.
    pub fn extension(&self, id: u8) -> Option<&'a [u8]> {
        self.extensions()
            .find(|(other, _)| *other == id)
            .map(|(_, value)| value)
    }

    /// Where in the packet that value stands, for who writes another one of the same length over it.
    pub fn extension_range(&self, id: u8) -> Option<Range<usize>> {
        let mut extensions = self.extensions();
        let (_, range) = std::iter::from_fn(|| extensions.next_range()).find(|(other, _)| *other == id)?;
        let block = FIXED_HEADER + self.csrcs.len() + BLOCK_HEADER;
        Some(block + range.start..block + range.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With two contributing sources, extensions 1 and 5, a payload of three bytes, and two of padding.
    const WHOLE: [u8; 37] = [
        0xb2, 0x60, 0, 7, 0, 0, 0x0b, 0xb8, 0, 0, 0, 9, // fixed
        0, 0, 0, 1, 0, 0, 0, 2, // contributing sources
        0xbe, 0xde, 0, 2, 0x10, 0x85, 0, 0, 0x51, 0x12, 0x34, 0, // extensions
        b'a', b'b', b'c', 0, 2,
    ];

    #[test]
    fn every_part_of_a_packet_is_read() {
        let packet = Packet::parse(&WHOLE).unwrap();
        let header = Header {
            marker: false,
            payload_type: 96,
            seq: 7,
            timestamp: 3000,
            ssrc: 9,
        };
        assert_eq!(packet.header, header);
        assert!(packet.csrcs().eq([1, 2]));
        assert!(packet.extensions().eq([(1, &[0x85][..]), (5, &[0x12, 0x34])]));
        assert_eq!((packet.header_len, packet.payload), (32, &b"abc"[..]));
        assert_eq!(Packet::parse_header(&WHOLE).unwrap().payload, b"abc\0\x02");
    }

    #[test]
    fn the_place_of_a_value_is_known() {
        let packet = Packet::parse(&WHOLE).unwrap();
        let range = packet.extension_range(5).unwrap();
        assert_eq!(WHOLE[range], [0x12, 0x34]);
        assert_eq!(packet.extension_range(2), None);
        assert_eq!(packet.extension(2), None);
    }

    #[test]
    fn whatever_is_cut_off_is_no_packet() {
        for len in 0..32 {
            assert!(Packet::parse(&WHOLE[..len]).is_none(), "{len}");
        }
    }

    #[test]
    fn padding_that_cannot_be_makes_no_packet() {
        for (last, is_packet) in [(0, false), (1, true), (5, true), (6, false)] {
            let mut bytes = WHOLE;
            bytes[36] = last;
            assert_eq!(Packet::parse(&bytes).is_some(), is_packet, "{last}");
        }
    }

    #[test]
    fn another_version_is_no_packet() {
        for version in [0, 1, 3] {
            let mut bytes = WHOLE;
            bytes[0] = bytes[0] & 0x3f | version << 6;
            assert!(Packet::parse(&bytes).is_none());
        }
    }
}
