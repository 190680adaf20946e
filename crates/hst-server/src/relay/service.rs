use std::{
    collections::HashMap,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use hst_turn::{AllocationId, Client, Output, Relay};
use tokio::{
    net::UdpSocket,
    sync::mpsc,
    task::AbortHandle,
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};

use crate::{admission::Place, life::Life};

/// What has come for clients and was not passed on. When it is full, datagrams are lost, as on any way that is full.
const FROM_PEERS: usize = 1024;
/// The largest datagram.
const DATAGRAM: usize = 2048;
/// A client on a connection has this long to get an allocation, and keeps the connection only as long as it has one.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often connections that have had their time are looked for.
const SWEEP: Duration = Duration::from_secs(1);

/// The relay at work: its state machine, and all sockets around it.
#[derive(Debug)]
pub(super) struct Service {
    relay: Relay,
    socket: UdpSocket,
    /// The addresses of the media: relayed ones look like them.
    hosts: Vec<IpAddr>,
    sockets: HashMap<AllocationId, RelaySocket>,
    connected: HashMap<Client, Connected>,
    arrivals: mpsc::Receiver<Arrival>,
    to_clients: mpsc::Sender<FromPeer>,
    from_peers: mpsc::Receiver<FromPeer>,
}

/// What comes from clients on connections.
#[derive(Debug)]
pub(super) enum Arrival {
    /// One has connected and reads replies there.
    Connected(Client, mpsc::Sender<Vec<u8>>, Arc<Place>),
    /// It has said this.
    Message(Client, Vec<u8>),
    /// It is gone.
    Gone(Client),
}

/// A datagram that has come to the socket of an allocation.
type FromPeer = (AllocationId, SocketAddr, Vec<u8>);

#[derive(Debug)]
struct Connected {
    replies: mpsc::Sender<Vec<u8>>,
    place: Arc<Place>,
    since: Instant,
}

/// The socket of an allocation, and the task that reads it.
#[derive(Debug)]
struct RelaySocket {
    socket: Arc<UdpSocket>,
    reader: AbortHandle,
}

impl Service {
    pub(super) fn new(relay: Relay, socket: UdpSocket, arrivals: mpsc::Receiver<Arrival>, hosts: Vec<IpAddr>) -> Self {
        let (to_clients, from_peers) = mpsc::channel(FROM_PEERS);
        Self {
            relay,
            socket,
            hosts,
            sockets: HashMap::new(),
            connected: HashMap::new(),
            arrivals,
            to_clients,
            from_peers,
        }
    }

    /// Relays until the server ends.
    pub(super) async fn run(mut self, life: Life) {
        let mut buffer = vec![0; DATAGRAM];
        let mut sweep = interval(SWEEP);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let wake_at = self.relay.poll_timeout().map(Instant::from_std);
            tokio::select! {
                received = self.socket.recv_from(&mut buffer) => match received {
                    Ok((len, addr)) => {
                        let addr = SocketAddr::new(addr.ip().to_canonical(), addr.port());
                        let client = Client { addr, stream: None };
                        self.relay.handle_client(now(), client, &buffer[..len]);
                    }
                    // That a client is not there any more is no news.
                    Err(error) => tracing::debug!(%error, "nothing received"),
                },
                Some(arrival) = self.arrivals.recv() => self.handle_arrival(arrival),
                Some((allocation, from, data)) = self.from_peers.recv() => {
                    self.relay.handle_peer(now(), allocation, from, &data);
                }
                () = sleep_until(wake_at.unwrap_or_else(Instant::now)), if wake_at.is_some() => {
                    self.relay.handle_timeout(now());
                }
                _ = sweep.tick() => self.end_idle(),
                () = life.draining() => return,
            }
            self.carry_out();
        }
    }

    fn handle_arrival(&mut self, arrival: Arrival) {
        match arrival {
            Arrival::Connected(client, replies, place) => {
                let since = Instant::now();
                self.connected.insert(client, Connected { replies, place, since });
            }
            Arrival::Message(client, bytes) => self.relay.handle_client(now(), client, &bytes),
            Arrival::Gone(client) => {
                self.connected.remove(&client);
                self.relay.handle_gone(client);
            }
        }
    }

    /// Connections without an allocation are dropped: their tasks notice.
    fn end_idle(&mut self) {
        let relay = &self.relay;
        self.connected.retain(|client, connected| {
            let is_at_work = relay.is_allocated(*client);
            if is_at_work {
                connected.place.settle();
            }
            is_at_work || connected.since.elapsed() < PATIENCE
        });
    }

    fn carry_out(&mut self) {
        while let Some(output) = self.relay.poll_output() {
            match output {
                Output::Reply { client, bytes } => self.reply(client, bytes),
                Output::Open { allocation, is_v6 } => {
                    let relayed = match self.open(allocation, is_v6) {
                        Ok(relayed) => Some(relayed),
                        Err(error) => {
                            tracing::warn!(%error, "no socket for a relayed client");
                            None
                        }
                    };
                    self.relay.handle_opened(now(), allocation, relayed);
                }
                Output::Forward { allocation, to, data } => {
                    if let Some(RelaySocket { socket, .. }) = self.sockets.get(&allocation) {
                        // What the kernel does not take is lost, as any datagram may be.
                        let _ = socket.try_send_to(&data, to);
                    }
                }
                Output::Close { allocation } => drop(self.sockets.remove(&allocation)),
            }
        }
    }

    fn reply(&self, client: Client, bytes: Vec<u8>) {
        if client.stream.is_none() {
            let is_v6 = self.socket.local_addr().is_ok_and(|local| local.is_ipv6());
            let to = match client.addr.ip() {
                IpAddr::V4(ip) if is_v6 => (ip.to_ipv6_mapped(), client.addr.port()).into(),
                _ => client.addr,
            };
            let _ = self.socket.try_send_to(&bytes, to);
        } else if let Some(connected) = self.connected.get(&client) {
            // Who reads too slowly loses datagrams.
            let _ = connected.replies.try_send(bytes);
        }
    }

    /// A socket on loopback, from where the media are reached; nobody else reaches it.
    fn open(&mut self, allocation: AllocationId, is_v6: bool) -> io::Result<SocketAddr> {
        let loopback: IpAddr = if is_v6 {
            Ipv6Addr::LOCALHOST.into()
        } else {
            Ipv4Addr::LOCALHOST.into()
        };
        let socket = std::net::UdpSocket::bind((loopback, 0))?;
        socket.set_nonblocking(true)?;
        let port = socket.local_addr()?.port();
        let socket = Arc::new(UdpSocket::from_std(socket)?);
        let reader = tokio::spawn(read(allocation, socket.clone(), self.to_clients.clone())).abort_handle();
        self.sockets.insert(allocation, RelaySocket { socket, reader });
        let host = self.hosts.iter().find(|host| host.is_ipv6() == is_v6);
        Ok((*host.unwrap_or(&loopback), port).into())
    }
}

impl Drop for RelaySocket {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

async fn read(allocation: AllocationId, socket: Arc<UdpSocket>, to_clients: mpsc::Sender<FromPeer>) {
    let mut buffer = vec![0; DATAGRAM];
    loop {
        if let Ok((len, from)) = socket.recv_from(&mut buffer).await {
            // What there is no room for is lost, as any datagram may be.
            let _ = to_clients.try_send((allocation, from, buffer[..len].to_vec()));
        }
    }
}

fn now() -> std::time::Instant {
    Instant::now().into_std()
}
