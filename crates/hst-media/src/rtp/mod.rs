//! What every engine over RTP does alike: frames into packets and packets into frames, without a socket and without a
//! clock of its own.

mod assemble;
mod counters;
mod freezes;
mod incoming;
mod outgoing;
mod packetize;
mod red;
mod reorder;
#[cfg(test)]
mod tests;

use bytes::Bytes;

use crate::Level;

pub use counters::Counters;
pub use incoming::{Feedback, Incoming};
pub use outgoing::{BURST, BURST_INTERVAL, Outgoing};
pub use red::Echo;

/// What an RTP packet says of its frame (RFC 3550 section 5.1).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Packet {
    /// The sequence number; only the lowest 16 bits of it travel.
    pub sequence: u64,
    /// The timestamp, in ticks of the codec's clock.
    pub timestamp: u32,
    /// Whether it is the last packet of a picture.
    pub marker: bool,
    /// How loud its sound is, in a header extension (RFC 6464).
    pub level: Option<Level>,
    /// The payload, without padding.
    pub payload: Bytes,
}
