use hst_id::MediaRef;
use hst_media::{Codec, Frame, FrameReader};
use tokio::sync::mpsc;

/// How many readers wait to be taken: one is in use, one more after a change of codec or transport. When it is full
/// the newest is refused and the next change brings another.
pub(crate) const READER_CAPACITY: usize = 4;

/// Another member's media, as it arrives.
#[derive(Debug)]
pub struct RemoteMedia {
    key: MediaRef,
    readers: mpsc::Receiver<(Codec, Box<dyn FrameReader>)>,
    current: Option<(Codec, Box<dyn FrameReader>)>,
}

impl RemoteMedia {
    pub(crate) fn new(key: MediaRef, readers: mpsc::Receiver<(Codec, Box<dyn FrameReader>)>) -> Self {
        Self {
            key,
            readers,
            current: None,
        }
    }

    /// Whose and which.
    pub fn key(&self) -> &MediaRef {
        &self.key
    }

    /// The next whole frame and how it is encoded, or `None` when the media has ended or is received no more. A frame of
    /// which a part was lost is left out.
    ///
    /// Cancel-safe.
    pub async fn read(&mut self) -> Option<(Codec, Frame)> {
        loop {
            if self.current.is_none() {
                self.current = Some(self.readers.recv().await?);
            }
            if let Some((codec, reader)) = &mut self.current
                && let Some(frame) = reader.read().await
            {
                return Some((*codec, frame));
            }
            // This line is over; the media may go on over another.
            self.current = None;
        }
    }
}
