use crate::Codec;

/// What flows of a track at one moment, from its publisher or on a line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Flow {
    /// How it is encoded; `None` where nothing flows.
    pub codec: Option<Codec>,
    /// Bits of payload in a second.
    pub rate: u64,
    /// Pictures in a second.
    pub frame_rate: f32,
    /// Width and height of the pictures in pixels, if the publisher tells.
    pub size: Option<(u16, u16)>,
    /// Which layers of a picture; `None` where nothing flows.
    pub layer: Option<FlowLayer>,
    /// Why it is no more.
    pub limit: FlowLimit,
    /// How high the pictures are that are meant to flow, if all goes well; 0 is not known.
    pub wanted_height: u32,
}

/// The layers that flow: of one encoding the spatial and temporal ones up to these, all counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlowLayer {
    /// The encoding, of those that are sent side by side.
    pub encoding: u8,
    /// The largest size.
    pub spatial: u8,
    /// The highest frame rate.
    pub temporal: u8,
}

/// Why no more flows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlowLimit {
    /// It is all that there is.
    None,
    /// The receiver can show no more.
    View,
    /// The receiver's network carries no more.
    Bandwidth,
    /// It is muted.
    Muted,
    /// Its publisher sends nothing.
    Paused,
}

impl Flow {
    /// Nothing, for this reason.
    pub const fn none(limit: FlowLimit) -> Self {
        Self {
            codec: None,
            rate: 0,
            frame_rate: 0.0,
            size: None,
            layer: None,
            limit,
            wanted_height: 0,
        }
    }
}
