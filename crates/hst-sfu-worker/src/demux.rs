use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
};

use crate::{credentials::Credentials, remote::Remote};

/// A connection of a peer, within one thread. Never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TransportId(pub(crate) u64);

/// Which datagram is whose.
///
/// An address belongs to a transport only after a connectivity check from there has proved that it knows the
/// transport's secret; until then nothing else from it is looked at, so nobody can reach a handshake by guessing.
#[derive(Debug, Default)]
pub(crate) struct Demux {
    ufrags: HashMap<String, TransportId>,
    routes: HashMap<Remote, Route>,
}

#[derive(Debug, Clone, Copy)]
struct Route {
    transport: TransportId,
    local_ip: Option<IpAddr>,
}

/// Whose a datagram is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    Known(TransportId),
    /// It claims to be for this transport, but comes from an address that has not proved it.
    Claimed(TransportId),
}

impl Demux {
    pub(crate) fn owner(&self, source: Remote, bytes: &[u8]) -> Option<Owner> {
        let route = self.known(source);
        // The first byte tells the protocols apart (RFC 9443): 0 and 1 are STUN.
        if bytes.first()? > &1 {
            return route.map(Owner::Known);
        }
        let claimed = self.claimed(bytes)?;
        Some(if route == Some(claimed) {
            Owner::Known(claimed)
        } else {
            Owner::Claimed(claimed)
        })
    }

    /// Whose what comes from there is, as far as is known before it is looked at.
    pub(crate) fn known(&self, source: Remote) -> Option<TransportId> {
        Some(self.routes.get(&source)?.transport)
    }

    /// The transport named by a connectivity check.
    fn claimed(&self, bytes: &[u8]) -> Option<TransportId> {
        self.ufrags.get(&Credentials::claimed(bytes)?).copied()
    }

    /// Whether a transport is known by this name.
    pub(crate) fn has(&self, ufrag: &str) -> bool {
        self.ufrags.contains_key(ufrag)
    }

    /// The transport is known by the last of these names, from now on or already.
    pub(crate) fn add(&mut self, ufrags: &[String], transport: TransportId) {
        if let Some(last) = ufrags.last() {
            self.ufrags.insert(last.clone(), transport);
        }
    }

    /// The address has proved to be the transport's.
    pub(crate) fn prove(&mut self, source: Remote, transport: TransportId, local_ip: Option<IpAddr>) {
        self.routes.insert(source, Route { transport, local_ip });
    }

    /// The address is not the transport's any more, if it still was.
    pub(crate) fn disprove(&mut self, source: Remote, transport: TransportId) {
        if self
            .routes
            .get(&source)
            .is_some_and(|route| route.transport == transport)
        {
            self.routes.remove(&source);
        }
    }

    pub(crate) fn remove(
        &mut self,
        ufrags: &[String],
        transport: TransportId,
        addresses: impl Iterator<Item = Remote>,
    ) {
        for ufrag in ufrags {
            self.ufrags.remove(ufrag);
        }
        addresses.for_each(|address| self.disprove(address, transport));
    }

    /// The connection that was at the address is gone.
    pub(crate) fn forget(&mut self, source: Remote) {
        self.routes.remove(&source);
    }

    /// To which of this machine's addresses the client's datagrams come.
    pub(crate) fn local_ip(&self, destination: SocketAddr) -> Option<IpAddr> {
        self.routes.get(&Remote::udp(destination))?.local_ip
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use rand::distr::{Alphanumeric, SampleString};
    use str0m::{
        crypto,
        ice::{StunMessage, TransId},
    };
    use tracing::{
        Event, Metadata, Subscriber,
        span::{Attributes, Id, Record},
    };

    use super::*;

    fn check(username: &str) -> Vec<u8> {
        let hmac = crypto::from_feature_flags().sha1_hmac_provider;
        let mut bytes = vec![0; 256];
        let check = StunMessage::binding_request(username, TransId::new(), true, 1, 1, true);
        let len = check.to_bytes(Some(b"a guess"), &mut bytes, |key, parts| hmac.sha1_hmac(key, parts));
        bytes.truncate(len.expect("room"));
        bytes
    }

    fn demux() -> Demux {
        let mut demux = Demux::default();
        demux.add(&["ours".to_owned()], TransportId(1));
        demux
    }

    /// Counts what is logged, at whatever level.
    #[derive(Default)]
    struct Log(Arc<AtomicUsize>);

    impl Subscriber for Log {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }

        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }

        fn record(&self, _: &Id, _: &Record<'_>) {}

        fn record_follows_from(&self, _: &Id, _: &Id) {}

        fn event(&self, _: &Event<'_>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }

        fn enter(&self, _: &Id) {}

        fn exit(&self, _: &Id) {}
    }

    #[test]
    fn n4_a_million_guesses_at_a_name_find_nobody_leave_nothing_and_are_not_logged() {
        let (demux, source) = (demux(), Remote::udp(([192, 0, 2, 1], 5000).into()));
        let ours = demux.owner(source, &check("ours:theirs"));
        assert_eq!(ours, Some(Owner::Claimed(TransportId(1))));
        let mut guess = check(&format!("{}:theirs", "x".repeat(12)));
        let log = Log::default();
        let logged = log.0.clone();
        tracing::subscriber::with_default(log, || {
            tracing::debug!("this is counted");
            for _ in 0..1_000_000 {
                let name = Alphanumeric.sample_string(&mut rand::rng(), 12);
                guess[24..36].copy_from_slice(name.as_bytes());
                assert_eq!(demux.owner(source, &guess), None);
            }
        });
        assert_eq!(logged.load(Ordering::Relaxed), 1);
        assert_eq!((demux.ufrags.len(), demux.routes.len()), (1, 0), "nothing was kept");
    }

    #[test]
    fn n8_n10_from_strangers_only_a_check_is_anybodys() {
        let (demux, source) = (demux(), Remote::udp(([192, 0, 2, 1], 5000).into()));
        for first in 0..=255_u8 {
            for len in 0..=64 {
                let mut bytes = vec![0x5a; len];
                bytes.iter_mut().take(1).for_each(|byte| *byte = first);
                assert_eq!(demux.owner(source, &bytes), None, "{first} {len}");
            }
        }
        let mut message = check("ours:theirs");
        for kind in 0..=0x3fff_u16 {
            message[..2].copy_from_slice(&kind.to_be_bytes());
            assert_eq!(demux.owner(source, &message).is_some(), kind == 1, "{kind:x}");
        }
    }

    #[test]
    fn n2_over_tcp_an_address_proves_nothing_for_udp() {
        let (mut demux, addr) = (demux(), ([192, 0, 2, 1], 5000).into());
        demux.prove(Remote::tcp(addr), TransportId(1), None);
        let media = [0x80; 20];
        assert_eq!(
            demux.owner(Remote::tcp(addr), &media),
            Some(Owner::Known(TransportId(1)))
        );
        assert_eq!(demux.owner(Remote::udp(addr), &media), None);
        demux.forget(Remote::tcp(addr));
        assert_eq!(
            demux.owner(Remote::tcp(addr), &media),
            None,
            "who comes next from there is another"
        );
    }
}
