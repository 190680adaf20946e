use crate::{
    extension,
    wire::{u16_at, u32_at},
};

/// The length of a header that has neither contributing sources nor extensions.
pub const FIXED_HEADER: usize = 12;

const VERSION: u8 = 2 << 6;
const HAS_PADDING: u8 = 0x20;
const HAS_EXTENSIONS: u8 = 0x10;
const MARKER: u8 = 0x80;

/// What every RTP packet says of itself (RFC 3550 section 5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Header {
    /// Of a picture, that this is its last packet; of a sound, that it begins to speak.
    pub marker: bool,
    /// 7 bits.
    pub payload_type: u8,
    /// One more than that of the packet before.
    pub seq: u16,
    /// When it was sampled, in ticks of the payload's clock.
    pub timestamp: u32,
    /// The source.
    pub ssrc: u32,
}

/// What the first byte of a packet says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct First {
    pub(crate) has_padding: bool,
    pub(crate) has_extensions: bool,
    pub(crate) csrc_count: usize,
}

impl First {
    /// `None` where it is no RTP of version 2.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let first = *bytes.first()?;
        (first & 0xc0 == VERSION).then_some(Self {
            has_padding: first & HAS_PADDING != 0,
            has_extensions: first & HAS_EXTENSIONS != 0,
            csrc_count: usize::from(first & 0x0f),
        })
    }
}

impl Header {
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let second = *bytes.get(1)?;
        Some(Self {
            marker: second & MARKER != 0,
            payload_type: second & !MARKER,
            seq: u16_at(bytes, 2)?,
            timestamp: u32_at(bytes, 4)?,
            ssrc: u32_at(bytes, 8)?,
        })
    }

    /// Writes it over that of a packet, whose extensions and payload stay: a packet is written once, and then goes to each of
    /// its receivers under that one's numbers.
    ///
    /// # Panics
    /// The packet is shorter than a header.
    pub fn patch(&self, packet: &mut [u8]) {
        let packet: &mut [u8; FIXED_HEADER] = packet.first_chunk_mut().expect("a packet has a header");
        packet[1] = self.second();
        packet[2..4].copy_from_slice(&self.seq.to_be_bytes());
        packet[4..8].copy_from_slice(&self.timestamp.to_be_bytes());
        packet[8..].copy_from_slice(&self.ssrc.to_be_bytes());
    }

    fn second(&self) -> u8 {
        let marker = if self.marker { MARKER } else { 0 };
        marker | self.payload_type & !MARKER
    }
}

/// Appends a header without contributing sources, and with extensions where there are some (RFC 8285): each an identifier that
/// was agreed on, and its value. They take the one-byte form where all fit that.
///
/// What fits no form, with identifier 0 or with more than 255 bytes, and what is beyond
/// [`MAX_EXTENSIONS`](crate::MAX_EXTENSIONS) bytes of all together is left out.
pub fn write_header<'a, E>(out: &mut Vec<u8>, header: Header, extensions: E)
where
    E: IntoIterator<Item = (u8, &'a [u8])>,
    E::IntoIter: Clone,
{
    let start = out.len();
    let mut fixed = [VERSION; FIXED_HEADER];
    header.patch(&mut fixed);
    out.extend_from_slice(&fixed);
    if extension::write(out, extensions.into_iter()) {
        out[start] |= HAS_EXTENSIONS;
    }
}

/// Appends a whole packet that has no payload but so much padding, at least a byte: it probes a network, or keeps a path open.
pub fn write_padding<'a, E>(out: &mut Vec<u8>, header: Header, extensions: E, len: u8)
where
    E: IntoIterator<Item = (u8, &'a [u8])>,
    E::IntoIter: Clone,
{
    let start = out.len();
    write_header(out, header, extensions);
    out[start] |= HAS_PADDING;
    let len = len.max(1);
    out.resize(out.len() + usize::from(len) - 1, 0);
    out.push(len);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Packet;

    const HEADER: Header = Header {
        marker: true,
        payload_type: 96,
        seq: 0x0102,
        timestamp: 0x0304_0506,
        ssrc: 0x0708_090a,
    };

    #[test]
    fn a_header_is_written_as_rfc_3550_draws_it() {
        let mut out = vec![0xff];
        write_header(&mut out, HEADER, []);
        assert_eq!(out[1..], [0x80, 0xe0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    }

    #[test]
    fn a_packet_takes_the_numbers_of_each_receiver_and_keeps_the_rest() {
        let mut out = Vec::new();
        write_header(&mut out, HEADER, [(3, &[0xaa, 0xbb][..])]);
        out.extend(*b"payload");
        let other = Header {
            marker: false,
            payload_type: 127,
            seq: 7,
            timestamp: 8,
            ssrc: 9,
        };
        other.patch(&mut out);
        let packet = Packet::parse(&out).unwrap();
        assert_eq!(packet.header, other);
        assert_eq!(packet.extension(3), Some(&[0xaa, 0xbb][..]));
        assert_eq!(packet.payload, b"payload");
    }

    #[test]
    fn padding_is_no_payload() {
        for (asked, len) in [(0, 1), (1, 1), (255, 255)] {
            let mut out = Vec::new();
            write_padding(&mut out, HEADER, [(1, &[5][..])], asked);
            let packet = Packet::parse(&out).unwrap();
            assert!(packet.payload.is_empty());
            assert_eq!(out.len(), packet.header_len + len);
            assert_eq!(packet.extension(1), Some(&[5][..]));
        }
    }
}
