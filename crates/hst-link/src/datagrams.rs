use std::sync::{Arc, atomic::Ordering::Relaxed};

use bytes::Bytes;

use crate::{Closed, SendDatagramError, link::Core};

/// Sends datagrams. They may be lost or overtake each other; one that arrives is whole.
#[derive(Debug)]
pub struct DatagramSender(Arc<Core>);

impl DatagramSender {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self(core)
    }

    /// Hands a datagram over, and never waits. The queue holds 50 ms of the link's share; when it is full, the oldest
    /// datagrams in it are dropped, which [`Figures`](crate::Figures) show.
    ///
    /// # Errors
    /// It is too large for the path, or the link has ended.
    pub fn send(&mut self, datagram: Bytes) -> Result<(), SendDatagramError> {
        let (len, end) = (datagram.len(), &self.0.end);
        match end.connection.send_datagram(datagram) {
            Ok(()) => {
                self.0.datagrams_offered.fetch_add(1, Relaxed);
                Ok(())
            }
            Err(quinn::SendDatagramError::TooLarge) => Err(SendDatagramError::TooLarge { len, max: self.max() }),
            Err(quinn::SendDatagramError::ConnectionLost(error)) => Err(end.explain(&error).into()),
            Err(error) => Err(Closed::Broken(error.to_string()).into()),
        }
    }

    /// The most bytes that a datagram may have on the present path: [`ALWAYS_FITS`](crate::ALWAYS_FITS) at least.
    pub fn max(&self) -> usize {
        self.0.end.connection.max_datagram_size().unwrap_or_default()
    }
}

/// Receives datagrams.
#[derive(Debug)]
pub struct DatagramReceiver(Arc<Core>);

impl DatagramReceiver {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self(core)
    }

    /// The next datagram. Who does not come in time loses the oldest: 50 ms of the link's share wait. Cancel-safe.
    ///
    /// # Errors
    /// The link has ended, and everything that came before was given out.
    pub async fn recv(&mut self) -> Result<Bytes, Closed> {
        let end = &self.0.end;
        let received = end.connection.read_datagram().await;
        let datagram = received.map_err(|error| end.explain(&error))?;
        self.0.datagrams_taken.fetch_add(1, Relaxed);
        Ok(datagram)
    }
}
