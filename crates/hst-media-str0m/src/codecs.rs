use hst_media::{Codec, Kind};
use str0m::{
    format::{CodecConfig, FormatParams},
    media::{Frequency, MediaKind, Pt},
};

/// Payload types; this side always offers, so they are ours to choose.
const OPUS: u8 = 111;
/// Opus with what came before it (RED, RFC 2198).
const RED: u8 = 63;
const VP8: u8 = 96;
const VP8_RTX: u8 = 97;
const H264: u8 = 102;
const H264_RTX: u8 = 103;
/// Constrained baseline, level 3.1.
const H264_PROFILE: u32 = 0x42_e0_1f;

/// The codec of a packet, by its payload type.
pub(crate) fn codec_of(pt: Pt) -> Option<Codec> {
    match *pt {
        OPUS | RED => Some(Codec::Opus),
        VP8 => Some(Codec::Vp8),
        H264 => Some(Codec::H264),
        _ => None,
    }
}

/// The payload type of the sounds in a packet, if that is redundant.
pub(crate) fn sound_in(pt: Pt) -> Option<u8> {
    (*pt == RED).then_some(OPUS)
}

/// The payload type for sound with what came before it, if this is that of plain sound and the other side takes both.
pub(crate) fn redundant(config: &CodecConfig, pt: Pt) -> Option<Pt> {
    config.iter().find(|params| params.pt() == pt)?.red()
}

/// `None` for a codec that this engine cannot carry.
pub(crate) fn payload_type_of(codec: Codec) -> Option<Pt> {
    match codec {
        Codec::Opus => Some(OPUS.into()),
        Codec::Vp8 => Some(VP8.into()),
        Codec::H264 => Some(H264.into()),
        _ => None,
    }
}

pub(crate) fn media_kind(kind: Kind) -> MediaKind {
    match kind {
        Kind::Audio => MediaKind::Audio,
        Kind::Video => MediaKind::Video,
    }
}

/// Adds what every section offers.
pub(crate) fn configure(config: &mut CodecConfig) {
    // str0m's own choice of payload types is OPUS and RED.
    config.enable_opus(true, true);
    let (clock, plain) = (Frequency::NINETY_KHZ, FormatParams::default());
    let vp8 = str0m::format::Codec::Vp8;
    config.add_config(VP8.into(), Some(VP8_RTX.into()), vp8, clock, None, plain);
    config.add_h264(H264.into(), Some(H264_RTX.into()), true, H264_PROFILE);
}
