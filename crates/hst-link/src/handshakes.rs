use std::{
    collections::HashMap,
    future::Future,
    net::{IpAddr, Ipv6Addr, SocketAddr},
};

use tokio::task::{Id, JoinSet};

use crate::Link;

/// Handshakes under way with peers that have dialled. When it is full, further ones wait among the incoming.
const MOST: usize = 256;
/// Those with peers at one address. Further ones are refused.
const MOST_AT_ONE: usize = 32;

/// The handshakes under way with peers that have dialled. All have proved their addresses, so a stranger can fill no more
/// than its own share.
#[derive(Debug, Default)]
pub(crate) struct Handshakes {
    /// `None` comes out for a peer that failed.
    running: JoinSet<Option<Link>>,
    networks: HashMap<Id, IpAddr>,
}

impl Handshakes {
    pub(crate) fn is_full(&self) -> bool {
        self.running.len() >= MOST
    }

    pub(crate) fn is_full_for(&self, peer: SocketAddr) -> bool {
        let own = network(peer.ip());
        self.networks.values().filter(|&&network| network == own).count() >= MOST_AT_ONE
    }

    pub(crate) fn begin(&mut self, peer: SocketAddr, handshake: impl Future<Output = Option<Link>> + Send + 'static) {
        let id = self.running.spawn(handshake).id();
        self.networks.insert(id, network(peer.ip()));
    }

    /// The next link that is through; `None` when no handshake is under way. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Option<Link> {
        loop {
            let (id, link) = match self.running.join_next_with_id().await? {
                Ok((id, link)) => (id, link),
                Err(error) => (error.id(), None),
            };
            self.networks.remove(&id);
            if link.is_some() {
                return link;
            }
        }
    }
}

/// Whose an address is: of IPv6 one subscriber has the last 64 bits for himself.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(ip: &str) -> SocketAddr {
        (ip.parse::<IpAddr>().unwrap(), 1000).into()
    }

    #[tokio::test]
    async fn one_address_gets_only_its_share_until_places_are_free_again() {
        let mut handshakes = Handshakes::default();
        for number in 0..MOST_AT_ONE {
            assert!(!handshakes.is_full_for(peer("2001:db8::1")), "{number}");
            // A handshake that fails by a fault gives its place back, too.
            handshakes.begin(peer("2001:db8::1"), async move {
                assert!(number > 0, "on purpose");
                None
            });
        }
        assert!(handshakes.is_full_for(peer("2001:db8::ffff:1")));
        assert!(!handshakes.is_full_for(peer("2001:db8:0:1::1")));
        assert!(handshakes.next().await.is_none());
        assert!(!handshakes.is_full_for(peer("2001:db8::1")));
        assert!(handshakes.networks.is_empty());
    }
}
