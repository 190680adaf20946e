use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::sync_channel,
    },
    thread,
    time::Instant,
};

use async_trait::async_trait;
use hst_media::{Codec, Frame, MediaSource, SourceError, TrackInfo};
use tokio::sync::mpsc;

use super::{PictureEncoder, RawPicture, VideoOptions, filming::Filming};
use crate::DeviceError;

/// Frames that were encoded and not taken yet; when full the next picture is left out before it is encoded, so that every
/// frame that leaves can be decoded.
const UNTAKEN: usize = 4;

/// Pictures in a row that cannot be read, a second of the usual ones, before a device counts as useless: a cable or a bus
/// damages a few now and then.
const UNREADABLE: u32 = 30;

/// The video of a camera or a screen: a source of frames, with a thread of its own. Dropping it stops the device, after
/// the picture that it is about to take.
pub struct LiveVideo {
    frames: mpsc::Receiver<Result<Frame, DeviceError>>,
    keyframe_wanted: Arc<AtomicBool>,
    codec: Codec,
}

impl LiveVideo {
    /// Begins: `open` opens the device on the thread, and what it returns gives one picture after the other, each as soon
    /// as there is one. [`DeviceError::Unsupported`] in the place of a picture means that this one cannot be read: it is left
    /// out, and only 30 in a row end the video. Any other error ends it at once. Blocks while the device is opened.
    ///
    /// # Errors
    /// Those of `open`, and [`DeviceError::Unsupported`] where the system refuses a thread.
    pub fn start<Device>(
        options: VideoOptions,
        encoder: Box<dyn PictureEncoder>,
        open: impl FnOnce() -> Result<Device, DeviceError> + Send + 'static,
    ) -> Result<Self, DeviceError>
    where
        Device: FnMut() -> Result<RawPicture, DeviceError>,
    {
        let (out, frames) = mpsc::channel(UNTAKEN);
        let (opened, is_open) = sync_channel(1);
        let keyframe_wanted = Arc::new(AtomicBool::new(false));
        let filming = Filming::new(encoder, options);
        let codec = filming.codec();
        let wanted = keyframe_wanted.clone();
        let work = move || match open() {
            Err(error) => _ = opened.send(Err(error)),
            Ok(device) => {
                let _ = opened.send(Ok(()));
                film(device, filming, &out, &wanted);
            }
        };
        thread::Builder::new()
            .name("hst-video".to_owned())
            .spawn(work)
            .map_err(|error| DeviceError::Unsupported {
                reason: error.to_string(),
            })?;
        // A thread that panicked while opening has said so.
        is_open.recv().unwrap_or(Err(DeviceError::Lost))?;
        Ok(Self {
            frames,
            keyframe_wanted,
            codec,
        })
    }
}

/// Takes pictures until nobody wants them any more, or the device fails.
fn film(
    mut device: impl FnMut() -> Result<RawPicture, DeviceError>,
    mut filming: Filming,
    out: &mpsc::Sender<Result<Frame, DeviceError>>,
    keyframe_wanted: &AtomicBool,
) {
    let began = Instant::now();
    let mut unreadable = 0;
    while !out.is_closed() {
        let picture = device();
        unreadable = match picture {
            Err(DeviceError::Unsupported { .. }) => unreadable + 1,
            _ => 0,
        };
        if (1..UNREADABLE).contains(&unreadable) {
            continue;
        }
        let now = began.elapsed();
        let room = out.try_reserve();
        if picture.is_ok() && room.is_err() {
            continue;
        }
        if keyframe_wanted.swap(false, Ordering::Relaxed) {
            filming.owe_keyframe();
        }
        match (picture.and_then(|picture| filming.take(&picture, now)), room) {
            (Ok(Some(frame)), Ok(room)) => room.send(Ok(frame)),
            (Ok(_), _) => {}
            // The last word is not left out, and this thread has nothing else to do than to wait.
            (Err(error), _) => {
                let _ = out.blocking_send(Err(error));
                return;
            }
        }
    }
}

impl fmt::Debug for LiveVideo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveVideo")
            .field("codec", &self.codec)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl MediaSource for LiveVideo {
    fn info(&self) -> TrackInfo {
        TrackInfo::new(self.codec)
    }

    async fn next(&mut self) -> Result<Option<Frame>, SourceError> {
        match self.frames.recv().await {
            None => Ok(None),
            Some(Ok(frame)) => Ok(Some(frame)),
            Some(Err(error)) => Err(SourceError::Device(Box::new(error))),
        }
    }

    async fn rewind(&mut self) -> Result<(), SourceError> {
        Err(SourceError::Live)
    }

    fn request_keyframe(&mut self) {
        self.keyframe_wanted.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::picture::{Picture, PixelFormat};

    /// VP8 in name: each frame is a keyframe.
    #[derive(Debug)]
    struct Fake;

    impl PictureEncoder for Fake {
        fn codec(&self) -> Codec {
            Codec::Vp8
        }

        fn encode(&mut self, _: &Picture, _: bool) -> Result<Option<Bytes>, DeviceError> {
            Ok(Some(Bytes::from_static(&[0])))
        }
    }

    #[tokio::test]
    async fn a_damaged_picture_is_left_out_and_only_too_many_in_a_row_end_the_video() {
        let picture = |bytes| RawPicture::new((2, 2), PixelFormat::Gray, vec![0; bytes]);
        let row = |damaged| std::iter::repeat_n(1, damaged).chain([4]);
        let mut all = row(0).chain(row(1)).chain(row(29)).chain(row(30)).map(picture);
        let open = move || Ok(move || all.next().unwrap_or(Err(DeviceError::Lost)));
        // So many a second that none is too early.
        let options = VideoOptions {
            rate: u32::MAX,
            ..VideoOptions::CAMERA
        };
        let mut video = LiveVideo::start(options, Box::new(Fake), open).unwrap();
        for _ in 0..3 {
            assert!(video.next().await.unwrap().is_some());
        }
        let Err(SourceError::Device(cause)) = video.next().await else {
            panic!("it goes on");
        };
        let cause = *cause.downcast::<DeviceError>().unwrap();
        assert!(matches!(cause, DeviceError::Unsupported { .. }), "{cause:?}");
        assert!(video.next().await.unwrap().is_none());
    }
}
