use std::{
    collections::VecDeque,
    net::SocketAddr,
    time::{Duration, Instant},
};

use rtc_stun::{
    attributes::{
        ATTR_CHANNEL_NUMBER, ATTR_LIFETIME, ATTR_NONCE, ATTR_REALM, ATTR_REQUESTED_ADDRESS_FAMILY,
        ATTR_REQUESTED_TRANSPORT, ATTR_USERNAME, ATTR_XOR_PEER_ADDRESS, ATTR_XOR_RELAYED_ADDRESS,
    },
    message::{METHOD_ALLOCATE, METHOD_CHANNEL_BIND, METHOD_REFRESH, Method, TransactionId},
};

use crate::{
    Credentials, channel,
    crypto::md5,
    message::{Reply, Request},
};

/// How many peers a tunnel may lead to; those behind them are left out.
pub const MAX_TUNNEL_PEERS: usize = 4;
/// The number of UDP in IP headers.
const UDP: u8 = 17;
/// The family of IPv6 (RFC 8656 section 18.8).
const V6: u8 = 2;
/// Over UDP a request is sent again after this long, and after twice as long each time (RFC 8489 section 6.2.1).
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// When an answer is not waited for any more: a peer that has no way for so long is given up.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);
/// How often the relay may want another nonce for one request.
const MAX_NONCES: u8 = 3;
/// How long a nonce and a realm may be, in bytes (RFC 8489 sections 14.9 and 14.10).
const MAX_TEXT: usize = 763;
/// A channel is bound for 600 s, but lets data through for only 300 s (RFC 8656 sections 9 and 12): this is in time for both.
const BIND_INTERVAL: Duration = Duration::from_secs(240);
/// How long before the end of an allocation more time is asked for, at most.
const REFRESH_BEFORE: Duration = Duration::from_secs(60);
/// The shortest and the longest time that a relay may give: others are taken for these.
const MIN_LIFETIME: u32 = 10;
const MAX_LIFETIME: u32 = 3600;

const UNAUTHORIZED: u16 = 401;
const STALE_NONCE: u16 = 438;

/// A client's way through a TURN server (RFC 8656) to a few peers, without its socket: messages and time go in, what is to
/// be done comes out of [`poll_output`](Self::poll_output).
///
/// It asks for an allocation, binds a channel to each peer, which permits it too, and keeps both for as long as it is.
#[derive(Debug)]
pub struct Tunnel {
    login: Login,
    is_stream: bool,
    peers: Vec<SocketAddr>,
    /// Which of the peers have a channel.
    bound: Vec<bool>,
    relayed: Option<SocketAddr>,
    /// What was asked and not answered: one request for the allocation, and one for each peer.
    asked: Vec<Asked>,
    refresh_at: Option<Instant>,
    bind_at: Option<Instant>,
    is_over: bool,
    /// A few for each input; it is the caller's to take them before the next.
    outputs: VecDeque<TunnelOutput>,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "closed by design: all of it must be done")]
pub enum TunnelOutput {
    /// Send this to the relay: one datagram, or one message of a stream.
    Send(Vec<u8>),
    /// Peers can be reached. This is the address that they see.
    Opened(SocketAddr),
    /// It is over, with the relay's code if there was one: the socket can be closed.
    Ended(Option<u16>),
}

/// Who asks, and what the relay wants to see of it.
#[derive(Debug)]
struct Login {
    credentials: Credentials,
    /// What the relay has said of itself, and the key that follows from it.
    challenge: Option<Challenge>,
}

#[derive(Debug)]
struct Challenge {
    realm: Vec<u8>,
    nonce: Vec<u8>,
    key: Vec<u8>,
}

/// A request that waits for its answer.
#[derive(Debug)]
struct Asked {
    what: What,
    transaction: TransactionId,
    bytes: Vec<u8>,
    nonces: u8,
    /// When it is sent again; never over a stream.
    again_at: Option<Instant>,
    wait: Duration,
    until: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Allocate,
    Refresh,
    /// A channel for the peer at this place.
    Bind(usize),
}

impl Tunnel {
    /// Asks for a way to these peers, which are all of one family. `is_stream` says whether the relay is reached over TCP or
    /// TLS.
    pub fn new(now: Instant, credentials: Credentials, mut peers: Vec<SocketAddr>, is_stream: bool) -> Self {
        peers.truncate(MAX_TUNNEL_PEERS);
        let mut tunnel = Self {
            login: Login {
                credentials,
                challenge: None,
            },
            is_stream,
            bound: vec![false; peers.len()],
            peers,
            relayed: None,
            asked: Vec::new(),
            refresh_at: None,
            bind_at: None,
            is_over: false,
            outputs: VecDeque::new(),
        };
        tunnel.ask(now, What::Allocate, 0);
        tunnel
    }

    /// The relay has sent this; gives a peer's datagram and whose it is, if it is one.
    pub fn handle_message<'a>(&mut self, now: Instant, bytes: &'a [u8]) -> Option<(SocketAddr, &'a [u8])> {
        if self.is_over {
            return None;
        }
        if bytes.first().is_some_and(|first| (0x40..0x80).contains(first)) {
            let (number, data) = channel::read(bytes)?;
            let peer = self.peers.get(usize::from(number - channel::NUMBERS.start()))?;
            return Some((*peer, data));
        }
        if let Some(message) = Request::parse(bytes) {
            self.handle_answer(now, message);
        }
        None
    }

    /// Sends a datagram to a peer; without a way to it, it is lost.
    pub fn send(&mut self, peer: SocketAddr, data: &[u8]) {
        let place = self.peers.iter().position(|it| *it == peer);
        if let Some(place) = place.filter(|&place| self.bound[place] && !self.is_over)
            && let Some(bytes) = channel::write(number(place), data, self.is_stream)
        {
            self.outputs.push_back(TunnelOutput::Send(bytes));
        }
    }

    /// Gives the allocation back. Nothing is waited for.
    pub fn close(&mut self) {
        if self.relayed.is_some() && !self.is_over {
            let (bytes, _) = self.login.message(What::Refresh, 0, &self.peers);
            self.outputs.push_back(TunnelOutput::Send(bytes));
        }
        self.is_over = true;
        self.asked.clear();
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    pub fn poll_timeout(&self) -> Option<Instant> {
        let asked = self
            .asked
            .iter()
            .map(|it| it.again_at.map_or(it.until, |at| at.min(it.until)));
        asked
            .chain(self.refresh_at)
            .chain(self.bind_at)
            .min()
            .filter(|_| !self.is_over)
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.is_over {
            return;
        }
        if self.asked.iter().any(|it| it.until <= now) {
            return self.end(None);
        }
        for asked in &mut self.asked {
            if asked.again_at.is_some_and(|at| at <= now) {
                asked.wait *= 2;
                asked.again_at = Some(now + asked.wait);
                self.outputs.push_back(TunnelOutput::Send(asked.bytes.clone()));
            }
        }
        if self.refresh_at.is_some_and(|at| at <= now) {
            self.refresh_at = None;
            self.ask(now, What::Refresh, 0);
        }
        if self.bind_at.is_some_and(|at| at <= now) {
            self.bind(now);
        }
    }

    /// What is to be done next.
    pub fn poll_output(&mut self) -> Option<TunnelOutput> {
        self.outputs.pop_front()
    }

    fn ask(&mut self, now: Instant, what: What, nonces: u8) {
        let (bytes, transaction) = self.login.message(what, MAX_LIFETIME, &self.peers);
        self.asked.push(Asked {
            what,
            transaction,
            bytes: bytes.clone(),
            nonces,
            again_at: (!self.is_stream).then_some(now + FIRST_WAIT),
            wait: FIRST_WAIT,
            until: now + ANSWER_TIMEOUT,
        });
        self.outputs.push_back(TunnelOutput::Send(bytes));
    }

    fn bind(&mut self, now: Instant) {
        self.bind_at = Some(now + BIND_INTERVAL);
        for place in 0..self.peers.len() {
            self.ask(now, What::Bind(place), 0);
        }
    }

    fn handle_answer(&mut self, now: Instant, mut message: Request) {
        let Some(place) = self.asked.iter().position(|it| it.transaction == message.transaction()) else {
            return;
        };
        if message.method() != self.asked[place].what.method() {
            return;
        }
        if message.is_success() {
            // Only the relay knows what we are signed with.
            if self.login.has_signed(&mut message) {
                let asked = self.asked.swap_remove(place);
                self.handle_success(now, asked.what, &message);
            }
        } else if let Some(code) = message.error() {
            let Asked { what, nonces, .. } = self.asked.swap_remove(place);
            let is_first = code == UNAUTHORIZED && self.login.challenge.is_none();
            let may_try = (is_first || code == STALE_NONCE) && nonces < MAX_NONCES;
            if may_try && self.login.take_challenge(&message) {
                return self.ask(now, what, nonces + 1);
            }
            match what {
                // Other peers may still be reached.
                What::Bind(place) if self.peers.len() > 1 => self.lose(place, code),
                _ => self.end(Some(code)),
            }
        }
    }

    fn handle_success(&mut self, now: Instant, what: What, message: &Request) {
        match what {
            What::Allocate => {
                let relayed = message.addresses(ATTR_XOR_RELAYED_ADDRESS).unwrap_or_default();
                let Some(&relayed) = relayed.first() else {
                    return self.end(None);
                };
                self.relayed = Some(relayed);
                self.plan_refresh(now, message);
                self.bind(now);
            }
            What::Refresh => self.plan_refresh(now, message),
            What::Bind(place) => {
                let is_first = !self.bound.contains(&true);
                self.bound[place] = true;
                if let Some(relayed) = self.relayed.filter(|_| is_first) {
                    self.outputs.push_back(TunnelOutput::Opened(relayed));
                }
            }
        }
    }

    fn plan_refresh(&mut self, now: Instant, message: &Request) {
        let value = message.attribute(ATTR_LIFETIME).and_then(|it| it.try_into().ok());
        let seconds = value.map_or(MIN_LIFETIME, u32::from_be_bytes);
        let lifetime = Duration::from_secs(seconds.clamp(MIN_LIFETIME, MAX_LIFETIME).into());
        self.refresh_at = Some(now + (lifetime / 2).max(lifetime.saturating_sub(REFRESH_BEFORE)));
    }

    /// The relay does not lead to this peer.
    fn lose(&mut self, place: usize, code: u16) {
        self.bound[place] = false;
        let is_asked = self.asked.iter().any(|it| matches!(it.what, What::Bind(_)));
        if !is_asked && !self.bound.contains(&true) {
            self.end(Some(code));
        }
    }

    fn end(&mut self, code: Option<u16>) {
        self.close();
        self.outputs.push_back(TunnelOutput::Ended(code));
    }
}

impl What {
    fn method(self) -> Method {
        match self {
            Self::Allocate => METHOD_ALLOCATE,
            Self::Refresh => METHOD_REFRESH,
            Self::Bind(_) => METHOD_CHANNEL_BIND,
        }
    }
}

impl Login {
    /// A request, signed as soon as it is known for whom.
    fn message(&self, what: What, lifetime: u32, peers: &[SocketAddr]) -> (Vec<u8>, TransactionId) {
        let transaction = TransactionId::new();
        let question = Reply::question(what.method(), transaction);
        let lifetime = lifetime.to_be_bytes();
        let question = match what {
            What::Allocate => {
                let question = question.with(ATTR_REQUESTED_TRANSPORT, &[UDP, 0, 0, 0]);
                let question = question.with(ATTR_LIFETIME, &lifetime);
                match peers.first() {
                    Some(SocketAddr::V6(_)) => question.with(ATTR_REQUESTED_ADDRESS_FAMILY, &[V6, 0, 0, 0]),
                    _ => question,
                }
            }
            What::Refresh => question.with(ATTR_LIFETIME, &lifetime),
            What::Bind(place) => {
                let [high, low] = number(place).to_be_bytes();
                question
                    .with(ATTR_CHANNEL_NUMBER, &[high, low, 0, 0])
                    .with_address(ATTR_XOR_PEER_ADDRESS, peers[place])
            }
        };
        let Some(Challenge { realm, nonce, key }) = &self.challenge else {
            return (question.plain(), transaction);
        };
        let question = question
            .with(ATTR_USERNAME, self.credentials.username.as_bytes())
            .with(ATTR_REALM, realm)
            .with(ATTR_NONCE, nonce);
        (question.signed(key), transaction)
    }

    /// Notes what the relay says of itself, if it does so in full.
    fn take_challenge(&mut self, message: &Request) -> bool {
        let attribute = |kind| message.attribute(kind).filter(|it| it.len() <= MAX_TEXT);
        let (Some(realm), Some(nonce)) = (attribute(ATTR_REALM), attribute(ATTR_NONCE)) else {
            return false;
        };
        let Credentials { username, password } = &self.credentials;
        let parts = [username.as_bytes(), realm, password.as_bytes()];
        self.challenge = Some(Challenge {
            realm: realm.to_vec(),
            nonce: nonce.to_vec(),
            key: md5(&parts.join(&b':')),
        });
        true
    }

    fn has_signed(&self, message: &mut Request) -> bool {
        let key = self.challenge.as_ref().map(|it| &it.key);
        key.is_some_and(|key| message.has_signature() && message.is_signed_with(key))
    }
}

/// The channel of the peer at this place.
fn number(place: usize) -> u16 {
    channel::NUMBERS.start() + u16::try_from(place).expect("a tunnel has few peers")
}
