use std::{fmt, future::Future, pin::Pin, sync::Arc};

use bytes::Bytes;
use hst_signal::{CloseReason, MAX_FRAME, RecvEnd, SignalConnection, SignalReceiver};

use crate::{
    admission::Place,
    life::Life,
    outbox::{Full, Outbox, outbox},
};

/// A session's connection of the moment. Its writer is driven together with the session, in one task.
pub(crate) struct Line {
    receiver: Box<dyn SignalReceiver>,
    outbox: Outbox,
    writer: Pin<Box<dyn Future<Output = ()> + Send>>,
    place: Arc<Place>,
}

/// What a connection brings.
pub(crate) enum LineNews {
    Frame(Result<Bytes, RecvEnd>),
    /// It takes nothing any more.
    Stuck,
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line")
            .field("receiver", &self.receiver)
            .finish_non_exhaustive()
    }
}

impl Line {
    /// `due` frames with so many bytes are about to be sent at once, beyond what may wait otherwise.
    pub(crate) fn new(connection: SignalConnection, place: Arc<Place>, due: (usize, usize)) -> Self {
        let (outbox, writer) = outbox(connection.sender, due);
        let mut receiver = connection.receiver;
        // It is known now who is there.
        receiver.limit_frames(MAX_FRAME);
        place.settle();
        Self {
            receiver,
            outbox,
            writer: Box::pin(writer.run()),
            place,
        }
    }

    /// Adds a frame to what waits for the client; never waits.
    pub(crate) fn push(&self, frame: Bytes) -> Result<(), Full> {
        self.outbox.push(frame)
    }

    /// The same for a frame that is left out when much waits already.
    pub(crate) fn push_lossy(&self, frame: Bytes) {
        self.outbox.push_lossy(frame);
    }

    /// Writes, and with `reads` waits for the next frame. Cancel-safe.
    pub(crate) async fn next(&mut self, reads: bool) -> LineNews {
        tokio::select! {
            () = &mut self.writer => LineNews::Stuck,
            frame = self.receiver.recv(), if reads => LineNews::Frame(frame),
        }
    }

    /// Says what is due and good-bye, in a task of its own. What the client still says is not heard.
    pub(crate) fn close(self, life: &Life, reason: CloseReason) {
        let Self {
            receiver,
            outbox,
            writer,
            place,
        } = self;
        outbox.close(reason);
        life.spawn(async move {
            writer.await;
            drop((receiver, place));
        });
    }
}
