//! A transport and a client of it in memory, in a time of their own.

use std::net::IpAddr;

use hst_sfu::TrackId;
use str0m::{
    Candidate,
    change::{SdpAnswer, SdpPendingOffer},
    format::Codec,
    media::{Direction, MediaKind},
    net::Protocol,
    rtp::RtpWrite,
};

use super::{sources::MAX_SOURCES, *};
use crate::{Line, LineRole, rtc::RtcFactory};

mod checks;

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
        let now = Instant::now();
        let ip: IpAddr = addr(SERVER).ip();
        let factory = RtcFactory::new(&[ip], addr(SERVER).port()).expect("a factory");
        let mut transport = Transport::new(
            now,
            factory.build(now, Credentials::generate()),
            RoomId(1),
            PeerId(1),
            1,
        );
        let mut client = Rtc::builder().set_rtp_mode(true).build(now);
        client.add_local_candidate(Candidate::host(addr(CLIENT), "udp").expect("a candidate"));
        let mut api = client.sdp_api();
        let camera = api.add_media(MediaKind::Video, Direction::SendOnly, None, None, None);
        let (offer, pending) = api.apply().expect("an offer");
        let line = Line {
            mid: camera.to_string(),
            role: LineRole::Send { track: TrackId(1) },
        };
        let offer = Offer::parse(&offer.to_sdp_string(), &[line]).expect("readable");
        let (answer, changes) = transport.negotiate(now, offer).expect("an answer");
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
        Self {
            now,
            transport,
            outbox,
            happenings,
            client,
            camera,
            client_wakes,
            check,
            passes,
        }
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
            if self.client.is_alive() {
                self.client.handle_input(Input::Timeout(self.now)).expect("handled");
            }
        }
    }

    /// Carries datagrams to and fro until there are none.
    fn exchange(&mut self) {
        loop {
            let mut is_quiet = true;
            loop {
                match self.client.poll_output().expect("polled") {
                    Output::Timeout(at) => break self.client_wakes = at,
                    Output::Transmit(out) => {
                        if is_stun(&out.contents) {
                            self.check = out.contents.to_vec();
                        }
                        if (self.passes)(&out.contents) {
                            is_quiet = false;
                            self.receive(&out.contents);
                        }
                    }
                    Output::Event(_) => {}
                }
            }
            for (_, bytes) in self.outbox.take() {
                is_quiet = false;
                let receive = Receive::new(Protocol::Udp, addr(SERVER), addr(CLIENT), &bytes).expect("well-formed");
                self.client
                    .handle_input(Input::Receive(self.now, receive))
                    .expect("handled");
            }
            if is_quiet {
                return;
            }
        }
    }

    fn receive(&mut self, bytes: &[u8]) {
        let (from, to) = (Remote::udp(addr(CLIENT)), addr(SERVER));
        self.transport
            .receive(self.now, from, to, bytes, &mut self.outbox, &mut self.happenings);
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
        self.client.handle_input(Input::Timeout(self.now)).expect("handled");
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
    let (check, to) = (pair.check.clone(), addr(SERVER));
    let from = |port: u16| Remote::udp(SocketAddr::new(addr(CLIENT).ip(), port));
    let mut forged = check.clone();
    // Within the integrity, which the fingerprint follows.
    let end = forged.len() - 9;
    forged[end] ^= 1;
    assert!(pair.transport.proves(pair.now, from(1), to, &forged).is_none());
    assert!(
        pair.transport
            .proves(pair.now, from(1), to, &check[..check.len() - 8])
            .is_none()
    );
    for port in 1..=MAX_ADDRESSES as u16 {
        let proved = pair
            .transport
            .proves(pair.now, from(port), to, &check)
            .expect("it is the client's own check");
        assert_eq!(proved.dropped, None);
    }
    let proved = pair.transport.proves(pair.now, from(99), to, &check).expect("one more");
    assert_eq!(proved.dropped, Some(from(1)));
    for _ in MAX_ADDRESSES + 1..MAX_MOVES {
        pair.transport
            .proves(pair.now, from(7), to, &check)
            .expect("within a connection's life");
    }
    assert!(
        pair.transport.proves(pair.now, from(7), to, &check).is_none(),
        "it has moved enough"
    );
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

/// The value of an SDP attribute.
fn attribute<'a>(sdp: &'a str, name: &str) -> &'a str {
    sdp.lines()
        .find_map(|line| line.strip_prefix(name))
        .expect("an attribute")
}

impl Pair {
    /// The client offers an ICE restart; what it makes of the answer and the answer itself.
    fn restart(&mut self) -> (SdpPendingOffer, String) {
        let mut api = self.client.sdp_api();
        api.ice_restart(true);
        let (offer, pending) = api.apply().expect("an offer");
        let line = Line {
            mid: self.camera.to_string(),
            role: LineRole::Send { track: TrackId(1) },
        };
        let offer = Offer::parse(&offer.to_sdp_string(), &[line]).expect("readable");
        let (answer, changes) = self.transport.negotiate(self.now, offer).expect("an answer");
        assert_eq!(changes, [], "nothing changes for the router");
        (pending, answer.to_sdp_string())
    }

    fn accept(&mut self, pending: SdpPendingOffer, answer: &str) {
        let answer = SdpAnswer::from_sdp_string(answer).expect("readable");
        self.client.sdp_api().accept_answer(pending, answer).expect("it fits");
    }

    /// Whether the server answers a check from the client's address.
    fn is_answered(&mut self, check: &[u8]) -> bool {
        self.outbox.take();
        self.receive(check);
        self.outbox.take().iter().any(|(_, bytes)| is_stun(bytes))
    }
}

#[test]
fn an_ice_restart_is_answered_with_fresh_credentials_of_ours() {
    let mut pair = Pair::connected();
    let mut ufrags = vec![pair.transport.sessions.ufrags()[0].clone()];
    for _ in 0..3 {
        let (pending, answer) = pair.restart();
        let current = pair.transport.sessions.current().ice().clone();
        assert_eq!(attribute(&answer, "a=ice-ufrag:"), current.ufrag);
        assert_eq!(attribute(&answer, "a=ice-pwd:"), current.pass);
        assert_eq!(
            (current.ufrag.len(), current.pass.len()),
            (12, 32),
            "not those of the stack"
        );
        assert!(!attribute(&answer, "a=candidate:").contains("ufrag"), "{answer}");
        ufrags.push(current.ufrag);
        pair.accept(pending, &answer);
        pair.run(Duration::from_secs(30));
        assert_eq!(pair.lost(), None);
        pair.video(ufrags.len() as u64, 500);
        assert_eq!(pair.media(), 1, "the keys are those of before");
    }
    assert_eq!(pair.transport.sessions.ufrags(), ufrags);
}

#[test]
fn n7_the_credentials_of_before_are_good_until_the_new_path_is_agreed() {
    let mut pair = Pair::connected();
    let old = pair.check.clone();
    let (pending, answer) = pair.restart();
    assert!(pair.is_answered(&old));
    pair.accept(pending, &answer);
    pair.run(Duration::from_millis(200));
    assert_ne!(pair.check, old);
    assert!(!pair.is_answered(&old));
}

#[test]
fn n7_the_credentials_of_before_are_good_for_five_seconds_at_most() {
    let mut pair = Pair::connected();
    let old = pair.check.clone();
    let mut forged = old.clone();
    let end = forged.len() - 9;
    forged[end] ^= 1;
    let (_pending, _answer) = pair.restart();
    pair.now += Duration::from_millis(4_999);
    assert!(pair.is_answered(&old));
    assert!(!pair.is_answered(&forged));
    let elsewhere = Remote::udp(SocketAddr::new(addr(CLIENT).ip(), 1));
    let (now, to) = (pair.now, addr(SERVER));
    assert!(
        pair.transport.proves(now, elsewhere, to, &old).is_none(),
        "they make no new path"
    );
    pair.now += Duration::from_millis(1);
    assert!(!pair.is_answered(&old));
}

#[test]
fn media_goes_on_over_the_path_of_before_until_there_is_a_new_one() {
    let mut pair = Pair::connected();
    let (_pending, _answer) = pair.restart();
    pair.video(1, 500);
    assert_eq!(pair.media(), 1);
}

#[test]
fn a_restart_that_leads_nowhere_ends_the_connection() {
    let mut pair = Pair::connected();
    let (pending, answer) = pair.restart();
    pair.accept(pending, &answer);
    pair.passes = |_| false;
    let start = pair.now;
    pair.run(Duration::from_secs(60));
    assert_eq!(pair.lost(), Some(LostReason::Silent));
    // It begins when the transport is driven for the next time.
    let after = pair.now - start;
    assert!(
        (CONNECT_TIMEOUT..CONNECT_TIMEOUT + Duration::from_secs(1)).contains(&after),
        "{after:?}"
    );
}

#[test]
fn restarts_are_counted() {
    let mut pair = Pair::connected();
    let now = pair.now;
    let mut restarts = 0;
    while pair.transport.sessions.restart(now).is_some() {
        restarts += 1;
    }
    assert_eq!(restarts, 256);
    let mut api = pair.client.sdp_api();
    api.ice_restart(true);
    let (offer, _pending) = api.apply().expect("an offer");
    let offer = Offer::parse(&offer.to_sdp_string(), &[]).expect("readable");
    assert!(matches!(
        pair.transport.negotiate(now, offer),
        Err(OfferError::Malformed { .. })
    ));
}

#[test]
fn offers_without_credentials_or_with_a_line_less_are_refused() {
    let mut pair = Pair::connected();
    let now = pair.now;
    let mut api = pair.client.sdp_api();
    api.add_media(MediaKind::Audio, Direction::SendOnly, None, None, None);
    let (offer, _pending) = api.apply().expect("an offer");
    let text = offer.to_sdp_string();
    let parse = |text: &str| Offer::parse(text, &[]).expect("readable");
    assert!(pair.transport.negotiate(now, parse(&text)).is_ok());
    let nobody = parse(&text.replace("a=ice-ufrag", "a=ice-u"));
    assert!(matches!(
        pair.transport.negotiate(now, nobody),
        Err(OfferError::Malformed { .. })
    ));
    let audio = text.find("m=audio").expect("the new line");
    let group = attribute(&text, "a=group:BUNDLE").to_owned();
    let short = text[..audio].replace(&group, &group[..group.rfind(' ').expect("two lines")]);
    assert!(matches!(
        pair.transport.negotiate(now, parse(&short)),
        Err(OfferError::Malformed { .. })
    ));
}
