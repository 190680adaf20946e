use std::{
    fmt,
    future::poll_fn,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{FutureExt, Sink, Stream};
use hst_signal::{CloseReason, Limits, RecvEnd, SendError, SignalConnection, SignalReceiver, SignalSender};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Error, Message, Utf8Bytes, protocol::Role},
};

use crate::{close, config::config};

/// How long a `close` waits for the peer to take the last frames and to answer.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// A connection over `io`, whose HTTP upgrade the server has answered already (see [`accept_key`](crate::accept_key)).
///
/// `peer` is only passed on.
pub fn from_upgraded<S>(io: S, peer: Option<SocketAddr>, limits: Limits) -> SignalConnection
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let socket = WebSocketStream::from_raw_socket(io, Role::Server, Some(config(limits)))
        .now_or_never()
        .expect("without a handshake there is nothing to wait for");
    split(socket, peer, limits)
}

pub(crate) fn split<S>(socket: WebSocketStream<S>, peer: Option<SocketAddr>, limits: Limits) -> SignalConnection
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let shared = Shared(Arc::new(Mutex::new(Socket {
        stream: Some(socket),
        end: None,
        receiver: None,
    })));
    SignalConnection {
        sender: Box::new(Sender {
            shared: shared.clone(),
            max_frame: limits.max_frame,
        }),
        receiver: Box::new(Receiver { shared }),
        peer,
    }
}

/// What the two halves share.
struct Socket<S> {
    /// `None` once this side's `close` is through.
    stream: Option<WebSocketStream<S>>,
    /// How receiving ended. It stays.
    end: Option<RecvEnd>,
    /// The task in `recv`, for `close` to wake.
    receiver: Option<Waker>,
}

/// A lock, because reading writes too: pings and closes are answered by whoever reads. It is held within one poll, never
/// while waiting.
struct Shared<S>(Arc<Mutex<Socket<S>>>);

impl<S> Clone for Shared<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Shared<S> {
    fn lock(&self) -> MutexGuard<'_, Socket<S>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands one message over to the system, behind all earlier ones. Until then it waits.
    async fn write(&self, message: Message) -> Result<(), Error> {
        let mut message = Some(message);
        poll_fn(|cx| {
            let mut socket = self.lock();
            let mut stream = Pin::new(socket.stream.as_mut().ok_or(Error::AlreadyClosed)?);
            loop {
                // First out with what is there, so that any frame within the limit has room in the write buffer.
                ready!(stream.as_mut().poll_flush(cx))?;
                match message.take() {
                    Some(message) => stream.as_mut().start_send(message)?,
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
        let stream = self.lock().stream.take();
        if let Some(stream) = stream {
            let mut io = stream.into_inner();
            let mut rest = [0; 1024];
            if io.shutdown().await.is_ok() {
                while io.read(&mut rest).await.is_ok_and(|len| len > 0) {}
            }
        }
    }

    /// Whether the peer answers a close with its own. What comes before is dropped.
    fn poll_answer(&self, cx: &mut Context<'_>) -> Poll<bool> {
        let mut socket = self.lock();
        let Some(stream) = &mut socket.stream else {
            return Poll::Ready(false);
        };
        loop {
            match ready!(Pin::new(&mut *stream).poll_next(cx)) {
                Some(Ok(Message::Close(_))) => return Poll::Ready(true),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Poll::Ready(false),
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
            let mut socket = self.shared.lock();
            let over = matches!(socket.end, Some(RecvEnd::Closed(_) | RecvEnd::Lost));
            socket.end.get_or_insert_with(|| RecvEnd::Closed(reason.clone()));
            (socket.receiver.take(), over)
        };
        if let Some(receiver) = receiver {
            receiver.wake();
        }
        if !over {
            // Whether the peer took note or the time is up, the socket is of no further use.
            let _ = timeout(CLOSE_TIMEOUT, self.shared.take_leave(&reason)).await;
        }
        self.shared.lock().stream = None;
    }
}

struct Receiver<S> {
    shared: Shared<S>,
}

#[async_trait]
impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> SignalReceiver for Receiver<S> {
    async fn recv(&mut self) -> Result<Bytes, RecvEnd> {
        poll_fn(|cx| self.shared.lock().poll_recv(cx)).await
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, RecvEnd>> {
        if let Some(end) = &self.end {
            return Poll::Ready(Err(end.clone()));
        }
        let Some(stream) = &mut self.stream else {
            return Poll::Ready(Err(RecvEnd::Lost));
        };
        let mut stream = Pin::new(stream);
        self.receiver = Some(cx.waker().clone());
        let end = loop {
            match ready!(stream.as_mut().poll_next(cx)) {
                Some(Ok(Message::Text(text))) => return Poll::Ready(Ok(text.into())),
                // tungstenite answers a ping when it is polled next: at once, here.
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Ok(Message::Binary(_))) => break RecvEnd::Malformed("a binary frame"),
                Some(Ok(Message::Close(frame))) => {
                    // One more poll sends the answer. If it cannot go out at once, the peer does without.
                    let _ = stream.as_mut().poll_next(cx);
                    break RecvEnd::Closed(close::reason(frame));
                }
                Some(Err(error)) => break close::end(&error),
                None => break RecvEnd::Lost,
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
