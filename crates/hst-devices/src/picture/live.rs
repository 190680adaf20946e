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

/// The video of a camera or a screen: a source of frames, with a thread of its own. Dropping it stops the device, after
/// the picture that it is about to take.
pub struct LiveVideo {
    frames: mpsc::Receiver<Result<Frame, DeviceError>>,
    keyframe_wanted: Arc<AtomicBool>,
    codec: Codec,
}

impl LiveVideo {
    /// Begins: `open` opens the device on the thread, and what it returns gives one picture after the other, each as soon
    /// as there is one. Blocks while the device is opened.
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
    while !out.is_closed() {
        let picture = device();
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
