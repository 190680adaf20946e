//! A media plane, and clients of it over real sockets on loopback.

#![allow(dead_code, reason = "each test binary uses its part")]

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    num::NonZero,
    sync::Arc,
    time::{Duration, Instant},
};

mod wire;

use hst_sfu_worker::{Config, Line, LineRole, MediaEvent, MediaPlane, OfferError, PeerId, Room, TrackId};
use mio::{Events, Interest, Poll, Token, net::UdpSocket};
use socket2::SockRef;
use str0m::{
    Candidate, Event, IceConnectionState, Input, Output, Rtc,
    change::SdpAnswer,
    format::Codec,
    media::{Direction, MediaKind, Mid},
    net::{Protocol, Receive, TcpType},
    rtp::{ExtensionValues, RtpPacket, RtpWrite},
};
use tokio::sync::mpsc;

pub(crate) use wire::Wire;

/// Nothing here takes long; only a failing test waits for it.
const PATIENCE: Duration = Duration::from_secs(20);
/// What of a client's datagrams may wait for it.
const RECEIVE_BUFFER: usize = 4 << 20;

pub(crate) const KEY: u8 = 0;
pub(crate) const DELTA: u8 = 1;

/// A VP8 payload: start of a partition, key or delta, and a number to recognise it by.
pub(crate) fn vp8(kind: u8, number: u32) -> Vec<u8> {
    let mut payload = vec![0x10, kind];
    payload.extend(number.to_be_bytes());
    payload.resize(600, 0xaa);
    payload
}

pub(crate) fn number_of(payload: &[u8]) -> u32 {
    payload[2..6].try_into().map(u32::from_be_bytes).expect("long enough")
}

pub(crate) struct House {
    pub(crate) runtime: tokio::runtime::Runtime,
    pub(crate) plane: Arc<MediaPlane>,
    pub(crate) room: Room,
    pub(crate) events: mpsc::Receiver<MediaEvent>,
    pub(crate) clients: Vec<Client>,
    pub(crate) seen: Vec<MediaEvent>,
    poll: Poll,
}

pub(crate) struct Client {
    pub(crate) peer: PeerId,
    pub(crate) rtc: Rtc,
    pub(crate) socket: UdpSocket,
    /// What it uses in place of the socket, if it may not use UDP.
    pub(crate) wire: Option<Wire>,
    pub(crate) addr: SocketAddr,
    pub(crate) received: Vec<RtpPacket>,
    pub(crate) keyframe_requests: usize,
    pub(crate) is_connected: bool,
    pub(crate) ice: IceConnectionState,
    /// Looks at each datagram that comes in.
    pub(crate) loses: Loses,
    /// What it has sent of STUN.
    pub(crate) checks: Vec<Vec<u8>>,
    /// The last offer with its lines, and the answer to it.
    pub(crate) lines: Vec<(Mid, LineRole)>,
    pub(crate) offer: String,
    pub(crate) answer: String,
    wake_at: Instant,
}

/// Says of a datagram whether it is lost.
type Loses = Box<dyn FnMut(&[u8]) -> bool>;

/// A line that a client wants.
#[derive(Clone, Copy)]
pub(crate) enum Want {
    Send(MediaKind, TrackId),
    Receive(MediaKind, TrackId),
}

impl House {
    pub(crate) fn new() -> Self {
        // In the program of that name every peer comes to a thread of his own.
        match module_path!().starts_with("spread::") {
            false => Self::with(Config {
                workers: NonZero::<usize>::MIN,
                ..Config::default()
            }),
            true => Self::with(Config {
                workers: NonZero::new(3).expect("three"),
                full: 0,
                ..Config::default()
            }),
        }
    }

    pub(crate) fn with(config: Config) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime");
        let (plane, events) = MediaPlane::start(config).expect("a media plane on loopback");
        let room = plane.open_room();
        let poll = Poll::new().expect("a poll");
        Self {
            runtime,
            plane: Arc::new(plane),
            room,
            events,
            clients: Vec::new(),
            seen: Vec::new(),
            poll,
        }
    }

    /// A client with its own socket. Returns its index.
    pub(crate) fn client(&mut self, build: impl FnOnce(str0m::RtcConfig) -> str0m::RtcConfig) -> usize {
        self.client_at(Ipv4Addr::LOCALHOST.into(), build)
    }

    /// The same at this address of loopback.
    pub(crate) fn client_at(&mut self, ip: IpAddr, build: impl FnOnce(str0m::RtcConfig) -> str0m::RtcConfig) -> usize {
        let mut socket = UdpSocket::bind((ip, 0).into()).expect("a socket");
        // On a busy machine nobody reads it for long, and what finds no room is lost.
        let room = SockRef::from(&socket).set_recv_buffer_size(RECEIVE_BUFFER);
        room.expect("as much as the system gives");
        let index = self.clients.len();
        self.poll
            .registry()
            .register(&mut socket, Token(index), Interest::READABLE)
            .expect("registered");
        let addr = socket.local_addr().expect("bound");
        let now = Instant::now();
        let mut rtc = build(config()).build(now);
        rtc.add_local_candidate(Candidate::host(addr, "udp").expect("a candidate"));
        self.clients.push(Client {
            peer: PeerId(100 + index as u64),
            rtc,
            socket,
            wire: None,
            addr,
            received: Vec::new(),
            keyframe_requests: 0,
            is_connected: false,
            ice: IceConnectionState::New,
            loses: Box::new(|_| false),
            checks: Vec::new(),
            lines: Vec::new(),
            offer: String::new(),
            answer: String::new(),
            wake_at: now,
        });
        index
    }

    /// A client that has TCP alone. Returns its index.
    pub(crate) fn client_over_tcp(&mut self) -> usize {
        self.client_over_tcp_at(Ipv4Addr::LOCALHOST.into())
    }

    /// The same at this address of loopback.
    pub(crate) fn client_over_tcp_at(&mut self, ip: IpAddr) -> usize {
        let at = self.client_at(ip, plain);
        self.reconnect(at);
        self.clients[at].rtc = config().build(Instant::now());
        let candidate = self.candidate(at);
        self.clients[at].rtc.add_local_candidate(candidate);
        at
    }

    /// The client's TCP connection is gone, and it has another.
    pub(crate) fn reconnect(&mut self, at: usize) {
        let port = self.plane.local_addrs()[0].port();
        let mut wire = Wire::connect((self.clients[at].addr.ip(), port).into());
        self.poll
            .registry()
            .register(&mut wire.stream, Token(100 + at), Interest::READABLE)
            .expect("registered");
        self.clients[at].addr = wire.stream.local_addr().expect("connected");
        self.clients[at].wire = Some(wire);
    }

    fn candidate(&self, at: usize) -> Candidate {
        let Client { addr, wire, .. } = &self.clients[at];
        let candidate = match wire {
            Some(_) => Candidate::builder().tcp().host(*addr).tcptype(TcpType::Active).build(),
            None => Candidate::host(*addr, "udp"),
        };
        candidate.expect("a candidate")
    }

    /// Adds lines to the client's connection, connects it, and returns their mids.
    pub(crate) fn join(&mut self, at: usize, wants: &[Want]) -> Vec<Mid> {
        self.rejoin(at, 1, wants)
    }

    /// The same for a connection of a later generation.
    pub(crate) fn rejoin(&mut self, at: usize, generation: u32, wants: &[Want]) -> Vec<Mid> {
        let client = &mut self.clients[at];
        let mut api = client.rtc.sdp_api();
        let add = |want: &Want| match *want {
            Want::Send(kind, track) => (
                api.add_media(kind, Direction::SendOnly, None, None, None),
                LineRole::Send { track },
            ),
            Want::Receive(kind, track) => (
                api.add_media(kind, Direction::RecvOnly, None, None, None),
                LineRole::Receive { track },
            ),
        };
        let lines: Vec<(Mid, LineRole)> = wants.iter().map(add).collect();
        let (offer, pending) = api.apply().expect("something to offer");
        let mids = lines.iter().map(|(mid, _)| *mid).collect();
        let offer = offer.to_sdp_string();
        let answer = self.offer(at, generation, &offer, &lines).expect("an answer");
        let answer = SdpAnswer::from_sdp_string(&answer).expect("a well-formed answer");
        self.clients[at]
            .rtc
            .sdp_api()
            .accept_answer(pending, answer)
            .expect("an answer that fits");
        self.drive("connected", |house| house.clients[at].is_connected);
        let peer = self.clients[at].peer;
        self.wait_for(move |event| matches!(event, MediaEvent::Connected { peer: it, .. } if *it == peer));
        self.settle();
        mids
    }

    /// Lets the threads tell each other what they have to: from one to home, and from there to another.
    pub(crate) fn settle(&self) {
        for _ in 0..2 {
            self.runtime.block_on(self.room.stats());
        }
    }

    /// Changes a line's direction and offers again.
    pub(crate) fn redirect(&mut self, at: usize, mid: Mid, direction: Direction, lines: &[(Mid, LineRole)]) {
        let mut api = self.clients[at].rtc.sdp_api();
        api.set_direction(mid, direction);
        let (offer, pending) = api.apply().expect("a change");
        let answer = self.offer(at, 1, &offer.to_sdp_string(), lines).expect("an answer");
        let answer = SdpAnswer::from_sdp_string(&answer).expect("a well-formed answer");
        self.clients[at]
            .rtc
            .sdp_api()
            .accept_answer(pending, answer)
            .expect("an answer that fits");
    }

    /// Restarts ICE on the client's connection.
    pub(crate) fn restart_ice(&mut self, at: usize) {
        let mut api = self.clients[at].rtc.sdp_api();
        api.ice_restart(false);
        let (offer, pending) = api.apply().expect("a change");
        let lines = self.clients[at].lines.clone();
        let answer = self.offer(at, 1, &offer.to_sdp_string(), &lines).expect("an answer");
        let answer = SdpAnswer::from_sdp_string(&answer).expect("a well-formed answer");
        let candidate = self.candidate(at);
        let client = &mut self.clients[at];
        client
            .rtc
            .sdp_api()
            .accept_answer(pending, answer)
            .expect("an answer that fits");
        client.rtc.add_local_candidate(candidate);
        client.input(Input::Timeout(Instant::now()));
    }

    /// The client's network is another one: it sends and receives at a new address, and nowhere else.
    pub(crate) fn move_away(&mut self, at: usize) {
        let mut socket = UdpSocket::bind("127.0.0.1:0".parse().expect("an address")).expect("a socket");
        self.poll
            .registry()
            .register(&mut socket, Token(at), Interest::READABLE)
            .expect("registered");
        self.clients[at].addr = socket.local_addr().expect("bound");
        self.clients[at].socket = socket;
    }

    pub(crate) fn offer(
        &mut self,
        at: usize,
        generation: u32,
        sdp: &str,
        lines: &[(Mid, LineRole)],
    ) -> Result<String, OfferError> {
        let peer = self.clients[at].peer;
        let offered = lines.to_vec();
        let lines = lines
            .iter()
            .map(|(mid, role)| Line::new(mid.to_string(), *role))
            .collect();
        let answer = self
            .runtime
            .block_on(self.room.offer(peer, generation, sdp.to_owned(), lines))?;
        self.clients[at].lines = offered;
        self.clients[at].offer = sdp.to_owned();
        self.clients[at].answer = answer.clone();
        Ok(answer)
    }

    /// Lets all clients live until something is true.
    pub(crate) fn drive(&mut self, what: &str, until: impl FnMut(&mut Self) -> bool) {
        self.drive_for(PATIENCE, what, until);
    }

    /// The same with another patience.
    pub(crate) fn drive_for(&mut self, patience: Duration, what: &str, mut until: impl FnMut(&mut Self) -> bool) {
        let give_up = Instant::now() + patience;
        let mut ready = Events::with_capacity(16);
        loop {
            self.clients.iter_mut().for_each(Client::progress);
            while let Ok(event) = self.events.try_recv() {
                self.seen.push(event);
            }
            if until(self) {
                return;
            }
            let now = Instant::now();
            assert!(now < give_up, "waited in vain: {what}");
            let wake_at = self
                .clients
                .iter()
                .map(|client| client.wake_at)
                .min()
                .unwrap_or(give_up);
            // Events of the plane come without waking this poll.
            let timeout = wake_at.saturating_duration_since(now).min(Duration::from_millis(5));
            self.poll.poll(&mut ready, Some(timeout)).expect("polled");
        }
    }

    pub(crate) fn wait_for(&mut self, event: impl Fn(&MediaEvent) -> bool) -> MediaEvent {
        self.drive("an event", |house| house.seen.iter().any(&event));
        let found = self.seen.iter().position(&event).expect("just seen");
        self.seen.remove(found)
    }

    /// Sends a VP8 packet.
    pub(crate) fn video(&mut self, at: usize, mid: Mid, seq: u64, payload: Vec<u8>) {
        let values = ExtensionValues::default();
        self.clients[at].send(mid, Codec::Vp8, seq, seq as u32 * 3000, payload, values);
    }

    /// Sends an Opus packet.
    pub(crate) fn sound(&mut self, at: usize, mid: Mid, seq: u64) {
        let values = ExtensionValues::default();
        self.clients[at].send(mid, Codec::Opus, seq, seq as u32 * 960, vec![seq as u8; 80], values);
    }

    /// The numbers of the video packets that a client got, and their sequence numbers.
    pub(crate) fn numbers(&self, at: usize) -> Vec<(u64, u32)> {
        self.clients[at]
            .received
            .iter()
            .map(|it| (*it.seq_no, number_of(&it.payload)))
            .collect()
    }
}

impl Client {
    pub(crate) fn send(
        &mut self,
        mid: Mid,
        codec: Codec,
        seq: u64,
        time: u32,
        payload: Vec<u8>,
        values: ExtensionValues,
    ) {
        let pt = self.payload_type(codec).into();
        let now = Instant::now();
        let mut api = self.rtc.direct_api();
        let stream = api.stream_tx_by_mid(mid, None).expect("a sending line");
        stream.write_rtp(
            RtpWrite::new(pt, seq.into(), time, now, payload)
                .ext_vals(values)
                .nackable(codec.is_video())
                .marker(true),
        );
        self.input(Input::Timeout(now));
    }

    pub(crate) fn payload_type(&self, codec: Codec) -> u8 {
        let params = self.rtc.codec_config().find(|it| it.spec().codec == codec);
        *params.expect("a known codec").pt()
    }

    fn input(&mut self, input: Input<'_>) {
        self.rtc.handle_input(input).expect("handled");
        loop {
            match self.rtc.poll_output().expect("polled") {
                Output::Timeout(at) => break self.wake_at = at,
                Output::Transmit(out) => {
                    if out.contents[0] < 2 {
                        self.checks.push(out.contents.to_vec());
                    }
                    if let Some(wire) = &mut self.wire {
                        assert_eq!(out.proto, Protocol::Tcp);
                        wire.send(&out.contents);
                    } else {
                        // A full buffer loses a datagram, as any network may.
                        let _ = self.socket.send_to(&out.contents, out.destination);
                    }
                }
                Output::Event(Event::Connected) => self.is_connected = true,
                Output::Event(Event::IceConnectionStateChange(state)) => self.ice = state,
                // What has no payload only finds out how much the network carries.
                Output::Event(Event::RtpPacket(packet)) if packet.payload.is_empty() => {}
                Output::Event(Event::RtpPacket(packet)) => self.received.push(packet),
                Output::Event(Event::KeyframeRequest(_)) => self.keyframe_requests += 1,
                Output::Event(_) => {}
            }
        }
    }

    fn progress(&mut self) {
        for bytes in self.wire.as_mut().map(Wire::receive).unwrap_or_default() {
            let server = self.wire.as_ref().and_then(|wire| wire.stream.peer_addr().ok());
            let Some(server) = server else { break };
            if let Ok(receive) = Receive::new(Protocol::Tcp, server, self.addr, &bytes) {
                self.input(Input::Receive(Instant::now(), receive));
            }
        }
        let mut buffer = [0; 2048];
        loop {
            match self.socket.recv_from(&mut buffer) {
                Ok((len, source)) => {
                    let bytes = &buffer[..len];
                    if (self.loses)(bytes) {
                        continue;
                    }
                    if let Ok(receive) = Receive::new(Protocol::Udp, source, self.addr, bytes) {
                        self.input(Input::Receive(Instant::now(), receive));
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => panic!("{error}"),
            }
        }
        if self.wake_at <= Instant::now() {
            self.input(Input::Timeout(Instant::now()));
        }
    }
}

fn config() -> str0m::RtcConfig {
    str0m::RtcConfig::new()
        .clear_codecs()
        .enable_opus(true, false)
        .enable_vp8(true)
        .enable_h264(true)
        .set_rtp_mode(true)
}

pub(crate) const CAMERA: TrackId = TrackId(1);
pub(crate) const MICROPHONE: TrackId = TrackId(2);
pub(crate) const SCREEN: TrackId = TrackId(3);

pub(crate) fn plain(config: str0m::RtcConfig) -> str0m::RtcConfig {
    config
}

/// A publisher of the camera and one receiver of it, connected, with the first keyframe through.
pub(crate) fn call() -> (House, usize, Mid, usize, Mid) {
    let mut house = House::new();
    let publisher = house.client(plain);
    let camera = house.join(publisher, &[Want::Send(MediaKind::Video, CAMERA)])[0];
    let receiver = house.client(plain);
    let line = house.join(receiver, &[Want::Receive(MediaKind::Video, CAMERA)])[0];
    house.video(publisher, camera, 100, vp8(KEY, 100));
    house.drive("the first keyframe", |house| {
        !house.clients[receiver].received.is_empty()
    });
    (house, publisher, camera, receiver, line)
}
