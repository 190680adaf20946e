use crate::{Codec, Format};

/// One received RTP packet, decrypted and repaired: a retransmission (RTX) comes as the packet it repeats.
#[derive(Debug, Clone, Copy)]
pub struct Packet<'a> {
    /// Of which encoding of the track it is, of those that are sent side by side (simulcast): numbered from the smallest
    /// on, below [`MAX_ENCODINGS`](crate::MAX_ENCODINGS). A track with one encoding has number 0.
    pub encoding: u8,
    /// The publisher's synchronisation source. When it changes, the encoding has started anew.
    pub ssrc: u32,
    /// The publisher's sequence number.
    pub seq: u16,
    /// The publisher's timestamp, in ticks of [`Codec::clock_rate`].
    pub timestamp: u32,
    /// What the payload is.
    pub codec: Codec,
    /// The payload format negotiated with the publisher.
    pub format: Format,
    /// The dependency descriptor, a header extension, if it has one (appendix A of the AV1 RTP payload specification).
    pub dependency: Option<&'a [u8]>,
    /// How far the sound is below the loudest, in decibels from 0 to 127, if the publisher tells (RFC 6464).
    pub level: Option<u8>,
    /// The payload, without RTP header and padding. Only its first bytes are read.
    pub payload: &'a [u8],
}
