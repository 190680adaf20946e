use bytes::Bytes;
use hst_signal::{CloseCode, CloseReason, RecvEnd, SignalConnection, SignalReceiver, SignalSender};
use tokio::sync::mpsc;

/// How many frames wait for the network. When it is full the server has stopped reading: the connection is given up.
const OUTGOING_CAPACITY: usize = 256;

/// A live connection. Its sending half has a task of its own, so that the driver never waits for the network.
///
/// When it is dropped, what is queued still goes out, then the connection is closed; the transport bounds how long
/// that takes.
#[derive(Debug)]
pub(crate) struct Connection {
    outgoing: mpsc::Sender<Bytes>,
    receiver: Box<dyn SignalReceiver>,
}

/// The server does not read what is sent, or the connection is gone.
#[derive(Debug)]
pub(crate) struct Stuck;

impl Connection {
    pub(crate) fn new(connection: SignalConnection) -> Self {
        let (outgoing, queue) = mpsc::channel(OUTGOING_CAPACITY);
        tokio::spawn(write(connection.sender, queue));
        Self {
            outgoing,
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
