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
    /// Whether the writer has ended by itself, because the client takes nothing any more.
    is_stuck: bool,
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
            is_stuck: false,
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
            () = &mut self.writer, if !self.is_stuck => {
                self.is_stuck = true;
                LineNews::Stuck
            }
            frame = self.receiver.recv(), if reads => LineNews::Frame(frame),
        }
    }

    /// Says what is due and good-bye, in a task of its own. What the client still says is not heard.
    pub(crate) fn close(self, life: &Life, reason: CloseReason) {
        life.spawn(self.say_good_bye(reason));
    }

    async fn say_good_bye(self, reason: CloseReason) {
        let Self {
            receiver,
            outbox,
            writer,
            is_stuck,
            place,
        } = self;
        outbox.close(reason);
        if !is_stuck {
            writer.await;
        }
        drop((receiver, place));
    }
}

#[cfg(test)]
mod tests {
    use hst_signal::{CloseCode, Limits, memory};

    use super::*;
    use crate::{Connections, admission::Admission};

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_takes_nothing_any_more_can_be_closed() {
        let (server, client) = memory::pair(Limits::default());
        let place = Admission::new(Connections::default()).admit(None).unwrap();
        let mut line = Line::new(server, place, (0, 0));
        drop(client);
        line.push(Bytes::from_static(b"late")).unwrap();
        assert!(matches!(line.next(false).await, LineNews::Stuck));
        line.say_good_bye(CloseCode::SlowReader.into()).await;
    }
}
