use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};

use mio::{
    Interest, Registry, Token,
    event::Event,
    net::{TcpListener, TcpStream},
};
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tracing::debug;

use crate::{
    strangers::Strangers,
    stream::{Ended, Stream},
};

/// How many callers the kernel keeps for us.
const BACKLOG: i32 = 256;
/// How many are let in before the packets have their turn again.
const ACCEPTS_AT_A_TIME: usize = 32;
/// The kernel's buffer for what a connection sends. A large one would only be a long queue.
const SEND_BUFFER: usize = 256 * 1024;
/// How long a connection may take to prove whose it is.
const PROOF_TIMEOUT: Duration = Duration::from_secs(10);

/// A thread's TCP side: who may not use UDP sends the same datagrams over a connection (RFC 6544).
///
/// Connections are the clients' alone to open. A connection that has proved nothing may say one thing, which must prove
/// whose it is.
#[derive(Debug)]
pub(crate) struct Streams {
    listener: TcpListener,
    registry: Option<Registry>,
    next_token: Token,
    connections: HashMap<SocketAddr, Stream>,
    tokens: HashMap<Token, SocketAddr>,
    strangers: Strangers,
    has_callers: bool,
    /// Who may have sent something. Each of them once.
    readable: Vec<SocketAddr>,
    /// Who has been given something to send. At most as long as the outbox.
    unsent: Vec<SocketAddr>,
    /// Who has gone since it was last asked.
    closed: Vec<SocketAddr>,
}

impl Streams {
    pub(crate) fn bind(addr: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
        if addr.is_ipv6() {
            socket.set_only_v6(false)?;
        }
        // A server that starts again must not wait for what is left of the connections of before.
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&addr.into())?;
        socket.listen(BACKLOG)?;
        Ok(Self {
            listener: TcpListener::from_std(socket.into()),
            registry: None,
            next_token: Token(0),
            connections: HashMap::new(),
            tokens: HashMap::new(),
            strangers: Strangers::default(),
            has_callers: true,
            readable: Vec::new(),
            unsent: Vec::new(),
            closed: Vec::new(),
        })
    }

    /// Listens from now on. The connections have the tokens behind that of the listener.
    pub(crate) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        registry.register(&mut self.listener, token, Interest::READABLE)?;
        self.registry = Some(registry.try_clone()?);
        self.next_token = Token(token.0 + 1);
        Ok(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.connections.is_empty()
    }

    /// Somebody wants to connect.
    pub(crate) fn handle_callers(&mut self) {
        self.has_callers = true;
    }

    /// The kernel has news of a connection.
    pub(crate) fn handle_event(&mut self, event: &Event) {
        let Some(&addr) = self.tokens.get(&event.token()) else {
            return;
        };
        let Some(stream) = self.connections.get_mut(&addr) else {
            return;
        };
        if (event.is_readable() || event.is_read_closed()) && !stream.set_readable(true) {
            self.readable.push(addr);
        }
        if event.is_writable() && stream.flush().is_err() {
            self.close(addr);
        }
    }

    /// Lets in who calls. Says whether more may be waiting.
    pub(crate) fn accept(&mut self, now: Instant) -> bool {
        for _ in 0..ACCEPTS_AT_A_TIME {
            if !self.has_callers {
                break;
            }
            match self.listener.accept() {
                Ok((stream, addr)) => self.admit(now, stream, addr),
                Err(error) => {
                    // A caller who has gone meanwhile is no reason to leave the next one waiting. Whatever else it is, the
                    // next caller wakes us again.
                    self.has_callers = error.kind() == io::ErrorKind::ConnectionAborted;
                    if error.kind() != io::ErrorKind::WouldBlock {
                        debug!(%error, "a TCP connection was not accepted");
                    }
                }
            }
        }
        self.has_callers
    }

    fn admit(&mut self, now: Instant, mut stream: TcpStream, addr: SocketAddr) {
        let addr = SocketAddr::new(addr.ip().to_canonical(), addr.port());
        let Some(registry) = &self.registry else { return };
        // The same port of a client at two of our addresses could not be told apart: the one that is here stays.
        if self.connections.contains_key(&addr) || !self.strangers.enter(addr.ip()) {
            return;
        }
        let token = self.next_token;
        let prepared = stream.set_nodelay(true).and_then(|()| {
            SockRef::from(&stream).set_send_buffer_size(SEND_BUFFER)?;
            registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
            Ok(stream.local_addr()?.ip().to_canonical())
        });
        let Ok(local_ip) = prepared else {
            return self.strangers.leave(addr.ip());
        };
        self.next_token = Token(token.0 + 1);
        self.tokens.insert(token, addr);
        let stream = Stream::new(stream, token, local_ip, now + PROOF_TIMEOUT);
        self.connections.insert(addr, stream);
    }

    /// Who may have sent something, and is to be asked for it with [`receive`](Self::receive) until there is no more.
    pub(crate) fn take_readable(&mut self) -> Vec<SocketAddr> {
        std::mem::take(&mut self.readable)
    }

    /// There was no time to ask for everything.
    pub(crate) fn put_off(&mut self, addr: SocketAddr) {
        if self.connections.contains_key(&addr) {
            self.readable.push(addr);
        }
    }

    /// The next datagram of a connection, and to which of this machine's addresses it is; `None` when it has no more.
    pub(crate) fn receive(&mut self, addr: SocketAddr, datagram: &mut Vec<u8>) -> Option<IpAddr> {
        let stream = self.connections.get_mut(&addr)?;
        match stream.receive(datagram) {
            Ok(true) => Some(stream.local_ip()),
            Ok(false) => {
                stream.set_readable(false);
                None
            }
            Err(Ended) => {
                self.close(addr);
                None
            }
        }
    }

    /// The connection is a client's. Until this is said, it is closed at its time, and by [`dismiss`](Self::dismiss).
    pub(crate) fn prove(&mut self, addr: SocketAddr) {
        if self.connections.get_mut(&addr).is_some_and(Stream::prove) {
            self.strangers.leave(addr.ip());
        }
    }

    /// Closes it unless it is a client's.
    pub(crate) fn dismiss(&mut self, addr: SocketAddr) {
        if self.connections.get(&addr).is_some_and(Stream::is_stranger) {
            self.close(addr);
        }
    }

    pub(crate) fn close(&mut self, addr: SocketAddr) {
        let Some(stream) = self.connections.remove(&addr) else {
            return;
        };
        if stream.is_stranger() {
            self.strangers.leave(addr.ip());
        }
        self.tokens.remove(&stream.token());
        self.closed.push(addr);
    }

    /// The connections that have gone since this was last asked.
    pub(crate) fn take_closed(&mut self) -> Vec<SocketAddr> {
        std::mem::take(&mut self.closed)
    }

    /// Closes whoever has had his time. To be called about every second.
    pub(crate) fn sweep(&mut self, now: Instant) {
        let over = |(addr, stream): (&SocketAddr, &mut Stream)| stream.is_over(now).then_some(*addr);
        let over: Vec<_> = self.connections.iter_mut().filter_map(over).collect();
        over.into_iter().for_each(|addr| self.close(addr));
    }

    /// Queues a datagram, as far as there is room and such a connection.
    pub(crate) fn send(&mut self, addr: SocketAddr, datagram: &[u8]) {
        if let Some(stream) = self.connections.get_mut(&addr)
            && stream.queue(datagram)
            && self.unsent.last() != Some(&addr)
        {
            self.unsent.push(addr);
        }
    }

    /// Hands over what was queued, as far as the kernel takes it now.
    pub(crate) fn flush(&mut self) {
        while let Some(addr) = self.unsent.pop() {
            if self.connections.get_mut(&addr).is_some_and(|it| it.flush().is_err()) {
                self.close(addr);
            }
        }
    }
}
