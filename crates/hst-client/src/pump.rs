use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

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
    /// Whether its transport is connected, so that it may be taken although the line of before still works.
    is_ready: AtomicBool,
}

impl LineSlot {
    /// Puts a line in; never waits.
    pub(crate) fn put(&self, line: Box<dyn FrameWriter>) {
        *self.lock() = Some(line);
        self.is_ready.store(false, Ordering::Relaxed);
        self.filled.notify_one();
    }

    /// The transport of the line that is in carries it from now on.
    pub(crate) fn ready(&self) {
        self.is_ready.store(true, Ordering::Relaxed);
    }

    /// Whether a line is in that was not taken yet.
    pub(crate) fn is_filled(&self) -> bool {
        self.lock().is_some()
    }

    /// A line that is to be preferred to the one before it.
    fn take_ready(&self) -> Option<Box<dyn FrameWriter>> {
        self.is_ready
            .swap(false, Ordering::Relaxed)
            .then(|| self.lock().take())?
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
/// how a media survives a new transport. It goes over to one that is ready at a frame that decoders can begin with. It is over with its source, or when it is aborted.
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
                if frame.keyframe
                    && let Some(ready) = lines.take_ready()
                {
                    line = ready;
                }
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
                level: None,
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

    /// A keyframe, another picture, and a keyframe.
    #[derive(Debug)]
    struct Film(std::vec::IntoIter<bool>, Arc<LineSlot>, Option<Box<dyn FrameWriter>>);

    #[async_trait]
    impl MediaSource for Film {
        fn info(&self) -> TrackInfo {
            TrackInfo::new(Codec::Vp8)
        }

        async fn next(&mut self) -> Result<Option<Frame>, SourceError> {
            let next = self.0.next();
            if let Some(newer) = self.2.take_if(|_| next == Some(false)) {
                self.1.put(newer);
                self.1.ready();
            }
            Ok(next.map(|keyframe| Frame {
                data: b"frame".as_slice().into(),
                time: Default::default(),
                duration: Default::default(),
                keyframe,
                level: None,
            }))
        }

        async fn rewind(&mut self) -> Result<(), SourceError> {
            Err(SourceError::Live)
        }
    }

    #[tokio::test]
    async fn it_goes_over_to_a_line_that_is_ready_with_a_frame_that_decoders_can_begin_with() {
        let writer = |keyframes: &'static [bool]| {
            let mut line = MockFrameWriter::new();
            line.expect_write()
                .times(keyframes.len())
                .withf(|frame| keyframes.contains(&frame.keyframe))
                .returning(|_| Ok(()));
            Box::new(line)
        };
        let lines = Arc::new(LineSlot::default());
        lines.put(writer(&[true, false]));
        let film = Film(
            vec![true, false, true].into_iter(),
            lines.clone(),
            Some(writer(&[true])),
        );
        let key = (MediaType::Video, MediaId::screen());
        let (_, ended) = pump(key, Box::new(film), lines.clone(), Arc::default()).await;
        assert!(ended.is_ok() && !lines.is_filled());
    }
}
