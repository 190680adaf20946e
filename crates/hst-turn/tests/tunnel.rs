//! Both ends of the relay's protocol against each other, in virtual time.

mod common;

use std::{net::SocketAddr, time::Duration};

use common::{MEDIA, PLACE, World, addr, udp};
use hst_turn::{Client, LIFETIME, Output, Tunnel, TunnelOutput};
use rtc_stun::{
    attributes::{ATTR_ERROR_CODE, ATTR_LIFETIME, ATTR_NONCE, ATTR_REALM, AttrType},
    message::{CLASS_ERROR_RESPONSE, CLASS_SUCCESS_RESPONSE, METHOD_ALLOCATE, Message, MessageClass, MessageType},
};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

/// A tunnel of a session, and what it says goes to the relay and back.
struct End {
    tunnel: Tunnel,
    client: Client,
    opened: Option<SocketAddr>,
    ended: Option<Option<u16>>,
    received: Vec<(SocketAddr, Vec<u8>)>,
}

impl End {
    fn new(world: &mut World, peers: &[&str], stream: Option<u64>) -> Self {
        let client = Client {
            stream,
            ..udp("192.0.2.7:5000")
        };
        let credentials = world.user("ann", "192.0.2.9:1").credentials;
        let peers = peers.iter().map(|peer| addr(peer)).collect();
        Self {
            tunnel: Tunnel::new(world.now, credentials, peers, stream.is_some()),
            client,
            opened: None,
            ended: None,
            received: Vec::new(),
        }
    }

    /// Carries messages until there are none.
    fn carry(&mut self, world: &mut World) {
        while let Some(output) = self.tunnel.poll_output() {
            match output {
                TunnelOutput::Send(bytes) => world.send(self.client, &bytes),
                TunnelOutput::Opened(relayed) => self.opened = Some(relayed),
                TunnelOutput::Ended(code) => self.ended = Some(code),
            }
            while let Some(bytes) = world.answer(self.client) {
                self.hear(world, &bytes);
            }
        }
    }

    fn hear(&mut self, world: &World, bytes: &[u8]) {
        let datagram = self.tunnel.handle_message(world.now, bytes);
        self.received.extend(datagram.map(|(from, data)| (from, data.to_vec())));
    }

    /// Lets time pass at both ends.
    fn pass(&mut self, world: &mut World, time: Duration) {
        let until = world.now + time;
        while let Some(at) = self.tunnel.poll_timeout().filter(|at| *at <= until) {
            world.pass(at.saturating_duration_since(world.now));
            self.tunnel.handle_timeout(world.now);
            self.carry(world);
        }
        world.pass(until - world.now);
    }

    /// Sends a datagram to the media; says whether it comes there, and the answer here.
    fn reaches(&mut self, world: &mut World) -> bool {
        self.tunnel.send(addr(MEDIA), b"question");
        self.carry(world);
        if world.forwarded() != Some(addr(PLACE)) {
            return false;
        }
        let allocation = world.opened();
        world.relay.handle_peer(world.now, allocation, addr(PLACE), b"answer");
        world.pass(Duration::ZERO);
        while let Some(bytes) = world.answer(self.client) {
            self.hear(world, &bytes);
        }
        self.received.pop() == Some((addr(MEDIA), b"answer".to_vec()))
    }
}

#[test]
fn a_tunnel_leads_to_the_media_and_back_for_as_long_as_the_credentials_are_good() {
    for stream in [None, Some(7)] {
        let mut world = World::new();
        let mut end = End::new(&mut world, &[MEDIA], stream);
        end.carry(&mut world);
        assert!(end.opened.is_some());
        let over = world.now + Duration::from_secs(LIFETIME);
        while world.now + HOUR < over {
            assert!(end.reaches(&mut world), "{:?} before the end", over - world.now);
            end.pass(&mut world, 7 * HOUR / 60);
        }
        assert_eq!(end.ended, None);
        end.pass(&mut world, 2 * HOUR);
        assert!(matches!(end.ended, Some(Some(_))), "{:?}", end.ended);
        assert_eq!(world.relay.allocations(), 0);
    }
}

#[test]
fn a_tunnel_that_is_closed_gives_its_allocation_back() {
    let mut world = World::new();
    let mut end = End::new(&mut world, &[MEDIA], None);
    end.carry(&mut world);
    assert_eq!(world.relay.allocations(), 1);
    end.tunnel.close();
    end.carry(&mut world);
    assert_eq!(world.relay.allocations(), 0);
    assert_eq!(end.tunnel.poll_timeout(), None);
}

#[test]
fn over_udp_what_is_lost_is_sent_again_and_a_relay_that_says_nothing_is_given_up() {
    let mut world = World::new();
    let mut end = End::new(&mut world, &[MEDIA], None);
    let mut sent = 0;
    // The first requests are lost.
    while sent < 3 {
        sent += std::iter::from_fn(|| end.tunnel.poll_output()).count();
        let at = end.tunnel.poll_timeout().expect("it tries again");
        world.pass(at.saturating_duration_since(world.now));
        end.tunnel.handle_timeout(world.now);
    }
    end.carry(&mut world);
    assert!(end.opened.is_some());

    let start = world.now;
    let mut deaf = End::new(&mut world, &[MEDIA], Some(9));
    assert!(matches!(deaf.tunnel.poll_output(), Some(TunnelOutput::Send(_))));
    let at = deaf.tunnel.poll_timeout().expect("it gives up");
    assert_eq!(at - start, 15 * SECOND);
    deaf.tunnel.handle_timeout(at);
    assert_eq!(deaf.tunnel.poll_output(), Some(TunnelOutput::Ended(None)));
}

#[test]
fn a_peer_that_the_relay_does_not_lead_to_is_no_way_and_others_are() {
    let mut world = World::new();
    let mut end = End::new(&mut world, &["198.51.100.1:9"], None);
    end.carry(&mut world);
    assert_eq!((end.opened, end.ended), (None, Some(Some(403))));

    let mut world = World::new();
    let mut end = End::new(&mut world, &["198.51.100.1:9", MEDIA], None);
    end.carry(&mut world);
    assert_eq!(end.ended, None);
    assert!(end.reaches(&mut world));
}

#[test]
fn wrong_credentials_end_it_with_the_code() {
    let mut world = World::new();
    let mut end = End::new(&mut world, &[MEDIA], None);
    world.live.lock().unwrap().clear();
    end.carry(&mut world);
    assert_eq!((end.opened, end.ended), (None, Some(Some(401))));
}

#[test]
fn nothing_that_a_stranger_says_is_believed_or_ends_it() {
    let mut world = World::new();
    let mut end = End::new(&mut world, &[MEDIA], None);
    end.carry(&mut world);
    // What the relay has said to somebody else, cut short, changed, and not at all.
    let other = world.user("ben", "192.0.2.8:1");
    let allocated = common::signed(&other, METHOD_ALLOCATE, &[]);
    for cut in 0..allocated.len() {
        end.hear(&world, &allocated[..cut]);
        let mut changed = allocated.clone();
        changed[cut] ^= 0xff;
        end.hear(&world, &changed);
    }
    for junk in [
        &[][..],
        &[0x40, 0],
        &[0x40, 0, 0xff, 0xff, 1],
        &[0x7f, 0xff, 0, 0],
        &[0xff; 40],
    ] {
        end.hear(&world, junk);
    }
    assert_eq!((end.received.len(), end.ended), (0, None));
    assert!(end.reaches(&mut world));
    assert!(!world.outputs.iter().any(|it| matches!(it, Output::Close { .. })));
}

/// What a relay of ill will answers to a request: everything that it can say without the password.
fn lie(request: &[u8], class: MessageClass, attributes: &[(AttrType, &[u8])]) -> Vec<u8> {
    let request = common::read(request);
    let mut message = Message::new();
    message.set_type(MessageType {
        method: request.typ.method,
        class,
    });
    message.transaction_id = request.transaction_id;
    message.write_header();
    attributes.iter().for_each(|(kind, value)| message.add(*kind, value));
    message.raw
}

/// What an answer says, how much of its end is changed, and under which code it is an error.
type Lie<'a> = (&'a [(AttrType, &'a [u8])], usize, Option<u16>);

#[test]
fn a_relay_of_ill_will_is_asked_a_few_times_and_given_up() {
    let unauthorized = (ATTR_ERROR_CODE, &[0, 0, 4, 1][..]);
    let stale = (ATTR_ERROR_CODE, &[0, 0, 4, 38][..]);
    let (realm, nonce) = ((ATTR_REALM, &b"x"[..]), (ATTR_NONCE, &b"y"[..]));
    let endless = [7; 764];
    let lies: [Lie<'_>; 5] = [
        (&[unauthorized, realm, nonce], 2, Some(401)),
        (&[stale, realm, nonce], 4, Some(438)),
        (&[unauthorized], 1, Some(401)),
        (&[unauthorized, realm, (ATTR_NONCE, &endless)], 1, Some(401)),
        (&[(ATTR_ERROR_CODE, &[0, 0, 5, 8])], 1, Some(508)),
    ];
    for (attributes, requests, code) in lies {
        let mut world = World::new();
        let mut end = End::new(&mut world, &[MEDIA], Some(1));
        let mut asked = 0;
        while let Some(output) = end.tunnel.poll_output() {
            match output {
                TunnelOutput::Send(request) => {
                    asked += 1;
                    end.hear(&world, &lie(&request, CLASS_ERROR_RESPONSE, attributes));
                }
                TunnelOutput::Ended(with) => end.ended = Some(with),
                TunnelOutput::Opened(relayed) => panic!("{relayed}"),
            }
        }
        assert_eq!((asked, end.ended), (requests, Some(code)), "{code:?}");
        assert_eq!(end.tunnel.poll_timeout(), None);
    }

    // A success that is not signed is none.
    let mut world = World::new();
    let mut end = End::new(&mut world, &[MEDIA], Some(1));
    let Some(TunnelOutput::Send(request)) = end.tunnel.poll_output() else {
        panic!("it asks")
    };
    end.hear(
        &world,
        &lie(&request, CLASS_SUCCESS_RESPONSE, &[(ATTR_LIFETIME, &[0; 4])]),
    );
    assert_eq!(end.tunnel.poll_output(), None);
    end.pass(&mut world, 15 * SECOND);
    assert_eq!(end.ended, Some(None));
}
