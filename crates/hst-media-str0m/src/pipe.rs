//! What carries messages beside the UDP socket: a connection, in a task of its own.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use hst_framing::{Unframer, header};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    sync::mpsc,
    time::timeout,
};

use crate::order::{Dial, PipeId};

/// How many messages wait for a connection that takes less than it is sent: a large keyframe fits. When it is full, they are
/// lost one by one, as on any link that is full.
const OUTGOING: usize = 256;
/// How many of them are handed over in one go.
const BATCH: usize = 32;
/// How much is read in one go.
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

impl Pipe {
    /// Begins to connect, from this address of ours if it is one.
    pub(crate) fn open(id: PipeId, dial: Dial, from: IpAddr, news: NewsSender) -> Self {
        let (outgoing, queue) = mpsc::channel(OUTGOING);
        tokio::spawn(async move {
            if let Err(error) = run(id, dial, from, queue, &news).await {
                tracing::debug!(?id, %error, "a pipe has failed");
            }
            // The peer may have gone.
            let _ = news.send((id, News::Ended)).await;
        });
        Self { outgoing }
    }

    pub(crate) fn send(&self, bytes: Vec<u8>) {
        let _ = self.outgoing.try_send(bytes);
    }
}

async fn run(
    id: PipeId,
    dial: Dial,
    from: IpAddr,
    mut queue: mpsc::Receiver<Vec<u8>>,
    news: &NewsSender,
) -> io::Result<()> {
    let Dial::Server(server) = dial;
    let stream = tokio::select! {
        stream = timeout(CONNECT_TIMEOUT, connect(server, from)) => stream??,
        // Nothing is sent before it stands, so this is its end.
        _ = queue.recv() => return Ok(()),
    };
    let local = stream.local_addr()?;
    let (reader, writer) = stream.into_split();
    let _ = news.send((id, News::Opened(local))).await;
    tokio::select! {
        read = read(id, reader, news) => read,
        written = write(writer, queue) => written,
    }
}

async fn connect(to: SocketAddr, from: IpAddr) -> io::Result<TcpStream> {
    let socket = if to.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    if !from.is_unspecified() {
        socket.bind((from, 0).into())?;
    }
    let stream = socket.connect(to).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Reads until the end, which is an error only where it is none of the other side's making.
async fn read(id: PipeId, mut reader: impl AsyncRead + Unpin, news: &NewsSender) -> io::Result<()> {
    let mut unframer = Unframer::default();
    let mut bytes = vec![0; READ];
    loop {
        let len = reader.read(&mut bytes).await?;
        if len == 0 {
            return Ok(());
        }
        unframer.push(&bytes[..len]);
        let mut message = Vec::new();
        while unframer.next(&mut message).map_err(|_| garbage())? {
            if news
                .send((id, News::Message(std::mem::take(&mut message))))
                .await
                .is_err()
            {
                return Ok(());
            }
        }
    }
}

fn garbage() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "a frame is too long: this is no media server",
    )
}

/// Writes until there is nobody any more who sends.
async fn write(mut writer: impl AsyncWrite + Unpin, mut queue: mpsc::Receiver<Vec<u8>>) -> io::Result<()> {
    let (mut messages, mut bytes) = (Vec::with_capacity(BATCH), Vec::new());
    while queue.recv_many(&mut messages, BATCH).await > 0 {
        bytes.clear();
        for message in messages.drain(..) {
            let Some(header) = header(&message) else { continue };
            bytes.extend(header);
            bytes.extend(message);
        }
        timeout(STUCK_TIMEOUT, writer.write_all(&bytes)).await??;
    }
    Ok(())
}
