use std::fmt::Debug;

use async_trait::async_trait;

use crate::{AcceptError, ConnectError, SignalConnection};

/// A way to reach a signalling server. It carries whole, ordered, opaque frames and knows nothing of what they mean.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait SignalTransport: Debug + Send + Sync + 'static {
    /// Connects to `url`, bounded in time by the transport itself.
    ///
    /// Cancel-safe: a dropped attempt leaves nothing behind on this side.
    ///
    /// # Errors
    /// [`ConnectError::Unsupported`] if the URL's scheme is another transport's, before anything is sent.
    async fn connect(&self, url: &str) -> Result<SignalConnection, ConnectError>;
}

/// The other end of a [`SignalTransport`]. Dropping it closes the door; connections already made live on.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait SignalListener: Debug + Send + 'static {
    /// The next connection whose handshake is complete. A client that is slow or fails at it holds up nobody else.
    ///
    /// Cancel-safe: a connection not yet returned is returned by the next call.
    ///
    /// # Errors
    /// [`AcceptError::is_retryable`] tells whether another call may succeed.
    async fn accept(&mut self) -> Result<SignalConnection, AcceptError>;
}
