use bytes::Bytes;
use hst_signal::{CloseCode, CloseReason, RecvEnd, SignalConnection, SignalReceiver, SignalSender};
use tokio::{sync::mpsc, task::JoinHandle};

/// How many frames wait for the network. When it is full the server has stopped reading: the connection is given up.
const OUTGOING_CAPACITY: usize = 256;

/// A live connection. Its sending half has a task of its own, so that the driver never waits for the network.
#[derive(Debug)]
pub(crate) struct Connection {
    outgoing: mpsc::Sender<Bytes>,
    writer: JoinHandle<()>,
    receiver: Box<dyn SignalReceiver>,
}

/// The server does not read what is sent, or the connection is gone.
#[derive(Debug)]
pub(crate) struct Stuck;

impl Connection {
    pub(crate) fn new(connection: SignalConnection) -> Self {
        let (outgoing, queue) = mpsc::channel(OUTGOING_CAPACITY);
        let writer = tokio::spawn(write(connection.sender, queue));
        Self {
            outgoing,
            writer,
            receiver: connection.receiver,
        }
    }

    /// Queues a frame; never waits.
    pub(crate) fn send(&self, frame: Bytes) -> Result<(), Stuck> {
        self.outgoing.try_send(frame).map_err(|_| Stuck)
    }

    /// The next frame, or why there is none. Cancel-safe.
    pub(crate) async fn recv(&mut self) -> Result<Bytes, RecvEnd> {
        self.receiver.recv().await
    }

    /// Ends it in a task of its own: what is queued still goes out. The transport bounds how long that takes.
    pub(crate) fn close(self) {
        let Self {
            outgoing,
            writer,
            receiver,
        } = self;
        drop(outgoing);
        tokio::spawn(async move {
            // A server that cannot tell its client anything any more would take it for lost.
            let _ = writer.await;
            drop(receiver);
        });
    }
}

async fn write(mut sender: Box<dyn SignalSender>, mut queue: mpsc::Receiver<Bytes>) {
    while let Some(frame) = queue.recv().await {
        if sender.send(frame).await.is_err() {
            // Only the receiving half can say why, and the driver reads that.
            return;
        }
    }
    sender.close(CloseReason::from(CloseCode::Normal)).await;
}

#[cfg(test)]
mod tests {
    use hst_signal::{Limits, memory};

    use super::*;

    #[tokio::test]
    async fn what_is_queued_arrives_while_the_server_still_talks() {
        let (client, mut server) = memory::pair(Limits::default());
        let connection = Connection::new(client);
        for number in 0..OUTGOING_CAPACITY {
            connection.send(number.to_string().into()).unwrap();
        }
        connection.close();
        // More is queued than fits on the way, so that the close is still to come.
        assert_eq!(server.receiver.recv().await.unwrap(), "0");
        assert_eq!(server.sender.send(Bytes::from_static(b"more")).await, Ok(()));
        for number in 1..OUTGOING_CAPACITY {
            assert_eq!(server.receiver.recv().await.unwrap(), number.to_string());
        }
        let end = server.receiver.recv().await;
        assert_eq!(end, Err(RecvEnd::Closed(CloseCode::Normal.into())));
    }
}
