use std::{future::pending, sync::Arc, time::Duration};

use bytes::Bytes;
use hst_signal::{CloseReason, MAX_FRAME, RecvEnd, SignalConnection, SignalReceiver};
use tokio::time::timeout;

use crate::{
    admission::Place,
    life::Life,
    outbox::{Full, Outbox, WriteEnd},
};

/// How long a connection that is to be closed may take for what is due.
const DUE_TIMEOUT: Duration = Duration::from_secs(5);
/// The same for that and for its good-bye.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(8);

/// A session's connection of the moment. It is written by whoever waits for what it brings, in one task.
#[derive(Debug)]
pub(crate) struct Line {
    receiver: Box<dyn SignalReceiver>,
    outbox: Outbox,
    place: Arc<Place>,
}

/// What a connection brings.
pub(crate) enum LineNews {
    Frame(Result<Bytes, RecvEnd>),
    /// It takes nothing any more.
    Stuck,
}

impl Line {
    /// `due` frames with so many bytes are about to be sent at once, beyond what may wait otherwise.
    pub(crate) fn new(connection: SignalConnection, place: Arc<Place>, due: (usize, usize)) -> Self {
        let mut receiver = connection.receiver;
        // It is known now who is there.
        receiver.limit_frames(MAX_FRAME);
        place.settle();
        Self {
            receiver,
            outbox: Outbox::new(connection.sender, due),
            place,
        }
    }

    /// Adds a frame to what waits for the client; never waits.
    pub(crate) fn push(&mut self, frame: Bytes) -> Result<(), Full> {
        self.outbox.push(frame)
    }

    /// The same for a frame that is left out when much waits already.
    pub(crate) fn push_lossy(&mut self, frame: Bytes) {
        self.outbox.push_lossy(frame);
    }

    /// Writes, and with `reads` waits for the next frame. Cancel-safe.
    pub(crate) async fn next(&mut self, reads: bool) -> LineNews {
        loop {
            tokio::select! {
                biased;
                end = self.outbox.write(), if !self.outbox.is_over() => {
                    if end == WriteEnd::Stuck {
                        return LineNews::Stuck;
                    }
                    // A client that has gone may have said why: that is still to be read, behind the rest.
                }
                frame = self.receiver.recv(), if reads => return LineNews::Frame(frame),
                () = pending() => {}
            }
        }
    }

    /// Says what is due and good-bye, in a task of its own. What the client still says is not heard.
    pub(crate) fn close(self, life: &Life, reason: CloseReason) {
        life.spawn(self.say_good_bye(reason));
    }

    async fn say_good_bye(self, reason: CloseReason) {
        // For as long as the good-bye takes, the rest of the connection is there.
        let Self {
            receiver,
            outbox,
            place,
        } = self;
        let _ = timeout(CLOSE_TIMEOUT, outbox.close(DUE_TIMEOUT, reason)).await;
        drop((receiver, place));
    }
}

#[cfg(test)]
mod tests {
    use hst_signal::{CloseCode, Limits, memory};

    use tokio::time::sleep;

    use super::*;
    use crate::{Connections, admission::Admission};

    fn place() -> Arc<Place> {
        Admission::new(Connections::default()).admit(None).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_takes_nothing_any_more_can_be_closed() {
        let (server, _client) = memory::pair(Limits::default());
        let mut line = Line::new(server, place(), (0, 0));
        for _ in 0..100 {
            line.push(Bytes::from_static(b"unread")).unwrap();
        }
        assert!(matches!(line.next(false).await, LineNews::Stuck));
        line.say_good_bye(CloseCode::SlowReader.into()).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_reads_a_little_cannot_put_off_the_close() {
        let (server, mut client) = memory::pair(Limits::default());
        let mut line = Line::new(server, place(), (0, 0));
        for _ in 0..1000 {
            line.push(Bytes::from_static(b"x")).unwrap();
        }
        let reads_one_a_second = async {
            loop {
                sleep(Duration::from_secs(1)).await;
                if client.receiver.recv().await.is_err() {
                    break;
                }
            }
        };
        let start = tokio::time::Instant::now();
        tokio::select! {
            () = line.say_good_bye(CloseCode::SlowReader.into()) => {}
            () = reads_one_a_second => {}
        }
        assert_eq!(start.elapsed(), DUE_TIMEOUT);
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_taken_nothing_for_long_is_told_all_the_same_why_he_was_cut() {
        for is_stuck in [false, true] {
            let (server, mut client) = memory::pair(Limits::default());
            let mut line = Line::new(server, place(), (0, 0));
            for _ in 0..100 {
                line.push(Bytes::from_static(b"unread")).unwrap();
            }
            if is_stuck {
                assert!(matches!(line.next(false).await, LineNews::Stuck));
            }
            line.say_good_bye(CloseCode::SlowReader.into()).await;
            let end = loop {
                if let Err(end) = client.receiver.recv().await {
                    break end;
                }
            };
            assert_eq!(end, RecvEnd::Closed(CloseCode::SlowReader.into()), "{is_stuck}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_words_of_a_client_that_goes_are_heard_although_it_hears_nothing_any_more() {
        // Many times: what is ready is taken in any order.
        for _ in 0..100 {
            let (server, mut client) = memory::pair(Limits::default());
            let mut line = Line::new(server, place(), (0, 0));
            client.sender.send(Bytes::from_static(b"exit")).await.unwrap();
            drop(client);
            line.push(Bytes::from_static(b"late")).unwrap();
            let LineNews::Frame(Ok(heard)) = line.next(true).await else {
                panic!("nothing was heard")
            };
            assert_eq!(heard, "exit");
            assert!(matches!(line.next(true).await, LineNews::Frame(Err(_))));
        }
    }
}
