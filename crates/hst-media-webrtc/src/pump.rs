use std::{fmt, sync::Arc};

use hst_media::{
    Codec, LineId, PeerEvent,
    rtp::{Counters, Feedback, Incoming, Packet},
};
use rtc::rtcp::{
    Packet as Rtcp,
    payload_feedbacks::picture_loss_indication::PictureLossIndication,
    transport_feedbacks::transport_layer_nack::{TransportLayerNack, nack_pairs_from_sequence_numbers},
};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};
use webrtc::{
    media_stream::track_remote::{TrackRemote, TrackRemoteEvent},
    rtp_transceiver::RtpTransceiver,
};

use crate::{
    codecs::{OPUS, RED, codec_of},
    extensions::Numbers,
    shared::Shared,
};

/// What a receiving section carries now; `None` drops everything that arrives.
pub(crate) struct Receiving {
    transceiver: Arc<dyn RtpTransceiver>,
    line: watch::Sender<Option<(LineId, Arc<Counters>)>>,
}

impl Receiving {
    pub(crate) fn new(transceiver: Arc<dyn RtpTransceiver>) -> Self {
        Self {
            transceiver,
            line: watch::Sender::new(None),
        }
    }

    /// The header extensions that the other side sends.
    async fn extensions(&self) -> Option<Numbers> {
        let receiver = self.transceiver.receiver().await.ok()??;
        let parameters = receiver.get_parameters().await.ok()?.rtp_parameters;
        Some(Numbers::of(&parameters.header_extensions))
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

impl fmt::Debug for Receiving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiving")
            .field("line", &*self.line.borrow())
            .finish_non_exhaustive()
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
    let extensions = receiving.extensions().await.unwrap_or_default();
    let mut line = receiving.line.subscribe();
    let mut stream: Option<Stream> = None;
    let mut ssrc = 0;
    loop {
        let deadline = stream.as_ref().and_then(|stream| stream.incoming.deadline());
        tokio::select! {
            event = track.poll() => match event {
                Some(TrackRemoteEvent::OnRtpPacket(packet)) => {
                    let carried = line.borrow_and_update().clone();
                    let (Some((id, counters)), Some(codec)) = (carried, codec_of(packet.header.payload_type)) else {
                        stream = None;
                        continue;
                    };
                    if stream.as_ref().is_none_or(|stream| (stream.line, stream.incoming.codec()) != (id, codec)) {
                        stream = Some(Stream::begin(id, codec, counters, &shared));
                    }
                    ssrc = packet.header.ssrc;
                    let is_redundant = packet.header.payload_type == RED;
                    if let Some(Stream { incoming, .. }) = &mut stream {
                        let packet = Packet {
                            sequence: packet.header.sequence_number.into(),
                            timestamp: packet.header.timestamp,
                            marker: packet.header.marker,
                            level: extensions.read_level(&packet.header),
                            payload: packet.payload,
                        };
                        match is_redundant {
                            true => incoming.take_redundant(Instant::now(), packet, OPUS),
                            false => incoming.take(Instant::now(), packet),
                        }
                    }
                }
                Some(_) => {}
                None => return,
            },
            Ok(()) = line.changed() => stream = None,
            () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {}
        }
        if let Some(stream) = &mut stream {
            let feedback = rtcp(ssrc, stream.incoming.advance(Instant::now()));
            // An error means that the peer is closed, which the next poll finds out.
            if !feedback.is_empty() && track.write_rtcp(feedback).await.is_err() {
                return;
            }
        }
    }
}

/// What the section carries at the moment.
struct Stream {
    line: LineId,
    incoming: Incoming,
}

impl Stream {
    fn begin(line: LineId, codec: Codec, counters: Arc<Counters>, shared: &Shared) -> Self {
        let (incoming, reader) = Incoming::new(codec, counters);
        shared.events.send(PeerEvent::Track { line, codec, reader });
        Self { line, incoming }
    }
}

/// What to tell the sender of this SSRC.
fn rtcp(media_ssrc: u32, feedback: Feedback) -> Vec<Box<dyn Rtcp>> {
    let mut packets: Vec<Box<dyn Rtcp>> = Vec::new();
    if !feedback.missing.is_empty() {
        packets.push(Box::new(TransportLayerNack {
            sender_ssrc: 0,
            media_ssrc,
            nacks: nack_pairs_from_sequence_numbers(&feedback.missing),
        }));
    }
    if feedback.keyframe {
        packets.push(Box::new(PictureLossIndication {
            sender_ssrc: 0,
            media_ssrc,
        }));
    }
    packets
}
