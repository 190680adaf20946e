use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use hst_sfu::{Codec, Format};
use str0m::{
    Candidate, Rtc, RtcConfig, RtcError,
    crypto::CryptoProvider,
    format::{self, CodecConfig, PayloadParams},
    media::Pt,
    net::TcpType,
    rtp::Extension,
};

use crate::{
    credentials::Credentials,
    dtls::{self, Keys},
    extension,
};

/// No connection lasts as long.
const NEVER: Duration = Duration::from_secs(86_400 * 365);

/// Makes the transports of one thread: all alike, each with secrets of its own.
#[derive(Debug)]
pub(crate) struct RtcFactory {
    template: RtcConfig,
    candidates: Vec<Candidate>,
}

impl RtcFactory {
    pub(crate) fn new(advertise: &[IpAddr], port: u16) -> Result<Self, RtcError> {
        let provider: Arc<CryptoProvider> = Arc::new(dtls::provider());
        let mut template = RtcConfig::new()
            .set_crypto_provider(provider.clone())
            .set_ice_lite(true)
            .set_rtp_mode(true)
            // It neither receives nor sends media, so it has nothing to report.
            .set_rtcp_report_interval_audio(NEVER)
            .set_rtcp_report_interval_video(NEVER)
            .clear_codecs()
            .enable_opus(true, true)
            .enable_vp8(true)
            .enable_h264(true)
            .enable_vp9(true)
            .enable_av1(true)
            // Beside str0m's own: what receivers need to show and sync a picture as its sender meant it.
            .set_extension(5, Extension::PlayoutDelay)
            .set_extension(6, Extension::VideoContentType)
            .set_extension(7, Extension::AbsoluteCaptureTime)
            // What the router needs to choose among layers.
            .set_extension(8, extension::layers_allocation())
            .set_extension(9, extension::dependency_descriptor());
        // One certificate for all: making one takes longer than a handshake.
        if let Some(certificate) = provider.dtls_provider.generate_certificate() {
            template = template.set_dtls_cert(certificate);
        }
        let addresses = advertise.iter().map(|&ip| SocketAddr::new(ip, port));
        let candidates = addresses
            .flat_map(|addr| {
                // The browser connects (RFC 6544 section 4.5), and prefers UDP where that gets through.
                let tcp = Candidate::builder().tcp().host(addr).tcptype(TcpType::Passive);
                [Candidate::host(addr, "udp"), tcp.build()]
            })
            .collect::<Result<_, _>>()
            .map_err(RtcError::Ice)?;
        Ok(Self { template, candidates })
    }

    /// A fresh transport with these ICE credentials, and where its keys come out.
    pub(crate) fn build(&self, now: Instant, credentials: Credentials) -> (Rtc, Keys, Credentials) {
        let template = self.template.clone();
        let mut rtc = template.set_local_ice_credentials(credentials.ice().clone()).build(now);
        let keys = Keys::of_last();
        for candidate in &self.candidates {
            rtc.add_local_candidate(candidate.clone());
        }
        (rtc, keys, credentials)
    }
}

/// What a payload type of a publisher stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Carried {
    /// Every transport has the same formats at the same positions; only the payload types differ. Sound is of one format whether it
    /// is redundant (RED) or not.
    pub(crate) format: Format,
    pub(crate) codec: Codec,
    /// The payload type of the sound, where packets of this one are redundant.
    pub(crate) sound: Option<Pt>,
    /// Whether packets of this one are sent again (RTX), and whether those that are not can be.
    pub(crate) is_again: bool,
    pub(crate) has_again: bool,
}

/// What a payload type of a publisher stands for, if for anything.
pub(crate) fn carried(config: &CodecConfig, pt: Pt) -> Option<Carried> {
    let is_meant = |params: &PayloadParams| [Some(params.pt()), params.red(), params.resend()].contains(&Some(pt));
    let position = config.iter().position(is_meant)?;
    let params = &config[position];
    let codec = match params.spec().codec {
        format::Codec::Opus => Codec::Opus,
        format::Codec::Vp8 => Codec::Vp8,
        format::Codec::H264 => Codec::H264,
        format::Codec::Vp9 => Codec::Vp9,
        format::Codec::Av1 => Codec::Av1,
        _ => return None,
    };
    Some(Carried {
        format: Format::new(position as u8)?,
        codec,
        sound: params.red().filter(|red| *red == pt).map(|_| params.pt()),
        is_again: params.resend() == Some(pt),
        has_again: params.resend().is_some(),
    })
}

/// The payload types under which a receiver takes sound that is redundant (RED), by format. str0m negotiates them for a whole
/// connection, and answers so for each line.
pub(crate) fn red_types(config: &CodecConfig, negotiated: &[Pt]) -> Vec<Option<Pt>> {
    let red = |params: &PayloadParams| params.red().filter(|_| negotiated.contains(&params.pt()));
    config.iter().map(red).collect()
}

/// The payload types of what is sent again (RTX), by format.
pub(crate) fn again_types(config: &CodecConfig, negotiated: &[Pt]) -> Vec<Option<Pt>> {
    let again = |params: &PayloadParams| params.resend().filter(|_| negotiated.contains(&params.pt()));
    config.iter().map(again).collect()
}

/// The payload types which a receiver has negotiated on a line, by format.
pub(crate) fn payload_types(config: &CodecConfig, negotiated: &[Pt]) -> Vec<Option<Pt>> {
    config
        .iter()
        .map(|params| Some(params.pt()).filter(|pt| negotiated.contains(pt)))
        .collect()
}
