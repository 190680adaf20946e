use hst_sfu::{PeerId, TrackId};

/// What a room has done so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoomStats {
    /// How many peers are connected.
    pub peers: usize,
    /// The tracks that are published at present.
    pub tracks: Vec<TrackStats>,
    /// How many packets went to receivers.
    pub forwarded_packets: u64,
    /// Their payload, in bytes.
    pub forwarded_bytes: u64,
}

/// What a published track has brought so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrackStats {
    /// The track.
    pub track: TrackId,
    /// Its publisher.
    pub peer: PeerId,
    /// How many packets came.
    pub packets: u64,
    /// Their payload, in bytes.
    pub bytes: u64,
    /// How often the publisher was asked for a keyframe.
    pub keyframe_requests: u64,
}
