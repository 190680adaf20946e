use std::time::Duration;

use bytes::Bytes;

use crate::{Codec, Kind, Level};

/// One encoded frame: an Opus packet, a VP8 picture, or an H.264 access unit in Annex B form. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The encoded bytes.
    pub data: Bytes,
    /// When it is to be played, since the start of its track.
    pub time: Duration,
    /// For how long it is played.
    pub duration: Duration,
    /// Whether a decoder can start here; every Opus packet is one.
    pub keyframe: bool,
    /// How loud it is, of sound. Who makes a frame tells what he has measured, or nothing; then it is sent with the
    /// [guess](Level::of_packet) that its packet allows. Of sound that was received it is what its publisher told.
    pub level: Option<Level>,
}

impl Frame {
    /// How loud its sound is, or may be; `None` of a picture.
    pub fn loudness(&self, codec: Codec) -> Option<Level> {
        let guess = || (codec.kind() == Kind::Audio).then(|| Level::of_packet(&self.data));
        self.level.or_else(guess)
    }
}

/// What a track carries, as far as it is known before its first frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrackInfo {
    /// How its frames are encoded.
    pub codec: Codec,
    /// Width and height in pixels, of video.
    pub size: Option<(u16, u16)>,
    /// How many channels, of audio.
    pub channels: Option<u8>,
}

impl TrackInfo {
    /// A track of which only the codec is known.
    pub fn new(codec: Codec) -> Self {
        Self {
            codec,
            size: None,
            channels: None,
        }
    }

    /// Sound or picture.
    pub fn kind(&self) -> Kind {
        self.codec.kind()
    }
}
