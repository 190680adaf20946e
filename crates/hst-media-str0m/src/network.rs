use std::{collections::HashMap, io, net::SocketAddr};

use tokio::{net::UdpSocket, sync::mpsc};

use crate::{
    order::{Order, PipeId},
    pipe::{News, NewsSender, Pipe},
    tls::RelayTls,
};

/// How much news of pipes waits for the driver. When it is full, pipes are not read.
const NEWS: usize = 256;

/// Where the news of a peer's pipes come out, as long as its [`Network`] is.
pub(crate) type NewsReceiver = mpsc::Receiver<(PipeId, News)>;

/// The sockets of a peer: one for UDP, and pipes beside it.
#[derive(Debug)]
pub(crate) struct Network {
    pub(crate) udp: UdpSocket,
    bound: SocketAddr,
    tls: RelayTls,
    pipes: HashMap<PipeId, Pipe>,
    news: NewsSender,
}

impl Network {
    pub(crate) fn new(udp: UdpSocket, tls: RelayTls) -> io::Result<(Self, NewsReceiver)> {
        let bound = udp.local_addr()?;
        let (news, receiver) = mpsc::channel(NEWS);
        let network = Self {
            udp,
            bound,
            tls,
            pipes: HashMap::new(),
            news,
        };
        Ok((network, receiver))
    }

    /// The address that the socket for UDP is bound to.
    pub(crate) fn bound(&self) -> SocketAddr {
        self.bound
    }

    pub(crate) fn carry_out(&mut self, order: Order) {
        match order {
            Order::Open { pipe, dial } => {
                let opened = Pipe::open(pipe, dial, self.bound.ip(), self.tls.clone(), self.news.clone());
                self.pipes.insert(pipe, opened);
            }
            Order::Send { pipe, bytes } => {
                if let Some(pipe) = self.pipes.get(&pipe) {
                    pipe.send(bytes);
                }
            }
            Order::Close { pipe } => _ = self.pipes.remove(&pipe),
        }
    }
}
