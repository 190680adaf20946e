use std::{ops::RangeInclusive, sync::Arc, time::Duration};

use quinn::{IdleTimeout, TransportConfig, VarInt};

use crate::window::FixedWindow;

/// The most bytes of a frame.
pub const MAX_FRAME: usize = 64 * 1024;
/// A datagram of this many bytes fits into a packet of every link that stands, from its first moment to its last: an RTP
/// packet of 1,200 bytes, and 40 to say whose it is.
pub const ALWAYS_FITS: usize = 1240;
/// A peer of whom nothing was heard for this long is gone.
pub const IDLE: Duration = Duration::from_secs(6);

/// After so long without a word the peer is asked for one, again and again.
const KEEP_ALIVE: Duration = Duration::from_secs(2);
/// What QUIC calls idle is counted from the first question (RFC 9000, section 10.1).
const UNANSWERED: Duration = Duration::from_secs(4);
/// What a path must carry for a link to stand, in bytes of UDP payload: what `ALWAYS_FITS` comes to. A tunnel over Ethernet
/// carries it, and more is taken when the path was found to.
const LEAST_MTU: u16 = 1280;
/// What the peer may have sent on the stream of frames that nobody has read yet, in bytes. When it is full, the peer's
/// `send` waits.
const FRAMES_RECEIVED: u32 = 4 * MAX_FRAME as u32;
/// What was sent there and the peer has not acknowledged yet. When it is full, `send` waits.
const FRAMES_SENT: u64 = 4 * MAX_FRAME as u64;
/// How much of the link's share, as a time, waits in a queue of datagrams. Later than that, a picture is of no use.
const QUEUE: Duration = Duration::from_millis(50);
/// Bounds for the same in bytes: a burst on a narrow link, and the memory that one peer may hold.
const QUEUE_BYTES: RangeInclusive<u64> = 256 * 1024..=8 * 1024 * 1024;

/// What a node says of itself, and how much of the network a link of its may take.
#[derive(Debug, Clone)]
pub struct Config {
    /// The life of this node, as the cluster counts lives. Links only carry it.
    pub epoch: u64,
    /// The versions of what the caller speaks over links, oldest to newest. Of those that both sides speak, the newest
    /// counts. Nodes of two releases understand each other when each speaks its own version and the one before.
    pub versions: RangeInclusive<u16>,
    /// What one link may send, in bits a second. It is kept to whatever gets lost, so it must be provisioned.
    pub share: u64,
}

/// `streams` is how many the peer may open: one where it dialled, none where it answers.
pub(crate) fn transport(share: u64, streams: u32) -> Arc<TransportConfig> {
    let queue = queue(share);
    let mut config = TransportConfig::default();
    config
        .keep_alive_interval(Some(KEEP_ALIVE))
        .max_idle_timeout(Some(IdleTimeout::try_from(UNANSWERED).expect("a few seconds")))
        .initial_mtu(LEAST_MTU)
        .min_mtu(LEAST_MTU)
        .stream_receive_window(FRAMES_RECEIVED.into())
        .receive_window(FRAMES_RECEIVED.into())
        .send_window(FRAMES_SENT)
        .max_concurrent_bidi_streams(streams.into())
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        // When one of them is full, its oldest datagrams go.
        .datagram_receive_buffer_size(Some(queue))
        .datagram_send_buffer_size(queue)
        .congestion_controller_factory(Arc::new(FixedWindow::new(share)));
    Arc::new(config)
}

pub(crate) fn queue(share: u64) -> usize {
    let bytes = u128::from(share) / 8 * QUEUE.as_millis() / 1000;
    let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
    bytes.clamp(*QUEUE_BYTES.start(), *QUEUE_BYTES.end()) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_peer_is_asked_before_it_is_given_up() {
        assert_eq!(KEEP_ALIVE + UNANSWERED, IDLE);
    }

    #[test]
    fn a_queue_holds_fifty_milliseconds_within_bounds() {
        assert_eq!(queue(0), 256 * 1024);
        assert_eq!(queue(800_000_000), 5_000_000);
        assert_eq!(queue(u64::MAX), 8 * 1024 * 1024);
    }
}
