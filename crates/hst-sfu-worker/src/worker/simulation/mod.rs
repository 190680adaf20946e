//! The worker and its clients in a time of their own: everything is real but the sockets and the clock.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use hst_sfu::{PeerId, TrackId};
use str0m::{
    Candidate, RtcConfig,
    bwe::Bitrate,
    change::SdpAnswer,
    media::{Direction, MediaKind, Mid, Rid, Simulcast, SimulcastLayer},
};
use tokio::sync::mpsc;

use super::Worker;
use crate::{
    Line, LineRole, MediaEvent, RoomId,
    event::Events,
    foretold::{Early, Foretelling},
    load::Load,
    network::{Datagram, Network},
    offer::parse,
    paths::candidates,
    remote::Remote,
    room_state::RoomState,
    spy::{self, Keys},
    worker,
};

mod asking;
mod bottleneck;
mod client;
mod cost;
mod in_step;
mod keyframes;
mod lies;
mod link;
mod long_loss;
mod loss;
mod media;
mod memory;
mod protected;
mod reordering;
mod rescue;
mod spread;
mod starving;

use asking::Asker;
use client::{Camera, Client, Microphone, SOUNDS};
use link::{Link, Loss};
use rescue::{Guard, Rescue};
use spread::Thread;

const ROOM: RoomId = RoomId(1);
const CAMERA: TrackId = TrackId(1);
const MICROPHONE: TrackId = TrackId(2);
/// How long a datagram travels from a client to the server, or back.
const DELAY: Duration = Duration::from_millis(25);
/// After this everybody is connected, and the numbers of sound and picture have begun.
const START: Duration = Duration::from_secs(10);
/// Where chance decides much, so many runs are looked at, and of each figure the middle one.
const CALLS: usize = 5;

fn median<T: Copy>(mut figures: [T; CALLS], order: fn(&T, &T) -> std::cmp::Ordering) -> T {
    figures.sort_by(order);
    figures[CALLS / 2]
}

/// A datagram on its way: when it arrives, which of all it is, whose, whether he gets it, and its bytes.
type Flying = (Instant, u64, usize, bool, Vec<u8>);

/// What the worker does for what has arrived and what is due.
type Work = fn(&mut Worker, Instant, &[(Remote, Vec<u8>)]);

struct World {
    now: Instant,
    seed: u64,
    thread: Thread,
    /// Another one, if the room has grown over the first.
    other: Option<Thread>,
    work: Work,
    clients: Vec<Client>,
    air: BinaryHeap<Reverse<Flying>>,
    departed: u64,
    /// Whose picture is paused, or not any more, and since when.
    starved: Vec<(Instant, PeerId, bool)>,
    alive: Arc<()>,
}

/// What a client does with its lines.
enum Role {
    /// Sends a camera in these encodings (bits in a second), and a microphone that repeats so many sounds.
    Publish(Vec<u32>, Option<usize>),
    /// Receives them.
    Receive,
    /// Sends a microphone and receives those of others.
    Speak { own: TrackId, others: Vec<TrackId> },
}

/// What a client knows of forward error correction.
#[derive(Clone, Copy, Default)]
struct Repair {
    /// It says that it does.
    offers: bool,
    /// It sends a sum of so many packets of its pictures.
    protects: Option<usize>,
    /// It computes what it misses.
    computes: bool,
}

impl World {
    fn new(seed: u64) -> Self {
        let now = Instant::now();
        let alive = Arc::new(());
        let thread = Thread::new(now, &alive);
        Self {
            now,
            seed,
            thread,
            other: None,
            work,
            clients: Vec::new(),
            air: BinaryHeap::new(),
            departed: 0,
            starved: Vec::new(),
            alive,
        }
    }

    /// A client that connects; returns its index.
    fn join(&mut self, role: Role, build: impl FnOnce(RtcConfig) -> RtcConfig) -> usize {
        self.join_with(role, Repair::default(), build)
    }

    /// The same that may protect its pictures, or compute those that it misses.
    fn join_with(&mut self, role: Role, repair: Repair, build: impl FnOnce(RtcConfig) -> RtcConfig) -> usize {
        let (now, index) = (self.now, self.clients.len());
        let addr = SocketAddr::new([198, 51, 100, 1 + index as u8].into(), 40_000);
        let mut config = RtcConfig::new().clear_codecs().enable_vp8(true).set_rtp_mode(true);
        // As those of our engines, its checks take losses.
        config.set_max_stun_rto(Duration::from_secs(1));
        config.set_max_stun_retransmits(24);
        if matches!(role, Role::Publish(..)) {
            config = config.enable_bwe(Some(Bitrate::bps(client::FIRST_BUDGET)));
        }
        let config = build(config).set_crypto_provider(spy::provider());
        let mut rtc = config.build(now);
        let keys = Keys::of_last();
        rtc.add_local_candidate(Candidate::host(addr, "udp").expect("a candidate"));
        let (mut camera, mut microphone) = (None, None);
        let mut api = rtc.sdp_api();
        let lines = match role {
            Role::Publish(rates, repeats) => {
                let is_alone = rates.len() == 1;
                let rids: Vec<_> = rates.iter().zip(["q", "h", "f"]).map(|(_, name)| name).collect();
                let simulcast = (!is_alone).then(|| Simulcast {
                    send: rids.iter().map(|name| SimulcastLayer::new(name)).collect(),
                    recv: Vec::new(),
                });
                let video = api.add_media(MediaKind::Video, Direction::SendOnly, None, None, simulcast);
                let audio = api.add_media(MediaKind::Audio, Direction::SendOnly, None, None, None);
                let encodings = rids.into_iter().zip(rates);
                let encodings = encodings.map(|(name, rate)| ((!is_alone).then(|| Rid::from(name)), rate));
                let first = now + Duration::from_secs(1);
                camera = Some(Camera::new(first, video, encodings.collect()));
                microphone = Some(Microphone::new(first, audio, repeats));
                let send = |track| LineRole::Send { track };
                vec![(video, send(CAMERA)), (audio, send(MICROPHONE))]
            }
            Role::Receive => {
                let video = api.add_media(MediaKind::Video, Direction::RecvOnly, None, None, None);
                let audio = api.add_media(MediaKind::Audio, Direction::RecvOnly, None, None, None);
                let receive = |track| LineRole::Receive { track };
                vec![(video, receive(CAMERA)), (audio, receive(MICROPHONE))]
            }
            Role::Speak { own, others } => {
                let audio = api.add_media(MediaKind::Audio, Direction::SendOnly, None, None, None);
                microphone = Some(Microphone::new(now + Duration::from_secs(1), audio, None));
                let mut hear = |track| {
                    let audio = api.add_media(MediaKind::Audio, Direction::RecvOnly, None, None, None);
                    (audio, LineRole::Receive { track })
                };
                let heard: Vec<_> = others.into_iter().map(&mut hear).collect();
                [vec![(audio, LineRole::Send { track: own })], heard].concat()
            }
        };
        let (offer, pending) = api.apply().expect("an offer");
        let line = |(mid, role): (Mid, LineRole)| Line::new(mid.to_string(), role);
        let lines: Vec<_> = lines.into_iter().map(line).collect();
        let mut offer = offer.to_sdp_string();
        if repair.offers {
            offer = rescue::offering(&offer);
        }
        let offer = parse(&offer, &lines).expect("readable");
        let peer = PeerId(1 + index as u64);
        let other = self.other.as_mut().filter(|_| camera.is_none());
        let worker = &mut other.unwrap_or(&mut self.thread).worker;
        let server = worker.network.local_addr();
        let answer = worker
            .handle_offer(now, ROOM, (peer, 1), None, offer)
            .expect("an answer");
        let mut answer = answer.to_sdp_string();
        if repair.computes {
            answer = rescue::untold(&answer);
        }
        let answer = SdpAnswer::from_sdp_string(&answer).expect("readable");
        rtc.sdp_api().accept_answer(pending, answer).expect("it fits");
        if let Some(camera) = &camera {
            let all = Bitrate::bps(camera.encodings.iter().map(|(_, rate)| u64::from(*rate)).sum::<u64>() * 3 / 2);
            rtc.bwe().set_bitrate(all, all);
            let mut api = rtc.direct_api();
            for (rid, _) in &camera.encodings {
                let stream = api.stream_tx_by_mid(camera.mid, *rid).expect("a sending line");
                // Browsers send again what they are asked for.
                stream.set_rtx_cache(1024, Duration::from_secs(2), None);
                stream.set_unpaced(true);
            }
        }
        let seed = self.seed.wrapping_mul(1000) + 2 * index as u64;
        self.clients.push(Client {
            addr,
            server,
            rtc,
            up: Link::new(now, DELAY, seed),
            down: Link::new(now, DELAY, seed + 1),
            wake_at: now,
            camera,
            microphone,
            screen: media::Screen::default(),
            ear: media::Ear::default(),
            clocks: in_step::Clocks::default(),
            keyframe_requests: Vec::new(),
            asks: true,
            asker: Asker::new(keys.clone()),
            guard: repair.protects.map(|of| Guard::new(keys.clone(), of)),
            rescue: repair.computes.then(|| Rescue::new(now, keys)),
            shown_ssrc: None,
            outgoing: Vec::new(),
        });
        index
    }

    /// Lets time pass.
    fn run(&mut self, length: Duration) {
        let end = self.now + length;
        loop {
            let arrival = self.air.peek().map(|Reverse((at, ..))| *at);
            let clients = self.clients.iter().map(Client::next);
            let next = clients
                .chain(arrival)
                .chain(self.threads().filter_map(|thread| thread.worker.timers.next()))
                .min()
                .expect("clients");
            if next > end {
                self.now = end;
                return;
            }
            self.now = self.now.max(next);
            self.step();
        }
    }

    /// Does everything that is due.
    fn step(&mut self) {
        let now = self.now;
        let mut arrived = [Vec::new(), Vec::new()];
        let home = self.thread.worker.network.local_addr();
        while self.air.peek().is_some_and(|Reverse((at, ..))| *at <= now) {
            let Some(Reverse((.., at, is_down, bytes))) = self.air.pop() else {
                break;
            };
            if is_down {
                self.clients[at].receive(now, &bytes);
            } else {
                let Client { addr, server, .. } = self.clients[at];
                arrived[usize::from(server != home)].push((Remote::udp(addr), bytes));
            }
        }
        (self.work)(&mut self.thread.worker, now, &arrived[0]);
        self.work_elsewhere(&arrived[1]);
        let threads = self.other.iter_mut().chain([&mut self.thread]);
        let sent: Vec<_> = threads.flat_map(|it| it.worker.network.outbox().take()).collect();
        for (remote, bytes) in sent {
            let at = self.clients.iter().position(|client| client.addr == remote.addr);
            let at = at.expect("a client's address");
            let arrival = self.clients[at].down.carry(now, &bytes);
            self.depart(arrival, at, true, bytes);
        }
        for at in 0..self.clients.len() {
            if self.clients[at].next() <= now {
                self.clients[at].tick(now);
            }
            for bytes in std::mem::take(&mut self.clients[at].outgoing) {
                let arrival = self.clients[at].up.carry(now, &bytes);
                self.depart(arrival, at, false, bytes);
            }
        }
        let threads = self.other.iter_mut().chain([&mut self.thread]);
        for thread in threads {
            thread.worker.events.flush();
            while let Ok(event) = thread.events.try_recv() {
                if let MediaEvent::Starved { peer, is_starved, .. } = event {
                    self.starved.push((now, peer, is_starved));
                }
            }
        }
    }

    fn threads(&self) -> impl Iterator<Item = &Thread> {
        self.other.iter().chain([&self.thread])
    }

    /// How many sounds a client has sent.
    fn sounds(&self, at: usize) -> u32 {
        let microphone = self.clients[at].microphone.as_ref();
        microphone.map_or(0, |microphone| microphone.next_sound)
    }

    fn depart(&mut self, arrival: Option<Instant>, at: usize, is_down: bool, bytes: Vec<u8>) {
        if let Some(arrival) = arrival {
            self.departed += 1;
            self.air.push(Reverse((arrival, self.departed, at, is_down, bytes)));
        }
    }
}

fn work(worker: &mut Worker, now: Instant, arrived: &[(Remote, Vec<u8>)]) {
    for (source, bytes) in arrived {
        let datagram = Datagram {
            source: *source,
            local_ip: None,
            bytes,
        };
        worker.handle_datagram(now, datagram);
    }
    worker.handle_timers(now);
    worker.write(now);
}

fn with_red(config: RtcConfig) -> RtcConfig {
    config.enable_opus(true, true)
}

/// It sends all encodings, whatever its own network is taken to carry.
fn steady(config: RtcConfig) -> RtcConfig {
    with_red(config).enable_bwe(None)
}

fn without_red(config: RtcConfig) -> RtcConfig {
    config.enable_opus(true, false)
}
