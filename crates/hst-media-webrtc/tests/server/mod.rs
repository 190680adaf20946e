//! A little media server on str0m: ICE-lite, one UDP socket on 127.0.0.1. It forwards RTP by key, or, to try its own
//! packets and frames against ours, takes and gives whole frames.

// These are tests: a surprise ends them.
#![allow(clippy::unwrap_used)]
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Once,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use hst_media::{
    Frame,
    contract::{Counterpart, Route},
};
use str0m::{
    Candidate, Event, Input, Output, Rtc, RtcConfig,
    change::SdpOffer,
    media::{KeyframeRequestKind, MediaData, MediaTime, Mid},
    net::{Protocol, Receive},
    rtp::{ExtensionValues, RtpPacket, RtpWrite, SeqNo},
};
use tokio::{
    net::UdpSocket,
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

/// The way to talk to the server's task; dropping it ends the server.
pub(crate) struct Server {
    commands: mpsc::Sender<Command>,
    task: JoinHandle<()>,
}

enum Command {
    Answer {
        peer: u32,
        offer: String,
        routes: Vec<(String, Route)>,
        reply: oneshot::Sender<String>,
    },
    /// Loses every so many-th media packet in both directions from here on.
    Lose { one_in: u32 },
    /// Hears nothing from here on, or hears again.
    Deafen { deaf: bool },
    /// Packetizes a frame for a section that receives.
    Write {
        peer: u32,
        mid: String,
        payload_type: u8,
        frame: Frame,
    },
}

impl Server {
    /// A server that forwards.
    pub(crate) async fn start() -> Self {
        Self::start_at(Ipv4Addr::LOCALHOST.into()).await
    }

    /// A server that forwards, and has this address alone.
    pub(crate) async fn start_at(address: IpAddr) -> Self {
        Self::start_as(address, None).await
    }

    /// A server that gives the frames that it receives to the second value, and sends those of [`write`](Self::write).
    pub(crate) async fn start_with_frames() -> (Self, mpsc::Receiver<MediaData>) {
        let (frames, received) = mpsc::channel(1024);
        (Self::start_as(Ipv4Addr::LOCALHOST.into(), Some(frames)).await, received)
    }

    async fn start_as(address: IpAddr, frames: Option<mpsc::Sender<MediaData>>) -> Self {
        static LOG: Once = Once::new();
        LOG.call_once(|| {
            let filter = tracing_subscriber::EnvFilter::from_default_env();
            tracing_subscriber::fmt()
                .with_env_filter(filter)
                .with_writer(std::io::stderr)
                .init();
        });
        let socket = UdpSocket::bind((address, 0)).await.unwrap();
        let (commands, queue) = mpsc::channel(8);
        Self {
            commands,
            task: tokio::spawn(Forwarder::new(socket, frames).run(queue)),
        }
    }

    pub(crate) async fn write(&self, peer: u32, mid: &str, payload_type: u8, frame: Frame) {
        self.commands
            .send(Command::Write {
                peer,
                mid: mid.to_owned(),
                payload_type,
                frame,
            })
            .await
            .unwrap();
    }

    pub(crate) async fn lose(&self, one_in: u32) {
        self.commands.send(Command::Lose { one_in }).await.unwrap();
    }

    pub(crate) async fn deafen(&self, deaf: bool) {
        self.commands.send(Command::Deafen { deaf }).await.unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[async_trait]
impl Counterpart for Server {
    async fn answer(&self, peer: u32, offer: &str, routes: Vec<(String, Route)>) -> String {
        let (reply, answer) = oneshot::channel();
        let command = Command::Answer {
            peer,
            offer: offer.to_owned(),
            routes,
            reply,
        };
        self.commands.send(command).await.unwrap();
        answer.await.unwrap()
    }
}

struct Forwarder {
    socket: UdpSocket,
    local: SocketAddr,
    peers: BTreeMap<u32, Peer>,
    /// In either direction, counted apart.
    loss_in: Loss,
    loss_out: Loss,
    deaf: bool,
    frames: Option<mpsc::Sender<MediaData>>,
}

/// Which packets get lost on the way.
#[derive(Default)]
struct Loss {
    one_in: u32,
    media_packets: u32,
}

impl Loss {
    fn takes(&mut self, datagram: &[u8]) -> bool {
        // RTP or RTCP (RFC 7983), and not RTCP (RFC 5761).
        let media = datagram.len() > 100 && (128..192).contains(&datagram[0]) && !(192..224).contains(&datagram[1]);
        self.media_packets += u32::from(media);
        media && self.one_in > 0 && self.media_packets.is_multiple_of(self.one_in)
    }
}

struct Peer {
    rtc: Rtc,
    routes: BTreeMap<Mid, Route>,
    /// How each section that receives goes on when its source changes.
    rewrite: BTreeMap<Mid, Rewrite>,
}

#[derive(Default)]
struct Rewrite {
    key: String,
    sequence: u64,
    timestamp: u32,
    sequence_offset: u64,
    timestamp_offset: u32,
}

impl Forwarder {
    fn new(socket: UdpSocket, frames: Option<mpsc::Sender<MediaData>>) -> Self {
        let local = socket.local_addr().unwrap();
        Self {
            socket,
            local,
            peers: BTreeMap::new(),
            loss_in: Loss::default(),
            loss_out: Loss::default(),
            deaf: false,
            frames,
        }
    }

    async fn run(mut self, mut queue: mpsc::Receiver<Command>) {
        let mut buffer = vec![0; 2000];
        loop {
            let timeout = self.drain().await;
            tokio::select! {
                command = queue.recv() => match command {
                    Some(Command::Answer { peer, offer, routes, reply }) => {
                        let answer = self.answer(peer, &offer, routes);
                        let _ = reply.send(answer);
                    }
                    Some(Command::Lose { one_in }) => (self.loss_in.one_in, self.loss_out.one_in) = (one_in, one_in),
                    Some(Command::Deafen { deaf }) => self.deaf = deaf,
                    Some(Command::Write { peer, mid, payload_type, frame }) => {
                        let time = MediaTime::from_micros(frame.time.as_micros() as u64);
                        let rtc = &mut self.peers.get_mut(&peer).unwrap().rtc;
                        let writer = rtc.writer(Mid::from(mid.as_str())).unwrap();
                        writer.write(payload_type.into(), Instant::now(), time, frame.data.to_vec()).unwrap();
                    }
                    None => return,
                },
                received = self.socket.recv_from(&mut buffer) => {
                    let (len, source) = received.unwrap();
                    if !self.deaf && !self.loss_in.takes(&buffer[..len]) {
                        self.receive(source, &buffer[..len]);
                    }
                }
                () = tokio::time::sleep_until(timeout.into()) => {}
            }
            let now = Instant::now();
            for peer in self.peers.values_mut() {
                let _ = peer.rtc.handle_input(Input::Timeout(now));
            }
        }
    }

    fn receive(&mut self, source: SocketAddr, data: &[u8]) {
        let Ok(receive) = Receive::new(Protocol::Udp, source, self.local, data) else {
            return;
        };
        let input = Input::Receive(Instant::now(), receive);
        if let Some(peer) = self.peers.values_mut().find(|peer| peer.rtc.accepts(&input)) {
            let _ = peer.rtc.handle_input(input);
        }
    }

    fn answer(&mut self, number: u32, offer: &str, routes: Vec<(String, Route)>) -> String {
        let offer = SdpOffer::from_sdp_string(offer).unwrap();
        let peer = self.peers.entry(number).or_insert_with(|| {
            let mut rtc = RtcConfig::new()
                .clear_codecs()
                .enable_opus(true, false)
                .enable_vp8(true)
                .enable_h264(true)
                .set_rtp_mode(self.frames.is_none())
                .set_ice_lite(true)
                .build(Instant::now());
            rtc.add_local_candidate(Candidate::host(self.local, "udp").unwrap());
            Peer {
                rtc,
                routes: BTreeMap::new(),
                rewrite: BTreeMap::new(),
            }
        });
        let answer = peer.rtc.sdp_api().accept_offer(offer).unwrap();
        peer.routes = routes
            .into_iter()
            .map(|(mid, route)| (Mid::from(mid.as_str()), route))
            .collect();
        answer.to_sdp_string()
    }

    /// Lets every connection say what it has to say; returns when the next one wants to be asked again.
    async fn drain(&mut self) -> Instant {
        let mut timeout = Instant::now() + Duration::from_secs(1);
        loop {
            let mut events = Vec::new();
            for (&number, peer) in &mut self.peers {
                while peer.rtc.is_alive() {
                    match peer.rtc.poll_output().unwrap() {
                        Output::Timeout(at) => {
                            timeout = timeout.min(at);
                            break;
                        }
                        Output::Transmit(transmit) => {
                            let lost = self.loss_out.takes(&transmit.contents);
                            if !lost {
                                self.socket
                                    .send_to(&transmit.contents, transmit.destination)
                                    .await
                                    .unwrap();
                            }
                        }
                        Output::Event(event) => events.push((number, event)),
                    }
                }
            }
            if events.is_empty() {
                return timeout;
            }
            for (number, event) in events {
                match event {
                    Event::MediaData(data) => self.frames.as_ref().unwrap().send(data).await.unwrap(),
                    Event::RtpPacket(packet) => self.forward(number, &packet),
                    Event::KeyframeRequest(request) => self.request_keyframe(number, request.mid),
                    _ => {}
                }
            }
            // What has been written becomes a datagram only after this.
            let now = Instant::now();
            for peer in self.peers.values_mut() {
                let _ = peer.rtc.handle_input(Input::Timeout(now));
            }
        }
    }

    fn forward(&mut self, from: u32, packet: &RtpPacket) {
        let Some(peer) = self.peers.get_mut(&from) else { return };
        let mid = peer
            .rtc
            .direct_api()
            .stream_rx(&packet.header.ssrc)
            .map(|stream| stream.mid());
        let Some(Route::Send(key)) = mid.and_then(|mid| peer.routes.get(&mid)).cloned() else {
            return;
        };
        for peer in self.peers.values_mut() {
            for (mid, route) in &peer.routes {
                if *route == Route::Receive(key.clone()) {
                    let rewrite = peer.rewrite.entry(*mid).or_default();
                    let (sequence, timestamp) = rewrite.apply(&key, packet);
                    if let Some(stream) = peer.rtc.direct_api().stream_tx_by_mid(*mid, None) {
                        let (header, payload) = (&packet.header, packet.payload.clone());
                        let write = RtpWrite::new(header.payload_type, sequence, timestamp, packet.timestamp, payload)
                            .marker(header.marker)
                            .ext_vals(loudness(&header.ext_vals))
                            .nackable(true);
                        stream.write_rtp(write);
                    }
                }
            }
        }
    }

    /// Passes a keyframe request of a section that receives on to the one that sends.
    fn request_keyframe(&mut self, number: u32, mid: Mid) {
        let route = self.peers.get(&number).and_then(|peer| peer.routes.get(&mid)).cloned();
        let Some(Route::Receive(key)) = route else { return };
        for peer in self.peers.values_mut() {
            for (mid, route) in &peer.routes {
                if *route == Route::Send(key.clone())
                    && let Some(stream) = peer.rtc.direct_api().stream_rx_by_mid(*mid, None)
                {
                    stream.request_keyframe(KeyframeRequestKind::Pli);
                }
            }
        }
    }
}

/// What is passed on of what a packet tells beside its media.
fn loudness(values: &ExtensionValues) -> ExtensionValues {
    ExtensionValues {
        audio_level: values.audio_level,
        voice_activity: values.voice_activity,
        ..ExtensionValues::default()
    }
}

impl Rewrite {
    fn apply(&mut self, key: &str, packet: &RtpPacket) -> (SeqNo, u32) {
        let (sequence, timestamp) = (*packet.seq_no, packet.header.timestamp);
        if self.key != key {
            self.key = key.to_owned();
            self.sequence_offset = (self.sequence + 1).wrapping_sub(sequence);
            self.timestamp_offset = self.timestamp.wrapping_add(3000).wrapping_sub(timestamp);
        }
        self.sequence = sequence.wrapping_add(self.sequence_offset);
        self.timestamp = timestamp.wrapping_add(self.timestamp_offset);
        (self.sequence.into(), self.timestamp)
    }
}
