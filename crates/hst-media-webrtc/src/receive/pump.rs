use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use hst_media::{Codec, Frame, FrameReader, LineId, PeerEvent};
use rtc::{
    rtcp::{
        Packet as Rtcp,
        payload_feedbacks::picture_loss_indication::PictureLossIndication,
        transport_feedbacks::transport_layer_nack::{TransportLayerNack, nack_pairs_from_sequence_numbers},
    },
    rtp::Packet,
};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep_until},
};
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};

use super::{
    assemble::Assembler,
    reorder::{Ordered, Reorder},
};
use crate::{codecs::codec_of, counters::Counters, shared::Shared};

/// Frames between a line and its reader; when full the newest is dropped, and video goes on with a keyframe.
const UNREAD_FRAMES: usize = 128;
/// The least time between two requests for a keyframe.
const KEYFRAME_INTERVAL: Duration = Duration::from_millis(500);

/// What a receiving section carries now; `None` drops everything that arrives.
#[derive(Debug)]
pub(crate) struct Receiving {
    line: watch::Sender<Option<(LineId, Arc<Counters>)>>,
}

impl Receiving {
    pub(crate) fn new() -> Self {
        Self {
            line: watch::Sender::new(None),
        }
    }

    /// A line that it carries already goes on with its reader.
    pub(crate) fn carry(&self, line: Option<(LineId, Arc<Counters>)>) {
        self.line.send_if_modified(|carried| {
            let id = |line: &Option<(LineId, Arc<Counters>)>| line.as_ref().map(|(id, _)| *id);
            let is_new = id(carried) != id(&line);
            if is_new {
                *carried = line;
            }
            is_new
        });
    }
}

/// Moves one section's packets into the reader of the line that it carries, for as long as the peer lives.
pub(crate) async fn pump(track: Arc<dyn TrackRemote>, shared: Arc<Shared>) {
    // The section that the track belongs to is told by its first event only.
    let receiving = loop {
        match track.poll().await {
            Some(TrackRemoteEvent::OnOpen(open)) => break shared.receiver(open.receiver_id.into()),
            Some(_) => {}
            None => return,
        }
    };
    let Some(receiving) = receiving else { return };
    let mut line = receiving.line.subscribe();
    let mut stream: Option<Stream> = None;
    loop {
        let deadline = stream.as_ref().and_then(|stream| stream.reorder.deadline());
        tokio::select! {
            event = track.poll() => match event {
                Some(TrackRemoteEvent::OnRtpPacket(packet)) => {
                    let carried = line.borrow_and_update().clone();
                    let (Some((id, counters)), Some(codec)) = (carried, codec_of(packet.header.payload_type)) else {
                        stream = None;
                        continue;
                    };
                    if stream.as_ref().is_none_or(|stream| (stream.line, stream.codec) != (id, codec)) {
                        stream = Some(Stream::begin(id, codec, counters, &shared));
                    }
                    if let Some(stream) = &mut stream {
                        stream.take(packet);
                    }
                }
                Some(_) => {}
                None => return,
            },
            Ok(()) = line.changed() => stream = None,
            () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {}
        }
        if let Some(stream) = &mut stream {
            let feedback = stream.advance();
            // An error means that the peer is closed, which the next poll finds out.
            if !feedback.is_empty() && track.write_rtcp(feedback).await.is_err() {
                return;
            }
        }
    }
}

/// One line's media in one codec.
struct Stream {
    line: LineId,
    codec: Codec,
    counters: Arc<Counters>,
    reorder: Reorder,
    assembler: Assembler,
    out: mpsc::Sender<Frame>,
    ssrc: u32,
    keyframe_requested: Option<Instant>,
    jitter: Jitter,
}

impl Stream {
    fn begin(line: LineId, codec: Codec, counters: Arc<Counters>, shared: &Shared) -> Self {
        let (out, frames) = mpsc::channel(UNREAD_FRAMES);
        shared.events.send(PeerEvent::Track {
            line,
            codec,
            reader: Box::new(Reader { frames }),
        });
        Self {
            line,
            codec,
            counters,
            reorder: Reorder::new(codec.kind()),
            assembler: Assembler::new(codec),
            out,
            ssrc: 0,
            keyframe_requested: None,
            jitter: Jitter::default(),
        }
    }

    fn take(&mut self, packet: Packet) {
        let now = Instant::now();
        self.ssrc = packet.header.ssrc;
        let (payload_type, len, timestamp) = (
            packet.header.payload_type,
            packet.payload.len(),
            packet.header.timestamp,
        );
        if self.reorder.push(packet) {
            self.counters.packet(payload_type, len);
            self.counters
                .set_jitter(self.jitter.arrived(timestamp, self.codec.clock_rate(), now));
        }
    }

    /// Hands on what is ready; returns what to tell the sender.
    fn advance(&mut self) -> Vec<Box<dyn Rtcp>> {
        let now = Instant::now();
        let mut feedback: Vec<Box<dyn Rtcp>> = Vec::new();
        let missing = self.reorder.look(now);
        if !missing.is_empty() {
            let nacks = nack_pairs_from_sequence_numbers(&missing);
            feedback.push(Box::new(TransportLayerNack {
                sender_ssrc: 0,
                media_ssrc: self.ssrc,
                nacks,
            }));
        }
        let mut frames = Vec::new();
        while let Some(out) = self.reorder.pop(now) {
            match out {
                Ordered::Packet(packet) => self.assembler.push(&packet, &mut frames),
                Ordered::Gap(lost) => {
                    self.counters.lost(lost);
                    self.assembler.lost();
                }
            }
        }
        for frame in frames {
            // A frame after one that was dropped here cannot be decoded either.
            if self.assembler.needs_keyframe() && !frame.keyframe {
                continue;
            }
            match self.out.try_send(frame) {
                Ok(()) => self.counters.frame(),
                Err(_) => self.assembler.dropped(),
            }
        }
        let waited = self.keyframe_requested.is_none_or(|at| now >= at + KEYFRAME_INTERVAL);
        if self.assembler.needs_keyframe() && waited {
            self.keyframe_requested = Some(now);
            feedback.push(Box::new(PictureLossIndication {
                sender_ssrc: 0,
                media_ssrc: self.ssrc,
            }));
        }
        feedback
    }
}

/// RFC 3550 section 6.4.1.
#[derive(Debug, Default)]
struct Jitter {
    latest: Option<(u32, Instant)>,
    seconds: f64,
}

impl Jitter {
    fn arrived(&mut self, timestamp: u32, rate: u32, now: Instant) -> f64 {
        if let Some((before, at)) = self.latest.replace((timestamp, now)) {
            let sent = f64::from(timestamp.wrapping_sub(before) as i32) / f64::from(rate);
            let difference = (now - at).as_secs_f64() - sent;
            self.seconds += (difference.abs() - self.seconds) / 16.0;
        }
        self.seconds
    }
}

/// The [`FrameReader`] of one line in one codec.
#[derive(Debug)]
struct Reader {
    frames: mpsc::Receiver<Frame>,
}

#[async_trait]
impl FrameReader for Reader {
    async fn read(&mut self) -> Option<Frame> {
        self.frames.recv().await
    }
}
