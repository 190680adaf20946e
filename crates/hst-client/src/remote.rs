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
    /// What takes its place with its first frame.
    next: Option<(Codec, Box<dyn FrameReader>)>,
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
            next: None,
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
                self.current = match self.next.take() {
                    Some(next) => Some(next),
                    None => Some(self.readers.recv().await?),
                };
            }
            let Some((codec, reader)) = &mut self.current else {
                continue;
            };
            tokio::select! {
                // What has come by the line of before is read first.
                biased;
                frame = reader.read() => match frame {
                    Some(frame) => {
                        let codec = *codec;
                        if let Some(frame) = self.open(codec, frame) {
                            return Some((codec, frame));
                        }
                    }
                    // This line is over; the media may go on over another.
                    None => self.current = None,
                },
                frame = read_next(&mut self.next) => match frame {
                    Some((codec, frame)) => {
                        self.current = self.next.take();
                        if let Some(frame) = self.open(codec, frame) {
                            return Some((codec, frame));
                        }
                    }
                    None => self.next = None,
                },
                Some(newer) = self.readers.recv() => self.next = Some(newer),
            }
        }
    }

    fn open(&mut self, codec: Codec, frame: Frame) -> Option<Frame> {
        match &mut self.opener {
            None => Some(frame),
            Some(opener) => opener.open(codec, frame),
        }
    }
}

/// The first frame by the line that comes next; pending while there is none. Cancel-safe.
async fn read_next(next: &mut Option<(Codec, Box<dyn FrameReader>)>) -> Option<(Codec, Frame)> {
    match next {
        Some((codec, reader)) => reader.read().await.map(|frame| (*codec, frame)),
        None => std::future::pending().await,
    }
}
