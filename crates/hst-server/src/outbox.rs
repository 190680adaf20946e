use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use hst_signal::{CloseCode, CloseReason, SendError, SignalSender};
use tokio::{sync::mpsc, time::timeout};

/// Frames that wait for the peer to read. When it is full, the peer is cut as a slow reader.
const FRAMES: usize = 1024;
/// Bytes that wait for the peer to read, with the same consequence; a single frame may be larger.
const BYTES: usize = 256 * 1024;
/// A peer that does not make room for one frame in this time is cut.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// What a session has to say to its peer, without ever waiting for it.
#[derive(Debug)]
pub(crate) struct Outbox {
    frames: mpsc::Sender<Bytes>,
    waiting: Arc<AtomicUsize>,
    /// Bytes that may wait.
    room: usize,
    reason: Arc<OnceLock<CloseReason>>,
}

/// Says it.
#[derive(Debug)]
pub(crate) struct Writer {
    sender: Box<dyn SignalSender>,
    frames: mpsc::Receiver<Bytes>,
    waiting: Arc<AtomicUsize>,
    reason: Arc<OnceLock<CloseReason>>,
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
    let (to_writer, frames) = mpsc::channel(FRAMES + due.0);
    let waiting = Arc::new(AtomicUsize::new(0));
    let reason = Arc::<OnceLock<CloseReason>>::default();
    let outbox = Outbox {
        frames: to_writer,
        waiting: waiting.clone(),
        room: BYTES + due.1,
        reason: reason.clone(),
    };
    (
        outbox,
        Writer {
            sender,
            frames,
            waiting,
            reason,
        },
    )
}

impl Outbox {
    /// Adds a frame. After the writer has ended it goes nowhere.
    pub(crate) fn push(&self, frame: Bytes) -> Result<(), Full> {
        let before = self.waiting.fetch_add(frame.len(), Ordering::Relaxed);
        if before > 0 && before + frame.len() > self.room {
            return Err(Full);
        }
        match self.frames.try_send(frame) {
            Err(mpsc::error::TrySendError::Full(_)) => Err(Full),
            Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => Ok(()),
        }
    }

    /// Adds a frame, or leaves it out when half of the room is taken.
    pub(crate) fn push_lossy(&self, frame: Bytes) {
        let has_room = self.frames.capacity() > FRAMES / 2 && self.waiting.load(Ordering::Relaxed) < BYTES / 2;
        if has_room {
            // There is room, and nobody else pushes.
            let _ = self.push(frame);
        }
    }

    /// Lets the writer say what is due, then good-bye.
    pub(crate) fn close(self, reason: CloseReason) {
        let _ = self.reason.set(reason);
    }
}

impl Writer {
    /// Writes until the connection is closed from either side.
    pub(crate) async fn run(mut self) -> WriterEnd {
        while let Some(frame) = self.frames.recv().await {
            let len = frame.len();
            match timeout(WRITE_TIMEOUT, self.sender.send(frame)).await {
                Ok(Ok(())) => {}
                Err(_) => return WriterEnd::Stuck,
                Ok(Err(SendError::Closed)) => return WriterEnd::Closed,
                Ok(Err(error)) => {
                    tracing::error!(%error, "a frame of the server's own breaks a limit");
                    self.sender.close(CloseCode::InternalError.into()).await;
                    return WriterEnd::Closed;
                }
            }
            self.waiting.fetch_sub(len, Ordering::Relaxed);
        }
        let reason = self.reason.get().cloned();
        self.sender
            .close(reason.unwrap_or(CloseCode::InternalError.into()))
            .await;
        WriterEnd::Closed
    }
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
        tokio::join!(writer.run(), outbox.frames.closed());
    }
}
