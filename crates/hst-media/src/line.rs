use std::fmt;

use async_trait::async_trait;

use crate::{Frame, LineClosed};

/// The near end of a line that sends.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait FrameWriter: fmt::Debug + Send + 'static {
    /// Sends one frame. Waits until the line works for the first time, so that the first frame, a keyframe, is not
    /// lost; later it waits a few milliseconds if the frame is large, but never for a network that does not answer.
    ///
    /// Not cancel-safe: a frame whose writing is dropped may be sent in part, and the other side then asks for a
    /// keyframe.
    ///
    /// # Errors
    /// [`LineClosed`]: the line is stopped or the peer closed.
    async fn write(&mut self, frame: Frame) -> Result<(), LineClosed>;
}

/// The near end of a line that receives.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait FrameReader: fmt::Debug + Send + 'static {
    /// The next whole frame in order, or `None` when the line is stopped, its codec changes or the peer is closed.
    /// A frame of which a part is lost is left out; after it video goes on with the next keyframe.
    ///
    /// Cancel-safe.
    async fn read(&mut self) -> Option<Frame>;
}
