use crate::{BranchId, DescriptorPatch, Encodings, Format, LineId, PeerId, TrackId, Vp8Ids, Word};

/// What the driver has to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Output {
    /// Send a packet that was just handled on a line.
    Forward(Forward),
    /// Pass a packet that was just handled on to a neighbour.
    Relay {
        /// The neighbour.
        branch: BranchId,
        /// Which one: see [`Forward::packet`].
        packet: usize,
        /// What is changed of it; `None` is as it came.
        edit: Option<Edit>,
    },
    /// Tell a neighbour this.
    Tell {
        /// The neighbour.
        branch: BranchId,
        /// The word.
        word: Word,
    },
    /// Ask the publisher of this track, which is published here, for a keyframe of one of its encodings.
    RequestKeyframe {
        /// The track.
        track: TrackId,
        /// Which of its encodings.
        encoding: u8,
    },
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
    /// A picture cannot reach its receiver, because not even the smallest of its layers fits into what his network
    /// carries, or can again.
    Starved {
        /// The line.
        line: LineId,
        /// What it should carry.
        track: TrackId,
        /// Whether it is so from now on.
        is_starved: bool,
    },
    /// These encodings of a track are of use to somebody from now on; its publisher may pause the others. Never said of
    /// a track with one encoding.
    Wanted {
        /// The track.
        track: TrackId,
        /// Those of use.
        encodings: Encodings,
    },
    /// What a receiver whose network has a known limit gets, and would like to get.
    Rates {
        /// The receiver.
        peer: PeerId,
        /// His rates.
        rates: Rates,
    },
}

/// How a packet is changed for a neighbour who gets less of its track than there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edit {
    /// Its sequence number: what was left out is no gap.
    pub seq: u16,
    /// It is the last one of its picture there (the marker bit), whatever the publisher says.
    pub ends_picture: bool,
    /// How its dependency descriptor is to be changed, if it is.
    pub descriptor: Option<DescriptorPatch>,
}

/// What one receiver gets and would like to get, in bits in a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rates {
    /// All that is forwarded to him.
    pub present: u64,
    /// With the next step up of the picture that is to grow next.
    pub next: u64,
    /// Everything in the best quality that he can show.
    pub desired: u64,
}

/// The header of a forwarded packet; its payload is that of the packet that was handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forward {
    /// Where it goes.
    pub line: LineId,
    /// Which packet: those that were handled since there was nothing more to do are counted from 0 on. So it is 0, unless several are
    /// handled before outputs are taken.
    pub packet: usize,
    /// Its sequence number, extended past the 16 bits of the wire. A line starts at 1, goes on without a gap
    /// across a switch of track or layer, and never uses a number twice (which would break the encryption of SRTP).
    pub seq: u64,
    /// Its timestamp.
    pub timestamp: u32,
    /// It is the last one of its picture for this receiver (the marker bit), whatever the publisher says: he sends
    /// larger layers behind it.
    pub ends_picture: bool,
    /// The ids to write into the VP8 payload descriptor, or `None` if it may stay as it is.
    pub vp8: Option<Vp8Ids>,
    /// How its dependency descriptor is to be changed, or `None` if it is of no use to receivers.
    pub descriptor: Option<DescriptorPatch>,
}
