use std::{fmt::Debug, net::SocketAddr};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::time::Instant;

use crate::{CloseReason, RecvEnd, SendError};

/// One connection: two halves without a lock between them, so that `select!` can borrow both.
///
/// Dropping both halves ends it without a word; the peer's receiver then ends with [`RecvEnd::Lost`].
#[derive(Debug)]
pub struct SignalConnection {
    /// The half that sends.
    pub sender: Box<dyn SignalSender>,
    /// The half that receives.
    pub receiver: Box<dyn SignalReceiver>,
    /// Where the peer is; `None` in memory.
    pub peer: Option<SocketAddr>,
    /// Since when the peer is there, at the latest: a listener counts from before the handshake, so that a deadline for
    /// what the peer does next can count from there too.
    pub since: Instant,
}

/// The sending half of a [`SignalConnection`].
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait SignalSender: Debug + Send + 'static {
    /// Sends one frame. It waits while the peer does not read: that is the back-pressure.
    ///
    /// Not cancel-safe: of a frame whose `send` was dropped half-way nobody knows whether it goes out. It goes whole or
    /// not at all, though, and the frames after it are not harmed.
    ///
    /// # Errors
    /// After [`SendError::Closed`] only the receiver can say why; the other errors leave the connection as it was.
    async fn send(&mut self, frame: Bytes) -> Result<(), SendError>;

    /// Ends the connection: the peer gets the frames sent before, then the reason. The own receiver ends with the same
    /// reason at once, and what the peer had sent meanwhile is dropped.
    ///
    /// It returns when the peer has taken note, or after a few seconds if it does not.
    ///
    /// Not cancel-safe: dropped half-way, the peer may miss the reason.
    async fn close(&mut self, reason: CloseReason);
}

/// The receiving half of a [`SignalConnection`].
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait SignalReceiver: Debug + Send + 'static {
    /// The next whole frame, or the end with its reason, which every later call repeats.
    ///
    /// Cancel-safe: a frame not yet returned is returned by the next call.
    ///
    /// # Errors
    /// The end is the error. [`RecvEnd::answer`] is what to close with, where the peer should learn of a mistake.
    async fn recv(&mut self) -> Result<Bytes, RecvEnd>;

    /// From the next frame on, one of more than `max_frame` bytes ends the connection. The connection's own
    /// [`Limits`](crate::Limits) hold all the same, and are what holds before the first call.
    ///
    /// A server keeps this small until it knows who is there. Frames that wait unread behind the one that says so are
    /// measured by what holds when they are read, so a client may send them all in one flight.
    fn limit_frames(&mut self, max_frame: usize);
}
