use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use hst_media::{
    Codec, Frame, FrameWriter, LineClosed,
    rtp::{BURST, BURST_INTERVAL, Counters, Echo, Outgoing},
};
use rtc::rtp::{Header, Packet};
use tokio::{
    sync::{Mutex, watch},
    time::{Instant, sleep},
};
use webrtc::{
    media_stream::track_local::{TrackLocal, static_rtp::TrackLocalStaticRTP},
    rtp_transceiver::RtpTransceiver,
};

use crate::{
    codecs::{OPUS, RED, payload_type_of},
    extensions::Numbers,
    shared::Link,
};

/// Whether a line may be written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gate {
    /// Not negotiated yet.
    Waiting,
    /// Negotiated.
    Open,
    /// Stopped.
    Shut,
}

/// The RTP stream of one section. It outlives the lines that the section carries in turn, so that sequence numbers
/// and timestamps go on.
pub(crate) struct Sending {
    pub(crate) codec: Codec,
    pub(crate) ssrc: u32,
    track: Arc<TrackLocalStaticRTP>,
    transceiver: Arc<dyn RtpTransceiver>,
    /// A lock, because the writer of a stopped line may still be at its last frame when the next one begins.
    stream: Mutex<Stream>,
    /// Whether the other side takes sound with what came before it.
    takes_red: AtomicBool,
}

struct Stream {
    packets: Outgoing,
    /// What it has sent last, of sound.
    echo: Echo,
}

impl Sending {
    pub(crate) fn new(
        codec: Codec,
        ssrc: u32,
        track: Arc<TrackLocalStaticRTP>,
        transceiver: Arc<dyn RtpTransceiver>,
    ) -> Self {
        // Below the middle, as its documentation wants it.
        let sequence = rand::random::<u16>() >> 1;
        Self {
            codec,
            ssrc,
            track,
            transceiver,
            stream: Mutex::new(Stream {
                packets: Outgoing::new(codec, sequence),
                echo: Echo::default(),
            }),
            takes_red: AtomicBool::new(false),
        }
    }

    /// What the other side has answered.
    pub(crate) fn set_takes_red(&self, takes_red: bool) {
        self.takes_red.store(takes_red, Relaxed);
    }

    /// The header extensions that the other side takes.
    async fn extensions(&self) -> Option<Numbers> {
        let sender = self.transceiver.sender().await.ok()??;
        let parameters = sender.get_parameters().await.ok()?.rtp_parameters;
        Some(Numbers::of(&parameters.header_extensions))
    }

    async fn mid(&self) -> Option<Bytes> {
        Some(self.transceiver.mid().await.ok()??.into())
    }
}

/// The [`FrameWriter`] of one line.
pub(crate) struct Writer {
    sending: Arc<Sending>,
    gate: watch::Receiver<Gate>,
    link: watch::Receiver<Link>,
    counters: Arc<Counters>,
    start: Option<Start>,
}

/// How the frames of this line are placed on the section's RTP stream; known once the line works.
#[derive(Debug, Clone)]
struct Start {
    /// The timestamp of the track's time zero.
    timestamp: u32,
    extensions: Numbers,
    mid: Option<Bytes>,
}

impl Writer {
    pub(crate) fn new(
        sending: Arc<Sending>,
        gate: watch::Receiver<Gate>,
        link: watch::Receiver<Link>,
        counters: Arc<Counters>,
    ) -> Self {
        Self {
            sending,
            gate,
            link,
            counters,
            start: None,
        }
    }

    /// Waits until the line works for the first time; from then on it only finds out whether it still does.
    async fn ready(&mut self) -> Result<(), LineClosed> {
        loop {
            match (*self.gate.borrow_and_update(), *self.link.borrow_and_update()) {
                (Gate::Shut, _) | (_, Link::Gone) => return Err(LineClosed),
                (Gate::Open, Link::Up) => return Ok(()),
                (Gate::Waiting, _) | (_, Link::Waiting) => {}
            }
            tokio::select! {
                changed = self.gate.changed() => changed,
                changed = self.link.changed() => changed,
            }
            .map_err(|_| LineClosed)?;
        }
    }
}

#[async_trait]
impl FrameWriter for Writer {
    async fn write(&mut self, frame: Frame) -> Result<(), LineClosed> {
        self.ready().await?;
        let codec = self.sending.codec;
        let payload_type = payload_type_of(codec).ok_or(LineClosed)?;
        let is_redundant = codec == Codec::Opus && self.sending.takes_red.load(Relaxed);
        let mut stream = self.sending.stream.lock().await;

        let start = match &self.start {
            Some(start) => start.clone(),
            None => {
                // Nobody hears in this line what the one before carried.
                stream.echo = Echo::default();
                let start = Start {
                    timestamp: stream.packets.begin(Instant::now(), frame.time, rand::random()),
                    extensions: self.sending.extensions().await.unwrap_or_default(),
                    mid: self.sending.mid().await,
                };
                self.start.insert(start).clone()
            }
        };

        let packets = stream.packets.packets(Instant::now(), start.timestamp, &frame);
        for (index, packet) in packets.into_iter().enumerate() {
            if index > 0 && index % BURST == 0 {
                sleep(BURST_INTERVAL).await;
            }
            self.counters.packet(codec, packet.payload.len());
            let (payload_type, payload) = match is_redundant {
                true => (RED, stream.echo.payload(packet.timestamp, &packet.payload, OPUS)),
                false => (payload_type, packet.payload),
            };
            let mut header = Header {
                version: 2,
                marker: packet.marker,
                payload_type,
                sequence_number: packet.sequence as u16,
                timestamp: packet.timestamp,
                ssrc: self.sending.ssrc,
                ..Header::default()
            };
            if let (Some(number), Some(mid)) = (start.extensions.mid, &start.mid) {
                // A name of one or two digits always fits.
                let _ = header.set_extension(number, mid.clone());
            }
            start.extensions.write_level(&mut header, packet.level);
            self.sending
                .track
                .write_rtp(Packet { header, payload })
                .await
                .map_err(|_| LineClosed)?;
        }
        self.counters.frame(codec, &frame);
        self.counters.heard(frame.loudness(codec));
        Ok(())
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer")
            .field("codec", &self.sending.codec)
            .field("ssrc", &self.sending.ssrc)
            .finish_non_exhaustive()
    }
}
