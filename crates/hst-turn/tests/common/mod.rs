//! A relay in memory, with a time of its own, and clients of it.

#![allow(dead_code, reason = "each test binary uses its part")]
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as a test does")]

use std::{
    collections::HashSet,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use hst_turn::{AllocationId, Client, Credentials, Output, Peers, Relay, Secret};
use rtc_stun::{
    attributes::*,
    integrity::MessageIntegrity,
    message::{
        CLASS_ERROR_RESPONSE, CLASS_INDICATION, CLASS_REQUEST, MAGIC_COOKIE, METHOD_ALLOCATE, METHOD_CHANNEL_BIND,
        METHOD_CONNECT, METHOD_CREATE_PERMISSION, METHOD_REFRESH, METHOD_SEND, Message, MessageType, Method, Setter,
        TransactionId,
    },
};

/// The media address that clients know, and where the relay finds it.
pub(crate) const MEDIA: &str = "203.0.113.9:7881";
pub(crate) const PLACE: &str = "127.0.0.1:7881";
pub(crate) const MEDIA_V6: &str = "[2001:db8::9]:7881";
pub(crate) const UNIX: u64 = 1_700_000_000;

pub(crate) struct World {
    pub(crate) now: Instant,
    pub(crate) relay: Relay,
    pub(crate) live: Arc<Mutex<HashSet<String>>>,
    pub(crate) secret: Secret,
    /// What has come out and was not looked at.
    pub(crate) outputs: Vec<Output>,
    /// Whether sockets can be had.
    pub(crate) has_sockets: bool,
    next_port: u16,
}

/// A client with credentials.
#[derive(Clone)]
pub(crate) struct User {
    pub(crate) client: Client,
    pub(crate) credentials: Credentials,
    pub(crate) nonce: Vec<u8>,
}

pub(crate) fn addr(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

pub(crate) fn udp(text: &str) -> Client {
    let (addr, stream) = (addr(text), None);
    Client { addr, stream }
}

impl World {
    pub(crate) fn new() -> Self {
        let mut peers = Peers::default();
        assert!(peers.permit(addr(MEDIA), addr(PLACE)));
        assert!(peers.permit(addr(MEDIA_V6), addr("[::1]:7881")));
        let live: Arc<Mutex<HashSet<String>>> = Arc::default();
        let (now, secret) = (Instant::now(), Secret::new("s3cret"));
        let known = live.clone();
        let is_live = move |session: &str| known.lock().unwrap().contains(session);
        Self {
            now,
            relay: Relay::new(now, UNIX, secret.clone(), peers, is_live),
            live,
            secret,
            outputs: Vec::new(),
            has_sockets: true,
            next_port: 40_000,
        }
    }

    pub(crate) fn pass(&mut self, time: Duration) {
        self.now += time;
        while self.relay.poll_timeout().is_some_and(|at| at <= self.now) {
            self.relay.handle_timeout(self.now);
        }
        self.take_outputs();
    }

    /// A user of a live session, who knows a nonce.
    pub(crate) fn user(&mut self, session: &str, at: &str) -> User {
        self.live.lock().unwrap().insert(session.to_owned());
        let credentials = self.relay.credentials(self.now, session);
        let mut user = User {
            client: udp(at),
            credentials,
            nonce: Vec::new(),
        };
        self.challenge(&mut user);
        user
    }

    /// Has the user told a nonce that is good.
    pub(crate) fn challenge(&mut self, user: &mut User) {
        let reply = self.ask(user.client, &message(METHOD_ALLOCATE, &[]));
        assert_eq!(code(&reply), 401);
        user.nonce = reply.get(ATTR_NONCE).unwrap();
    }

    pub(crate) fn send(&mut self, client: Client, bytes: &[u8]) {
        self.relay.handle_client(self.now, client, bytes);
        self.take_outputs();
    }

    fn take_outputs(&mut self) {
        while let Some(output) = self.relay.poll_output() {
            if let Output::Open { allocation, is_v6 } = output {
                self.next_port += 1;
                let ip: IpAddr = addr(if is_v6 { MEDIA_V6 } else { MEDIA }).ip();
                let relayed = self.has_sockets.then_some((ip, self.next_port).into());
                self.relay.handle_opened(self.now, allocation, relayed);
            }
            self.outputs.push(output);
        }
    }

    /// What was answered to the last thing that was sent, if anything was.
    pub(crate) fn answer(&mut self, client: Client) -> Option<Vec<u8>> {
        let at = self
            .outputs
            .iter()
            .position(|it| matches!(it, Output::Reply { client: to, .. } if *to == client))?;
        match self.outputs.remove(at) {
            Output::Reply { bytes, .. } => Some(bytes),
            _ => None,
        }
    }

    pub(crate) fn ask(&mut self, client: Client, bytes: &[u8]) -> Message {
        self.send(client, bytes);
        let bytes = self.answer(client).expect("an answer");
        read(&bytes)
    }

    /// What the relay answers this user to a signed request.
    pub(crate) fn request(&mut self, user: &User, method: Method, attributes: &[(AttrType, Vec<u8>)]) -> Message {
        let bytes = signed(user, method, attributes);
        self.ask(user.client, &bytes)
    }

    pub(crate) fn allocate(&mut self, user: &User) -> Message {
        self.request(user, METHOD_ALLOCATE, &[(ATTR_REQUESTED_TRANSPORT, vec![17, 0, 0, 0])])
    }

    /// The allocation that was opened last.
    pub(crate) fn opened(&self) -> AllocationId {
        let mut ids = self.outputs.iter().filter_map(|it| match it {
            Output::Open { allocation, .. } => Some(*allocation),
            _ => None,
        });
        ids.next_back().expect("one was opened")
    }

    pub(crate) fn refresh(&mut self, user: &User, seconds: u32) -> Message {
        self.request(user, METHOD_REFRESH, &[(ATTR_LIFETIME, seconds.to_be_bytes().into())])
    }

    pub(crate) fn permit(&mut self, user: &User, peers: &[SocketAddr]) -> Message {
        let id = TransactionId::new();
        let peers: Vec<_> = peers
            .iter()
            .map(|peer| (ATTR_XOR_PEER_ADDRESS, xored(*peer, id)))
            .collect();
        let bytes = signed_as(user, METHOD_CREATE_PERMISSION, id, &peers);
        self.ask(user.client, &bytes)
    }

    pub(crate) fn bind(&mut self, user: &User, number: u16, peer: SocketAddr) -> Message {
        let id = TransactionId::new();
        let number = (ATTR_CHANNEL_NUMBER, [&number.to_be_bytes()[..], &[0, 0]].concat());
        let attributes = [number, (ATTR_XOR_PEER_ADDRESS, xored(peer, id))];
        let bytes = signed_as(user, METHOD_CHANNEL_BIND, id, &attributes);
        self.ask(user.client, &bytes)
    }

    /// Asks for a connection over TCP to a peer (RFC 6062 section 4.3).
    pub(crate) fn connect(&mut self, user: &User, peer: SocketAddr) -> Message {
        let id = TransactionId::new();
        let bytes = signed_as(user, METHOD_CONNECT, id, &[(ATTR_XOR_PEER_ADDRESS, xored(peer, id))]);
        self.ask(user.client, &bytes)
    }

    /// Sends data to a peer by an indication; says where it goes.
    pub(crate) fn say(&mut self, user: &User, peer: SocketAddr, data: &[u8]) -> Option<SocketAddr> {
        let id = TransactionId::new();
        let attributes = [(ATTR_XOR_PEER_ADDRESS, xored(peer, id)), (ATTR_DATA, data.to_vec())];
        let bytes = build(METHOD_SEND, CLASS_INDICATION, id, &attributes).raw;
        self.send(user.client, &bytes);
        self.forwarded()
    }

    pub(crate) fn forwarded(&mut self) -> Option<SocketAddr> {
        let at = self
            .outputs
            .iter()
            .position(|it| matches!(it, Output::Forward { .. }))?;
        match self.outputs.remove(at) {
            Output::Forward { to, .. } => Some(to),
            _ => None,
        }
    }
}

fn build(
    method: Method,
    class: rtc_stun::message::MessageClass,
    id: TransactionId,
    attributes: &[(AttrType, Vec<u8>)],
) -> Message {
    let mut message = Message::new();
    message.set_type(MessageType { method, class });
    message.transaction_id = id;
    message.write_header();
    attributes.iter().for_each(|(kind, value)| message.add(*kind, value));
    message
}

pub(crate) fn message(method: Method, attributes: &[(AttrType, Vec<u8>)]) -> Vec<u8> {
    build(method, CLASS_REQUEST, TransactionId::new(), attributes).raw
}

pub(crate) fn signed(user: &User, method: Method, attributes: &[(AttrType, Vec<u8>)]) -> Vec<u8> {
    signed_as(user, method, TransactionId::new(), attributes)
}

pub(crate) fn signed_as(user: &User, method: Method, id: TransactionId, attributes: &[(AttrType, Vec<u8>)]) -> Vec<u8> {
    let Credentials { username, password } = &user.credentials;
    let mut message = build(method, CLASS_REQUEST, id, attributes);
    message.add(ATTR_USERNAME, username.as_bytes());
    message.add(ATTR_REALM, b"hst");
    message.add(ATTR_NONCE, &user.nonce);
    let provider = rtc_stun::crypto::default_provider().unwrap();
    let integrity = MessageIntegrity::new_long_term_integrity_with_provider(
        username.clone(),
        "hst".into(),
        password.clone(),
        provider.crypto(),
    );
    integrity.unwrap().add_to(&mut message).unwrap();
    message.raw
}

pub(crate) fn read(bytes: &[u8]) -> Message {
    let mut message = Message::new();
    message.unmarshal_binary(bytes).expect("well-formed");
    message
}

/// The code of an error, or 0 for a success.
pub(crate) fn code(message: &Message) -> u16 {
    if message.typ.class != CLASS_ERROR_RESPONSE {
        return 0;
    }
    let value = message.get(ATTR_ERROR_CODE).unwrap();
    u16::from(value[2]) * 100 + u16::from(value[3])
}

pub(crate) fn lifetime(message: &Message) -> u32 {
    let value = message.get(ATTR_LIFETIME).expect("a lifetime");
    u32::from_be_bytes(value.try_into().unwrap())
}

/// An address as STUN writes it.
pub(crate) fn xored(addr: SocketAddr, TransactionId(id): TransactionId) -> Vec<u8> {
    let mask = [&MAGIC_COOKIE.to_be_bytes()[..], &id].concat();
    let ip = match addr.ip() {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    let port = addr.port() ^ (MAGIC_COOKIE >> 16) as u16;
    let mut value = vec![0, if ip.len() == 4 { 1 } else { 2 }];
    value.extend(port.to_be_bytes());
    value.extend(ip.iter().zip(mask).map(|(a, b)| a ^ b));
    value
}
