use std::fmt;

use crate::h264::{NAL_IDR, nal_type, nal_units};

/// The codecs that a call carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Codec {
    /// Opus (RFC 6716): one packet a frame, 48 kHz.
    Opus,
    /// VP8 (RFC 6386): one compressed picture a frame.
    Vp8,
    /// H.264 constrained baseline: one access unit a frame, in Annex B form (start codes).
    H264,
}

impl Codec {
    /// Sound or picture.
    pub fn kind(self) -> Kind {
        match self {
            Self::Opus => Kind::Audio,
            Self::Vp8 | Self::H264 => Kind::Video,
        }
    }

    /// Ticks a second of its RTP timestamps.
    pub fn clock_rate(self) -> u32 {
        match self {
            Self::Opus => 48_000,
            Self::Vp8 | Self::H264 => 90_000,
        }
    }

    /// Whether a decoder can start with this encoded frame. Never panics, whatever the bytes.
    pub fn is_keyframe(self, data: &[u8]) -> bool {
        match self {
            Self::Opus => true,
            // RFC 6386 section 9.1: the lowest bit is the inverse key frame flag.
            Self::Vp8 => data.first().is_some_and(|first| first & 1 == 0),
            Self::H264 => nal_units(data).any(|nal| nal_type(nal) == NAL_IDR),
        }
    }

    /// The name used in session descriptions and on command lines.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Opus => "opus",
            Self::Vp8 => "VP8",
            Self::H264 => "H264",
        }
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a line carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Sound.
    Audio,
    /// Pictures: a camera or a screen.
    Video,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Audio => "audio",
            Self::Video => "video",
        })
    }
}
