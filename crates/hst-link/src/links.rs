use std::{
    io,
    net::{SocketAddr, UdpSocket},
    ops::RangeInclusive,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use quinn::{ClientConfig, Connection, Endpoint, EndpointConfig, ServerConfig, TokioRuntime, VarInt};
use socket2::SockRef;
use tokio::time::timeout;

use crate::{
    Arrivals, BindError, CloseCode, Closed, Config, ConnectError, Identity, Link, NodeName, closing, config, error,
    greeting, greeting::Unwelcome, hello::Hello, registry::Registry,
};

/// A peer that is not through by then, with its hello, is given up.
pub(crate) const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long `shut_down` waits for the peers to be told.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// Peers whose first packet has come. When it is full, further ones are refused.
const INCOMING: usize = 256;
/// What a peer may send before its handshake is taken up, in bytes; more is dropped, and sent again.
const INCOMING_BUFFER: u64 = 16 * 1024;
/// The same for all of them together.
const INCOMING_BUFFERS: u64 = 1024 * 1024;
/// What the system may hold in each direction, in bytes: some milliseconds of all links together.
const SOCKET_BUFFER: usize = 4 * 1024 * 1024;

/// The links of a node, over one UDP socket: dials other nodes. Clones dial for the same node.
#[derive(Debug, Clone)]
pub struct Links(Arc<Node>);

/// What dialling and answering share.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) endpoint: Endpoint,
    pub(crate) registry: Arc<Registry>,
    client: ClientConfig,
    name: NodeName,
    versions: RangeInclusive<u16>,
    epoch: AtomicU64,
    share: u64,
}

impl Links {
    /// Opens a socket at `address`, port 0 taking a free one, to dial others with one part and to be dialled with the
    /// other. Runs on the tokio runtime that it is called in.
    ///
    /// # Errors
    /// [`BindError`] says whether the address is to blame.
    pub fn bind(address: SocketAddr, identity: Identity, config: Config) -> Result<(Self, Arrivals), BindError> {
        let Config { epoch, versions, share } = config;
        if versions.is_empty() {
            return Err(BindError::Versions(versions));
        }
        let mut server = ServerConfig::with_crypto(identity.server);
        server
            .transport_config(config::transport(share, 1))
            .max_incoming(INCOMING)
            .incoming_buffer_size(INCOMING_BUFFER)
            .incoming_buffer_size_total(INCOMING_BUFFERS);
        let mut client = ClientConfig::new(identity.client);
        client.transport_config(config::transport(share, 0));

        let socket = open(address)?;
        let endpoint = Endpoint::new(EndpointConfig::default(), Some(server), socket, Arc::new(TokioRuntime))?;
        let node = Arc::new(Node {
            endpoint,
            registry: Arc::default(),
            client,
            name: identity.name,
            versions,
            epoch: AtomicU64::new(epoch),
            share,
        });
        Ok((Self(node.clone()), Arrivals::new(node)))
    }

    /// The address it is found at.
    ///
    /// # Errors
    /// The system's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.endpoint.local_addr()
    }

    /// What each link may send, in bits a second.
    pub fn share(&self) -> u64 {
        self.0.share
    }

    /// How many bytes of datagrams wait on a link at most.
    pub fn queue(&self) -> u64 {
        config::queue(self.0.share) as u64
    }

    /// Dials a node. When it returns, the other side has accepted the link, and [`Arrivals`] of that side has it.
    ///
    /// One link between two nodes lives at most. When both dial at the same time, it is the one that the smaller name has
    /// dialled: the other one is closed as [`CloseCode::Duplicate`], before or after it was given out. Cancel-safe: who
    /// drops it dials no more.
    ///
    /// # Errors
    /// [`ConnectError`], within 5 seconds.
    pub async fn connect(&self, peer: &NodeName, address: SocketAddr) -> Result<Link, ConnectError> {
        if *peer == self.0.name {
            return Err(ConnectError::Itself);
        }
        let _dialling = self.0.registry.dial(peer).ok_or(ConnectError::Standing)?;
        let dial = self.dial(peer, address);
        timeout(HANDSHAKE_TIMEOUT, dial)
            .await
            .unwrap_or(Err(ConnectError::Timeout))
    }

    /// Says another epoch to those who come from now on: the node has begun another life. Links that stand are left.
    pub fn set_epoch(&self, epoch: u64) {
        self.0.epoch.store(epoch, Relaxed);
    }

    /// Closes every link as [`CloseCode::GoingAway`], at once, accepts no more, and waits, 2 seconds at most, until every
    /// peer has been told. A node does this before it ends: the last packets would not leave without it.
    pub async fn shut_down(&self) {
        let code = VarInt::from_u32(CloseCode::GoingAway.number());
        self.0.endpoint.close(code, closing::NODE_ENDS.as_bytes());
        let _ = timeout(CLOSE_TIMEOUT, self.0.endpoint.wait_idle()).await;
    }

    async fn dial(&self, peer: &NodeName, address: SocketAddr) -> Result<Link, ConnectError> {
        let node = &self.0;
        let connecting = node
            .endpoint
            .connect_with(node.client.clone(), address, peer.as_str())
            .map_err(|error| match error {
                quinn::ConnectError::EndpointStopping => ended(&quinn::ConnectionError::LocallyClosed),
                _ => ConnectError::Address,
            })?;
        let connection = connecting.await.map_err(|error| ended(&error))?;
        let greeted = greeting::call(connection.clone(), &node.hello(), peer, node.registry.clone()).await;
        greeted.map_err(|unwelcome| match unwelcome {
            Unwelcome::Lost(error) => ended(&error),
            Unwelcome::Here(reason) => {
                closing::close(&connection, &reason);
                Closed::Here(reason).into()
            }
        })
    }
}

impl Node {
    fn hello(&self) -> Hello {
        Hello {
            name: self.name.clone(),
            epoch: self.epoch.load(Relaxed),
            versions: self.versions.clone(),
        }
    }

    /// Answers a peer whose handshake is through.
    pub(crate) async fn answer(&self, connection: Connection) -> Option<Link> {
        match greeting::answer(connection.clone(), &self.hello(), self.registry.clone()).await {
            Ok(link) => return Some(link),
            Err(Unwelcome::Here(reason)) => closing::close(&connection, &reason),
            Err(Unwelcome::Lost(_)) => {}
        }
        None
    }
}

fn ended(error: &quinn::ConnectionError) -> ConnectError {
    error::handshake(error).unwrap_or_else(|| closing::explain(error).into())
}

fn open(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind(address)?;
    let options = SockRef::from(&socket);
    // The system may give less; it still works then.
    let _ = options.set_recv_buffer_size(SOCKET_BUFFER);
    let _ = options.set_send_buffer_size(SOCKET_BUFFER);
    Ok(socket)
}
