//! A transport without sockets, for tests of whatever talks over one and for both ends in one process.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};

use crate::{
    AcceptError, CloseReason, ConnectError, Limits, NameTaken, RecvEnd, SendError, SignalConnection, SignalListener,
    SignalReceiver, SignalSender, SignalTransport, SignalUrl,
};

/// Frames on their way in one direction. When it is full, `send` waits.
const FRAMES: usize = 16;
/// Connections made but not yet accepted. When it is full, `connect` waits.
const BACKLOG: usize = 16;

/// Two ends of one connection.
pub fn pair(limits: Limits) -> (SignalConnection, SignalConnection) {
    let (to_b, from_a) = mpsc::channel(FRAMES);
    let (to_a, from_b) = mpsc::channel(FRAMES);
    let closed = Arc::new(watch::Sender::new(None));
    (
        end(Side::A, to_b, from_b, &closed, limits),
        end(Side::B, to_a, from_a, &closed, limits),
    )
}

fn end(
    side: Side,
    frames: mpsc::Sender<Bytes>,
    incoming: mpsc::Receiver<Bytes>,
    closed: &Arc<Closed>,
    limits: Limits,
) -> SignalConnection {
    SignalConnection {
        sender: Box::new(Sender {
            side,
            frames: Some(frames),
            closed: closed.clone(),
            max_frame: limits.max_frame,
        }),
        receiver: Box::new(Receiver {
            side,
            frames: incoming,
            closed: closed.subscribe(),
            end: None,
            limits,
            max_frame: limits.max_frame,
        }),
        peer: None,
        since: Instant::now(),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    A,
    B,
}

/// Who closed the connection, and why; the first one counts. Both halves of both sides look at it.
type Closed = watch::Sender<Option<(Side, CloseReason)>>;

#[derive(Debug)]
struct Sender {
    side: Side,
    /// `None` once this side has closed: the peer then sees the end behind the last frame.
    frames: Option<mpsc::Sender<Bytes>>,
    closed: Arc<Closed>,
    max_frame: usize,
}

#[async_trait]
impl SignalSender for Sender {
    async fn send(&mut self, frame: Bytes) -> Result<(), SendError> {
        if frame.len() > self.max_frame {
            return Err(SendError::TooLarge {
                len: frame.len(),
                max: self.max_frame,
            });
        }
        let frames = self.frames.as_ref().ok_or(SendError::Closed)?;
        let mut closed = self.closed.subscribe();
        tokio::select! {
            biased;
            _ = closed.wait_for(Option::is_some) => Err(SendError::Closed),
            sent = frames.send(frame) => sent.map_err(|_| SendError::Closed),
        }
    }

    async fn close(&mut self, reason: CloseReason) {
        self.frames = None;
        self.closed.send_if_modified(|closed| {
            let first = closed.is_none();
            closed.get_or_insert((self.side, reason));
            first
        });
    }
}

#[derive(Debug)]
struct Receiver {
    side: Side,
    frames: mpsc::Receiver<Bytes>,
    closed: watch::Receiver<Option<(Side, CloseReason)>>,
    end: Option<RecvEnd>,
    limits: Limits,
    max_frame: usize,
}

#[async_trait]
impl SignalReceiver for Receiver {
    async fn recv(&mut self) -> Result<Bytes, RecvEnd> {
        if let Some(end) = &self.end {
            return Err(end.clone());
        }
        let own = self.side;
        let frame = tokio::select! {
            biased;
            Ok(_) = self.closed.wait_for(|closed| closed.as_ref().is_some_and(|(side, _)| *side == own)) => None,
            frame = self.frames.recv() => frame,
        };
        let end = match frame {
            Some(frame) if frame.len() <= self.max_frame => return Ok(frame),
            Some(_) => RecvEnd::TooLarge { max: self.max_frame },
            None => self
                .closed
                .borrow()
                .as_ref()
                .map_or(RecvEnd::Lost, |(_, reason)| RecvEnd::Closed(reason.clone())),
        };
        Err(self.end.insert(end).clone())
    }

    fn limit_frames(&mut self, max_frame: usize) {
        self.max_frame = max_frame.min(self.limits.max_frame);
    }
}

/// Servers by name: `memory://name` leads to whoever has bound that name. A clone is the same network.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use hst_signal::{SignalListener, SignalTransport, memory::MemoryNetwork};
///
/// let network = MemoryNetwork::default();
/// let mut listener = network.bind("node-1")?;
/// let client = network.connect("memory://node-1").await?;
/// let server = listener.accept().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct MemoryNetwork {
    limits: Limits,
    names: Arc<Names>,
}

/// A lock, because clients in many tasks look up what listeners in others enter and remove; held for one look-up.
type Names = Mutex<HashMap<String, mpsc::Sender<SignalConnection>>>;

fn lock(names: &Names) -> MutexGuard<'_, HashMap<String, mpsc::Sender<SignalConnection>>> {
    names.lock().unwrap_or_else(PoisonError::into_inner)
}

impl MemoryNetwork {
    /// A network whose connections keep to `limits`.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            names: Arc::default(),
        }
    }

    /// Listens at `memory://name` until the listener is dropped.
    ///
    /// # Errors
    /// [`NameTaken`] while another listener has the name.
    pub fn bind(&self, name: &str) -> Result<MemoryListener, NameTaken> {
        let mut names = lock(&self.names);
        if names.contains_key(name) {
            return Err(NameTaken(name.to_owned()));
        }
        let (to_listener, incoming) = mpsc::channel(BACKLOG);
        names.insert(name.to_owned(), to_listener);
        Ok(MemoryListener {
            name: name.to_owned(),
            names: self.names.clone(),
            incoming,
        })
    }
}

#[async_trait]
impl SignalTransport for MemoryNetwork {
    async fn connect(&self, url: &str) -> Result<SignalConnection, ConnectError> {
        let url = SignalUrl::parse(url, &["memory"])?;
        let nobody = || ConnectError::Unreachable(io::ErrorKind::ConnectionRefused.into());
        let listener = lock(&self.names).get(url.host).cloned().ok_or_else(nobody)?;
        let (client, server) = pair(self.limits);
        listener.send(server).await.map_err(|_| nobody())?;
        Ok(client)
    }
}

/// A name in a [`MemoryNetwork`].
#[derive(Debug)]
pub struct MemoryListener {
    name: String,
    names: Arc<Names>,
    incoming: mpsc::Receiver<SignalConnection>,
}

#[async_trait]
impl SignalListener for MemoryListener {
    async fn accept(&mut self) -> Result<SignalConnection, AcceptError> {
        self.incoming.recv().await.ok_or(AcceptError::Closed)
    }
}

impl Drop for MemoryListener {
    fn drop(&mut self) {
        lock(&self.names).remove(&self.name);
    }
}
