use str0m::{
    Rtc,
    format::{Codec, PayloadParams},
    media::Mid,
    rtp::{Extension, ExtensionMap},
};

use crate::Kind;

/// The numbers that a client has agreed on with its server for what its packets carry.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Formats {
    /// Payload types: of sound, of pictures, and of pictures that are sent again (RTX).
    pub(crate) sound: u8,
    pub(crate) picture: u8,
    pub(crate) again: u8,
    /// Identifiers of header extensions; 0 is one that is not spoken.
    pub(crate) level: u8,
    pub(crate) send_time: u8,
    pub(crate) transport_seq: u8,
    pub(crate) mid: u8,
}

impl Formats {
    /// Those of a connection whose answer is there, of which one of these lines is.
    pub(crate) fn of(rtc: &Rtc, mut lines: impl Iterator<Item = Mid>) -> Self {
        let config = rtc.codec_config();
        let params = |codec| config.find(|it| it.spec().codec == codec);
        let (sound, picture) = (params(Codec::Opus), params(Codec::Vp8));
        let mut formats = Self {
            sound: sound.map_or(0, |it| *it.pt()),
            picture: picture.map_or(0, |it| *it.pt()),
            again: picture.and_then(PayloadParams::resend).map_or(0, |pt| *pt),
            ..Self::default()
        };
        if let Some(media) = lines.find_map(|mid| rtc.media(mid)) {
            let id = |map: &ExtensionMap, of| map.id_of(of).unwrap_or(0);
            let map = media.remote_extmap();
            formats.level = id(map, Extension::AudioLevel);
            formats.send_time = id(map, Extension::AbsoluteSendTime);
            formats.transport_seq = id(map, Extension::TransportSequenceNumber);
            formats.mid = id(map, Extension::RtpMid);
        }
        formats
    }

    /// Of what a line carries.
    pub(crate) fn payload_type(&self, kind: Kind) -> u8 {
        match kind {
            Kind::Sound => self.sound,
            Kind::Picture => self.picture,
        }
    }
}
