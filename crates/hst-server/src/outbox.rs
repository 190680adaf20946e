use std::{
    collections::VecDeque,
    fmt,
    future::{Future, pending},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use hst_signal::{CloseCode, CloseReason, SendError, SignalSender};
use tokio::{
    sync::Notify,
    time::{sleep, timeout},
};

/// Frames that wait for the peer to read. When it is full, the peer is cut as a slow reader.
const FRAMES: usize = 1024;
/// Bytes that wait for the peer to read, with the same consequence; a single frame may be larger.
const BYTES: usize = 256 * 1024;
/// Frames for which there is always room, so that nothing is allocated for what comes one by one.
const FEW: usize = 4;
/// A peer that does not make room for one frame in this time is cut.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// What a session has to say to its peer, without ever waiting for it.
pub(crate) struct Outbox {
    /// What is not with the connection yet.
    frames: VecDeque<Bytes>,
    /// Their bytes, and those of the frame that is being sent.
    bytes: usize,
    /// Frames, and bytes, that may wait.
    room: (usize, usize),
    /// `None` while it sends.
    sender: Option<Box<dyn SignalSender>>,
    sending: Option<Sending>,
    /// Has the frame under way given up.
    enough: Arc<Notify>,
    /// How writing has ended, if it has.
    end: Option<WriteEnd>,
}

/// One frame under way. It has the sender with it, and gives it back.
type Sending = Pin<Box<dyn Future<Output = (Box<dyn SignalSender>, Sent)> + Send>>;

/// How many bytes were sent, or why they could not be.
type Sent = Result<usize, WriteEnd>;

/// The peer reads too slowly, or not at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full;

/// How writing ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WriteEnd {
    /// With the connection, of whose end the receiving half tells more.
    Closed,
    /// The peer made no room in time.
    Stuck,
}

impl Outbox {
    /// `due` frames with so many bytes may wait beyond what may always: those that a client who comes back has missed.
    pub(crate) fn new(sender: Box<dyn SignalSender>, due: (usize, usize)) -> Self {
        Self {
            frames: VecDeque::new(),
            bytes: 0,
            room: (FRAMES + due.0, BYTES + due.1),
            sender: Some(sender),
            sending: None,
            enough: Arc::default(),
            end: None,
        }
    }

    /// Adds a frame. When writing has ended it goes nowhere.
    pub(crate) fn push(&mut self, frame: Bytes) -> Result<(), Full> {
        if self.is_over() {
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

    /// Adds a frame, or leaves it out when half of the room is taken.
    pub(crate) fn push_lossy(&mut self, frame: Bytes) {
        if self.frames.len() < FRAMES / 2 && self.bytes < BYTES / 2 {
            // There is room.
            let _ = self.push(frame);
        }
    }

    /// Whether writing has ended.
    pub(crate) fn is_over(&self) -> bool {
        self.end.is_some()
    }

    /// Writes what waits, and returns when nothing can be written any more. Cancel-safe.
    pub(crate) async fn write(&mut self) -> WriteEnd {
        match self.flush().await {
            Ok(()) => pending().await,
            Err(end) => end,
        }
    }

    /// Writes what waits, for so long, and then good-bye: some transports bring it also to a peer who has not taken the rest.
    /// Not cancel-safe: the peer may miss it.
    pub(crate) async fn close(mut self, patience: Duration, reason: CloseReason) {
        if timeout(patience, self.flush()).await.is_err() {
            self.frames = VecDeque::new();
            self.enough.notify_one();
            let _ = self.flush().await;
        }
        if let Some(mut sender) = self.sender.filter(|_| self.end != Some(WriteEnd::Closed)) {
            sender.close(reason).await;
        }
    }

    /// Writes what waits. Cancel-safe.
    async fn flush(&mut self) -> Result<(), WriteEnd> {
        loop {
            if let Some(sending) = &mut self.sending {
                let (sender, sent) = sending.await;
                self.sending = None;
                self.sender = Some(sender);
                match sent {
                    Ok(len) => self.bytes -= len,
                    Err(end) => {
                        self.end = Some(end);
                        self.frames = VecDeque::new();
                    }
                }
            }
            if let Some(end) = self.end {
                return Err(end);
            }
            let Some(frame) = self.frames.pop_front() else {
                // An idle session keeps little memory for it.
                self.frames.shrink_to(FEW);
                return Ok(());
            };
            let sender = self.sender.take().expect("it does not send");
            self.sending = Some(Box::pin(send(sender, frame, self.enough.clone())));
        }
    }
}

async fn send(mut sender: Box<dyn SignalSender>, frame: Bytes, enough: Arc<Notify>) -> (Box<dyn SignalSender>, Sent) {
    let len = frame.len();
    let sent = tokio::select! {
        biased;
        sent = sender.send(frame) => Some(sent),
        () = sleep(WRITE_TIMEOUT) => None,
        () = enough.notified() => None,
    };
    let sent = match sent {
        Some(Ok(())) => Ok(len),
        Some(Err(SendError::Closed)) => Err(WriteEnd::Closed),
        None => Err(WriteEnd::Stuck),
        Some(Err(error)) => {
            tracing::error!(%error, "a frame of the server's own breaks a limit");
            sender.close(CloseCode::InternalError.into()).await;
            Err(WriteEnd::Closed)
        }
    };
    (sender, sent)
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox")
            .field("frames", &self.frames.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use hst_signal::{Limits, RecvEnd, memory};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_due_is_said_before_the_good_bye() {
        let (server, mut client) = memory::pair(Limits::default());
        let mut outbox = Outbox::new(server.sender, (0, 0));
        outbox.push(Bytes::from_static(b"1")).unwrap();
        outbox.push(Bytes::from_static(b"2")).unwrap();
        outbox.close(WRITE_TIMEOUT, CloseCode::Normal.into()).await;
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
            let mut outbox = Outbox::new(server.sender, (0, 0));
            for _ in 0..fit {
                outbox.push(vec![b'x'; size].into()).unwrap();
            }
            assert_eq!(outbox.push(Bytes::from_static(b"x")), Err(Full), "{size}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_missed_fits_beside_what_may_always_wait() {
        let (server, _client) = memory::pair(Limits::default());
        let mut outbox = Outbox::new(server.sender, (8, 8 * BYTES));
        for _ in 0..9 {
            outbox.push(vec![b'x'; BYTES].into()).unwrap();
        }
        assert_eq!(outbox.push(Bytes::from_static(b"x")), Err(Full));
    }

    #[tokio::test(start_paused = true)]
    async fn lossy_frames_are_left_out_first() {
        let (server, mut client) = memory::pair(Limits::default());
        let mut outbox = Outbox::new(server.sender, (0, 0));
        for _ in 0..FRAMES {
            outbox.push_lossy(Bytes::from_static(b"lossy"));
        }
        for _ in 0..FRAMES / 2 {
            outbox.push(Bytes::from_static(b"x")).unwrap();
        }
        let heard = async {
            let mut lossy = 0;
            while let Ok(frame) = client.receiver.recv().await {
                lossy += usize::from(frame == "lossy");
            }
            lossy
        };
        assert_eq!(
            tokio::join!(outbox.close(WRITE_TIMEOUT, CloseCode::Normal.into()), heard).1,
            FRAMES / 2
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_never_reads_is_given_up() {
        let (server, _client) = memory::pair(Limits::default());
        let mut outbox = Outbox::new(server.sender, (0, 0));
        for _ in 0..100 {
            outbox.push(Bytes::from_static(b"x")).unwrap();
        }
        assert_eq!(outbox.write().await, WriteEnd::Stuck);
        // It costs nothing any more.
        for _ in 0..2 * FRAMES {
            outbox.push(Bytes::from_static(b"x")).unwrap();
        }
    }
}
