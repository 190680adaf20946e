use crate::{Codec, Format};

/// One received RTP packet, decrypted and repaired: a retransmission (RTX) comes as the packet it repeats.
#[derive(Debug, Clone, Copy)]
pub struct Packet<'a> {
    /// The publisher's synchronisation source. When it changes, the track has started anew.
    pub ssrc: u32,
    /// The publisher's sequence number.
    pub seq: u16,
    /// The publisher's timestamp, in ticks of [`Codec::clock_rate`].
    pub timestamp: u32,
    /// What the payload is.
    pub codec: Codec,
    /// The payload format negotiated with the publisher.
    pub format: Format,
    /// The payload, without RTP header and padding. Only its first bytes are read.
    pub payload: &'a [u8],
}
