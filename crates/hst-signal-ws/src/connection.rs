use std::{
    fmt,
    future::poll_fn,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use hst_signal::{CloseReason, Limits, RecvEnd, SendError, SignalConnection, SignalReceiver, SignalSender};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::{Instant, timeout},
};
use tungstenite::{Error, Message, Utf8Bytes};

use crate::{close, socket::Socket};

/// How long a `close` waits for the peer to take the last frames and to answer.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// A connection over `io`, whose HTTP upgrade the server has answered already (see [`accept_key`](crate::accept_key)).
///
/// `read` is what the server has read already behind the request. `peer` is only passed on, and `since` is when the server
/// accepted the connection.
pub fn from_upgraded<S>(
    io: S,
    read: Vec<u8>,
    peer: Option<SocketAddr>,
    since: Instant,
    limits: Limits,
) -> SignalConnection
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    split(Socket::upgraded(io, read, limits), peer, since, limits)
}

pub(crate) fn split<S>(socket: Socket<S>, peer: Option<SocketAddr>, since: Instant, limits: Limits) -> SignalConnection
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let shared = Shared(Arc::new(Mutex::new(Ends {
        socket: Some(socket),
        end: None,
        receiver: None,
    })));
    SignalConnection {
        sender: Box::new(Sender {
            shared: shared.clone(),
            max_frame: limits.max_frame,
        }),
        receiver: Box::new(Receiver {
            shared,
            max_frame: limits.max_frame,
        }),
        peer,
        since,
    }
}

/// What the two halves share.
struct Ends<S> {
    /// `None` once this side's `close` is through.
    socket: Option<Socket<S>>,
    /// How receiving ended. It stays.
    end: Option<RecvEnd>,
    /// The task in `recv`, for `close` to wake.
    receiver: Option<Waker>,
}

/// A lock, because reading writes too: pings and closes are answered by whoever reads. It is held within one poll, never
/// while waiting.
struct Shared<S>(Arc<Mutex<Ends<S>>>);

impl<S> Clone for Shared<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Shared<S> {
    fn lock(&self) -> MutexGuard<'_, Ends<S>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands one message over to the system, behind all earlier ones. Until then it waits.
    async fn write(&self, message: Message) -> Result<(), Error> {
        let mut message = Some(message);
        poll_fn(|cx| {
            let mut ends = self.lock();
            let socket = ends.socket.as_mut().ok_or(Error::AlreadyClosed)?;
            loop {
                // First out with what is there, so that any frame within the limit has room in the write buffer.
                ready!(socket.poll_flush(cx))?;
                match message.take() {
                    Some(message) => socket.write(message)?,
                    None => return Poll::Ready(Ok(())),
                }
            }
        })
        .await
    }

    /// Says goodbye and sees to it that the peer hears it.
    async fn take_leave(&self, reason: &CloseReason) {
        let told = self.write(Message::Close(Some(close::frame(reason)))).await.is_ok();
        if told && poll_fn(|cx| self.poll_answer(cx)).await {
            return;
        }
        // A socket closed while something unread lies in it is reset, and a reset throws away what the peer has not
        // read yet: so the peer closes first.
        let socket = self.lock().socket.take();
        if let Some(socket) = socket {
            let mut io = socket.into_inner();
            let mut rest = [0; 1024];
            if io.shutdown().await.is_ok() {
                while io.read(&mut rest).await.is_ok_and(|len| len > 0) {}
            }
        }
    }

    /// Whether the peer answers a close with its own. What comes before is dropped.
    fn poll_answer(&self, cx: &Context<'_>) -> Poll<bool> {
        let mut ends = self.lock();
        let Some(socket) = &mut ends.socket else {
            return Poll::Ready(false);
        };
        loop {
            match ready!(socket.poll_read(cx)) {
                Ok(Message::Close(_)) => return Poll::Ready(true),
                Ok(_) => {}
                Err(_) => return Poll::Ready(false),
            }
        }
    }
}

struct Sender<S> {
    shared: Shared<S>,
    max_frame: usize,
}

#[async_trait]
impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> SignalSender for Sender<S> {
    async fn send(&mut self, frame: Bytes) -> Result<(), SendError> {
        if frame.len() > self.max_frame {
            return Err(SendError::TooLarge {
                len: frame.len(),
                max: self.max_frame,
            });
        }
        let text = Utf8Bytes::try_from(frame).map_err(|_| SendError::NotText)?;
        if self.shared.lock().end.is_some() {
            return Err(SendError::Closed);
        }
        self.shared
            .write(Message::Text(text))
            .await
            .map_err(|_| SendError::Closed)
    }

    async fn close(&mut self, reason: CloseReason) {
        let (receiver, over) = {
            let mut ends = self.shared.lock();
            let over = matches!(ends.end, Some(RecvEnd::Closed(_) | RecvEnd::Lost));
            ends.end.get_or_insert_with(|| RecvEnd::Closed(reason.clone()));
            (ends.receiver.take(), over)
        };
        if let Some(receiver) = receiver {
            receiver.wake();
        }
        if !over {
            // Whether the peer took note or the time is up, the socket is of no further use.
            let _ = timeout(CLOSE_TIMEOUT, self.shared.take_leave(&reason)).await;
        }
        self.shared.lock().socket = None;
    }
}

struct Receiver<S> {
    shared: Shared<S>,
    max_frame: usize,
}

#[async_trait]
impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> SignalReceiver for Receiver<S> {
    async fn recv(&mut self) -> Result<Bytes, RecvEnd> {
        poll_fn(|cx| self.shared.lock().poll_recv(cx)).await
    }

    fn limit_frames(&mut self, max_frame: usize) {
        if let Some(socket) = &mut self.shared.lock().socket {
            socket.limit_frames(max_frame.min(self.max_frame));
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Ends<S> {
    fn poll_recv(&mut self, cx: &Context<'_>) -> Poll<Result<Bytes, RecvEnd>> {
        if let Some(end) = &self.end {
            return Poll::Ready(Err(end.clone()));
        }
        let Some(socket) = &mut self.socket else {
            return Poll::Ready(Err(RecvEnd::Lost));
        };
        self.receiver = Some(cx.waker().clone());
        let end = loop {
            match ready!(socket.poll_read(cx)) {
                Ok(Message::Text(text)) => return Poll::Ready(Ok(text.into())),
                // tungstenite answers a ping when it is polled next: at once, here.
                Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => {}
                Ok(Message::Binary(_)) => break RecvEnd::Malformed("a binary frame"),
                Ok(Message::Close(frame)) => {
                    // One more poll sends the answer. If it cannot go out at once, the peer does without.
                    let _ = socket.poll_read(cx);
                    break RecvEnd::Closed(close::reason(frame));
                }
                Err(error) => break close::end(&error),
            }
        };
        Poll::Ready(Err(self.end.insert(end).clone()))
    }
}

impl<S> fmt::Debug for Sender<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WsSender").finish_non_exhaustive()
    }
}

impl<S> fmt::Debug for Receiver<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WsReceiver").finish_non_exhaustive()
    }
}
