use std::{fmt, time::Duration};

use crate::{Quality, picture, sound};

/// What a media was like over the last seconds, as far as it is known: what is not known is zero, and costs nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figures {
    /// What it carries.
    pub kind: Kind,
    /// Bits in a second. Of a media that brings none there is nothing to be said.
    pub bitrate: u64,
    /// Pictures in a second; of a camera it must be known.
    pub frame_rate: f64,
    /// The width of a picture, in pixels.
    pub width: u32,
    /// Its height.
    pub height: u32,
    /// How high the picture is that is asked for, in pixels.
    pub asked_height: u32,
    /// How many pictures are asked for in a second.
    pub asked_frame_rate: f64,
    /// The share of packets that never arrived, from 0 to 1.
    pub loss_rate: f64,
    /// How unevenly packets arrive (RFC 3550 section 6.4.1).
    pub jitter: Duration,
    /// To the server and back.
    pub round_trip: Duration,
    /// For which share of the time the picture stood still, from 0 to 1.
    pub frozen: f64,
    /// Why it is not better.
    pub limited_by: Limit,
}

/// What a media carries, as far as it matters to who hears or sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A voice, or any other sound.
    Sound,
    /// What a camera sees, which always moves.
    Camera,
    /// A screen, which may stand still for minutes.
    Screen,
}

/// Why a media is not better than it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Limit {
    /// For no reason: it is all that was asked for.
    #[default]
    None,
    /// The sender's machine is not fast enough.
    Cpu,
    /// A network carries no more.
    Bandwidth,
    /// It is shown small, or hidden.
    View,
    /// Nothing of it is sent at present.
    Paused,
    /// It is silenced.
    Muted,
}

impl Figures {
    /// A media of which nothing is known.
    pub const fn of(kind: Kind) -> Self {
        Self {
            kind,
            bitrate: 0,
            frame_rate: 0.0,
            width: 0,
            height: 0,
            asked_height: 0,
            asked_frame_rate: 0.0,
            loss_rate: 0.0,
            jitter: Duration::ZERO,
            round_trip: Duration::ZERO,
            frozen: 0.0,
            limited_by: Limit::None,
        }
    }

    /// How good it is; `None` where nothing flows, or nothing should.
    pub fn quality(&self) -> Option<Quality> {
        if self.bitrate == 0 || matches!(self.limited_by, Limit::Paused | Limit::Muted) {
            return None;
        }
        Some(match self.kind {
            Kind::Sound => sound::quality(self),
            Kind::Camera | Kind::Screen => picture::quality(self),
        })
    }
}

impl Limit {
    /// Its name, as it is told everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Cpu => "cpu",
            Self::Bandwidth => "bandwidth",
            Self::View => "view",
            Self::Paused => "paused",
            Self::Muted => "muted",
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
