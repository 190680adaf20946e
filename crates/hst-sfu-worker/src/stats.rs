use std::time::Duration;

use hst_sfu::{Flow, Freezes, PeerId, TrackId};

/// What a room has done so far, and what flows in it at present.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RoomStats {
    /// How many peers are connected.
    pub peers: usize,
    /// The tracks that are published at present.
    pub tracks: Vec<TrackStats>,
    /// Who receives which of them.
    pub lines: Vec<LineStats>,
    /// How many packets went to receivers.
    pub forwarded_packets: u64,
    /// Their payload, in bytes.
    pub forwarded_bytes: u64,
}

impl RoomStats {
    /// Together with what another thread tells of the same room.
    pub(crate) fn and(mut self, mut other: Self) -> Self {
        self.tracks.append(&mut other.tracks);
        self.lines.append(&mut other.lines);
        Self {
            peers: self.peers + other.peers,
            forwarded_packets: self.forwarded_packets + other.forwarded_packets,
            forwarded_bytes: self.forwarded_bytes + other.forwarded_bytes,
            ..self
        }
    }
}

/// What a published track has brought so far.
#[derive(Debug, Clone, Copy, PartialEq)]
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
    /// What comes at present.
    pub flow: Flow,
    /// How well it comes.
    pub path: Path,
}

/// What one receiver gets of a track.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LineStats {
    /// Who receives.
    pub peer: PeerId,
    /// The track.
    pub track: TrackId,
    /// What he gets at present.
    pub flow: Flow,
    /// Packets that went to him, retransmissions included, as of a moment ago.
    pub packets: u64,
    /// How often he asked for packets again.
    pub nacks: u64,
    /// How often he asked for a keyframe.
    pub keyframe_requests: u64,
    /// How often its pictures stood still, by when they went to him.
    pub freezes: Freezes,
    /// Bits in a second that his network carries, all he receives together; `None` is not known.
    pub estimate: Option<u64>,
    /// How well it reaches him, as he reports.
    pub path: Path,
}

/// How packets fare on their way, as of a moment ago.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Path {
    /// Packets that never arrived at the client; `None` until he reports, and of what comes from him, whose share alone is
    /// known.
    pub lost: Option<u64>,
    /// The share of packets that never arrived lately, from 0 to 1.
    pub loss_rate: f32,
    /// How unevenly they arrive (RFC 3550 section 6.4.1).
    pub jitter: Duration,
    /// To the client and back; `None` until it was measured.
    pub round_trip: Option<Duration>,
}
