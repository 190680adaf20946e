//! A server that forwards one media to everybody, as an application writes it on the crate `webrtc`, after that crate's own
//! example `broadcast`. It is there to be measured beside ours: `hst bench forward --beside PATH`.
//!
//! Each line of standard input is an offer, `{"offer":"…"}`, and each of standard output its answer, `{"answer":"…"}`. Who comes
//! first publishes; all others receive.

use std::{
    error::Error,
    io::{self, BufRead as _, Write as _},
    sync::Arc,
};

use async_trait::async_trait;
use rtc::{
    interceptor::Registry,
    peer_connection::configuration::{
        interceptor_registry::register_default_interceptors,
        media_engine::{MIME_TYPE_VP8, MediaEngine},
    },
    rtp::Packet,
    rtp_transceiver::rtp_sender::{RTCRtpCodec, RTCRtpCodingParameters, RTCRtpEncodingParameters, RtpCodecKind},
};
use serde_json::{Value, json};
use tokio::sync::{
    Notify,
    broadcast::{self, error::RecvError},
};
use webrtc::{
    media_stream::{
        MediaStreamTrack,
        track_local::{TrackLocal, static_rtp::TrackLocalStaticRTP},
        track_remote::{TrackRemote, TrackRemoteEvent},
    },
    peer_connection::{
        PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCIceGatheringState, RTCSessionDescription,
    },
};

/// So many packets may wait for a receiver; of more he misses the oldest.
const PACKETS: usize = 1024;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (packets, _) = broadcast::channel(PACKETS);
    let mut connections = Vec::new();
    for line in io::stdin().lock().lines() {
        let request: Value = serde_json::from_str(&line?)?;
        let offer = request["offer"].as_str().ok_or("an offer is missing")?;
        let receives = (!connections.is_empty()).then(|| packets.subscribe());
        let (connection, answer) = connect(offer, packets.clone(), receives).await?;
        connections.push(connection);
        let mut out = io::stdout().lock();
        writeln!(out, "{}", json!({ "answer": answer }))?;
        out.flush()?;
    }
    Ok(())
}

/// Answers an offer: of somebody who receives, or of him who publishes.
async fn connect(
    offer: &str,
    packets: broadcast::Sender<Packet>,
    receives: Option<broadcast::Receiver<Packet>>,
) -> Result<(Arc<dyn PeerConnection>, String), Box<dyn Error>> {
    let mut media = MediaEngine::default();
    media.register_default_codecs()?;
    let registry = register_default_interceptors(Registry::new(), &mut media)?;
    let gathered = Arc::new(Notify::new());
    let handler = Handler {
        gathered: gathered.clone(),
        packets,
    };
    let connection = PeerConnectionBuilder::new()
        .with_media_engine(media)
        .with_interceptor_registry(registry)
        .with_handler(Arc::new(handler))
        .with_udp_addrs(vec!["127.0.0.1:0"]);
    let connection: Arc<dyn PeerConnection> = Arc::new(Box::pin(connection.build()).await?);
    if let Some(packets) = receives {
        let ssrc = rand::random();
        let track = Arc::new(TrackLocalStaticRTP::new(track(ssrc)));
        connection.add_track(track.clone()).await?;
        tokio::spawn(write(packets, track, ssrc));
    }
    let offer = RTCSessionDescription::offer(offer.to_owned())?;
    connection.set_remote_description(offer).await?;
    let answer = connection.create_answer(None).await?;
    connection.set_local_description(answer).await?;
    gathered.notified().await;
    let answer = connection.local_description().await.ok_or("an answer is missing")?;
    Ok((connection, answer.sdp))
}

fn track(ssrc: u32) -> MediaStreamTrack {
    let codec = RTCRtpCodec {
        mime_type: MIME_TYPE_VP8.into(),
        clock_rate: 90_000,
        ..RTCRtpCodec::default()
    };
    let encoding = RTCRtpEncodingParameters {
        rtp_coding_parameters: RTCRtpCodingParameters {
            ssrc: Some(ssrc),
            ..RTCRtpCodingParameters::default()
        },
        codec,
        ..RTCRtpEncodingParameters::default()
    };
    let name = format!("forwarded-{ssrc}");
    MediaStreamTrack::new(name.clone(), name.clone(), name, RtpCodecKind::Video, vec![encoding])
}

/// Writes every packet to one receiver.
async fn write(mut packets: broadcast::Receiver<Packet>, track: Arc<TrackLocalStaticRTP>, ssrc: u32) {
    loop {
        match packets.recv().await {
            Ok(mut packet) => {
                packet.header.ssrc = ssrc;
                // Until he is connected nothing goes to him.
                let _ = track.write_rtp(packet).await;
            }
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => break,
        }
    }
}

struct Handler {
    gathered: Arc<Notify>,
    packets: broadcast::Sender<Packet>,
}

#[async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            self.gathered.notify_one();
        }
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        let packets = self.packets.clone();
        tokio::spawn(async move {
            while let Some(event) = track.poll().await {
                if let TrackRemoteEvent::OnRtpPacket(packet) = event {
                    // Nobody receives yet: that is no fault.
                    let _ = packets.send(packet);
                }
            }
        });
    }
}
