use hst_media::{Codec, Kind};
use rtc::{
    interceptor::{NackResponderBuilder, Registry, Slot},
    peer_connection::configuration::{
        interceptor_registry::{configure_rtcp_reports, configure_twcc_receiver_only},
        media_engine::{MIME_TYPE_H264, MIME_TYPE_OPUS, MIME_TYPE_RTX, MIME_TYPE_VP8, MediaEngine},
    },
    rtp_transceiver::rtp_sender::{
        RTCPFeedback, RTCRtpCodec, RTCRtpCodecParameters, RTCRtpHeaderExtensionCapability, RtpCodecKind,
    },
    sdp::extmap,
    shared::error::Result,
};

use crate::feedback::Feedback;

/// Payload types; this side always offers, so they are ours to choose.
pub(crate) const OPUS: u8 = 111;
/// Opus with what came before it (RED, RFC 2198).
pub(crate) const RED: u8 = 63;
const VP8: u8 = 96;
const VP8_RTX: u8 = 97;
const H264: u8 = 102;
const H264_RTX: u8 = 103;

/// The codec of a packet, by its payload type.
pub(crate) fn codec_of(payload_type: u8) -> Option<Codec> {
    match payload_type {
        OPUS | RED => Some(Codec::Opus),
        VP8 => Some(Codec::Vp8),
        H264 => Some(Codec::H264),
        _ => None,
    }
}

pub(crate) fn payload_type_of(codec: Codec) -> Option<u8> {
    match codec {
        Codec::Opus => Some(OPUS),
        Codec::Vp8 => Some(VP8),
        Codec::H264 => Some(H264),
        _ => None,
    }
}

/// Whether an answer takes sound with what came before it. Each section of sound offers that, so it is in all of them or in none.
pub(crate) fn takes_red(answer: &str) -> bool {
    let prefix = format!("a=rtpmap:{RED} red/");
    answer.lines().any(|line| line.starts_with(&prefix))
}

pub(crate) fn rtp_kind(kind: Kind) -> RtpCodecKind {
    match kind {
        Kind::Audio => RtpCodecKind::Audio,
        Kind::Video => RtpCodecKind::Video,
    }
}

/// How the stack describes a codec; `None` for one it cannot carry.
pub(crate) fn rtp_codec(codec: Codec) -> Option<RTCRtpCodecParameters> {
    let (mime_type, channels, fmtp) = match codec {
        Codec::Opus => (MIME_TYPE_OPUS, 2, "minptime=10;useinbandfec=1"),
        Codec::Vp8 => (MIME_TYPE_VP8, 0, ""),
        Codec::H264 => (
            MIME_TYPE_H264,
            0,
            "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
        ),
        _ => return None,
    };
    let feedback = |typ: &str, parameter: &str| RTCPFeedback {
        typ: typ.into(),
        parameter: parameter.into(),
    };
    let rtcp_feedback = match codec.kind() {
        Kind::Audio => vec![],
        Kind::Video => vec![feedback("ccm", "fir"), feedback("nack", ""), feedback("nack", "pli")],
    };
    Some(RTCRtpCodecParameters {
        rtp_codec: RTCRtpCodec {
            mime_type: mime_type.into(),
            clock_rate: codec.clock_rate(),
            channels,
            sdp_fmtp_line: fmtp.into(),
            rtcp_feedback,
        },
        payload_type: payload_type_of(codec)?,
    })
}

fn red() -> RTCRtpCodecParameters {
    RTCRtpCodecParameters {
        rtp_codec: RTCRtpCodec {
            mime_type: "audio/red".into(),
            clock_rate: Codec::Opus.clock_rate(),
            channels: 2,
            sdp_fmtp_line: format!("{OPUS}/{OPUS}"),
            rtcp_feedback: vec![],
        },
        payload_type: RED,
    }
}

fn rtx(payload_type: u8, of: u8) -> RTCRtpCodecParameters {
    RTCRtpCodecParameters {
        rtp_codec: RTCRtpCodec {
            mime_type: MIME_TYPE_RTX.into(),
            clock_rate: 90_000,
            channels: 0,
            sdp_fmtp_line: format!("apt={of}"),
            rtcp_feedback: vec![],
        },
        payload_type,
    }
}

/// Every codec of a kind in the order of an offer, the preferred one first. All of them stand in every section:
/// the stack keeps, for ever, only those codecs of a kind that its first negotiated section had.
pub(crate) fn codecs_of(kind: Kind, preferred: Option<Codec>) -> Vec<RTCRtpCodecParameters> {
    let mut codecs: Vec<Codec> = match kind {
        Kind::Audio => vec![Codec::Opus],
        Kind::Video => vec![Codec::Vp8, Codec::H264],
    };
    codecs.sort_by_key(|&codec| Some(codec) != preferred);
    codecs.into_iter().filter_map(rtp_codec).collect()
}

/// The codecs, header extensions and RTCP machinery of a new peer.
pub(crate) fn configure(feedback: Feedback) -> Result<(MediaEngine, Registry)> {
    let mut media = MediaEngine::default();
    for kind in [Kind::Audio, Kind::Video] {
        for codec in codecs_of(kind, None) {
            media.register_codec(codec, rtp_kind(kind))?;
        }
        extension(&mut media, kind, extmap::SDES_MID_URI)?;
    }
    // These go with what a section prefers, as long as the other side takes them.
    media.register_codec(red(), RtpCodecKind::Audio)?;
    media.register_codec(rtx(VP8_RTX, VP8), RtpCodecKind::Video)?;
    media.register_codec(rtx(H264_RTX, H264), RtpCodecKind::Video)?;
    extension(&mut media, Kind::Audio, extmap::AUDIO_LEVEL_URI)?;

    let registry = configure_twcc_receiver_only(Registry::new(), &mut media)?;
    let registry = configure_rtcp_reports(registry)
        // The stack's own NACK generator is left out: it never learns that a retransmission arrived, and so asks for
        // the same packet for seconds. The receiving side here asks by itself.
        .with(Slot::NackResponder, NackResponderBuilder::new().build())
        // Last before the application, after everybody else who reads RTCP.
        .with(Slot::from(14_000), feedback);
    Ok((media, registry))
}

fn extension(media: &mut MediaEngine, kind: Kind, uri: &str) -> Result<()> {
    media.register_header_extension(
        RTCRtpHeaderExtensionCapability { uri: uri.into() },
        rtp_kind(kind),
        None,
    )
}
