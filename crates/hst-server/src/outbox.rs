use std::{
    collections::VecDeque,
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::Bytes;
use hst_signal::{CloseCode, CloseReason, SendError, SignalSender};
use tokio::time::timeout;

/// Frames that wait for the peer to read. When it is full, the peer is cut as a slow reader.
const FRAMES: usize = 1024;
/// Bytes that wait for the peer to read, with the same consequence; a single frame may be larger.
const BYTES: usize = 256 * 1024;
/// Frames for which there is always room, so that nothing is allocated for what comes one by one.
const FEW: usize = 4;
/// A peer that does not make room for one frame in this time is cut.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// What a session has to say to its peer, without ever waiting for it.
///
/// Nobody wakes the [`Writer`] when there is something to say: one task pushes and writes, and polls the writer after each
/// push. A wake would only make it run twice for every frame.
#[derive(Debug)]
pub(crate) struct Outbox(Arc<Mutex<Waiting>>);

/// Says it.
#[derive(Debug)]
pub(crate) struct Writer {
    sender: Box<dyn SignalSender>,
    /// A lock for the compiler only: it is one task that pushes and writes.
    waiting: Arc<Mutex<Waiting>>,
}

/// The frames that are not with the connection yet.
#[derive(Debug)]
struct Waiting {
    frames: VecDeque<Bytes>,
    /// Their bytes, and those of the frame that is being sent.
    bytes: usize,
    /// Frames, and bytes, that may wait.
    room: (usize, usize),
    end: End,
}

/// Whether there will be more.
#[derive(Debug)]
enum End {
    Open,
    /// Good-bye comes behind the rest.
    Closing(CloseReason),
    /// The writer has ended.
    Over,
}

/// The peer reads too slowly, or not at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full;

/// How writing ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WriterEnd {
    /// With the connection, of whose end the receiving half tells more.
    Closed,
    /// The peer made no room in time.
    Stuck,
}

/// `due` frames with so many bytes may wait beyond what may always: those that a client who comes back has missed.
pub(crate) fn outbox(sender: Box<dyn SignalSender>, due: (usize, usize)) -> (Outbox, Writer) {
    let waiting = Arc::new(Mutex::new(Waiting {
        frames: VecDeque::new(),
        bytes: 0,
        room: (FRAMES + due.0, BYTES + due.1),
        end: End::Open,
    }));
    (Outbox(waiting.clone()), Writer { sender, waiting })
}

impl Outbox {
    /// Adds a frame. After the writer has ended it goes nowhere.
    pub(crate) fn push(&self, frame: Bytes) -> Result<(), Full> {
        lock(&self.0).push(frame)
    }

    /// Adds a frame, or leaves it out when half of the room is taken.
    pub(crate) fn push_lossy(&self, frame: Bytes) {
        let mut waiting = lock(&self.0);
        if waiting.frames.len() < FRAMES / 2 && waiting.bytes < BYTES / 2 {
            // There is room.
            let _ = waiting.push(frame);
        }
    }

    /// Lets the writer say what is due, then good-bye.
    pub(crate) fn close(self, reason: CloseReason) {
        let mut waiting = lock(&self.0);
        if matches!(waiting.end, End::Open) {
            waiting.end = End::Closing(reason);
        }
    }
}

impl Waiting {
    fn push(&mut self, frame: Bytes) -> Result<(), Full> {
        if matches!(self.end, End::Over) {
            return Ok(());
        }
        let (frames, bytes) = self.room;
        let is_full = self.frames.len() >= frames || (self.bytes > 0 && self.bytes + frame.len() > bytes);
        if is_full {
            return Err(Full);
        }
        self.bytes += frame.len();
        self.frames.push_back(frame);
        Ok(())
    }

    fn over(&mut self) {
        self.end = End::Over;
        self.frames = VecDeque::new();
    }
}

impl Writer {
    /// Writes until the connection is closed from either side. To be polled after each push.
    pub(crate) async fn run(mut self) -> WriterEnd {
        let end = self.write().await;
        lock(&self.waiting).over();
        end
    }

    /// Until the connection is closed.
    async fn write(&mut self) -> WriterEnd {
        let reason = loop {
            let frame = match self.next().await {
                Ok(frame) => frame,
                Err(reason) => break reason,
            };
            let len = frame.len();
            let mut sending = self.sender.send(frame);
            // Nearly always it need not wait, and then no timer is made.
            let at_once = sending.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            let sent = match at_once {
                Poll::Ready(sent) => Ok(sent),
                Poll::Pending => timeout(WRITE_TIMEOUT, sending).await,
            };
            match sent {
                Ok(Ok(())) => lock(&self.waiting).bytes -= len,
                Err(_) => return WriterEnd::Stuck,
                Ok(Err(SendError::Closed)) => return WriterEnd::Closed,
                Ok(Err(error)) => {
                    tracing::error!(%error, "a frame of the server's own breaks a limit");
                    break CloseCode::InternalError.into();
                }
            }
        };
        self.sender.close(reason).await;
        WriterEnd::Closed
    }

    /// The next frame, or the good-bye. Cancel-safe.
    async fn next(&mut self) -> Result<Bytes, CloseReason> {
        poll_fn(|_| {
            let mut waiting = lock(&self.waiting);
            if let Some(frame) = waiting.frames.pop_front() {
                return Poll::Ready(Ok(frame));
            }
            // An idle session keeps little memory for it.
            waiting.frames.shrink_to(FEW);
            match &waiting.end {
                End::Closing(reason) => Poll::Ready(Err(reason.clone())),
                End::Open | End::Over => Poll::Pending,
            }
        })
        .await
    }
}

fn lock(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use hst_signal::{Limits, RecvEnd, memory};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_due_is_said_before_the_good_bye() {
        let (server, mut client) = memory::pair(Limits::default());
        let (outbox, writer) = outbox(server.sender, (0, 0));
        outbox.push(Bytes::from_static(b"1")).unwrap();
        outbox.push(Bytes::from_static(b"2")).unwrap();
        outbox.close(CloseCode::Normal.into());
        writer.run().await;
        assert_eq!(client.receiver.recv().await.unwrap(), "1");
        assert_eq!(client.receiver.recv().await.unwrap(), "2");
        assert_eq!(
            client.receiver.recv().await,
            Err(RecvEnd::Closed(CloseCode::Normal.into()))
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_never_reads_fills_the_outbox_by_frames_or_by_bytes() {
        for (size, fit) in [(1, FRAMES), (BYTES / 4, 4), (2 * BYTES, 1)] {
            let (server, _client) = memory::pair(Limits::default());
            let (outbox, _writer) = outbox(server.sender, (0, 0));
            for _ in 0..fit {
                outbox.push(vec![b'x'; size].into()).unwrap();
            }
            assert_eq!(outbox.push(Bytes::from_static(b"x")), Err(Full), "{size}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_missed_fits_beside_what_may_always_wait() {
        let (server, _client) = memory::pair(Limits::default());
        let (outbox, _writer) = outbox(server.sender, (8, 8 * BYTES));
        for _ in 0..9 {
            outbox.push(vec![b'x'; BYTES].into()).unwrap();
        }
        assert_eq!(outbox.push(Bytes::from_static(b"x")), Err(Full));
    }

    #[tokio::test(start_paused = true)]
    async fn lossy_frames_are_left_out_first() {
        let (server, mut client) = memory::pair(Limits::default());
        let (outbox, writer) = outbox(server.sender, (0, 0));
        for _ in 0..FRAMES {
            outbox.push_lossy(Bytes::from_static(b"lossy"));
        }
        for _ in 0..FRAMES / 2 {
            outbox.push(Bytes::from_static(b"x")).unwrap();
        }
        outbox.close(CloseCode::Normal.into());
        let heard = async {
            let mut lossy = 0;
            while let Ok(frame) = client.receiver.recv().await {
                lossy += usize::from(frame == "lossy");
            }
            lossy
        };
        assert_eq!(tokio::join!(writer.run(), heard).1, FRAMES / 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_never_reads_is_given_up() {
        let (server, _client) = memory::pair(Limits::default());
        let (outbox, writer) = outbox(server.sender, (0, 0));
        for _ in 0..100 {
            outbox.push(Bytes::from_static(b"x")).unwrap();
        }
        assert_eq!(writer.run().await, WriterEnd::Stuck);
        // It costs nothing any more.
        for _ in 0..2 * FRAMES {
            outbox.push(Bytes::from_static(b"x")).unwrap();
        }
    }
}
