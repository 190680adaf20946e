use std::{
    future::poll_fn,
    io::{self, Read, Write},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use futures_util::task::AtomicWaker;
use hst_signal::Limits;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tungstenite::{
    ClientHandshake, Error, HandshakeError, Message, ServerHandshake, WebSocket,
    client::IntoClientRequest,
    handshake::{HandshakeRole, MidHandshake, server::NoCallback},
    protocol::Role,
};

use crate::config::{config, limit_frames};

/// tungstenite's WebSocket over an asynchronous stream.
///
/// Not tokio-tungstenite's, because that one's limits cannot be changed once it is open.
#[derive(Debug)]
pub(crate) struct Socket<S> {
    web_socket: WebSocket<NonBlocking<S>>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    /// Of a server that has answered the HTTP upgrade already, and has `read` something behind it.
    pub(crate) fn upgraded(io: S, mut read: Vec<u8>, limits: Limits) -> Self {
        // It has the room that the server needed for the request, and would keep it.
        read.shrink_to_fit();
        let (io, config) = (NonBlocking::new(io), Some(config(limits)));
        Self {
            web_socket: WebSocket::from_partially_read(io, read, Role::Server, config),
        }
    }

    /// Waits for a client's HTTP upgrade and answers it.
    pub(crate) async fn accept(io: S, limits: Limits) -> Result<Self, Error> {
        let io = NonBlocking::new(io);
        let tasks = io.tasks.clone();
        let web_socket = handshake(&tasks, ServerHandshake::start(io, NoCallback, Some(config(limits)))).await?;
        Ok(Self { web_socket })
    }

    /// Asks a server for the HTTP upgrade.
    pub(crate) async fn connect(request: &str, io: S, limits: Limits) -> Result<Self, Error> {
        let request = request.into_client_request()?;
        let io = NonBlocking::new(io);
        let tasks = io.tasks.clone();
        let (web_socket, _) = handshake(&tasks, ClientHandshake::start(io, request, Some(config(limits)))?).await?;
        Ok(Self { web_socket })
    }

    /// The next message. It also sends what was left to send, such as the answer to a ping.
    pub(crate) fn poll_read(&mut self, cx: &Context<'_>) -> Poll<Result<Message, Error>> {
        let tasks = &self.web_socket.get_ref().tasks;
        tasks.reader.register(cx.waker());
        // A look in vain clears the whole read buffer, and who sends much looks often.
        if !tasks.has_news.swap(false, Ordering::AcqRel) {
            return Poll::Pending;
        }
        let read = pending_if_blocked(self.web_socket.read());
        if read.is_ready() {
            self.web_socket.get_ref().tasks.has_news.store(true, Ordering::Release);
        }
        read
    }

    /// Waits until everything is with the system.
    pub(crate) fn poll_flush(&mut self, cx: &Context<'_>) -> Poll<Result<(), Error>> {
        self.web_socket.get_ref().tasks.writer.register(cx.waker());
        pending_if_blocked(self.web_socket.flush())
    }

    /// Takes a message behind those that are not with the system yet, for which there must be room.
    pub(crate) fn write(&mut self, message: Message) -> Result<(), Error> {
        match pending_if_blocked(self.web_socket.write(message)) {
            Poll::Ready(written) => written,
            // It is in the buffer all the same.
            Poll::Pending => Ok(()),
        }
    }

    /// The most that a message may have from now on.
    pub(crate) fn limit_frames(&mut self, max_frame: usize) {
        self.web_socket.set_config(|config| limit_frames(config, max_frame));
    }

    pub(crate) fn into_inner(self) -> S {
        self.web_socket.into_inner().io
    }
}

fn pending_if_blocked<T>(done: Result<T, Error>) -> Poll<Result<T, Error>> {
    match done {
        Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
        done => Poll::Ready(done),
    }
}

/// Takes a handshake up again each time that something has happened, until it is through.
async fn handshake<R: HandshakeRole>(tasks: &Tasks, rest: MidHandshake<R>) -> Result<R::FinalResult, Error> {
    let mut rest = Some(rest);
    poll_fn(|cx| {
        tasks.reader.register(cx.waker());
        let unfinished = rest.take().expect("it is put back whenever it is interrupted");
        match unfinished.handshake() {
            Ok(done) => Poll::Ready(Ok(done)),
            Err(HandshakeError::Failure(error)) => Poll::Ready(Err(error)),
            Err(HandshakeError::Interrupted(unfinished)) => {
                rest = Some(unfinished);
                Poll::Pending
            }
        }
    })
    .await
}

/// An asynchronous stream as tungstenite wants it: what would have to wait is an error, and wakes the tasks later.
#[derive(Debug)]
struct NonBlocking<S> {
    io: S,
    tasks: Arc<Tasks>,
    waker: Waker,
}

/// The tasks that wait for the stream. Each event wakes both, because whoever reads may have to write first and the
/// other way round.
#[derive(Debug, Default)]
struct Tasks {
    reader: AtomicWaker,
    writer: AtomicWaker,
    /// Whether there was an event since reading had to wait.
    has_news: AtomicBool,
}

impl Wake for Tasks {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.has_news.store(true, Ordering::Release);
        self.reader.wake();
        self.writer.wake();
    }
}

impl<S> NonBlocking<S> {
    fn new(io: S) -> Self {
        let tasks = Arc::new(Tasks {
            has_news: AtomicBool::new(true),
            ..Tasks::default()
        });
        let waker = Waker::from(tasks.clone());
        Self { io, tasks, waker }
    }
}

fn blocked<T>(done: Poll<io::Result<T>>) -> io::Result<T> {
    match done {
        Poll::Ready(done) => done,
        Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
    }
}

impl<S: AsyncRead + Unpin> Read for NonBlocking<S> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut into = ReadBuf::new(into);
        let mut cx = Context::from_waker(&self.waker);
        blocked(Pin::new(&mut self.io).poll_read(&mut cx, &mut into))?;
        Ok(into.filled().len())
    }
}

impl<S: AsyncWrite + Unpin> Write for NonBlocking<S> {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        let mut cx = Context::from_waker(&self.waker);
        blocked(Pin::new(&mut self.io).poll_write(&mut cx, from))
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut cx = Context::from_waker(&self.waker);
        blocked(Pin::new(&mut self.io).poll_flush(&mut cx))
    }
}
