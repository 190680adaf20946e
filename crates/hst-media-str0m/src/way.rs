use std::{collections::VecDeque, net::SocketAddr};

use hst_turn::{Tunnel, TunnelOutput};
use str0m::{
    Candidate,
    net::{Protocol, TcpType, Transmit},
};
use tokio::time::Instant;

use crate::{
    order::{Dial, Order, PipeId},
    relay::{Carrier, Relay},
};

/// A way that can be tried.
#[derive(Debug, Clone)]
pub(crate) enum Plan {
    /// TCP to this candidate of the server, which waits for connections (RFC 6544).
    Tcp(Candidate),
    /// A relay that leads to these addresses of the server.
    Relay { relay: Relay, peers: Vec<SocketAddr> },
}

/// A way that is being tried or in use: a pipe, and what it is to ICE.
#[derive(Debug)]
pub(crate) struct Way {
    plan: Plan,
    pipe: PipeId,
    /// Our candidate there, once it can be checked.
    local: Option<Candidate>,
    /// What is spoken with a relay, and our end of the pipe to it, once that stands.
    tunnel: Option<(Tunnel, SocketAddr)>,
}

/// What a way gives to the connection.
#[derive(Debug, Default)]
pub(crate) struct Given {
    /// Our candidate, which can be checked now, and theirs, if that is another than before.
    pub(crate) candidates: Option<(Candidate, Option<Candidate>)>,
    pub(crate) datagram: Option<(Passage, Vec<u8>)>,
    /// Whether the way has come to its end.
    pub(crate) is_over: bool,
}

/// From where a datagram has come, and to which address of ours.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Passage {
    pub(crate) protocol: Protocol,
    pub(crate) source: SocketAddr,
    pub(crate) destination: SocketAddr,
}

impl Way {
    /// Begins to connect.
    pub(crate) fn begin(plan: Plan, pipe: PipeId, orders: &mut VecDeque<Order>) -> Self {
        let dial = match &plan {
            Plan::Tcp(candidate) => Dial::Server(candidate.addr()),
            Plan::Relay { relay, .. } => Dial::Relay(relay.address.clone()),
        };
        orders.push_back(Order::Open { pipe, dial });
        Self {
            plan,
            pipe,
            local: None,
            tunnel: None,
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let (tunnel, _) = self.tunnel.as_ref()?;
        tunnel.poll_timeout().map(Instant::from_std)
    }

    /// Time has passed. Says whether the way has come to its end.
    pub(crate) fn handle_timeout(&mut self, now: Instant, orders: &mut VecDeque<Order>) -> bool {
        if let Some((tunnel, _)) = &mut self.tunnel {
            tunnel.handle_timeout(now.into_std());
        }
        self.drain(orders).is_over
    }

    /// Its pipe stands; this is our end of it.
    pub(crate) fn opened(&mut self, now: Instant, local: SocketAddr, orders: &mut VecDeque<Order>) -> Given {
        match &self.plan {
            Plan::Tcp(remote) => {
                let candidate = Candidate::builder().tcp().host(local).tcptype(TcpType::Active).build();
                self.local = candidate.ok();
                Given {
                    candidates: self.local.clone().map(|local| (local, Some(remote.clone()))),
                    ..Given::default()
                }
            }
            Plan::Relay { relay, peers } => {
                let is_stream = relay.address.carrier != Carrier::Udp;
                let tunnel = Tunnel::new(now.into_std(), relay.credentials.clone(), peers.clone(), is_stream);
                self.tunnel = Some((tunnel, local));
                self.drain(orders)
            }
        }
    }

    /// A message has come over its pipe.
    pub(crate) fn receive(&mut self, now: Instant, bytes: Vec<u8>, orders: &mut VecDeque<Order>) -> Given {
        let local = self.local.as_ref().map(Candidate::addr);
        let passage = |protocol, source| {
            local.map(|destination| Passage {
                protocol,
                source,
                destination,
            })
        };
        match (&self.plan, &mut self.tunnel) {
            (Plan::Tcp(remote), _) => Given {
                datagram: passage(Protocol::Tcp, remote.addr()).map(|passage| (passage, bytes)),
                ..Given::default()
            },
            (Plan::Relay { .. }, Some((tunnel, _))) => {
                let received = tunnel.handle_message(now.into_std(), &bytes);
                let datagram = received.and_then(|(peer, data)| Some((passage(Protocol::Udp, peer)?, data.to_vec())));
                Given {
                    datagram,
                    ..self.drain(orders)
                }
            }
            (Plan::Relay { .. }, None) => Given::default(),
        }
    }

    /// Whether what str0m sends has to go here.
    pub(crate) fn leads(&self, transmit: &Transmit) -> bool {
        let Some(local) = self.local.as_ref().filter(|it| it.addr() == transmit.source) else {
            return false;
        };
        let is_there = match &self.plan {
            Plan::Tcp(remote) => remote.addr() == transmit.destination,
            Plan::Relay { .. } => true,
        };
        local.proto() == transmit.proto && is_there
    }

    /// Sends a datagram to these places of the server, as far as it leads there.
    pub(crate) fn send(&mut self, bytes: &[u8], to: &[SocketAddr], orders: &mut VecDeque<Order>) {
        match (&self.plan, &mut self.tunnel) {
            (Plan::Tcp(_), _) => orders.push_back(Order::Send {
                pipe: self.pipe,
                bytes: bytes.to_vec(),
            }),
            (Plan::Relay { .. }, Some((tunnel, _))) => {
                to.iter().for_each(|peer| tunnel.send(*peer, bytes));
                self.drain(orders);
            }
            (Plan::Relay { .. }, None) => {}
        }
    }

    /// Our candidate there, as far as there is one.
    pub(crate) fn candidate(self) -> Option<Candidate> {
        self.local
    }

    /// Gives it up.
    pub(crate) fn close(mut self, orders: &mut VecDeque<Order>) -> Option<Candidate> {
        if let Some((tunnel, _)) = &mut self.tunnel {
            tunnel.close();
            self.drain(orders);
        }
        orders.push_back(Order::Close { pipe: self.pipe });
        self.candidate()
    }

    /// Takes what the tunnel has to say.
    fn drain(&mut self, orders: &mut VecDeque<Order>) -> Given {
        let mut given = Given::default();
        let Some((tunnel, local)) = &mut self.tunnel else {
            return given;
        };
        let pipe = self.pipe;
        while let Some(output) = tunnel.poll_output() {
            match output {
                TunnelOutput::Send(bytes) => orders.push_back(Order::Send { pipe, bytes }),
                TunnelOutput::Opened(relayed) => {
                    self.local = Candidate::relayed(relayed, *local, "udp").ok();
                    given.candidates = self.local.clone().map(|local| (local, None));
                    given.is_over = self.local.is_none();
                }
                TunnelOutput::Ended(code) => {
                    tracing::debug!(?code, "a relay leads nowhere");
                    given.is_over = true;
                }
            }
        }
        given
    }
}
