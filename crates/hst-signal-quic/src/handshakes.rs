use std::{
    collections::HashMap,
    future::Future,
    net::{IpAddr, Ipv6Addr, SocketAddr},
};

use hst_signal::SignalConnection;
use tokio::task::{Id, JoinSet};

/// Handshakes under way. When it is full, further clients wait among the incoming.
const MOST: usize = 512;
/// With this many under way a client must prove its address first, so that one with forged addresses cannot fill them.
const PROOF_FROM: usize = 64;
/// Handshakes under way with clients at one address. Further ones are refused.
const MOST_AT_ONE: usize = 64;
/// With this many under way at one address a client there must prove it first, so that nobody else can fill them.
const PROOF_FROM_AT_ONE: usize = 32;

/// The handshakes under way.
#[derive(Debug, Default)]
pub(crate) struct Handshakes {
    /// `None` comes out for a client that failed.
    running: JoinSet<Option<SignalConnection>>,
    networks: HashMap<Id, IpAddr>,
}

/// What becomes of a client whose first packet has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Its handshake begins.
    Begin,
    /// It comes back with a proof of its address, or never.
    Prove,
    /// It is turned away.
    Refuse,
}

impl Handshakes {
    pub(crate) fn is_full(&self) -> bool {
        self.running.len() >= MOST
    }

    /// Judges a client that may have proved its address.
    pub(crate) fn judge(&self, client: SocketAddr, is_proved: bool) -> Verdict {
        let own = network(client.ip());
        let at_one = self.networks.values().filter(|&&network| network == own).count();
        if !is_proved && (self.running.len() >= PROOF_FROM || at_one >= PROOF_FROM_AT_ONE) {
            Verdict::Prove
        } else if at_one >= MOST_AT_ONE {
            Verdict::Refuse
        } else {
            Verdict::Begin
        }
    }

    pub(crate) fn begin(
        &mut self,
        client: SocketAddr,
        handshake: impl Future<Output = Option<SignalConnection>> + Send + 'static,
    ) {
        let id = self.running.spawn(handshake).id();
        self.networks.insert(id, network(client.ip()));
    }

    /// The next connection that is through; `None` when none is under way. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Option<SignalConnection> {
        loop {
            let (id, connection) = match self.running.join_next_with_id().await? {
                Ok((id, connection)) => (id, connection),
                Err(error) => (error.id(), None),
            };
            self.networks.remove(&id);
            if connection.is_some() {
                return connection;
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

    fn client(ip: &str) -> SocketAddr {
        (ip.parse::<IpAddr>().unwrap(), 1000).into()
    }

    #[tokio::test]
    async fn one_address_gets_only_its_share_and_an_unproved_one_less() {
        let mut handshakes = Handshakes::default();
        let ip = client("2001:db8::1");
        for number in 0..MOST_AT_ONE {
            let unproved = [Verdict::Begin, Verdict::Prove][usize::from(number >= PROOF_FROM_AT_ONE)];
            assert_eq!(handshakes.judge(ip, false), unproved, "{number}");
            assert_eq!(handshakes.judge(ip, true), Verdict::Begin, "{number}");
            handshakes.begin(ip, std::future::pending());
        }
        assert_eq!(handshakes.judge(client("2001:db8::ffff:1"), true), Verdict::Refuse);
        assert_eq!(handshakes.judge(client("2001:db8:0:1::1"), true), Verdict::Begin);
    }

    #[tokio::test]
    async fn many_addresses_together_must_prove_themselves_until_places_are_free_again() {
        let mut handshakes = Handshakes::default();
        for number in 0..PROOF_FROM {
            let ip = client(&format!("192.0.2.{number}"));
            assert_eq!(handshakes.judge(ip, false), Verdict::Begin);
            handshakes.begin(ip, async { None });
        }
        assert_eq!(handshakes.judge(client("198.51.100.1"), false), Verdict::Prove);
        assert!(handshakes.next().await.is_none());
        assert_eq!(handshakes.judge(client("198.51.100.1"), false), Verdict::Begin);
        assert!(handshakes.networks.is_empty());
    }

    #[tokio::test]
    async fn a_handshake_that_fails_by_a_fault_gives_its_place_back() {
        let mut handshakes = Handshakes::default();
        handshakes.begin(client("192.0.2.1"), async { panic!("on purpose") });
        assert!(handshakes.next().await.is_none());
        assert!(handshakes.networks.is_empty());
    }
}
