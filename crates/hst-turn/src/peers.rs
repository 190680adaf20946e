use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
};

/// Whom clients may reach through the relay: these addresses, written exactly so, and nobody else.
///
/// There is no list of what is denied, because everything is: other machines, this one's other ports, and every other
/// way to write the same address.
#[derive(Debug, Clone, Default)]
pub struct Peers {
    by_name: HashMap<SocketAddr, SocketAddr>,
    by_place: HashMap<SocketAddr, SocketAddr>,
}

impl Peers {
    /// Lets clients reach the peer that they know as `name`, which the relay finds at `place`. A place has one name, so
    /// that it is known who has answered; says whether it had none.
    pub fn permit(&mut self, name: SocketAddr, place: SocketAddr) -> bool {
        let is_new = !self.by_place.contains_key(&place) && !self.by_name.contains_key(&name);
        if is_new {
            self.by_name.insert(name, place);
            self.by_place.insert(place, name);
        }
        is_new
    }

    pub(crate) fn place(&self, name: SocketAddr) -> Option<SocketAddr> {
        self.by_name.get(&name).copied()
    }

    pub(crate) fn name(&self, place: SocketAddr) -> Option<SocketAddr> {
        self.by_place.get(&place).copied()
    }

    /// Whether there is a peer at this address.
    pub(crate) fn has_host(&self, ip: IpAddr) -> bool {
        self.by_name.keys().any(|name| name.ip() == ip)
    }

    pub(crate) fn has_family(&self, is_v6: bool) -> bool {
        self.by_name.keys().any(|name| name.is_ipv6() == is_v6)
    }
}
