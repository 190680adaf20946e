use std::{
    collections::{HashMap, VecDeque},
    fmt,
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};

use rtc_stun::{
    attributes::{ATTR_DATA, ATTR_XOR_PEER_ADDRESS},
    message::{METHOD_DATA, METHOD_SEND},
};

use crate::{
    Credentials, LIFETIME, Peers, Secret, allocation::Allocation, channel, message::Reply, message::Request,
    nonce::Nonces, throttle::Throttle,
};

mod requests;

/// How many allocations one session may have: those of a browser with many networks.
const MAX_PER_SESSION: usize = 12;
/// How many there may be in all.
const MAX_ALLOCATIONS: usize = 4096;
/// How often it is looked whose time is over, and whose session.
const SWEEP: Duration = Duration::from_secs(1);

/// A TURN server (RFC 8656) without its sockets: what clients and peers send goes in, what is to be done comes out of
/// [`poll_output`](Self::poll_output).
pub struct Relay {
    secret: Secret,
    peers: Peers,
    /// Whether a session still is.
    is_live: Box<dyn Fn(&str) -> bool + Send>,
    /// The present in Unix time (s) at a moment: from there on it counts the seconds itself.
    epoch: (Instant, u64),
    nonces: Nonces,
    throttle: Throttle,
    allocations: HashMap<AllocationId, Allocation>,
    by_client: HashMap<Client, AllocationId>,
    next_id: u64,
    sweep_at: Option<Instant>,
    /// A few for each input; it is the caller's to take them before the next.
    outputs: VecDeque<Output>,
}

/// A client of the relay, by the way that it came (its 5-tuple).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "this is all there is to know")]
pub struct Client {
    /// Its address.
    pub addr: SocketAddr,
    /// The number of its connection, which no other has had; `None` over UDP.
    pub stream: Option<u64>,
}

/// An allocation. Never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AllocationId(u64);

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "closed by design: all of it must be done")]
pub enum Output {
    /// Send this to a client.
    Reply {
        /// To whom.
        client: Client,
        /// A whole message.
        bytes: Vec<u8>,
    },
    /// Open a socket for datagrams of an allocation and say so with [`Relay::handle_opened`].
    Open {
        /// Whose.
        allocation: AllocationId,
        /// Whether it is for IPv6.
        is_v6: bool,
    },
    /// Send a datagram from the socket of an allocation.
    Forward {
        /// Whose.
        allocation: AllocationId,
        /// Where the peer is.
        to: SocketAddr,
        /// The datagram.
        data: Vec<u8>,
    },
    /// Close the socket of an allocation, if it has one.
    Close {
        /// Whose.
        allocation: AllocationId,
    },
}

impl Relay {
    /// A relay to these peers for sessions that `is_live` knows by name. `unix` is the present in Unix time (s).
    pub fn new(
        now: Instant,
        unix: u64,
        secret: Secret,
        peers: Peers,
        is_live: impl Fn(&str) -> bool + Send + 'static,
    ) -> Self {
        Self {
            secret,
            peers,
            is_live: Box::new(is_live),
            epoch: (now, unix),
            nonces: Nonces::new(),
            throttle: Throttle::new(),
            allocations: HashMap::new(),
            by_client: HashMap::new(),
            next_id: 0,
            sweep_at: None,
            outputs: VecDeque::new(),
        }
    }

    /// Credentials for a session, good for [`LIFETIME`] and as long as the session is.
    pub fn credentials(&self, now: Instant, session: &str) -> Credentials {
        self.secret.credentials(session, self.unix(now) + LIFETIME)
    }

    /// Whether a client has an allocation.
    pub fn is_allocated(&self, client: Client) -> bool {
        self.by_client.contains_key(&client)
    }

    /// How many allocations there are.
    pub fn allocations(&self) -> usize {
        self.allocations.len()
    }

    /// A client has sent this: one datagram, or one message of a stream.
    pub fn handle_client(&mut self, now: Instant, client: Client, bytes: &[u8]) {
        match bytes.first() {
            Some(0..0x40) => self.handle_message(now, client, bytes),
            Some(0x40..0x80) => self.handle_channel(now, client, bytes),
            _ => {}
        }
    }

    /// A client's connection has ended, and what it had ends with it.
    pub fn handle_gone(&mut self, client: Client) {
        if let Some(id) = self.by_client.get(&client) {
            self.close(*id);
        }
    }

    /// The socket of an allocation is open, and clients are told this address of it; `None` if there is none to be had.
    pub fn handle_opened(&mut self, now: Instant, allocation: AllocationId, relayed: Option<SocketAddr>) {
        self.finish_allocate(now, allocation, relayed);
    }

    /// A datagram has come to the socket of an allocation.
    pub fn handle_peer(&mut self, now: Instant, allocation: AllocationId, from: SocketAddr, data: &[u8]) {
        let Some(it) = self.allocations.get(&allocation) else {
            return;
        };
        let Some(peer) = self.peers.name(from).filter(|peer| it.permits(now, peer.ip())) else {
            return;
        };
        let client = it.client;
        let bytes = match it.channel(now, peer) {
            Some(number) => channel::write(number, data, client.stream.is_some()),
            None => u16::try_from(data.len()).ok().map(|_| {
                let indication = Reply::indication(METHOD_DATA).with_address(ATTR_XOR_PEER_ADDRESS, peer);
                indication.with(ATTR_DATA, data).plain()
            }),
        };
        if let Some(bytes) = bytes {
            self.outputs.push_back(Output::Reply { client, bytes });
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.sweep_at
    }

    /// Ends what has had its time, and what belonged to sessions that have ended.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.sweep_at.is_none_or(|at| at > now) {
            return;
        }
        let is_over = |it: &Allocation| it.ends <= now || !(self.is_live)(&it.owner.session);
        let over = self.allocations.iter().filter(|(_, it)| is_over(it));
        let over: Vec<_> = over.map(|(id, _)| *id).collect();
        over.into_iter().for_each(|id| self.close(id));
        self.sweep_at = (!self.allocations.is_empty()).then_some(now + SWEEP);
    }

    /// What is to be done next.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn unix(&self, now: Instant) -> u64 {
        let (then, unix) = self.epoch;
        unix + now.saturating_duration_since(then).as_secs()
    }

    fn handle_channel(&mut self, now: Instant, client: Client, bytes: &[u8]) {
        let Some((number, data)) = channel::read(bytes) else {
            return;
        };
        let Some((id, it)) = self.allocation(now, client) else {
            return;
        };
        if let Some(peer) = it.peer(now, number) {
            self.forward(now, id, peer, data);
        }
    }

    /// A Send indication has no answer, so what may not be sent is passed over in silence.
    fn handle_send(&mut self, now: Instant, client: Client, message: &Request) {
        let peers = message.addresses(ATTR_XOR_PEER_ADDRESS).unwrap_or_default();
        let (&[peer], Some(data)) = (&peers[..], message.attribute(ATTR_DATA)) else {
            return;
        };
        let is_understood = message.unknown(&[ATTR_XOR_PEER_ADDRESS, ATTR_DATA]).is_empty();
        if let Some((id, _)) = self.allocation(now, client).filter(|_| is_understood) {
            self.forward(now, id, peer, data);
        }
    }

    fn forward(&mut self, now: Instant, allocation: AllocationId, peer: SocketAddr, data: &[u8]) {
        let is_permitted = self
            .allocations
            .get(&allocation)
            .is_some_and(|it| it.permits(now, peer.ip()));
        if let Some(to) = self.peers.place(peer).filter(|_| is_permitted) {
            let data = data.to_vec();
            self.outputs.push_back(Output::Forward { allocation, to, data });
        }
    }

    fn handle_message(&mut self, now: Instant, client: Client, bytes: &[u8]) {
        let Some(message) = Request::parse(bytes) else {
            return;
        };
        if message.is_request() {
            self.handle_request(now, client, message, bytes.len());
        } else if message.is_indication() && message.method() == METHOD_SEND {
            self.handle_send(now, client, &message);
        }
    }

    /// The allocation of a client, open and within its time.
    fn allocation(&mut self, now: Instant, client: Client) -> Option<(AllocationId, &mut Allocation)> {
        let id = *self.by_client.get(&client)?;
        let it = self.allocations.get_mut(&id)?;
        (it.ends > now && it.relayed.is_some()).then_some((id, it))
    }

    fn close(&mut self, allocation: AllocationId) {
        if let Some(it) = self.allocations.remove(&allocation) {
            self.by_client.remove(&it.client);
            self.outputs.push_back(Output::Close { allocation });
        }
    }

    fn reply(&mut self, client: Client, bytes: Vec<u8>) {
        self.outputs.push_back(Output::Reply { client, bytes });
    }

    /// Whether somebody who may have forged his address may be answered with so much.
    fn may_answer(&mut self, now: Instant, client: Client) -> bool {
        let ip: IpAddr = client.addr.ip();
        client.stream.is_some() || self.throttle.permits(self.unix(now), ip)
    }
}

impl fmt::Debug for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Relay")
            .field("peers", &self.peers)
            .field("allocations", &self.allocations.len())
            .finish_non_exhaustive()
    }
}
