use hst_id::MediaRef;
use hst_media::{Codec, Frame, FrameReader};
use tokio::sync::mpsc;

use crate::encryption::Opener;

/// How many readers wait to be taken: one is in use, one more after a change of codec or transport. When it is full
/// the newest is refused and the next change brings another.
pub(crate) const READER_CAPACITY: usize = 4;

/// Another member's media, as it arrives.
#[derive(Debug)]
pub struct RemoteMedia {
    key: MediaRef,
    readers: mpsc::Receiver<(Codec, Box<dyn FrameReader>)>,
    current: Option<(Codec, Box<dyn FrameReader>)>,
    /// Decrypts its frames, in a group that is encrypted.
    opener: Option<Opener>,
}

impl RemoteMedia {
    pub(crate) fn new(
        key: MediaRef,
        readers: mpsc::Receiver<(Codec, Box<dyn FrameReader>)>,
        opener: Option<Opener>,
    ) -> Self {
        Self {
            key,
            readers,
            current: None,
            opener,
        }
    }

    /// Whose and which.
    pub fn key(&self) -> &MediaRef {
        &self.key
    }

    /// The next whole frame and how it is encoded, or `None` when the media has ended or is received no more. A frame of
    /// which a part was lost, or that cannot be decrypted, is left out.
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
                match &mut self.opener {
                    None => return Some((*codec, frame)),
                    Some(opener) => match opener.open(*codec, frame) {
                        Some(frame) => return Some((*codec, frame)),
                        None => continue,
                    },
                }
            }
            // This line is over; the media may go on over another.
            self.current = None;
        }
    }
}
