//! The header extensions that this engine writes and reads itself.

use bytes::Bytes;
use hst_media::Level;
use rtc::{
    rtp::Header,
    rtp_transceiver::rtp_sender::RTCRtpHeaderExtensionParameters,
    sdp::extmap::{AUDIO_LEVEL_URI, SDES_MID_URI},
};

/// The numbers under which the other side takes them.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Numbers {
    /// Of the section (RFC 9143 section 15).
    pub(crate) mid: Option<u8>,
    /// Of how loud a sound is (RFC 6464).
    pub(crate) level: Option<u8>,
}

impl Numbers {
    pub(crate) fn of(negotiated: &[RTCRtpHeaderExtensionParameters]) -> Self {
        let number = |uri| {
            let found = negotiated.iter().find(|extension| extension.uri == uri)?;
            u8::try_from(found.id).ok()
        };
        Self {
            mid: number(SDES_MID_URI),
            level: number(AUDIO_LEVEL_URI),
        }
    }

    pub(crate) fn write_level(&self, header: &mut Header, level: Option<Level>) {
        if let (Some(number), Some(level)) = (self.level, level) {
            let below = level.below_loudest.min(Level::SILENCE.below_loudest);
            let value = [u8::from(level.is_voice) << 7 | below];
            // One byte always fits.
            let _ = header.set_extension(number, Bytes::copy_from_slice(&value));
        }
    }

    pub(crate) fn read_level(&self, header: &Header) -> Option<Level> {
        let value = *header.get_extension(self.level?)?.first()?;
        Some(Level {
            below_loudest: value & 0x7f,
            is_voice: value & 0x80 != 0,
        })
    }
}
