use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use hst_media::{
    Codec, Direction, FrameWriter, Kind, LineId, LineStats, MediaError, MediaPeer, Negotiation, Offer, PeerEvent,
    PeerState, TrackInfo, rtp::Counters,
};
use rtc::rtp_transceiver::rtp_sender::{RTCRtpCodingParameters, RTCRtpEncodingParameters};
use tokio::sync::watch;
use webrtc::{
    media_stream::{MediaStreamTrack, track_local::static_rtp::TrackLocalStaticRTP},
    peer_connection::{PeerConnection, RTCSessionDescription, StatsSelector},
    rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit, RtpTransceiver},
};

use crate::{
    codecs::{codecs_of, rtp_codec, rtp_kind, takes_red},
    engine::engine_error,
    pump::Receiving,
    shared::{Link, Shared},
    writer::{Gate, Sending, Writer},
};

/// The [`MediaPeer`] over one `RTCPeerConnection`.
pub(crate) struct WebRtcPeer {
    connection: Arc<dyn PeerConnection>,
    shared: Arc<Shared>,
    negotiation: Negotiation<Section>,
    closed: bool,
}

/// One section of the session description: a transceiver, and what it carries now.
struct Section {
    transceiver: Arc<dyn RtpTransceiver>,
    counters: Arc<Counters>,
    media: Media,
}

enum Media {
    Send {
        sending: Arc<Sending>,
        gate: watch::Sender<Gate>,
    },
    Receive {
        kind: Kind,
        receiving: Arc<Receiving>,
    },
}

impl WebRtcPeer {
    pub(crate) fn new(connection: Arc<dyn PeerConnection>, shared: Arc<Shared>) -> Self {
        Self {
            connection,
            shared,
            negotiation: Negotiation::new(),
            closed: false,
        }
    }

    fn check_open(&self) -> Result<(), MediaError> {
        if self.closed || *self.shared.link.borrow() == Link::Gone {
            Err(MediaError::Closed)
        } else {
            Ok(())
        }
    }

    /// What the server's answers to connectivity checks tell.
    async fn round_trip(&self) -> Option<Duration> {
        let report = self.connection.get_stats(Instant::now(), StatsSelector::None).await;
        let pair = report.candidate_pairs().find(|pair| pair.nominated)?;
        let time = Duration::try_from_secs_f64(pair.current_round_trip_time).ok()?;
        (!time.is_zero()).then_some(time)
    }

    async fn new_send_section(&mut self, codec: Codec) -> Result<usize, MediaError> {
        let described =
            rtp_codec(codec).ok_or_else(|| MediaError::Engine(format!("{codec} is not supported").into()))?;
        let ssrc = rand::random();
        let name = format!("{ssrc:08x}");
        let coding = RTCRtpEncodingParameters {
            rtp_coding_parameters: RTCRtpCodingParameters {
                ssrc: Some(ssrc),
                ..Default::default()
            },
            codec: described.rtp_codec,
            ..Default::default()
        };
        let kind = rtp_kind(codec.kind());
        let track = MediaStreamTrack::new(name.clone(), name.clone(), name, kind, vec![coding]);
        let track = Arc::new(TrackLocalStaticRTP::new(track));
        let init = RTCRtpTransceiverInit {
            direction: RTCRtpTransceiverDirection::Sendonly,
            ..Default::default()
        };
        let transceiver = self
            .connection
            .add_transceiver_from_track(track.clone(), Some(init))
            .await
            .map_err(engine_error)?;
        transceiver
            .set_codec_preferences(codecs_of(codec.kind(), Some(codec)))
            .await
            .map_err(engine_error)?;
        let sending = Arc::new(Sending::new(codec, ssrc, track, transceiver.clone()));
        let media = Media::Send {
            sending,
            gate: watch::Sender::new(Gate::Shut),
        };
        Ok(self.negotiation.add(Section {
            transceiver,
            counters: Arc::default(),
            media,
        }))
    }

    async fn new_receive_section(&mut self, kind: Kind) -> Result<usize, MediaError> {
        let init = RTCRtpTransceiverInit {
            direction: RTCRtpTransceiverDirection::Recvonly,
            ..Default::default()
        };
        let transceiver = self
            .connection
            .add_transceiver_from_kind(rtp_kind(kind), Some(init))
            .await
            .map_err(engine_error)?;
        let receiving = Arc::new(Receiving::new(transceiver.clone()));
        self.shared.add_receiver(transceiver.id(), receiving.clone());
        let media = Media::Receive { kind, receiving };
        Ok(self.negotiation.add(Section {
            transceiver,
            counters: Arc::default(),
            media,
        }))
    }
}

#[async_trait]
impl MediaPeer for WebRtcPeer {
    async fn add_sender(&mut self, info: TrackInfo) -> Result<(LineId, Box<dyn FrameWriter>), MediaError> {
        self.check_open()?;
        // The stack binds retransmission to the codec of a section's first line, so only the same codec can follow.
        let fits =
            |section: &Section| matches!(&section.media, Media::Send { sending, .. } if sending.codec == info.codec);
        let place = match self.negotiation.idle(fits) {
            Some(place) => place,
            None => self.new_send_section(info.codec).await?,
        };
        let (line, section) = self.negotiation.carry(place);
        section.counters = Arc::default();
        section
            .transceiver
            .set_direction(RTCRtpTransceiverDirection::Sendonly)
            .await
            .map_err(engine_error)?;
        let Media::Send { sending, gate } = &mut section.media else {
            unreachable!("the section was chosen, or made, for sending")
        };
        // A new gate for each line: the writer of the line before keeps the one that was shut.
        *gate = watch::Sender::new(Gate::Waiting);
        self.shared
            .add_sender(sending.ssrc, line, sending.codec.clock_rate(), section.counters.clone());
        let writer = Writer::new(
            sending.clone(),
            gate.subscribe(),
            self.shared.link.subscribe(),
            section.counters.clone(),
        );
        Ok((line, Box::new(writer)))
    }

    async fn add_receiver(&mut self, kind: Kind) -> Result<LineId, MediaError> {
        self.check_open()?;
        let fits = |section: &Section| matches!(section.media, Media::Receive { kind: of, .. } if of == kind);
        let place = match self.negotiation.idle(fits) {
            Some(place) => place,
            None => self.new_receive_section(kind).await?,
        };
        let (line, section) = self.negotiation.carry(place);
        section.counters = Arc::default();
        section
            .transceiver
            .set_direction(RTCRtpTransceiverDirection::Recvonly)
            .await
            .map_err(engine_error)?;
        Ok(line)
    }

    async fn stop_line(&mut self, line: LineId) -> Result<(), MediaError> {
        self.check_open()?;
        let section = self.negotiation.stop(line)?;
        match &section.media {
            Media::Send { gate, .. } => _ = gate.send_replace(Gate::Shut),
            Media::Receive { receiving, .. } => receiving.carry(None),
        }
        section
            .transceiver
            .set_direction(RTCRtpTransceiverDirection::Inactive)
            .await
            .map_err(engine_error)
    }

    async fn restart_ice(&mut self) -> Result<(), MediaError> {
        self.check_open()?;
        self.connection.restart_ice().await.map_err(engine_error)
    }

    async fn offer(&mut self) -> Result<Offer, MediaError> {
        self.check_open()?;
        self.negotiation.check_offer()?;
        let description = self.connection.create_offer(None).await.map_err(engine_error)?;
        let sdp = description.sdp.clone();
        self.connection
            .set_local_description(description)
            .await
            .map_err(engine_error)?;
        self.negotiation.offered()?;
        let mut mids = Vec::new();
        for (line, section) in self.negotiation.lines() {
            mids.extend(
                section
                    .transceiver
                    .mid()
                    .await
                    .map_err(engine_error)?
                    .map(|mid| (line, mid)),
            );
        }
        Ok(Offer { sdp, mids })
    }

    async fn answer(&mut self, sdp: &str) -> Result<(), MediaError> {
        self.check_open()?;
        let live = self.negotiation.answered()?;
        let takes_red = takes_red(sdp);
        let description = RTCSessionDescription::answer(sdp.to_owned()).map_err(|e| MediaError::Answer(e.into()))?;
        self.connection
            .set_remote_description(description)
            .await
            .map_err(|e| MediaError::Answer(e.into()))?;
        for (line, section) in live {
            match &section.media {
                Media::Send { sending, gate } => {
                    sending.set_takes_red(takes_red);
                    gate.send_replace(Gate::Open);
                }
                Media::Receive { receiving, .. } => receiving.carry(Some((line, section.counters.clone()))),
            }
        }
        Ok(())
    }

    async fn stats(&mut self) -> Vec<LineStats> {
        let round_trip = self.round_trip().await;
        let lines = self.negotiation.lines().map(|(line, section)| {
            let (direction, kind) = match &section.media {
                Media::Send { sending, .. } => (Direction::Send, sending.codec.kind()),
                Media::Receive { kind, .. } => (Direction::Receive, *kind),
            };
            let mut stats = section.counters.fill(LineStats::new(line, direction, kind));
            stats.round_trip = round_trip;
            stats
        });
        lines.collect()
    }

    async fn close(&mut self) {
        if std::mem::replace(&mut self.closed, true) {
            return;
        }
        self.shared.events.send(PeerEvent::State(PeerState::Closed));
        self.shared.close();
        if let Err(error) = self.connection.close().await {
            tracing::debug!(%error, "the media connection did not close cleanly");
        }
    }
}

impl Drop for WebRtcPeer {
    /// The stack's own task ends only by `close`, which must be awaited.
    fn drop(&mut self) {
        if self.closed {
            return;
        }
        self.shared.close();
        let connection = self.connection.clone();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { connection.close().await });
        }
    }
}

impl fmt::Debug for WebRtcPeer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebRtcPeer")
            .field("lines", &self.negotiation.lines().count())
            .field("closed", &self.closed)
            .finish_non_exhaustive()
    }
}
