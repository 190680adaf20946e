//! What clients ask for, and what they are answered.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use rtc_stun::{
    attributes::{
        ATTR_CHANNEL_NUMBER, ATTR_EVEN_PORT, ATTR_LIFETIME, ATTR_NONCE, ATTR_REALM, ATTR_REQUESTED_ADDRESS_FAMILY,
        ATTR_REQUESTED_TRANSPORT, ATTR_RESERVATION_TOKEN, ATTR_UNKNOWN_ATTRIBUTES, ATTR_USERNAME,
        ATTR_XOR_PEER_ADDRESS, ATTR_XOR_RELAYED_ADDRESS, ATTR_XORMAPPED_ADDRESS, AttrType,
    },
    message::{
        METHOD_ALLOCATE, METHOD_BINDING, METHOD_CHANNEL_BIND, METHOD_CONNECT, METHOD_CONNECTION_BIND,
        METHOD_CREATE_PERMISSION, METHOD_REFRESH,
    },
};

use super::{AllocationId, Client, MAX_ALLOCATIONS, MAX_PER_SESSION, Output, Relay, SWEEP};
use crate::{
    allocation::{Allocation, Owner, Refused},
    channel,
    credentials::User,
    message::{Reply, Request},
};

/// As short as can be: it is in what strangers are answered.
const REALM: &str = "hst";
/// How long an allocation is kept (RFC 8656 section 3.2), in seconds: unless the client asks for more, and at most.
const DEFAULT_LIFETIME: u64 = 600;
const MAX_LIFETIME: u64 = 3600;
/// The number of UDP in IP headers.
const UDP: u8 = 17;
const KNOWN: [AttrType; 10] = [
    ATTR_USERNAME,
    ATTR_REALM,
    ATTR_NONCE,
    ATTR_LIFETIME,
    ATTR_CHANNEL_NUMBER,
    ATTR_REQUESTED_TRANSPORT,
    ATTR_REQUESTED_ADDRESS_FAMILY,
    ATTR_EVEN_PORT,
    ATTR_RESERVATION_TOKEN,
    ATTR_XOR_PEER_ADDRESS,
];

const BAD_REQUEST: u16 = 400;
const UNAUTHORIZED: u16 = 401;
const FORBIDDEN: u16 = 403;
const UNKNOWN_ATTRIBUTE: u16 = 420;
const ALLOCATION_MISMATCH: u16 = 437;
const STALE_NONCE: u16 = 438;
const FAMILY_NOT_SUPPORTED: u16 = 440;
const WRONG_CREDENTIALS: u16 = 441;
const UNSUPPORTED_TRANSPORT: u16 = 442;
const FAMILY_MISMATCH: u16 = 443;
const QUOTA_REACHED: u16 = 486;
const NO_CAPACITY: u16 = 508;

impl Relay {
    pub(super) fn handle_request(&mut self, now: Instant, client: Client, mut request: Request, len: usize) {
        if request.method() == METHOD_BINDING {
            return self.bind(client, &request, len);
        }
        let owner = match self.authenticate(now, client, &mut request) {
            Ok(owner) => owner,
            Err(code) => return self.challenge(now, client, &request, code),
        };
        let unknown = request.unknown(&KNOWN);
        let outcome = if unknown.is_empty() {
            self.carry_out(now, client, &request, &owner)
        } else {
            let list: Vec<u8> = unknown.iter().flat_map(|kind| kind.value().to_be_bytes()).collect();
            let reply = Reply::error(&request, UNKNOWN_ATTRIBUTE).with(ATTR_UNKNOWN_ATTRIBUTES, &list);
            Ok(Some(reply))
        };
        let reply = outcome.unwrap_or_else(|code| Some(Reply::error(&request, code)));
        if let Some(reply) = reply {
            self.reply(client, reply.signed(&owner.key));
        }
    }

    /// Somebody asks where he is seen. An answer that is longer than the question goes only where it is asked from.
    fn bind(&mut self, client: Client, request: &Request, len: usize) {
        let reply = Reply::success(request).with_address(ATTR_XORMAPPED_ADDRESS, client.addr);
        let bytes = reply.plain();
        if client.stream.is_some() || bytes.len() <= len {
            self.reply(client, bytes);
        }
    }

    /// Who asks, by the long-term credentials (RFC 8489 section 9.2.4) of a session that is.
    fn authenticate(&self, now: Instant, client: Client, request: &mut Request) -> Result<Owner, u16> {
        if !request.has_signature() {
            return Err(UNAUTHORIZED);
        }
        let (Some(username), Some(realm), Some(nonce)) = (
            request.text(ATTR_USERNAME),
            request.attribute(ATTR_REALM),
            request.attribute(ATTR_NONCE),
        ) else {
            return Err(BAD_REQUEST);
        };
        let unix = self.unix(now);
        if !self.nonces.is_good(unix, client.addr.ip(), nonce) {
            return Err(STALE_NONCE);
        }
        let user = User::parse(username).filter(|user| user.ends > unix && realm == REALM.as_bytes());
        let User { ends, session } = user.ok_or(UNAUTHORIZED)?;
        let owner = Owner {
            username: username.to_owned(),
            session: session.to_owned(),
            ends,
            key: self.secret.key(username, REALM),
        };
        let is_his = request.is_signed_with(&owner.key) && (self.is_live)(&owner.session);
        is_his.then_some(owner).ok_or(UNAUTHORIZED)
    }

    /// Refuses somebody who has not shown who he is, and says how to: as often as a forged address may be answered.
    fn challenge(&mut self, now: Instant, client: Client, request: &Request, code: u16) {
        if !self.may_answer(now, client) {
            return;
        }
        let mut reply = Reply::error(request, code);
        if code != BAD_REQUEST {
            let nonce = self.nonces.make(self.unix(now), client.addr.ip());
            reply = reply
                .with(ATTR_REALM, REALM.as_bytes())
                .with(ATTR_NONCE, nonce.as_bytes());
        }
        self.reply(client, reply.plain());
    }

    fn carry_out(
        &mut self,
        now: Instant,
        client: Client,
        request: &Request,
        owner: &Owner,
    ) -> Result<Option<Reply>, u16> {
        match request.method() {
            METHOD_ALLOCATE => return self.allocate(now, client, request, owner),
            // Relaying connections (RFC 6062) is not offered: nobody needs it here.
            METHOD_CONNECT | METHOD_CONNECTION_BIND => return Err(FORBIDDEN),
            _ => {}
        }
        let (_, it) = self.allocation(now, client).ok_or(ALLOCATION_MISMATCH)?;
        if it.owner.username != owner.username {
            return Err(WRONG_CREDENTIALS);
        }
        match request.method() {
            METHOD_REFRESH => self.refresh(now, client, request),
            METHOD_CREATE_PERMISSION => self.create_permission(now, client, request),
            METHOD_CHANNEL_BIND => self.bind_channel(now, client, request),
            _ => Err(BAD_REQUEST),
        }
        .map(Some)
    }

    fn allocate(
        &mut self,
        now: Instant,
        client: Client,
        request: &Request,
        owner: &Owner,
    ) -> Result<Option<Reply>, u16> {
        if let Some(it) = self.by_client.get(&client).and_then(|id| self.allocations.get(id)) {
            // The answer was lost, or is still to come.
            return if it.request == request.transaction() {
                Ok(it
                    .relayed
                    .map(|relayed| allocated(Reply::success(request), now, it, relayed)))
            } else {
                Err(ALLOCATION_MISMATCH)
            };
        }
        match request.attribute(ATTR_REQUESTED_TRANSPORT) {
            Some(&[UDP, _, _, _]) => {}
            Some(&[_, _, _, _]) => return Err(UNSUPPORTED_TRANSPORT),
            _ => return Err(BAD_REQUEST),
        }
        let has = |kind| request.attribute(kind).is_some();
        if has(ATTR_EVEN_PORT) || has(ATTR_RESERVATION_TOKEN) {
            return Err(NO_CAPACITY);
        }
        let is_v6 = match request.attribute(ATTR_REQUESTED_ADDRESS_FAMILY) {
            None | Some(&[1, _, _, _]) => false,
            Some(&[2, _, _, _]) => true,
            _ => return Err(FAMILY_NOT_SUPPORTED),
        };
        if !self.peers.has_family(is_v6) {
            return Err(FAMILY_NOT_SUPPORTED);
        }
        let of_session = self.allocations.values().filter(|it| it.owner.session == owner.session);
        if of_session.count() >= MAX_PER_SESSION {
            return Err(QUOTA_REACHED);
        }
        if self.allocations.len() >= MAX_ALLOCATIONS {
            return Err(NO_CAPACITY);
        }
        let mut lifetime = self.lifetime(now, request, owner.ends)?;
        if lifetime.is_zero() {
            // Nobody asks for something that is over at once.
            lifetime = Duration::from_secs(DEFAULT_LIFETIME);
        }
        let ends = now + lifetime;
        let allocation = AllocationId(self.next_id);
        self.next_id += 1;
        let it = Allocation::new(client, owner.clone(), request.transaction(), is_v6, ends);
        self.allocations.insert(allocation, it);
        self.by_client.insert(client, allocation);
        self.sweep_at.get_or_insert(now + SWEEP);
        self.outputs.push_back(Output::Open { allocation, is_v6 });
        Ok(None)
    }

    pub(super) fn finish_allocate(&mut self, now: Instant, id: AllocationId, relayed: Option<SocketAddr>) {
        let Some(it) = self.allocations.get_mut(&id) else {
            return;
        };
        let (client, key) = (it.client, it.owner.key.clone());
        let bytes = if let Some(relayed) = relayed {
            it.relayed = Some(relayed);
            let reply = Reply::answer(METHOD_ALLOCATE, it.request);
            allocated(reply, now, it, relayed).signed(&key)
        } else {
            let request = it.request;
            self.close(id);
            Reply::failure(METHOD_ALLOCATE, request, NO_CAPACITY).signed(&key)
        };
        self.reply(client, bytes);
    }

    fn refresh(&mut self, now: Instant, client: Client, request: &Request) -> Result<Reply, u16> {
        let (id, it) = self.allocation(now, client).ok_or(ALLOCATION_MISMATCH)?;
        if let Some(&[family, ..]) = request.attribute(ATTR_REQUESTED_ADDRESS_FAMILY)
            && (family == 2) != it.is_v6
        {
            return Err(FAMILY_MISMATCH);
        }
        let ends = it.owner.ends;
        let lifetime = self.lifetime(now, request, ends)?;
        if lifetime.is_zero() {
            self.close(id);
        } else if let Some(it) = self.allocations.get_mut(&id) {
            it.ends = now + lifetime;
        }
        let seconds = lifetime.as_secs() as u32;
        Ok(Reply::success(request).with(ATTR_LIFETIME, &seconds.to_be_bytes()))
    }

    /// For how long: what is asked for, within bounds, and never longer than the credentials are good. 0 ends it.
    fn lifetime(&self, now: Instant, request: &Request, ends: u64) -> Result<Duration, u16> {
        let asked = match request.attribute(ATTR_LIFETIME) {
            None => DEFAULT_LIFETIME,
            Some(value) => u64::from(u32::from_be_bytes(value.try_into().map_err(|_| BAD_REQUEST)?)),
        };
        let granted = if asked == 0 {
            0
        } else {
            asked.clamp(DEFAULT_LIFETIME, MAX_LIFETIME)
        };
        Ok(Duration::from_secs(granted.min(ends.saturating_sub(self.unix(now)))))
    }

    fn create_permission(&mut self, now: Instant, client: Client, request: &Request) -> Result<Reply, u16> {
        let peers = request.addresses(ATTR_XOR_PEER_ADDRESS).ok_or(BAD_REQUEST)?;
        if peers.is_empty() {
            return Err(BAD_REQUEST);
        }
        // All of them, or none.
        if !peers.iter().all(|peer| self.peers.has_host(peer.ip())) {
            return Err(FORBIDDEN);
        }
        let (_, it) = self.allocation(now, client).ok_or(ALLOCATION_MISMATCH)?;
        if peers.iter().any(|peer| peer.is_ipv6() != it.is_v6) {
            return Err(FAMILY_MISMATCH);
        }
        let ips: Vec<_> = peers.iter().map(SocketAddr::ip).collect();
        it.permit(now, &ips).map_err(code)?;
        Ok(Reply::success(request))
    }

    fn bind_channel(&mut self, now: Instant, client: Client, request: &Request) -> Result<Reply, u16> {
        let peers = request.addresses(ATTR_XOR_PEER_ADDRESS).ok_or(BAD_REQUEST)?;
        let (Some(&[high, low, _, _]), &[peer]) = (request.attribute(ATTR_CHANNEL_NUMBER), &peers[..]) else {
            return Err(BAD_REQUEST);
        };
        let number = u16::from_be_bytes([high, low]);
        if !channel::NUMBERS.contains(&number) {
            return Err(BAD_REQUEST);
        }
        if self.peers.place(peer).is_none() {
            return Err(FORBIDDEN);
        }
        let (_, it) = self.allocation(now, client).ok_or(ALLOCATION_MISMATCH)?;
        if peer.is_ipv6() != it.is_v6 {
            return Err(FAMILY_MISMATCH);
        }
        it.bind(now, number, peer).map_err(code)?;
        Ok(Reply::success(request))
    }
}

/// What a client is told of its allocation.
fn allocated(reply: Reply, now: Instant, it: &Allocation, relayed: SocketAddr) -> Reply {
    let lifetime = it.ends.saturating_duration_since(now).as_secs() as u32;
    reply
        .with_address(ATTR_XOR_RELAYED_ADDRESS, relayed)
        .with(ATTR_LIFETIME, &lifetime.to_be_bytes())
        .with_address(ATTR_XORMAPPED_ADDRESS, it.client.addr)
}

fn code(refused: Refused) -> u16 {
    match refused {
        Refused::Bound => BAD_REQUEST,
        Refused::Full => NO_CAPACITY,
    }
}
