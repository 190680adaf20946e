use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    panic,
};

use str0m::ice::StunMessage;

use crate::remote::Remote;

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
        let route = self.routes.get(&source).map(|route| route.transport);
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

    /// The transport named by a connectivity check. We make none ourselves (ICE lite), so anything else is not for us.
    fn claimed(&self, bytes: &[u8]) -> Option<TransportId> {
        // The parser is not ours, and these bytes are anybody's.
        let parsed = panic::catch_unwind(|| StunMessage::parse(bytes).ok()).ok()??;
        if !parsed.is_binding_request() {
            return None;
        }
        let (ours, _theirs) = parsed.split_username()?;
        self.ufrags.get(ours).copied()
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
