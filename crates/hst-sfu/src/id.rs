/// A participant, numbered by whoever drives the router. One peer may publish tracks and receive others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub u64);

/// One published stream, numbered by whoever drives the router.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrackId(pub u64);

/// One outgoing RTP stream: a peer and the index of the line (the m-line, in WebRTC) on which it receives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineId {
    /// Who receives.
    pub peer: PeerId,
    /// On which of his lines.
    pub slot: u16,
}
