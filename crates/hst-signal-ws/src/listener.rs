use std::{io, net::SocketAddr, time::Duration};

use async_trait::async_trait;
use hst_signal::{AcceptError, Limits, SignalConnection, SignalListener};
use tokio::{
    net::{TcpListener, TcpStream, ToSocketAddrs},
    task::JoinSet,
    time::{Instant, timeout},
};

use crate::{connection::split, socket::Socket};

/// Handshakes under way. When it is full, further clients wait in the system's own queue.
const HANDSHAKES: usize = 128;
/// A client that is not through by then is dropped.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);

/// A plain WebSocket server on a TCP port of its own, at any path.
///
/// A server that has an HTTP port answers the upgrade there and calls [`from_upgraded`](crate::from_upgraded).
#[derive(Debug)]
pub struct WsListener {
    tcp: TcpListener,
    limits: Limits,
    /// `None` comes out for a client that failed.
    handshakes: JoinSet<Option<SignalConnection>>,
}

impl WsListener {
    /// Listens at `address`; port 0 takes a free one.
    ///
    /// # Errors
    /// The system's.
    pub async fn bind(address: impl ToSocketAddrs, limits: Limits) -> io::Result<Self> {
        Ok(Self {
            tcp: TcpListener::bind(address).await?,
            limits,
            handshakes: JoinSet::new(),
        })
    }

    /// The address it listens at.
    ///
    /// # Errors
    /// The system's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}

#[async_trait]
impl SignalListener for WsListener {
    async fn accept(&mut self) -> Result<SignalConnection, AcceptError> {
        loop {
            tokio::select! {
                Some(done) = self.handshakes.join_next() => {
                    if let Ok(Some(connection)) = done {
                        return Ok(connection);
                    }
                }
                incoming = self.tcp.accept(), if self.handshakes.len() < HANDSHAKES => {
                    let (tcp, peer) = incoming.map_err(AcceptError::Io)?;
                    self.handshakes.spawn(handshake(tcp, peer, self.limits));
                }
            }
        }
    }
}

async fn handshake(tcp: TcpStream, peer: SocketAddr, limits: Limits) -> Option<SignalConnection> {
    // Frames are small and each is waited for. A system that cannot do it is only slower.
    let _ = tcp.set_nodelay(true);
    let since = Instant::now();
    let socket = timeout(HANDSHAKE_TIMEOUT, Socket::accept(tcp, limits))
        .await
        .ok()?
        .ok()?;
    Some(split(socket, Some(peer), since, limits))
}
