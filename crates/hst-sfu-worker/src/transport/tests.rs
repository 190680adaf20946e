//! A transport and a client of it in memory, in a time of their own.

use std::net::SocketAddr;

use hst_sfu::TrackId;
use str0m::{
    Candidate, Input, Output, Rtc, RtcConfig,
    change::SdpAnswer,
    crypto,
    format::Codec,
    media::{Direction, MediaKind},
    net::{Protocol, Receive},
    rtp::RtpWrite,
};

use super::*;
use crate::{
    Line, LineRole,
    ingress::MAX_SOURCES,
    offer::parse,
    paths::{MAX_MOVES, MAX_PATHS, candidates},
    spy,
};

mod asking;
mod certificates;
mod checks;
mod descriptions;
mod effort;
mod extensions;
mod forger;
mod handshake;
mod media;
mod mirror;
mod repair;
mod replays;
mod reports;
mod resends;
mod restarts;
mod shapes;

const SERVER: &str = "192.0.2.1:7881";
const CLIENT: &str = "198.51.100.7:40000";

struct Pair {
    now: Instant,
    transport: Transport,
    outbox: Outbox,
    happenings: Vec<Happening>,
    client: Rtc,
    camera: Mid,
    client_wakes: Instant,
    /// The client's last connectivity check.
    check: Vec<u8>,
    /// Whether what the client sends arrives.
    passes: fn(&[u8]) -> bool,
    /// What somebody on the way makes of what one of them sends.
    meddle: Meddler,
}

type Meddler = Box<dyn FnMut(Way, Vec<u8>) -> Vec<Vec<u8>>>;

/// Where a datagram goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    ToServer,
    ToClient,
}

/// What is the server's own of a connection.
fn own() -> (Credentials, Arc<str>) {
    let candidates = candidates(&[addr(SERVER).ip()], addr(SERVER).port());
    (Credentials::generate(), candidates.expect("candidates"))
}

fn addr(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

fn is_stun(bytes: &[u8]) -> bool {
    bytes[0] < 2
}

impl Pair {
    /// A client that publishes a camera; not connected yet.
    fn new() -> Self {
        Self::offering(|config| config, |sdp| sdp)
    }

    /// The same, where the client is another or its offer says something else.
    fn offering(client: impl FnOnce(RtcConfig) -> RtcConfig, offer: impl FnOnce(String) -> String) -> Self {
        Self::refusable(client, offer).expect("an answer")
    }

    /// The same with an offer that may be refused.
    fn refusable(
        configure: impl FnOnce(RtcConfig) -> RtcConfig,
        change: impl FnOnce(String) -> String,
    ) -> Result<Self, OfferError> {
        let now = Instant::now();
        let mut transport = Transport::new(now, own(), RoomId(1), PeerId(1), 1);
        let config = RtcConfig::new().set_rtp_mode(true).set_crypto_provider(spy::provider());
        let mut client = configure(config).build(now);
        client.add_local_candidate(Candidate::host(addr(CLIENT), "udp").expect("a candidate"));
        let mut api = client.sdp_api();
        let camera = api.add_media(MediaKind::Video, Direction::SendOnly, None, None, None);
        let (offer, pending) = api.apply().expect("an offer");
        let line = Line::new(camera.to_string(), LineRole::Send { track: TrackId(1) });
        let offer = parse(&change(offer.to_sdp_string()), &[line])?;
        let (answer, changes) = transport.negotiate(now, offer)?;
        assert_eq!(
            changes,
            [Change::Publish {
                track: TrackId(1),
                slot: 0
            }]
        );
        let answer = SdpAnswer::from_sdp_string(&answer.to_sdp_string()).expect("readable");
        client.sdp_api().accept_answer(pending, answer).expect("it fits");
        let (outbox, happenings, check) = Default::default();
        let (client_wakes, passes) = (now, (|_| true) as fn(&[u8]) -> bool);
        Ok(Self {
            now,
            transport,
            outbox,
            happenings,
            client,
            camera,
            client_wakes,
            check,
            passes,
            meddle: Box::new(|_, bytes| vec![bytes]),
        })
    }

    fn connected() -> Self {
        let mut pair = Self::new();
        pair.run(Duration::from_secs(1));
        assert!(pair.transport.is_connected());
        assert!(
            matches!(pair.happenings[..], [Happening::Connected]),
            "{:?}",
            pair.happenings
        );
        pair.happenings.clear();
        pair
    }

    /// Lets time pass, from one appointment of either to the next.
    fn run(&mut self, length: Duration) {
        let end = self.now + length;
        loop {
            self.exchange();
            let next = self
                .transport
                .wake_at()
                .min(self.client_wakes)
                .max(self.now + Duration::from_millis(1));
            if next > end || self.transport.is_over {
                break;
            }
            self.now = next;
            self.transport.tick(self.now, &mut self.outbox, &mut self.happenings);
            self.tell(Input::Timeout(self.now));
        }
    }

    /// Gives an input to the client; one that fails is over.
    fn tell(&mut self, input: Input<'_>) {
        if self.client.is_alive() && self.client.handle_input(input).is_err() {
            self.client.disconnect();
        }
    }

    /// Carries datagrams to and fro until there are none.
    fn exchange(&mut self) {
        loop {
            let mut is_quiet = true;
            loop {
                match self.client.poll_output() {
                    Ok(Output::Timeout(at)) => break self.client_wakes = at,
                    Ok(Output::Transmit(out)) => {
                        if is_stun(&out.contents) {
                            self.check = out.contents.to_vec();
                        }
                        if (self.passes)(&out.contents) {
                            is_quiet = false;
                            for bytes in (self.meddle)(Way::ToServer, out.contents.to_vec()) {
                                self.receive(&bytes);
                            }
                        }
                    }
                    Ok(Output::Event(_)) => {}
                    Err(_) => self.client.disconnect(),
                }
            }
            for (_, bytes) in self.outbox.take() {
                is_quiet = false;
                for bytes in (self.meddle)(Way::ToClient, bytes) {
                    let receive = Receive::new(Protocol::Udp, addr(SERVER), addr(CLIENT), &bytes).expect("well-formed");
                    self.tell(Input::Receive(self.now, receive));
                }
            }
            if is_quiet {
                return;
            }
        }
    }

    fn receive(&mut self, bytes: &[u8]) {
        self.receive_at(Remote::udp(addr(CLIENT)), bytes);
    }

    /// As a media thread does, with what comes from an address that is not known to be the client's.
    fn receive_at(&mut self, from: Remote, bytes: &[u8]) {
        let is_known = self.transport.paths.addresses().any(|address| address == from);
        if !is_known && bytes.first().is_some_and(|byte| *byte < 2) {
            let _ = self.transport.proves(self.now, from, bytes);
        }
        self.transport
            .receive(self.now, from, bytes, &mut self.outbox, &mut self.happenings);
    }

    fn lost(&self) -> Option<LostReason> {
        self.happenings.iter().find_map(|it| match it {
            Happening::Lost(reason) => Some(*reason),
            _ => None,
        })
    }

    fn video(&mut self, seq: u64, size: usize) {
        let config = self.client.codec_config();
        let pt = config.find(|it| it.spec().codec == Codec::Vp8).expect("VP8").pt();
        let mut api = self.client.direct_api();
        let stream = api.stream_tx_by_mid(self.camera, None).expect("the camera's stream");
        stream.write_rtp(RtpWrite::new(
            pt,
            seq.into(),
            seq as u32 * 3000,
            self.now,
            vec![0x10; size],
        ));
        self.tell(Input::Timeout(self.now));
        self.exchange();
    }

    fn media(&mut self) -> usize {
        self.happenings
            .drain(..)
            .filter(|it| matches!(it, Happening::Media(_)))
            .count()
    }
}

#[test]
fn a_connection_that_never_comes_is_given_up() {
    let mut pair = Pair::new();
    pair.passes = |_| false;
    let start = pair.now;
    pair.run(Duration::from_secs(60));
    assert_eq!(pair.lost(), Some(LostReason::NeverConnected));
    assert_eq!(pair.now - start, CONNECT_TIMEOUT);
}

#[test]
fn a_handshake_that_never_ends_is_given_up() {
    let mut pair = Pair::new();
    pair.passes = is_stun;
    pair.run(Duration::from_secs(60));
    assert_eq!(pair.lost(), Some(LostReason::NeverConnected));
}

#[test]
fn n5_an_idle_client_that_answers_stays() {
    let mut pair = Pair::connected();
    pair.run(Duration::from_secs(120));
    assert_eq!(pair.lost(), None);
}

#[test]
fn n5_a_client_without_connectivity_checks_is_lost_within_30_seconds_whatever_else_it_sends() {
    for passes in [(|_: &[u8]| false) as fn(&[u8]) -> bool, |bytes| !is_stun(bytes)] {
        let mut pair = Pair::connected();
        pair.passes = passes;
        let start = pair.now;
        for seq in 1..40 {
            pair.video(seq, 500);
            pair.run(Duration::from_secs(1));
        }
        assert_eq!(pair.lost(), Some(LostReason::Silent));
        let after = pair.now - start;
        assert!((10..=30).contains(&after.as_secs()), "{after:?}");
        pair.video(99, 500);
        assert_eq!(pair.outbox.take(), [], "nothing is sent any more");
    }
}

#[test]
fn a_panic_ends_the_connection_and_nothing_else() {
    let mut pair = Pair::connected();
    let result = pair.transport.guard(|_| panic!("a bug somewhere below"));
    assert_eq!(result, Err(LostReason::Fault));
    pair.transport.end_on(result, &mut pair.happenings);
    assert_eq!(pair.lost(), Some(LostReason::Fault));
    assert!(!pair.transport.is_connected());
    pair.transport
        .guard(|_| unreachable!("it is not touched again"))
        .expect("nothing happens");
}

#[test]
fn n2_n9_an_address_counts_only_when_it_knows_the_secret_and_only_so_many_do() {
    let mut pair = Pair::connected();
    let check = pair.check.clone();
    let from = |port: u16| Remote::udp(SocketAddr::new(addr(CLIENT).ip(), port));
    let mut forged = check.clone();
    // Within the integrity, which the fingerprint follows.
    let end = forged.len() - 9;
    forged[end] ^= 1;
    for wrong in [&forged[..], &check[..check.len() - 8]] {
        assert!(pair.transport.proves(pair.now, from(1), wrong).is_none());
    }
    for port in 1..MAX_PATHS as u16 {
        let check = pair.check(true, false);
        let proved = pair.transport.proves(pair.now, from(port), &check);
        assert_eq!(proved.expect("it is the client's own check").dropped, None);
    }
    let check = pair.check(true, false);
    let proved = pair.transport.proves(pair.now, from(99), &check).expect("one more");
    assert_eq!(proved.dropped, Some(from(1)), "not the one that is taken");
    for _ in MAX_PATHS + 1..MAX_MOVES {
        let proved = pair.transport.proves(pair.now, from(99), &check);
        proved.expect("within a connection's life");
    }
    let proved = pair.transport.proves(pair.now, from(99), &check);
    assert!(proved.is_none(), "it has moved enough");
}

#[test]
fn a_payload_that_fits_no_datagram_is_not_forwarded() {
    let mut pair = Pair::connected();
    pair.video(1, MAX_PAYLOAD);
    assert_eq!(pair.media(), 1);
    pair.video(2, MAX_PAYLOAD + 1);
    assert_eq!(pair.media(), 0);
    pair.video(3, 10);
    assert_eq!(pair.media(), 1);
}

#[test]
fn a_client_that_makes_up_sources_is_lost_in_the_end() {
    let mut pair = Pair::connected();
    let mut taken = 0;
    let mut lost = None;
    for number in 0..=MAX_SOURCES as u32 {
        let mid = pair.camera;
        let mut api = pair.client.direct_api();
        let old = api.stream_tx_by_mid(mid, None).map(|stream| stream.ssrc());
        old.map(|ssrc| api.remove_stream_tx(ssrc));
        let age = Duration::from_secs(1);
        api.declare_stream_tx((1000 + number).into(), None, mid, None)
            .set_rtx_cache(1, age, None);
        pair.video(1, 100);
        lost = pair.lost();
        taken += pair.media();
    }
    assert_eq!((taken, lost), (MAX_SOURCES, Some(LostReason::Abusive)));
}
