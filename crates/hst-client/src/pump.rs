use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hst_id::{MediaId, MediaType};
use hst_media::{FrameWriter, MediaSource, SourceError};
use tokio::sync::Notify;

/// Which of one's own media.
pub(crate) type OwnMedia = (MediaType, MediaId);

/// How a pump came to its end by itself.
pub(crate) type Pumped = (OwnMedia, Result<(), SourceError>);

/// Where a pump finds its line. A newer line takes the place of one that was not taken yet, because that one's
/// transport is gone.
#[derive(Debug, Default)]
pub(crate) struct LineSlot {
    /// A lock, because putting in replaces what is there; nobody waits while holding it.
    line: Mutex<Option<Box<dyn FrameWriter>>>,
    filled: Notify,
}

impl LineSlot {
    /// Puts a line in; never waits.
    pub(crate) fn put(&self, line: Box<dyn FrameWriter>) {
        *self.lock() = Some(line);
        self.filled.notify_one();
    }

    async fn take(&self) -> Box<dyn FrameWriter> {
        loop {
            let line = self.lock().take();
            if let Some(line) = line {
                return line;
            }
            // One put in meanwhile leaves a permit, so this returns at once.
            self.filled.notified().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Box<dyn FrameWriter>>> {
        // Whoever panicked while holding it left a whole line behind, or none.
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Carries frames from a source to the line of the moment. After a line has closed it waits for the next one, which is
/// how a media survives a new transport. It is over with its source, or when it is aborted.
pub(crate) async fn pump(
    key: OwnMedia,
    mut source: Box<dyn MediaSource>,
    lines: Arc<LineSlot>,
    keyframe_wanted: Arc<Notify>,
) -> Pumped {
    let mut line = lines.take().await;
    loop {
        let next = tokio::select! {
            () = keyframe_wanted.notified() => {
                source.request_keyframe();
                continue;
            }
            next = source.next() => next,
        };
        match next {
            Ok(Some(frame)) => {
                while line.write(frame.clone()).await.is_err() {
                    line = lines.take().await;
                }
            }
            Ok(None) => return (key, Ok(())),
            Err(fault) => return (key, Err(fault)),
        }
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use hst_media::{Codec, Frame, TrackInfo, mock::MockFrameWriter};

    use super::*;

    /// Gives one keyframe when it is asked for one, then ends.
    #[derive(Debug, Default)]
    struct Encoder {
        asked: u32,
        given: u32,
    }

    #[async_trait]
    impl MediaSource for Encoder {
        fn info(&self) -> TrackInfo {
            TrackInfo::new(Codec::Vp8)
        }

        async fn next(&mut self) -> Result<Option<Frame>, SourceError> {
            if self.given == 1 {
                return Ok(None);
            }
            if self.asked == 0 {
                std::future::pending::<()>().await;
            }
            self.given += 1;
            Ok(Some(Frame {
                data: b"key".as_slice().into(),
                time: Default::default(),
                duration: Default::default(),
                keyframe: true,
            }))
        }

        async fn rewind(&mut self) -> Result<(), SourceError> {
            Err(SourceError::Live)
        }

        fn request_keyframe(&mut self) {
            self.asked += 1;
        }
    }

    #[tokio::test]
    async fn a_wanted_keyframe_is_asked_of_the_source_and_written() {
        let mut line = MockFrameWriter::new();
        line.expect_write()
            .times(1)
            .withf(|frame| frame.keyframe)
            .returning(|_| Ok(()));
        let lines = Arc::new(LineSlot::default());
        lines.put(Box::new(line));
        let wanted = Arc::new(Notify::new());
        wanted.notify_one();
        let key = (MediaType::Video, MediaId::screen());
        let ended = pump(key.clone(), Box::new(Encoder::default()), lines, wanted).await;
        assert!(matches!(ended, (ended, Ok(())) if ended == key));
    }
}
