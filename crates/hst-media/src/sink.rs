use std::{fmt, ops::ControlFlow};

use crate::{Frame, SinkError};

/// Where a track's frames go: a file, a player, a test.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait MediaSink: fmt::Debug + Send + 'static {
    /// Takes the next frame; never waits for long. Says whether it wants more.
    ///
    /// # Errors
    /// [`SinkError`]; the frame is lost, and unless it was a bad one so is the sink.
    fn write(&mut self, frame: Frame) -> Result<ControlFlow<()>, SinkError>;

    /// Completes it: what it holds back is written. A sink that is only dropped has all but that.
    ///
    /// # Errors
    /// [`SinkError::Io`].
    fn finish(self: Box<Self>) -> Result<(), SinkError>;
}
