use std::{collections::VecDeque, fmt};

use async_trait::async_trait;

use crate::{Frame, SourceError, TrackInfo};

/// Where a track's frames come from: a file, a camera, a test.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait MediaSource: fmt::Debug + Send + 'static {
    /// What it carries.
    fn info(&self) -> TrackInfo;

    /// The next frame in order, or `None` at the end. As fast as it is asked; [`Paced`](crate::Paced) makes it keep
    /// time.
    ///
    /// Cancel-safe.
    ///
    /// # Errors
    /// [`SourceError`]; after one there are no more frames.
    async fn next(&mut self) -> Result<Option<Frame>, SourceError>;

    /// Goes back to the beginning: the next frame is the first one again.
    ///
    /// # Errors
    /// [`SourceError::Live`] if there is no beginning to go back to.
    async fn rewind(&mut self) -> Result<(), SourceError>;

    /// Somebody cannot decode without a keyframe: an encoder makes its next frame one. A source that cannot, such as a
    /// file, does nothing, and its own keyframes have to do.
    fn request_keyframe(&mut self) {}
}

#[async_trait]
impl MediaSource for Box<dyn MediaSource> {
    fn info(&self) -> TrackInfo {
        (**self).info()
    }

    async fn next(&mut self) -> Result<Option<Frame>, SourceError> {
        (**self).next().await
    }

    async fn rewind(&mut self) -> Result<(), SourceError> {
        (**self).rewind().await
    }

    fn request_keyframe(&mut self) {
        (**self).request_keyframe();
    }
}

/// A source of frames that are already there; the fake of [`MediaSource`].
#[derive(Debug, Clone)]
pub struct FrameList {
    info: TrackInfo,
    frames: Vec<Frame>,
    left: VecDeque<Frame>,
}

impl FrameList {
    /// A source of these frames, in this order.
    pub fn new(info: TrackInfo, frames: Vec<Frame>) -> Self {
        let left = frames.clone().into();
        Self { info, frames, left }
    }
}

#[async_trait]
impl MediaSource for FrameList {
    fn info(&self) -> TrackInfo {
        self.info
    }

    async fn next(&mut self) -> Result<Option<Frame>, SourceError> {
        Ok(self.left.pop_front())
    }

    async fn rewind(&mut self) -> Result<(), SourceError> {
        self.left = self.frames.clone().into();
        Ok(())
    }
}
