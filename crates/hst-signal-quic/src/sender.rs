use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use hst_signal::{CloseReason, SendError, SignalSender};
use quinn::{Endpoint, SendStream, WriteError};
use tokio::time::timeout;

use crate::connection::{CLOSE_TIMEOUT, Link, close};

/// What a client waits after a close for its last packet to leave: the program may end then.
const LAST_PACKET: Duration = Duration::from_millis(200);

#[derive(Debug)]
pub(crate) struct Sender {
    link: Link,
    stream: SendStream,
    endpoint: Option<Endpoint>,
    /// The rest of a frame: its length and its bytes. It outlives a dropped `send`, so that no frame is ever cut short.
    unsent: [Bytes; 2],
}

impl Sender {
    pub(crate) fn new(link: Link, stream: SendStream, endpoint: Option<Endpoint>) -> Self {
        Self {
            link,
            stream,
            endpoint,
            unsent: Default::default(),
        }
    }

    /// Cancel-safe.
    async fn flush(&mut self) -> Result<(), WriteError> {
        while let Some(first) = self.unsent.iter().position(|part| !part.is_empty()) {
            self.stream.write_chunks(&mut self.unsent[first..]).await?;
        }
        Ok(())
    }

    /// Waits until the peer has every frame. What fails here has ended already.
    async fn finish(&mut self) {
        if self.flush().await.is_ok() && self.stream.finish().is_ok() {
            let _ = self.stream.stopped().await;
        }
    }
}

#[async_trait]
impl SignalSender for Sender {
    async fn send(&mut self, frame: Bytes) -> Result<(), SendError> {
        let (len, max) = (frame.len(), self.link.max_frame);
        if len > max {
            return Err(SendError::TooLarge { len, max });
        }
        if self.link.closed.borrow().is_some() {
            return Err(SendError::Closed);
        }
        self.flush().await.map_err(|_| SendError::Closed)?;
        // The limit fits 32 bits.
        self.unsent = [Bytes::copy_from_slice(&(len as u32).to_be_bytes()), frame];
        self.flush().await.map_err(|_| SendError::Closed)
    }

    async fn close(&mut self, reason: CloseReason) {
        let first = self
            .link
            .closed
            .send_if_modified(|closed| closed.replace(reason.clone()).is_none());
        if !first {
            return;
        }
        let _ = timeout(CLOSE_TIMEOUT, self.finish()).await;
        close(&self.link.connection, &reason);
        if let Some(endpoint) = &self.endpoint {
            let _ = timeout(LAST_PACKET, endpoint.wait_idle()).await;
        }
    }
}
