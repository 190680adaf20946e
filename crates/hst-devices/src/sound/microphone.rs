use std::{fmt, time::Duration};

use async_trait::async_trait;
use hst_media::{Codec, Frame, Level, MediaSource, SourceError, TrackInfo};
use tokio::sync::{mpsc, oneshot};

#[cfg(feature = "processing")]
use super::{BLOCK, Cleaner};
use super::{FRAME, Format, RATE, Running, SoundBackend, SystemSound, coder::Encoder, intake::Intake};
use crate::DeviceError;

/// Chunks that were heard and not taken yet, half a second of the usual ones; when full the newest is dropped, and the
/// sound has a hole.
const UNTAKEN: usize = 50;

/// A microphone: a source of Opus packets of 20 ms. Dropping it stops the device.
pub struct Microphone {
    heard: mpsc::Receiver<(Format, Box<[f32]>)>,
    /// Why there is no more: beside the queue, which may be full when the device goes away.
    lost: oneshot::Receiver<DeviceError>,
    intake: Intake,
    #[cfg(feature = "processing")]
    cleaner: Option<Cleaner>,
    encoder: Encoder,
    frames: u32,
    _running: Running,
}

impl Microphone {
    /// Opens the microphone of this id, or the system's default one. Blocks while it is opened.
    ///
    /// # Errors
    /// [`DeviceError`].
    pub fn open(id: Option<&str>) -> Result<Self, DeviceError> {
        Self::of(&SystemSound, id)
    }

    /// As [`open`](Self::open), of another backend.
    ///
    /// # Errors
    /// [`DeviceError`].
    pub fn of(backend: &dyn SoundBackend, id: Option<&str>) -> Result<Self, DeviceError> {
        let (sounds, heard) = mpsc::channel(UNTAKEN);
        let (end, lost) = oneshot::channel();
        let mut end = Some(end);
        let running = backend.hear(
            id,
            Box::new(move |format, sound| _ = sounds.try_send((format, sound.into()))),
            Box::new(move |error| _ = end.take().map(|end| end.send(error))),
        )?;
        Ok(Self {
            heard,
            lost,
            intake: Intake::default(),
            #[cfg(feature = "processing")]
            cleaner: None,
            encoder: Encoder::new(),
            frames: 0,
            _running: running,
        })
    }

    /// From now on without what this one takes away: echo, noise.
    #[cfg(feature = "processing")]
    #[must_use]
    pub fn cleaned(mut self, cleaner: Cleaner) -> Self {
        self.cleaner = Some(cleaner);
        self
    }

    fn encode(&mut self, frame: &mut [f32; FRAME]) -> Frame {
        #[cfg(feature = "processing")]
        if let Some(cleaner) = &mut self.cleaner {
            let (blocks, _) = frame.as_chunks_mut::<BLOCK>();
            blocks.iter_mut().for_each(|block| cleaner.clean(block));
        }
        let duration = Duration::from_secs(1) * FRAME as u32 / RATE;
        let time = duration * self.frames;
        self.frames += 1;
        Frame {
            data: self.encoder.encode(frame),
            time,
            duration,
            keyframe: true,
            level: Some(Level::of_samples(frame)),
        }
    }
}

impl fmt::Debug for Microphone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Microphone")
            .field("frames", &self.frames)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl MediaSource for Microphone {
    fn info(&self) -> TrackInfo {
        let mut info = TrackInfo::new(Codec::Opus);
        info.channels = Some(1);
        info
    }

    async fn next(&mut self) -> Result<Option<Frame>, SourceError> {
        let mut frame = [0.0; FRAME];
        while !self.intake.pop(&mut frame) {
            tokio::select! {
                // What was heard before the end comes before it.
                biased;
                Some((format, sound)) = self.heard.recv() => self.intake.push(format, &sound),
                Ok(error) = &mut self.lost, if !self.lost.is_terminated() => {
                    self.heard.close();
                    return Err(SourceError::Device(Box::new(error)));
                }
                else => return Ok(None),
            }
        }
        Ok(Some(self.encode(&mut frame)))
    }

    async fn rewind(&mut self) -> Result<(), SourceError> {
        Err(SourceError::Live)
    }
}
