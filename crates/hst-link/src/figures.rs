use std::time::Duration;

/// What a link has carried since it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Figures {
    /// The time to the peer and back, smoothed.
    pub round_trip: Duration,
    /// Datagrams handed to the sender.
    pub datagrams_offered: u64,
    /// Those of them that have left. The others wait, for 50 ms at most, or were dropped from a full queue.
    pub datagrams_sent: u64,
    /// How many bytes of datagrams may be handed over before the oldest that wait are dropped.
    pub datagram_space: u64,
    /// Datagrams that have come.
    pub datagrams_arrived: u64,
    /// Those of them that the receiver gave out. The others wait, or were dropped from a full queue.
    pub datagrams_taken: u64,
    /// QUIC packets that have left; one carries one large datagram, or several small ones.
    pub packets_sent: u64,
    /// Those of them that the peer did not acknowledge in time.
    pub packets_lost: u64,
    /// Bytes sent, with all that is wrapped around them up to UDP.
    pub bytes_sent: u64,
    /// Bytes received, likewise.
    pub bytes_received: u64,
}
