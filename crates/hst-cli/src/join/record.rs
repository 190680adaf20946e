use std::path::{Path, PathBuf};

use hst_rtc::{
    MediaRef, RtcEngine,
    media::{Codec, FileSink, MediaSink, open_sink},
};

use crate::error::CliError;

/// What came of one received media.
#[derive(Debug, Default)]
pub(super) struct Recorded {
    pub(super) files: Vec<PathBuf>,
    /// Whole frames that arrived.
    pub(super) frames: u64,
    /// Bytes of encoded media in them.
    pub(super) bytes: u64,
}

/// Receives a media until it ends and writes it into `folder`, if there is one, and into `voice`, if it is sound and there
/// is one. A change of codec begins a new file.
pub(super) async fn record(
    engine: &RtcEngine,
    key: &MediaRef,
    folder: Option<&Path>,
    mut voice: Option<Box<dyn MediaSink>>,
) -> Result<Recorded, CliError> {
    let mut recorded = Recorded::default();
    let mut remote = match engine.receive(key.clone()).await {
        Ok(remote) => remote,
        // It ended before it could be received, or the group was left.
        Err(error) => {
            tracing::info!(%key, %error, "not received");
            return Ok(recorded);
        }
    };
    let mut open: Option<(Codec, FileSink)> = None;
    while let Some((codec, frame)) = remote.read().await {
        recorded.frames += 1;
        recorded.bytes += frame.data.len() as u64;
        if codec == Codec::Opus
            && let Some(sink) = &mut voice
            && let Err(error) = sink.write(frame.clone())
        {
            // The others can still be recorded.
            tracing::error!(%key, %error, "not heard any more");
            voice = None;
        }
        let Some(folder) = folder else { continue };
        if open.as_ref().is_none_or(|(current, _)| *current != codec) {
            close(open.take())?;
            let name = format!("{}-{}-{}", key.user, key.media_type, key.media);
            let sink = open_sink(folder, &name, codec)?;
            recorded.files.push(sink.path().to_owned());
            open = Some((codec, sink));
        }
        if let Some((_, sink)) = &mut open
            && sink.write(frame)?.is_break()
        {
            break;
        }
    }
    close(open)?;
    Ok(recorded)
}

fn close(open: Option<(Codec, FileSink)>) -> Result<(), CliError> {
    match open {
        Some((_, sink)) => Ok(Box::new(sink).finish()?),
        None => Ok(()),
    }
}
