use std::{
    collections::VecDeque,
    fmt,
    fs::File,
    io::{BufReader, Read, Seek},
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use tokio::task::{JoinError, JoinHandle, spawn_blocking};

use super::{annexb::AnnexB, ivf::IvfReader, oggopus::OggReader};
use crate::{Frame, MediaSource, SourceError, TrackInfo};

/// How many frames are read ahead: a second or two, so that the disk is asked seldom.
const READ_AHEAD: usize = 64;

/// A format's reader. It reads the disk, so it runs where that may block.
pub(super) trait ReadFrames: fmt::Debug + Send {
    fn info(&self) -> TrackInfo;

    fn next(&mut self) -> Result<Option<Frame>, SourceError>;
}

/// What a format reads from.
pub(super) trait Input: Read + Seek + Send + fmt::Debug {}
impl<T: Read + Seek + Send + fmt::Debug> Input for T {}

/// Recognises the format by the first bytes, whatever the file is called.
pub(super) fn read_frames(mut input: Box<dyn Input>) -> Result<Box<dyn ReadFrames>, SourceError> {
    let mut magic = Vec::new();
    input.by_ref().take(4).read_to_end(&mut magic)?;
    input.rewind()?;
    match magic[..] {
        [b'D', b'K', b'I', b'F'] => Ok(Box::new(IvfReader::new(input)?)),
        [b'O', b'g', b'g', b'S'] => Ok(Box::new(OggReader::new(input)?)),
        [0, 0, 0, 1] | [0, 0, 1, _] => Ok(Box::new(AnnexB::new(input)?)),
        _ => Err(SourceError::UnknownFormat),
    }
}

fn open(path: &Path) -> Result<Box<dyn ReadFrames>, SourceError> {
    read_frames(Box::new(BufReader::with_capacity(64 << 10, File::open(path)?)))
}

/// Opens a media file: IVF with VP8, H.264 Annex B, or Ogg with Opus, told apart by their first bytes.
///
/// Not cancel-safe: it reads the file's head, and drops what it read.
///
/// # Errors
/// [`SourceError::Io`], [`SourceError::UnknownFormat`] or [`SourceError::Malformed`].
pub async fn open_source(path: impl Into<PathBuf>) -> Result<FileSource, SourceError> {
    let path = path.into();
    let to_open = path.clone();
    let reader = unwind(spawn_blocking(move || open(&to_open)).await)?;
    Ok(FileSource {
        info: reader.info(),
        path,
        ahead: VecDeque::new(),
        state: State::Reading(reader),
    })
}

/// A [`MediaSource`] that reads a file. Its frames come as fast as they are asked for; their times begin at zero.
pub struct FileSource {
    info: TrackInfo,
    path: PathBuf,
    ahead: VecDeque<Frame>,
    state: State,
}

enum State {
    Reading(Box<dyn ReadFrames>),
    /// Reads ahead in the background; kept here so that a dropped `next` loses nothing.
    Busy(JoinHandle<Batch>),
    Failed(SourceError),
    Ended,
}

/// What was read ahead, and how to go on.
struct Batch {
    frames: Vec<Frame>,
    then: Result<Option<Box<dyn ReadFrames>>, SourceError>,
}

fn read_ahead(mut reader: Box<dyn ReadFrames>) -> Batch {
    let mut frames = Vec::new();
    while frames.len() < READ_AHEAD {
        match reader.next() {
            Ok(Some(frame)) => frames.push(frame),
            Ok(None) => return Batch { frames, then: Ok(None) },
            Err(error) => {
                return Batch {
                    frames,
                    then: Err(error),
                };
            }
        }
    }
    Batch {
        frames,
        then: Ok(Some(reader)),
    }
}

#[async_trait]
impl MediaSource for FileSource {
    fn info(&self) -> TrackInfo {
        self.info
    }

    async fn next(&mut self) -> Result<Option<Frame>, SourceError> {
        loop {
            if let Some(frame) = self.ahead.pop_front() {
                return Ok(Some(frame));
            }
            if let State::Busy(reading) = &mut self.state {
                let batch = unwind(reading.await);
                self.ahead.extend(batch.frames);
                self.state = match batch.then {
                    Ok(Some(reader)) => State::Reading(reader),
                    Ok(None) => State::Ended,
                    Err(error) => State::Failed(error),
                };
                continue;
            }
            match std::mem::replace(&mut self.state, State::Ended) {
                State::Reading(reader) => self.state = State::Busy(spawn_blocking(move || read_ahead(reader))),
                State::Failed(error) => return Err(error),
                State::Busy(_) | State::Ended => return Ok(None),
            }
        }
    }

    async fn rewind(&mut self) -> Result<(), SourceError> {
        let path = self.path.clone();
        let reader = unwind(spawn_blocking(move || open(&path)).await)?;
        self.ahead.clear();
        self.state = State::Reading(reader);
        Ok(())
    }
}

impl fmt::Debug for FileSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileSource")
            .field("path", &self.path)
            .field("info", &self.info)
            .finish_non_exhaustive()
    }
}

/// A panic in the background is a panic here. Nothing is ever cancelled there while the runtime lives.
fn unwind<T>(joined: Result<T, JoinError>) -> T {
    joined.unwrap_or_else(|error| match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_) => unreachable!("a blocking task is never cancelled once it runs"),
    })
}
