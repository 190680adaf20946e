//! How loud a sound is, as str0m writes and reads it: negative, and only beside what is taken for a voice.

use hst_media::Level;
use str0m::rtp::ExtensionValues;

/// What a packet of this level has in its header.
pub(crate) fn values(level: Option<Level>) -> ExtensionValues {
    ExtensionValues {
        audio_level: level.map(|level| -(level.below_loudest.min(Level::SILENCE.below_loudest) as i8)),
        voice_activity: level.map(|level| level.is_voice),
        ..ExtensionValues::default()
    }
}

/// What the header of a packet tells.
pub(crate) fn level_of(values: &ExtensionValues) -> Option<Level> {
    Some(Level {
        below_loudest: values.audio_level?.unsigned_abs(),
        is_voice: values.voice_activity.unwrap_or(false),
    })
}
