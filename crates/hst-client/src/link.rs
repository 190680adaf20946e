use std::{pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
use hst_signal::{ConnectError, RecvEnd, SignalConnection, SignalTransport};
use tokio::time::timeout;
use tracing::debug;

use crate::connection::{Connection, Stuck};

/// How long one address may take to answer before the next is tried.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The way to the signalling service.
#[derive(Default)]
pub(crate) enum Link {
    #[default]
    Down,
    /// Being made; what is to be sent first waits, which is no more than a login.
    Connecting(Connecting, Vec<Bytes>),
    Up(Connection),
}

type Connecting = Pin<Box<dyn Future<Output = Result<SignalConnection, ConnectError>> + Send>>;

/// What happens on the way.
pub(crate) enum LinkNews {
    /// It is made, or cannot be.
    Connected(Result<(), ConnectError>),
    Frame(Bytes),
    Ended(RecvEnd),
}

impl Link {
    /// Begins to make it, to the first address that answers, in their order.
    pub(crate) fn connect(&mut self, transport: Arc<dyn SignalTransport>, addresses: Vec<String>) {
        *self = Self::Connecting(Box::pin(connect(transport, addresses)), Vec::new());
    }

    /// The next thing that happens; pending while it is down. Cancel-safe.
    pub(crate) async fn next(&mut self) -> LinkNews {
        match self {
            Self::Down => std::future::pending().await,
            Self::Connecting(connecting, _) => {
                let result = connecting.await;
                LinkNews::Connected(self.connected(result))
            }
            Self::Up(connection) => match connection.recv().await {
                Ok(frame) => LinkNews::Frame(frame),
                Err(end) => LinkNews::Ended(end),
            },
        }
    }

    /// Sends a frame, or keeps it until the way is made; never waits.
    pub(crate) fn send(&mut self, frame: Bytes) -> Result<(), Stuck> {
        match self {
            Self::Down => Ok(()),
            Self::Connecting(_, unsent) => {
                unsent.push(frame);
                Ok(())
            }
            Self::Up(connection) => connection.send(frame).inspect_err(|_| self.close()),
        }
    }

    /// Ends it; what is queued still goes out.
    pub(crate) fn close(&mut self) {
        *self = Self::Down;
    }

    fn connected(&mut self, result: Result<SignalConnection, ConnectError>) -> Result<(), ConnectError> {
        let Self::Connecting(_, unsent) = std::mem::take(self) else {
            return Ok(());
        };
        *self = Self::Up(Connection::new(result?));
        for frame in unsent {
            // A fresh connection has room for a login.
            let _ = self.send(frame);
        }
        Ok(())
    }
}

async fn connect(
    transport: Arc<dyn SignalTransport>,
    addresses: Vec<String>,
) -> Result<SignalConnection, ConnectError> {
    let mut last = ConnectError::Unsupported;
    for address in addresses {
        match timeout(CONNECT_TIMEOUT, transport.connect(&address)).await {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(error)) => last = error,
            Err(_) => last = ConnectError::Timeout,
        }
        debug!(address, error = %last, "this address does not answer");
    }
    Err(last)
}
