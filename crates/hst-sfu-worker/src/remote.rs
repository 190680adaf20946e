use std::net::SocketAddr;

use str0m::net::Protocol;

/// Where a client's datagrams come from and go to. The same address over UDP and over TCP is two of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Remote {
    pub(crate) protocol: Protocol,
    pub(crate) addr: SocketAddr,
}

impl Remote {
    pub(crate) fn udp(addr: SocketAddr) -> Self {
        let protocol = Protocol::Udp;
        Self { protocol, addr }
    }

    pub(crate) fn tcp(addr: SocketAddr) -> Self {
        let protocol = Protocol::Tcp;
        Self { protocol, addr }
    }
}
