use std::{
    fmt,
    fs::{self, File},
    io::ErrorKind,
    ops::ControlFlow,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{ivf::IvfWriter, mp4::Mp4Writer, oggopus::OggWriter};
use crate::{Codec, Frame, MediaSink, SinkError};

/// The most characters of a file name that come from its caller.
const MAX_NAME: usize = 100;

/// A format's writer. Times begin at zero and never go back; the first frame is a keyframe.
pub(super) trait WriteFrames: fmt::Debug + Send {
    fn write(&mut self, frame: &Frame) -> Result<(), SinkError>;

    fn finish(&mut self) -> Result<(), SinkError>;
}

/// Makes a new file in a folder for frames of a codec: IVF for VP8, fragmented MP4 for H.264, Ogg for Opus.
///
/// The name may be any text: characters that are unfit for a file name become `_`, and an existing file is never
/// touched, the new one is numbered instead.
///
/// # Errors
/// [`SinkError::Io`].
pub fn open_sink(folder: impl AsRef<Path>, name: &str, codec: Codec) -> Result<FileSink, SinkError> {
    let fit = |c: char| {
        if c.is_ascii_alphanumeric() || "-_.".contains(c) {
            c
        } else {
            '_'
        }
    };
    let name: String = name.chars().take(MAX_NAME).map(fit).collect();
    // Neither hidden nor a folder.
    let name = name.trim_start_matches('.');
    let name = if name.is_empty() { "media" } else { name };
    let extension = match codec {
        Codec::Opus => "ogg",
        Codec::Vp8 => "ivf",
        Codec::H264 => "mp4",
    };
    let mut number = 1;
    let (path, file) = loop {
        let suffix = if number == 1 {
            String::new()
        } else {
            format!("-{number}")
        };
        let path = folder.as_ref().join(format!("{name}{suffix}.{extension}"));
        match File::create_new(&path) {
            Ok(file) => break (path, file),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(error.into()),
        }
    };
    let writer: Box<dyn WriteFrames> = match codec {
        Codec::Opus => Box::new(OggWriter::new(file)),
        Codec::Vp8 => Box::new(IvfWriter::new(file)),
        Codec::H264 => Box::new(Mp4Writer::new(file)),
    };
    Ok(FileSink {
        path,
        writer,
        begun: None,
        latest: Duration::ZERO,
    })
}

/// A [`MediaSink`] that writes a file. It begins at the first keyframe, whose time becomes zero.
///
/// The file can be played at any moment, even if the program ends suddenly: it is short of at most the last second.
#[derive(Debug)]
pub struct FileSink {
    path: PathBuf,
    writer: Box<dyn WriteFrames>,
    /// The time of the first keyframe.
    begun: Option<Duration>,
    latest: Duration,
}

impl FileSink {
    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl MediaSink for FileSink {
    fn write(&mut self, mut frame: Frame) -> Result<ControlFlow<()>, SinkError> {
        if self.begun.is_none() && !frame.keyframe {
            return Ok(ControlFlow::Continue(()));
        }
        let begun = self.begun.unwrap_or(frame.time);
        frame.time = frame.time.saturating_sub(begun).max(self.latest);
        self.writer.write(&frame)?;
        self.begun = Some(begun);
        self.latest = frame.time;
        Ok(ControlFlow::Continue(()))
    }

    fn finish(mut self: Box<Self>) -> Result<(), SinkError> {
        if self.begun.is_none() {
            return Ok(fs::remove_file(&self.path)?); // nothing came: no empty file stays behind
        }
        self.writer.finish()
    }
}
