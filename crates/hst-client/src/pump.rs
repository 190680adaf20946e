use hst_id::{MediaId, MediaType};
use hst_media::{FrameWriter, MediaSource, SourceError};
use tokio::sync::mpsc;

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
) -> Option<Pumped> {
    let mut line = lines.recv().await?;
    loop {
        match source.next().await {
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
