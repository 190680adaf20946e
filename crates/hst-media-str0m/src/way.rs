use std::{collections::VecDeque, net::SocketAddr};

use str0m::{
    Candidate,
    net::{Protocol, TcpType, Transmit},
};
use tokio::time::Instant;

use crate::order::{Dial, Order, PipeId};

/// A way that can be tried.
#[derive(Debug, Clone)]
pub(crate) enum Plan {
    /// TCP to this candidate of the server, which waits for connections (RFC 6544).
    Tcp(Candidate),
}

/// A way that is being tried or in use: a pipe, and what it is to ICE.
#[derive(Debug)]
pub(crate) enum Way {
    Tcp {
        remote: Candidate,
        /// Our end, once the pipe stands.
        local: Option<Candidate>,
    },
}

/// What a way gives to the connection.
#[derive(Debug, Default)]
pub(crate) struct Given {
    /// A pair of candidates, ours and theirs, that can be checked now.
    pub(crate) pair: Option<(Candidate, Candidate)>,
    /// A datagram, from where and to which address of ours.
    pub(crate) datagram: Option<(SocketAddr, SocketAddr, Vec<u8>)>,
}

impl Plan {
    pub(crate) fn dial(&self) -> Dial {
        match self {
            Self::Tcp(candidate) => Dial::Server(candidate.addr()),
        }
    }
}

impl Way {
    pub(crate) fn new(plan: Plan) -> Self {
        match plan {
            Plan::Tcp(remote) => Self::Tcp { remote, local: None },
        }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Tcp { .. } => None,
        }
    }

    pub(crate) fn handle_timeout(&mut self, _now: Instant, _pipe: PipeId, _orders: &mut VecDeque<Order>) {
        match self {
            Self::Tcp { .. } => {}
        }
    }

    /// Its pipe stands; gives the candidates, ours and theirs, if that is all there is to do.
    pub(crate) fn opened(
        &mut self,
        _now: Instant,
        addr: SocketAddr,
        _pipe: PipeId,
        _orders: &mut VecDeque<Order>,
    ) -> Option<(Candidate, Candidate)> {
        match self {
            Self::Tcp { remote, local } => {
                let candidate = Candidate::builder().tcp().host(addr).tcptype(TcpType::Active).build();
                *local = candidate.ok();
                Some((local.clone()?, remote.clone()))
            }
        }
    }

    /// A message has come over its pipe.
    pub(crate) fn receive(
        &mut self,
        _now: Instant,
        bytes: Vec<u8>,
        _pipe: PipeId,
        _orders: &mut VecDeque<Order>,
    ) -> Given {
        match self {
            Self::Tcp { remote, local } => Given {
                pair: None,
                datagram: local.as_ref().map(|local| (remote.addr(), local.addr(), bytes)),
            },
        }
    }

    /// Whether a datagram has to go here.
    pub(crate) fn leads(&self, transmit: &Transmit) -> bool {
        match self {
            Self::Tcp { remote, local } => {
                let local = local.as_ref().map(Candidate::addr);
                transmit.proto == Protocol::Tcp
                    && local == Some(transmit.source)
                    && remote.addr() == transmit.destination
            }
        }
    }

    pub(crate) fn send(&mut self, transmit: &Transmit, pipe: PipeId, orders: &mut VecDeque<Order>) {
        match self {
            Self::Tcp { .. } => orders.push_back(Order::Send {
                pipe,
                bytes: transmit.contents.to_vec(),
            }),
        }
    }

    /// Our candidate there, as far as there is one.
    pub(crate) fn candidate(self) -> Option<Candidate> {
        match self {
            Self::Tcp { local, .. } => local,
        }
    }

    /// Gives it up.
    pub(crate) fn close(self, pipe: PipeId, orders: &mut VecDeque<Order>) -> Option<Candidate> {
        orders.push_back(Order::Close { pipe });
        self.candidate()
    }
}
