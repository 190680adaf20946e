use std::{
    io::{self, IoSliceMut},
    net::{IpAddr, SocketAddr},
};

use mio::{Interest, Registry, Token, net::UdpSocket};
use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSockRef, UdpSocketState};
use socket2::{Domain, Protocol, Socket, Type};
use str0m::net::Protocol as IceProtocol;
use tracing::debug;

use crate::{remote::Remote, streams::Streams};
use together::{Kind, Send};

mod together;

/// The kernel's buffers: a keyframe to many receivers comes all at once.
const SOCKET_BUFFER: usize = 4 << 20;
/// The most bytes of one send call, under the 64 KiB that a UDP length can say.
const MAX_SEND: usize = 60_000;
/// The room for what one receive call may bring in one buffer, when the kernel joins datagrams (GRO).
const RECEIVE_BUFFER: usize = 65_535;
/// When so many bytes wait they are sent, though others will follow: the first receiver of many need not wait for the last, and
/// what was just encrypted is still near at hand.
const FULL: usize = 16 << 10;
/// How many free ports are tried for one that is free for both UDP and TCP.
const PORT_ATTEMPTS: usize = 16;

/// A thread's port: its UDP socket, with many datagrams in one call both ways, and the TCP connections beside it.
#[derive(Debug)]
pub(crate) struct Network {
    socket: UdpSocket,
    state: UdpSocketState,
    pub(crate) streams: Streams,
    local_addr: SocketAddr,
    outbox: Outbox,
    /// So many bytes may wait.
    full: usize,
}

/// Datagrams that wait to be sent, by what they go over.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    udp: Waiting,
    tcp: Waiting,
}

/// Datagrams one after the other in one buffer.
#[derive(Debug, Default)]
struct Waiting {
    bytes: Vec<u8>,
    runs: Vec<Run>,
}

/// Datagrams that the kernel can take in one call: to one destination, all of one size, only the last one smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    destination: SocketAddr,
    size: usize,
    count: usize,
    /// Of all together.
    len: usize,
}

/// What one receive call brought.
#[derive(Debug)]
pub(crate) struct Inbox {
    storage: Vec<u8>,
    metas: [RecvMeta; BATCH_SIZE],
}

/// A received datagram.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Datagram<'a> {
    pub(crate) source: Remote,
    /// Which of this machine's addresses it came to.
    pub(crate) local_ip: Option<IpAddr>,
    pub(crate) bytes: &'a [u8],
}

impl Network {
    /// Opens the port for UDP and for TCP. Port 0 is one that is free for both.
    pub(crate) fn bind(addr: SocketAddr) -> io::Result<Self> {
        let mut attempts = if addr.port() == 0 { PORT_ATTEMPTS } else { 1 };
        loop {
            let socket = Self::bind_udp(addr)?;
            let local_addr = socket.local_addr()?;
            attempts -= 1;
            match Streams::bind(local_addr) {
                Ok(streams) => return Self::new(socket, streams, local_addr),
                Err(error) if error.kind() == io::ErrorKind::AddrInUse && attempts > 0 => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn bind_udp(addr: SocketAddr) -> io::Result<UdpSocket> {
        let socket = Socket::new(Domain::for_address(addr), Type::DGRAM, Some(Protocol::UDP))?;
        if addr.is_ipv6() {
            socket.set_only_v6(false)?;
        }
        // The system may give less; it still works then.
        for set in [Socket::set_recv_buffer_size, Socket::set_send_buffer_size] {
            if let Err(error) = set(&socket, SOCKET_BUFFER) {
                debug!(%error, "socket buffers stay small");
            }
        }
        socket.set_nonblocking(true)?;
        socket.bind(&addr.into())?;
        Ok(UdpSocket::from_std(socket.into()))
    }

    fn new(socket: UdpSocket, streams: Streams, local_addr: SocketAddr) -> io::Result<Self> {
        let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
        Ok(Self {
            socket,
            state,
            streams,
            local_addr,
            outbox: Outbox::default(),
            full: FULL,
        })
    }

    /// Has the kernel tell of datagrams with one token, and of TCP connections with the other and those behind it.
    pub(crate) fn register(&mut self, registry: &Registry, socket: Token, streams: Token) -> io::Result<()> {
        registry.register(&mut self.socket, socket, Interest::READABLE)?;
        self.streams.register(registry, streams)
    }

    pub(crate) fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    pub(crate) fn outbox(&mut self) -> &mut Outbox {
        &mut self.outbox
    }

    /// Whether so much waits that it should be sent before more is written.
    pub(crate) fn is_full(&self) -> bool {
        self.outbox.udp.bytes.len() >= self.full
    }

    /// Whatever waits, waits for whoever [takes](Outbox::take) it.
    #[cfg(test)]
    pub(crate) fn hold(&mut self) {
        self.full = usize::MAX;
    }

    /// It has proved to be a client's, so its connection may stay, if it has one.
    pub(crate) fn connect(&mut self, remote: Remote) {
        if remote.protocol == IceProtocol::Tcp {
            self.streams.prove(remote.addr);
        }
    }

    /// It is no client's any more.
    pub(crate) fn disconnect(&mut self, remote: Remote) {
        if remote.protocol == IceProtocol::Tcp {
            self.streams.close(remote.addr);
        }
    }

    /// Receives what has arrived into the inbox.
    ///
    /// # Errors
    /// `WouldBlock` when nothing has.
    pub(crate) fn receive(&self, inbox: &mut Inbox) -> io::Result<usize> {
        let mut chunks = inbox.storage.chunks_mut(RECEIVE_BUFFER).map(IoSliceMut::new);
        let mut buffers: [IoSliceMut<'_>; BATCH_SIZE] =
            std::array::from_fn(|_| chunks.next().expect("the storage has room for a batch"));
        self.state
            .recv(UdpSockRef::from(&self.socket), &mut buffers, &mut inbox.metas)
    }

    /// Sends everything that waits. `local_ip` says from which of this machine's addresses a client must be
    /// answered. What the kernel does not take is lost, as any datagram may be.
    pub(crate) fn flush(&mut self, local_ip: impl Fn(SocketAddr) -> Option<IpAddr>) {
        // An address as this socket's family writes it.
        let is_v6 = self.local_addr.is_ipv6();
        let map = |ip| match ip {
            IpAddr::V4(ip) if is_v6 => ip.to_ipv6_mapped().into(),
            other => other,
        };
        // Who listens at one address answers from there.
        let is_anywhere = self.local_addr.ip().is_unspecified();
        let most = self.state.max_gso_segments().max(1);
        let Waiting { bytes, runs } = &mut self.outbox.udp;
        let mut rest: &[u8] = bytes;
        let mut sends = Vec::with_capacity(runs.len());
        for run in runs.drain(..) {
            let (datagrams, after) = rest.split_at(run.len);
            rest = after;
            let destination = run.destination;
            let from = if is_anywhere {
                local_ip(destination).map(map)
            } else {
                None
            };
            sends.extend(datagrams.chunks(most.saturating_mul(run.size)).map(|bytes| Send {
                to: SocketAddr::new(map(destination.ip()), destination.port()),
                bytes,
                kind: Kind {
                    segment: (bytes.len() > run.size).then_some(run.size as u16),
                    from,
                },
            }));
        }
        for sends in sends.chunk_by(|one, next| one.kind == next.kind) {
            sends
                .chunks(together::MOST)
                .for_each(|sends| Self::send(&self.socket, &self.state, sends));
        }
        bytes.clear();
        self.flush_streams();
    }

    /// Sends what is of one kind: together, and one by one what the system has not taken then.
    fn send(socket: &UdpSocket, state: &UdpSocketState, sends: &[Send<'_>]) {
        let taken = if sends.len() > 1 {
            together::send(socket, sends)
        } else {
            0
        };
        for Send { to, bytes, kind } in &sends[taken..] {
            let transmit = Transmit {
                destination: *to,
                ecn: None,
                contents: bytes,
                segment_size: kind.segment.map(usize::from),
                src_ip: kind.from,
            };
            if let Err(error) = state.send(UdpSockRef::from(socket), &transmit) {
                debug!(%error, %to, "datagrams not sent");
            }
        }
    }

    fn flush_streams(&mut self) {
        let Waiting { bytes, runs } = &mut self.outbox.tcp;
        let mut rest: &[u8] = bytes;
        for run in runs.drain(..) {
            let (datagrams, after) = rest.split_at(run.len);
            rest = after;
            for datagram in datagrams.chunks(run.size) {
                self.streams.send(run.destination, datagram);
            }
        }
        bytes.clear();
        self.streams.flush();
    }
}

impl Run {
    /// Takes another one, if it can be the next.
    fn takes(&mut self, destination: SocketAddr, len: usize) -> bool {
        let is_open = self.len == self.count * self.size && self.len + len <= MAX_SEND;
        let takes = is_open && len <= self.size && destination == self.destination;
        if takes {
            self.count += 1;
            self.len += len;
        }
        takes
    }
}

impl Outbox {
    pub(crate) fn push(&mut self, destination: Remote, datagram: &[u8]) {
        self.write(destination, |bytes| bytes.extend_from_slice(datagram));
    }

    /// Takes a datagram that this appends, or none if it appends nothing; says how long it is.
    pub(crate) fn write(&mut self, destination: Remote, append: impl FnOnce(&mut Vec<u8>)) -> usize {
        let waiting = match destination.protocol {
            IceProtocol::Udp => &mut self.udp,
            _ => &mut self.tcp,
        };
        let start = waiting.bytes.len();
        append(&mut waiting.bytes);
        let len = waiting.bytes.len() - start;
        let destination = destination.addr;
        if len > 0 && !waiting.runs.last_mut().is_some_and(|run| run.takes(destination, len)) {
            waiting.runs.push(Run {
                destination,
                size: len,
                count: 1,
                len,
            });
        }
        len
    }

    #[cfg(test)]
    pub(crate) fn take(&mut self) -> Vec<(Remote, Vec<u8>)> {
        let Self { udp, tcp } = self;
        let cut = |waiting: &mut Waiting, remote: fn(SocketAddr) -> Remote| {
            let mut taken = Vec::new();
            let mut rest = &waiting.bytes[..];
            // Their room is kept, as it is by sending.
            for run in waiting.runs.drain(..) {
                let (datagrams, after) = rest.split_at(run.len);
                rest = after;
                let datagrams = datagrams.chunks(run.size);
                taken.extend(datagrams.map(|datagram| (remote(run.destination), datagram.to_vec())));
            }
            waiting.bytes.clear();
            taken
        };
        [cut(udp, Remote::udp), cut(tcp, Remote::tcp)].concat()
    }
}

impl Inbox {
    pub(crate) fn new() -> Self {
        Self {
            storage: vec![0; RECEIVE_BUFFER * BATCH_SIZE],
            metas: [RecvMeta::default(); BATCH_SIZE],
        }
    }

    /// Whence each of the first `filled` buffers came.
    pub(crate) fn sources(&self, filled: usize) -> impl Iterator<Item = Remote> {
        self.metas[..filled].iter().map(source)
    }

    /// The datagrams in the first `filled` buffers.
    pub(crate) fn datagrams(&self, filled: usize) -> impl Iterator<Item = Datagram<'_>> {
        let buffers = self.storage.chunks(RECEIVE_BUFFER).zip(&self.metas).take(filled);
        buffers.flat_map(|(buffer, meta)| {
            let source = source(meta);
            let local_ip = meta.dst_ip.map(|ip| ip.to_canonical());
            let datagrams = buffer[..meta.len].chunks(meta.stride.max(1));
            datagrams.map(move |bytes| Datagram {
                source,
                local_ip,
                bytes,
            })
        })
    }
}

/// A mapped IPv4 address of a dual-stack socket is the IPv4 address.
fn source(meta: &RecvMeta) -> Remote {
    Remote::udp(SocketAddr::new(meta.addr.ip().to_canonical(), meta.addr.port()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many datagrams each call of the system takes.
    fn runs(datagrams: &[(Remote, usize)]) -> Vec<usize> {
        let mut outbox = Outbox::default();
        for (to, len) in datagrams {
            outbox.push(*to, &vec![0; *len]);
        }
        let runs = outbox.udp.runs.iter().map(|run| run.count).collect();
        let sent: Vec<_> = outbox.take().iter().map(|(to, bytes)| (*to, bytes.len())).collect();
        assert_eq!(sent, datagrams);
        runs
    }

    #[test]
    fn a_run_is_one_destination_and_one_size_with_a_shorter_end() {
        let [a, b] = ["127.0.0.1:1", "127.0.0.1:2"].map(|addr| Remote::udp(addr.parse().unwrap()));
        assert_eq!(runs(&[(a, 10), (a, 10), (a, 9), (a, 9)]), [3, 1]);
        assert_eq!(runs(&[(a, 10), (a, 10), (b, 10), (a, 10)]), [2, 1, 1]);
        assert_eq!(runs(&[(a, 10), (a, 11)]), [1, 1]);
        assert_eq!(runs(&[(a, 1200); 64]), [MAX_SEND / 1200, 64 - MAX_SEND / 1200]);
        assert_eq!(runs(&[(a, MAX_SEND + 1), (a, 1)]), [1, 1]);
        assert_eq!(runs(&[]), []);
    }
}
