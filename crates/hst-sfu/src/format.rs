/// What a payload is, as far as forwarding must know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Codec {
    /// Opus: any packet may be the first a receiver gets.
    Opus,
    /// VP8 (RFC 7741).
    Vp8,
    /// H.264 (RFC 6184).
    H264,
    /// VP9 (RFC 9628).
    Vp9,
    /// AV1 (the AOM RTP payload specification).
    Av1,
}

impl Codec {
    /// Whether a receiver can start only at a keyframe.
    pub fn is_video(self) -> bool {
        !matches!(self, Self::Opus)
    }

    /// Ticks of the RTP timestamp in a second.
    pub fn clock_rate(self) -> u32 {
        if self.is_video() { 90_000 } else { 48_000 }
    }
}

/// A negotiable payload format (a codec with its parameters), numbered 0 to 63 by whoever drives the router.
/// Payload types differ from peer to peer; the format is what they stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Format(u8);

impl Format {
    /// The format of this number, or `None` from 64 on.
    pub fn new(number: u8) -> Option<Self> {
        (number < 64).then_some(Self(number))
    }

    /// Its number, 0 to 63.
    pub fn number(self) -> u8 {
        self.0
    }
}

/// What a receiver has negotiated: formats, and whether he reads dependency descriptors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Formats {
    set: u64,
    reads_descriptors: bool,
}

impl Formats {
    /// Every format, with descriptors.
    pub const ALL: Self = Self {
        set: u64::MAX,
        reads_descriptors: true,
    };

    /// Whether he has this format.
    pub fn contains(self, format: Format) -> bool {
        self.set & (1 << format.0) != 0
    }

    /// Without them, he can show nothing but the smallest size of a stream whose layers only they tell.
    pub fn reads_descriptors(self) -> bool {
        self.reads_descriptors
    }

    /// The same formats for one who reads descriptors, or does not.
    pub fn with_descriptors(self, reads_descriptors: bool) -> Self {
        Self {
            reads_descriptors,
            ..self
        }
    }
}

impl FromIterator<Format> for Formats {
    /// Without descriptors.
    fn from_iter<I: IntoIterator<Item = Format>>(formats: I) -> Self {
        Self {
            set: formats.into_iter().fold(0, |set, format| set | 1 << format.0),
            reads_descriptors: false,
        }
    }
}
