use hst_media::{Codec, Kind};
use str0m::{
    format::{CodecConfig, FormatParams},
    media::{Frequency, MediaKind, Pt},
};

/// Payload types; this side always offers, so they are ours to choose.
const OPUS: u8 = 111;
const VP8: u8 = 96;
const VP8_RTX: u8 = 97;
const H264: u8 = 102;
const H264_RTX: u8 = 103;
/// Constrained baseline, level 3.1.
const H264_PROFILE: u32 = 0x42_e0_1f;

/// The codec of a packet, by its payload type.
pub(crate) fn codec_of(pt: Pt) -> Option<Codec> {
    match *pt {
        OPUS => Some(Codec::Opus),
        VP8 => Some(Codec::Vp8),
        H264 => Some(Codec::H264),
        _ => None,
    }
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
    let opus = FormatParams {
        min_p_time: Some(10),
        use_inband_fec: Some(true),
        ..FormatParams::default()
    };
    let (clock, channels) = (Frequency::FORTY_EIGHT_KHZ, Some(2));
    config.add_config(OPUS.into(), None, str0m::format::Codec::Opus, clock, channels, opus);
    let (clock, plain) = (Frequency::NINETY_KHZ, FormatParams::default());
    let vp8 = str0m::format::Codec::Vp8;
    config.add_config(VP8.into(), Some(VP8_RTX.into()), vp8, clock, None, plain);
    config.add_h264(H264.into(), Some(H264_RTX.into()), true, H264_PROFILE);
}
