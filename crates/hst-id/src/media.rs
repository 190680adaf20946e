use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    InvalidName, UserId,
    name::{check_with, name},
};

/// What a published stream carries; the numbers are the platform's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
#[non_exhaustive]
pub enum MediaType {
    /// A shared screen (0).
    ScreenShare,
    /// A microphone or any other sound (1).
    Audio,
    /// A camera (2).
    Video,
    /// Application data (3).
    TransparentData,
    /// A white board (4).
    WhiteBoard,
}

impl MediaType {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 5] = [
        Self::ScreenShare,
        Self::Audio,
        Self::Video,
        Self::TransparentData,
        Self::WhiteBoard,
    ];

    /// Whether it travels as RTP (sound and pictures) and so through the media server.
    pub fn is_stream(self) -> bool {
        matches!(self, Self::ScreenShare | Self::Audio | Self::Video)
    }

    /// The name used in grants and on command lines.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ScreenShare => "screen",
            Self::Audio => "audio",
            Self::Video => "video",
            Self::TransparentData => "data",
            Self::WhiteBoard => "board",
        }
    }
}

impl From<MediaType> for u8 {
    fn from(media_type: MediaType) -> Self {
        match media_type {
            MediaType::ScreenShare => 0,
            MediaType::Audio => 1,
            MediaType::Video => 2,
            MediaType::TransparentData => 3,
            MediaType::WhiteBoard => 4,
        }
    }
}

/// A number that is no media type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{0} is no media type: 0 screen share, 1 audio, 2 video, 3 data, 4 white board")]
pub struct UnknownMediaType(pub u8);

impl TryFrom<u8> for MediaType {
    type Error = UnknownMediaType;

    fn try_from(number: u8) -> Result<Self, Self::Error> {
        Self::ALL
            .into_iter()
            .find(|&t| u8::from(t) == number)
            .ok_or(UnknownMediaType(number))
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

const MAX_MEDIA_ID: usize = 256;

/// Browsers make device ids of base64, so this alphabet is wider than that of the other names.
fn check_media_id(text: &str) -> Result<(), InvalidName> {
    check_with(text, MAX_MEDIA_ID, "visible ASCII characters", |c| c.is_ascii_graphic())
}

name! {
    /// One stream of a user and media type, such as a camera's device id: 1 to 256 visible ASCII characters.
    ///
    /// It may hold what means something elsewhere (`/`, `..`, `*`, `%`): never make a file name, a subject or a label
    /// of it as it is.
    MediaId, check_media_id
}

impl MediaId {
    /// The id of every user's microphone, whatever the device.
    pub fn microphone() -> Self {
        Self("appdef_mic".into())
    }

    /// The id of the same voice when its user alters it: one of the two is heard.
    pub fn altered_voice() -> Self {
        Self("appdef_mic_magic".into())
    }

    /// The id of what a browser's shared screen plays.
    pub fn screen_sound() -> Self {
        Self("appdef_screen_sound".into())
    }

    /// The id of a browser's shared screen.
    pub fn screen() -> Self {
        Self("0".into())
    }
}

/// One published stream of a group: whose, what, and which of them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MediaRef {
    /// The publisher.
    pub user: UserId,
    /// What it carries.
    #[serde(rename = "type")]
    pub media_type: MediaType,
    /// Which of the publisher's streams of that type.
    pub media: MediaId,
}

impl fmt::Display for MediaRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.user, self.media_type, self.media)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_the_platforms() {
        assert_eq!(MediaType::ALL.map(u8::from), [0, 1, 2, 3, 4]);
        assert_eq!(MediaType::try_from(5), Err(UnknownMediaType(5)));
        assert_eq!(serde_json::to_string(&MediaType::WhiteBoard).unwrap(), "4");
        assert!(serde_json::from_str::<MediaType>("9").is_err());
    }
}
