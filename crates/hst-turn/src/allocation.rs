use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};

use rtc_stun::message::TransactionId;

use crate::relay::Client;

/// How long a permission is good (RFC 8656 section 9).
const PERMISSION: Duration = Duration::from_secs(300);
/// How long a channel is bound (RFC 8656 section 12).
const CHANNEL: Duration = Duration::from_secs(600);
/// How many permissions and how many channels an allocation may have. A platform has fewer media addresses.
const MAX_PERMISSIONS: usize = 32;
const MAX_CHANNELS: usize = 64;

/// What one client has of the relay.
#[derive(Debug)]
pub(crate) struct Allocation {
    pub(crate) client: Client,
    pub(crate) owner: Owner,
    pub(crate) is_v6: bool,
    pub(crate) ends: Instant,
    /// The request that made it, which may come again.
    pub(crate) request: TransactionId,
    /// What the client was told of it, once it is open.
    pub(crate) relayed: Option<SocketAddr>,
    permissions: HashMap<IpAddr, Instant>,
    channels: HashMap<u16, (SocketAddr, Instant)>,
}

/// Who has shown credentials.
#[derive(Debug, Clone)]
pub(crate) struct Owner {
    pub(crate) username: String,
    pub(crate) session: String,
    /// When the credentials end (Unix time, s).
    pub(crate) ends: u64,
    /// The key that messages from and to him are signed with.
    pub(crate) key: Vec<u8>,
}

/// Something cannot be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The channel or the peer is bound otherwise.
    Bound,
    /// There are too many.
    Full,
}

impl Allocation {
    pub(crate) fn new(client: Client, owner: Owner, request: TransactionId, is_v6: bool, ends: Instant) -> Self {
        Self {
            client,
            owner,
            is_v6,
            ends,
            request,
            relayed: None,
            permissions: HashMap::new(),
            channels: HashMap::new(),
        }
    }

    /// Lets data flow to and from these addresses, or none of them.
    pub(crate) fn permit(&mut self, now: Instant, ips: &[IpAddr]) -> Result<(), Refused> {
        self.permissions.retain(|_, until| *until > now);
        let new = ips.iter().filter(|ip| !self.permissions.contains_key(ip)).count();
        if self.permissions.len() + new > MAX_PERMISSIONS {
            return Err(Refused::Full);
        }
        self.permissions.extend(ips.iter().map(|ip| (*ip, now + PERMISSION)));
        Ok(())
    }

    pub(crate) fn permits(&self, now: Instant, ip: IpAddr) -> bool {
        self.permissions.get(&ip).is_some_and(|until| *until > now)
    }

    /// Binds a channel to a peer, or keeps it bound.
    pub(crate) fn bind(&mut self, now: Instant, number: u16, peer: SocketAddr) -> Result<(), Refused> {
        self.channels.retain(|_, (_, until)| *until > now);
        let is_other = |(other, (bound, _)): (&u16, &(SocketAddr, Instant))| (*other == number) != (*bound == peer);
        if self.channels.iter().any(is_other) {
            return Err(Refused::Bound);
        }
        if self.channels.len() >= MAX_CHANNELS && !self.channels.contains_key(&number) {
            return Err(Refused::Full);
        }
        self.permit(now, &[peer.ip()])?;
        self.channels.insert(number, (peer, now + CHANNEL));
        Ok(())
    }

    /// The peer of a channel.
    pub(crate) fn peer(&self, now: Instant, number: u16) -> Option<SocketAddr> {
        let (peer, until) = self.channels.get(&number)?;
        (*until > now).then_some(*peer)
    }

    /// The channel of a peer.
    pub(crate) fn channel(&self, now: Instant, peer: SocketAddr) -> Option<u16> {
        let mut channels = self.channels.iter();
        let found = channels.find(|(_, (bound, until))| *bound == peer && *until > now);
        found.map(|(number, _)| *number)
    }
}
