//! What is agreed on in an offer and its answer: str0m reads the one and writes the other, and is there no longer than that.

use std::{
    panic::{self, AssertUnwindSafe},
    sync::Arc,
    time::{Duration, Instant},
};

use hst_sfu::{Codec, Format};
use str0m::{
    Rtc, RtcConfig,
    change::SdpOffer,
    crypto::{
        self, CryptoError, CryptoProvider,
        dtls::{DtlsCert, DtlsImplError, DtlsInstance, DtlsOutput, DtlsProvider, DtlsVersion, ProtocolVersion},
    },
    format::{self, CodecConfig, PayloadParams},
    media::{MediaKind, Mid, Pt, Rid, Rids},
    rtp::Extension,
};

use crate::{OfferError, extension, passed::Ids, told::Meanings};

/// Answers offers: all alike, as one plane can do the same for everybody.
#[derive(Debug)]
pub(crate) struct Negotiator {
    template: RtcConfig,
    certificate: Arc<DtlsCert>,
}

/// What both sides have agreed on.
#[derive(Debug)]
pub(crate) struct Agreement {
    /// The answer, with nothing of ours that is another for each connection.
    pub(crate) answer: String,
    /// Ours.
    pub(crate) certificate: Arc<DtlsCert>,
    /// Whether we begin the handshake.
    pub(crate) is_caller: bool,
    pub(crate) payload_types: PayloadTypes,
    pub(crate) meanings: Meanings,
    pub(crate) lines: Vec<AgreedLine>,
}

/// What both sides have agreed on for an m-line.
#[derive(Debug)]
pub(crate) struct AgreedLine {
    pub(crate) kind: MediaKind,
    /// Whether we may send on it, and the client.
    pub(crate) is_outward: bool,
    pub(crate) is_inward: bool,
    /// Under which payload types the client takes what, by format.
    pub(crate) types: Vec<Types>,
    pub(crate) ids: Ids,
    /// The names of the encodings that the client sends side by side.
    pub(crate) rids: Vec<Rid>,
}

/// The payload types of a format: of what is sent as it is, of sound that is sent redundantly (RED), and of what is sent again
/// (RTX).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Types {
    pub(crate) plain: Option<Pt>,
    pub(crate) red: Option<Pt>,
    pub(crate) again: Option<Pt>,
}

/// What the payload types of a client stand for.
#[derive(Debug, Default)]
pub(crate) struct PayloadTypes(Box<[(Pt, Carried)]>);

/// What a payload type of a publisher stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Carried {
    /// Everybody has the same formats at the same positions; only the payload types differ. Sound is of one format whether it
    /// is redundant (RED) or not.
    pub(crate) format: Format,
    pub(crate) codec: Codec,
    /// The payload type of the sound, where packets of this one are redundant.
    pub(crate) sound: Option<Pt>,
    /// Whether packets of this one are sent again (RTX), and whether those that are not can be, in RTX or as they were.
    pub(crate) is_again: bool,
    pub(crate) has_again: bool,
}

impl Negotiator {
    /// One with a certificate of its own. Making that takes longer than a handshake.
    ///
    /// # Errors
    /// The cryptography makes none.
    pub(crate) fn new() -> Result<Self, CryptoError> {
        let provider = crypto::from_feature_flags();
        let certificate = provider.dtls_provider.generate_certificate();
        let certificate = certificate.ok_or_else(|| CryptoError::Other("no certificate is made".to_owned()))?;
        let template = RtcConfig::new()
            .set_crypto_provider(Arc::new(CryptoProvider {
                dtls_provider: &Nobody,
                ..provider
            }))
            .set_dtls_cert(certificate.clone())
            .set_ice_lite(true)
            .set_rtp_mode(true)
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
        Ok(Self {
            template,
            certificate: Arc::new(certificate),
        })
    }

    /// Reads an offer, whose m-lines have these names, and answers it. Takes up to tens of milliseconds.
    ///
    /// # Errors
    /// The offer is at fault.
    pub(crate) fn answer(&self, sdp: &str, mids: &[Mid]) -> Result<Agreement, OfferError> {
        // The parser is not ours, and this text is anybody's.
        let answered = panic::catch_unwind(AssertUnwindSafe(|| self.accept(sdp, mids)));
        answered.unwrap_or_else(|_| Err(OfferError::malformed("it upsets the media stack")))
    }

    fn accept(&self, sdp: &str, mids: &[Mid]) -> Result<Agreement, OfferError> {
        let offer = SdpOffer::from_sdp_string(sdp).map_err(OfferError::malformed)?;
        let readable = offer.media_lines.len();
        if readable != mids.len() {
            return Err(OfferError::malformed(format_args!(
                "only {readable} m-lines can be read"
            )));
        }
        let mut rtc = self.template.clone().build(Instant::now());
        let answer = rtc.sdp_api().accept_offer(offer).map_err(OfferError::malformed)?;
        let answer = answer.to_sdp_string();
        let mut meanings = Meanings::default();
        mids.iter()
            .filter_map(|mid| rtc.media(*mid))
            .for_each(|media| meanings.learn(media.remote_extmap()));
        let lines = mids.iter().map(|mid| AgreedLine::of(&rtc, *mid));
        Ok(Agreement {
            certificate: self.certificate.clone(),
            is_caller: answer.lines().any(|line| line == "a=setup:active"),
            payload_types: PayloadTypes::of(rtc.codec_config(), &askable(sdp)),
            meanings,
            lines: lines
                .collect::<Option<_>>()
                .ok_or_else(|| OfferError::malformed("an m-line is not answered"))?,
            answer,
        })
    }
}

impl AgreedLine {
    fn of(rtc: &Rtc, mid: Mid) -> Option<Self> {
        let media = rtc.media(mid)?;
        let (is_open, direction) = (!media.disabled(), media.direction());
        let types = rtc.codec_config().iter().map(|params| {
            let taken = |pt: Option<Pt>| pt.filter(|_| media.remote_pts().contains(&params.pt()));
            Types {
                plain: taken(Some(params.pt())),
                red: taken(params.red()),
                again: taken(params.resend()),
            }
        });
        Some(Self {
            kind: media.kind(),
            is_outward: is_open && direction.is_sending(),
            is_inward: is_open && direction.is_receiving(),
            types: types.collect(),
            ids: Ids::of(media.remote_extmap()),
            rids: match media.rids_rx() {
                Rids::Specific(rids) => rids.clone(),
                Rids::None | Rids::Any => Vec::new(),
            },
        })
    }
}

impl PayloadTypes {
    /// Those of a client who hears when packets of the `askable` ones are asked for.
    fn of(config: &CodecConfig, askable: &[&str]) -> Self {
        let params = config.iter().enumerate();
        let all = params.flat_map(|(position, params)| {
            let types = [params.red(), params.resend(), Some(params.pt())];
            let types = types.into_iter().flatten();
            types.filter_map(move |pt| Some((pt, Carried::of(position, params, pt, askable)?)))
        });
        Self(all.collect())
    }

    /// What this one stands for, if for anything.
    pub(crate) fn carried(&self, payload_type: u8) -> Option<Carried> {
        let (_, carried) = self.0.iter().find(|(pt, _)| **pt == payload_type)?;
        Some(*carried)
    }
}

impl Carried {
    fn of(position: usize, params: &PayloadParams, pt: Pt, askable: &[&str]) -> Option<Self> {
        let codec = match params.spec().codec {
            format::Codec::Opus => Codec::Opus,
            format::Codec::Vp8 => Codec::Vp8,
            format::Codec::H264 => Codec::H264,
            format::Codec::Vp9 => Codec::Vp9,
            format::Codec::Av1 => Codec::Av1,
            _ => return None,
        };
        let name = pt.to_string();
        let is_askable = askable.iter().any(|it| *it == "*" || *it == name);
        Some(Self {
            format: Format::new(position as u8)?,
            codec,
            sound: params.red().filter(|red| *red == pt).map(|_| params.pt()),
            is_again: params.resend() == Some(pt),
            has_again: params.resend().is_some() || is_askable,
        })
    }
}

/// Of which payload types an offer says that its client hears when packets are asked for (RFC 4585 section 4.2); `*` is all. str0m
/// tells only of which it could be.
fn askable(sdp: &str) -> Vec<&str> {
    let feedback = sdp.lines().filter_map(|line| line.strip_prefix("a=rtcp-fb:"));
    feedback.filter_map(|it| it.strip_suffix(" nack")).collect()
}

/// Of a str0m that is gone before there is anybody to shake hands with.
#[derive(Debug)]
struct Nobody;

impl DtlsProvider for Nobody {
    fn generate_certificate(&self) -> Option<DtlsCert> {
        None
    }

    fn new_dtls(
        &self,
        _: &DtlsCert,
        _: Instant,
        _: DtlsVersion,
        _: Option<usize>,
    ) -> Result<Box<dyn DtlsInstance>, CryptoError> {
        Ok(Box::new(Nobody))
    }
}

impl DtlsInstance for Nobody {
    fn set_active(&mut self, _: bool) {}

    fn handle_packet(&mut self, _: &[u8]) -> Result<(), DtlsImplError> {
        Ok(())
    }

    fn poll_output<'a>(&mut self, _: &'a mut [u8]) -> DtlsOutput<'a> {
        DtlsOutput::Timeout(Instant::now() + Duration::from_secs(3600))
    }

    fn handle_timeout(&mut self, _: Instant) -> Result<(), DtlsImplError> {
        Ok(())
    }

    fn send_application_data(&mut self, _: &[u8]) -> Result<usize, DtlsImplError> {
        Ok(0)
    }

    fn is_active(&self) -> bool {
        false
    }

    fn protocol_version(&self) -> Option<ProtocolVersion> {
        None
    }

    fn is_closing(&self) -> bool {
        false
    }

    fn is_closed(&self) -> bool {
        false
    }

    fn close(&mut self) -> Result<(), DtlsImplError> {
        Ok(())
    }
}
