use crate::{Format, LineId, TrackId, Vp8Ids};

/// What the driver has to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Output {
    /// Send the packet that was just handled on a line.
    Forward(Forward),
    /// Ask the publisher of this track for a keyframe.
    RequestKeyframe(TrackId),
    /// The track on this line comes in a format which its receiver has not negotiated, so nothing is forwarded.
    /// Said once each time the track (re)starts in such a format.
    Unsupported {
        /// The line that stays silent.
        line: LineId,
        /// The track it should carry.
        track: TrackId,
        /// The format the track comes in.
        format: Format,
    },
}

/// The header of a forwarded packet; its payload and marker are those of the packet just handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forward {
    /// Where it goes.
    pub line: LineId,
    /// Its sequence number, extended past the 16 bits of the wire. A line starts at 1, goes on without a gap
    /// across a switch of track, and never uses a number twice (which would break the encryption of SRTP).
    pub seq: u64,
    /// Its timestamp.
    pub timestamp: u32,
    /// The ids to write into the VP8 payload descriptor, or `None` if it may stay as it is.
    pub vp8: Option<Vp8Ids>,
}
