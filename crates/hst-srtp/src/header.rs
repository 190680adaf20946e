//! What SRTP has to know of a packet before it is authenticated.

use crate::Refused;

/// The clear part of each RTCP packet: its first header with the source (RFC 3711, section 3.4).
pub(crate) const RTCP_HEADER_LEN: usize = 8;
/// The shortest RTP header: without contributing sources and extension.
pub(crate) const RTP_HEADER_LEN: usize = 12;

const VERSION: u8 = 2;
const EXTENSION: u8 = 0x10;

/// The header of an RTP packet (RFC 3550, section 5.1).
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RtpHeader {
    /// Its bytes with contributing sources and extension; the packet has as many.
    pub(crate) len: usize,
    pub(crate) ssrc: u32,
    pub(crate) sequence: u16,
}

impl RtpHeader {
    pub(crate) fn parse(packet: &[u8]) -> Result<Self, Refused> {
        if packet.len() < RTP_HEADER_LEN || packet[0] >> 6 != VERSION {
            return Err(Refused::Malformed);
        }
        let mut len = RTP_HEADER_LEN + 4 * usize::from(packet[0] & 0x0f);
        if packet[0] & EXTENSION != 0 {
            let words = packet.get(len + 2..len + 4).ok_or(Refused::Malformed)?;
            len += 4 + 4 * usize::from(u16::from_be_bytes([words[0], words[1]]));
        }
        if packet.len() < len {
            return Err(Refused::Malformed);
        }
        Ok(Self {
            len,
            ssrc: rtp_ssrc(packet),
            sequence: rtp_sequence(packet),
        })
    }
}

/// The sequence number in an RTP header.
pub(crate) fn rtp_sequence(header: &[u8]) -> u16 {
    u16::from_be_bytes([header[2], header[3]])
}

/// The source in an RTP header.
pub(crate) fn rtp_ssrc(header: &[u8]) -> u32 {
    u32::from_be_bytes([header[8], header[9], header[10], header[11]])
}

/// The source in an RTCP header.
pub(crate) fn rtcp_ssrc(header: &[u8]) -> u32 {
    u32::from_be_bytes([header[4], header[5], header[6], header[7]])
}

/// Whether there is an RTCP header of the version that is in use.
pub(crate) fn is_rtcp(packet: &[u8]) -> bool {
    packet.len() >= RTCP_HEADER_LEN && packet[0] >> 6 == VERSION
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIXED: [u8; 12] = [0x80, 96, 0x12, 0x34, 0, 0, 0, 0, 0xca, 0xfe, 0xba, 0xbe];

    fn with(first: u8, behind: &[u8]) -> Vec<u8> {
        let mut packet = [&FIXED[..], behind].concat();
        packet[0] = first;
        packet
    }

    #[test]
    fn contributing_sources_and_the_extension_belong_to_the_header() {
        let header = RtpHeader::parse(&FIXED).unwrap();
        assert_eq!((header.len, header.ssrc, header.sequence), (12, 0xcafe_babe, 0x1234));
        assert_eq!(RtpHeader::parse(&with(0x82, &[0; 9])).unwrap().len, 20);
        assert_eq!(
            RtpHeader::parse(&with(0x90, &[0xbe, 0xde, 0, 1, 0, 0, 0, 0, 7]))
                .unwrap()
                .len,
            20
        );
        assert_eq!(
            RtpHeader::parse(&with(0x91, &[1, 2, 3, 4, 0xbe, 0xde, 0, 0]))
                .unwrap()
                .len,
            20
        );
    }

    #[test]
    fn a_header_that_claims_more_than_there_is_is_refused() {
        let lies = [
            FIXED[..11].to_vec(),
            with(0x81, &[0; 3]),
            with(0x8f, &[0; 59]),
            with(0x90, &[0xbe, 0xde, 0]),
            with(0x90, &[0xbe, 0xde, 0, 1, 0, 0, 0]),
            with(0x90, &[0xbe, 0xde, 0xff, 0xff, 0, 0, 0, 0]),
            with(0x00, &[0; 40]),
            with(0x40, &[0; 40]),
            with(0xc0, &[0; 40]),
        ];
        for lie in lies {
            assert_eq!(RtpHeader::parse(&lie), Err(Refused::Malformed), "{lie:?}");
        }
    }
}
