use std::sync::Arc;

use hst_id::{MediaId, MediaType};
use hst_media::{FrameWriter, MediaSource, SourceError};
use tokio::sync::{Notify, mpsc};

/// Which of one's own media.
pub(crate) type OwnMedia = (MediaType, MediaId);

/// How a pump came to its end by itself.
pub(crate) type Pumped = (OwnMedia, Result<(), SourceError>);

/// Carries frames from a source to the line of the moment. After a line has closed it waits for the next one, which is
/// how a media survives a new transport. It is over with its source, or when nobody holds the other end of `lines`.
pub(crate) async fn pump(
    key: OwnMedia,
    mut source: Box<dyn MediaSource>,
    mut lines: mpsc::Receiver<Box<dyn FrameWriter>>,
    keyframe_wanted: Arc<Notify>,
) -> Option<Pumped> {
    let mut line = lines.recv().await?;
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
                    line = lines.recv().await?;
                }
            }
            Ok(None) => return Some((key, Ok(()))),
            Err(fault) => return Some((key, Err(fault))),
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
        let (lines, queue) = mpsc::channel::<Box<dyn FrameWriter>>(1);
        lines.try_send(Box::new(line)).unwrap();
        let wanted = Arc::new(Notify::new());
        wanted.notify_one();
        let key = (MediaType::Video, MediaId::screen());
        let ended = pump(key.clone(), Box::new(Encoder::default()), queue, wanted).await;
        assert!(matches!(ended, Some((ended, Ok(()))) if ended == key));
    }
}
