//! What carries messages beside the UDP socket of a peer: a connection, in a task of its own.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split},
    net::{TcpSocket, TcpStream, UdpSocket, lookup_host},
    sync::mpsc,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use crate::{
    cutter::Cutter,
    order::{Dial, PipeId},
    relay::{Carrier, RelayAddress},
    tls::RelayTls,
};

/// How many messages wait for a connection that takes less than it is sent: a large keyframe fits. When it is full, they are
/// lost one by one, as on any link that is full.
const OUTGOING: usize = 256;
/// How many of them are handed over in one go.
const BATCH: usize = 32;
/// How much is read in one go; no message is longer.
const READ: usize = 16 * 1024;
/// How long it may take until a pipe stands.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the other side may read nothing at all, though there is something for it.
const STUCK_TIMEOUT: Duration = Duration::from_secs(15);

/// What there is to tell of a pipe.
#[derive(Debug)]
pub(crate) enum News {
    /// It stands; this is our end of it.
    Opened(SocketAddr),
    Message(Vec<u8>),
    /// It is over; nothing follows.
    Ended,
}

/// Where a pipe's news go. It has a bound: when it is full, pipes are not read.
pub(crate) type NewsSender = mpsc::Sender<(PipeId, News)>;

/// Our end of a pipe. Dropping it ends it, once what was sent has gone.
#[derive(Debug)]
pub(crate) struct Pipe {
    outgoing: mpsc::Sender<Vec<u8>>,
}

/// The task of a pipe.
#[derive(Debug)]
struct Task {
    id: PipeId,
    /// The address of ours that it begins at, if it is one.
    from: IpAddr,
    tls: RelayTls,
    news: NewsSender,
}

/// What a pipe consists of, once it stands.
enum Line {
    Datagrams(UdpSocket),
    Stream(TcpStream, Cutter),
    Secret(Box<tokio_rustls::client::TlsStream<TcpStream>>, Cutter),
}

impl Pipe {
    /// Begins to connect, from this address of ours if it is one.
    pub(crate) fn open(id: PipeId, dial: Dial, from: IpAddr, tls: RelayTls, news: NewsSender) -> Self {
        let (outgoing, queue) = mpsc::channel(OUTGOING);
        let task = Task { id, from, tls, news };
        tokio::spawn(async move {
            if let Err(error) = task.run(dial, queue).await {
                tracing::debug!(?id, %error, "a pipe has failed");
            }
            task.tell(News::Ended).await;
        });
        Self { outgoing }
    }

    pub(crate) fn send(&self, bytes: Vec<u8>) {
        let _ = self.outgoing.try_send(bytes);
    }
}

impl Task {
    async fn run(&self, dial: Dial, mut queue: mpsc::Receiver<Vec<u8>>) -> io::Result<()> {
        let line = tokio::select! {
            line = timeout(CONNECT_TIMEOUT, self.connect(dial)) => line??,
            // Nothing is sent before it stands, so this is its end.
            _ = queue.recv() => return Ok(()),
        };
        let local = match &line {
            Line::Datagrams(socket) => socket.local_addr(),
            Line::Stream(stream, _) => stream.local_addr(),
            Line::Secret(stream, _) => stream.get_ref().0.local_addr(),
        };
        self.tell(News::Opened(local?)).await;
        match line {
            Line::Datagrams(socket) => self.exchange(socket, queue).await,
            Line::Stream(stream, cutter) => self.carry(stream, cutter, queue).await,
            Line::Secret(stream, cutter) => self.carry(*stream, cutter, queue).await,
        }
    }

    async fn connect(&self, dial: Dial) -> io::Result<Line> {
        let RelayAddress { host, port, carrier } = match dial {
            Dial::Server(server) => return Ok(Line::Stream(self.stream(server).await?, Cutter::ice())),
            Dial::Relay(address) => address,
        };
        let found = lookup_host((host.as_str(), port)).await?;
        let mut last = io::Error::new(io::ErrorKind::NotFound, "its name has no address");
        for relay in found {
            let tried = match carrier {
                Carrier::Udp => self.datagrams(relay).await.map(Line::Datagrams),
                Carrier::Tcp => self.stream(relay).await.map(|it| Line::Stream(it, Cutter::relay())),
                Carrier::Tls => self.secret(relay, &host).await,
            };
            match tried {
                Ok(line) => return Ok(line),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn datagrams(&self, to: SocketAddr) -> io::Result<UdpSocket> {
        let any = if to.is_ipv4() {
            [0, 0, 0, 0].into()
        } else {
            [0; 8].into()
        };
        let from = if self.from.is_unspecified() { any } else { self.from };
        let socket = UdpSocket::bind((from, 0)).await?;
        socket.connect(to).await?;
        Ok(socket)
    }

    async fn stream(&self, to: SocketAddr) -> io::Result<TcpStream> {
        let socket = if to.is_ipv4() {
            TcpSocket::new_v4()?
        } else {
            TcpSocket::new_v6()?
        };
        if !self.from.is_unspecified() {
            socket.bind((self.from, 0).into())?;
        }
        let stream = socket.connect(to).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    async fn secret(&self, to: SocketAddr, host: &str) -> io::Result<Line> {
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        let stream = self.stream(to).await?;
        let stream = TlsConnector::from(self.tls.config()?).connect(name, stream).await?;
        Ok(Line::Secret(Box::new(stream), Cutter::relay()))
    }

    /// Carries messages as datagrams until nobody sends any more.
    async fn exchange(&self, socket: UdpSocket, mut queue: mpsc::Receiver<Vec<u8>>) -> io::Result<()> {
        let mut bytes = vec![0; READ];
        loop {
            tokio::select! {
                message = queue.recv() => match message {
                    // What the system does not take is lost, as any datagram may be.
                    Some(message) => _ = socket.send(&message).await,
                    None => return Ok(()),
                },
                // What an earlier datagram came back with: the relay's silence will tell.
                received = socket.recv(&mut bytes) => if let Ok(len) = received {
                    self.tell(News::Message(bytes[..len].to_vec())).await;
                },
            }
        }
    }

    /// Carries messages in a stream until either end is over.
    async fn carry<S>(&self, stream: S, cutter: Cutter, queue: mpsc::Receiver<Vec<u8>>) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite,
    {
        let (reader, writer) = split(stream);
        let is_framed = cutter.is_framed();
        tokio::select! {
            read = self.read(reader, cutter) => read,
            written = write(writer, is_framed, queue) => written,
        }
    }

    async fn read(&self, mut reader: impl AsyncRead + Unpin, mut cutter: Cutter) -> io::Result<()> {
        let mut bytes = vec![0; READ];
        loop {
            let len = reader.read(&mut bytes).await?;
            if len == 0 {
                return Ok(());
            }
            cutter.push(&bytes[..len]);
            while let Some(message) = cutter.next()? {
                self.tell(News::Message(message)).await;
            }
        }
    }

    async fn tell(&self, news: News) {
        // The peer may have gone; then nobody sends any more, which ends the task.
        let _ = self.news.send((self.id, news)).await;
    }
}

/// Writes until there is nobody any more who sends.
async fn write(
    mut writer: impl AsyncWrite + Unpin,
    is_framed: bool,
    mut queue: mpsc::Receiver<Vec<u8>>,
) -> io::Result<()> {
    let (mut messages, mut bytes) = (Vec::with_capacity(BATCH), Vec::new());
    while queue.recv_many(&mut messages, BATCH).await > 0 {
        bytes.clear();
        for message in messages.drain(..) {
            if is_framed {
                let Some(header) = hst_framing::header(&message) else {
                    continue;
                };
                bytes.extend(header);
            }
            bytes.extend(message);
        }
        timeout(STUCK_TIMEOUT, writer.write_all(&bytes)).await??;
        timeout(STUCK_TIMEOUT, writer.flush()).await??;
    }
    Ok(())
}
