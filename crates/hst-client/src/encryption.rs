use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use hst_e2ee::{Codec as Sealable, FrameCryptor, GroupKey, OpenError, Session};
use hst_id::MediaRef;
use hst_media::{Codec, Frame, Kind, MediaSource, SourceError, TrackInfo, opus_duration};
use tokio::sync::broadcast;
use tracing::debug;

use crate::Event;

/// What the media of one group are encrypted with, from the moment when it was joined.
///
/// A lock, because every sender counts with one counter, and every receiver in one window; it is held for one frame.
#[derive(Debug, Clone)]
pub(crate) struct Encryption(Arc<Mutex<FrameCryptor>>);

impl Encryption {
    /// Under a key that all members share.
    pub(crate) fn shared(group: &str, user: &str, key: (u8, GroupKey)) -> Self {
        Self::new(FrameCryptor::new(group, user, Session::random()), key)
    }

    /// Under a key of one's own, as each member has one.
    pub(crate) fn in_exchange(group: &str, user: &str, key: (u8, GroupKey)) -> Self {
        Self::new(FrameCryptor::in_exchange(group, user, Session::random()), key)
    }

    fn new(mut cryptor: FrameCryptor, (id, key): (u8, GroupKey)) -> Self {
        cryptor.set_key(id, key);
        Self(Arc::new(Mutex::new(cryptor)))
    }

    pub(crate) fn set_key(&self, id: u8, key: GroupKey) {
        self.lock().set_key(id, key);
    }

    pub(crate) fn set_key_of(&self, user: &str, id: u8, key: GroupKey) {
        self.lock().set_key_of(user, id, key);
    }

    pub(crate) fn forget(&self, user: &str) {
        self.lock().forget(user);
    }

    /// Goes on to the key that everybody makes of the present one.
    pub(crate) fn ratchet(&self) -> Option<(u8, GroupKey)> {
        let mut cryptor = self.lock();
        cryptor.ratchet().ok()?;
        cryptor.key().map(|(id, key)| (id, key.clone()))
    }

    fn lock(&self) -> MutexGuard<'_, FrameCryptor> {
        // Whoever panicked while holding it has used up a counter, or not; it is whole either way.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a codec is encrypted, if it is.
pub(crate) fn sealable(codec: Codec) -> Option<Sealable> {
    match codec {
        Codec::Opus => Some(Sealable::Opus),
        Codec::Vp8 => Some(Sealable::Vp8),
        _ => None,
    }
}

/// A source whose frames are encrypted before anybody else has them.
#[derive(Debug)]
pub(crate) struct Sealed {
    pub(crate) source: Box<dyn MediaSource>,
    pub(crate) codec: Sealable,
    pub(crate) encryption: Encryption,
}

#[async_trait]
impl MediaSource for Sealed {
    fn info(&self) -> TrackInfo {
        self.source.info()
    }

    async fn next(&mut self) -> Result<Option<Frame>, SourceError> {
        while let Some(frame) = self.source.next().await? {
            // Once it is sealed nobody can guess it.
            let level = frame.loudness(self.info().codec);
            let sealed = self.encryption.lock().seal(self.codec, &frame.data);
            match sealed {
                Ok(data) => {
                    return Ok(Some(Frame {
                        data: data.into(),
                        level,
                        ..frame
                    }));
                }
                Err(why) => debug!(%why, "a frame is not sent"),
            }
        }
        Ok(None)
    }

    async fn rewind(&mut self) -> Result<(), SourceError> {
        self.source.rewind().await
    }

    fn request_keyframe(&mut self) {
        self.source.request_keyframe();
    }
}

/// Decrypts what arrives of one media, and tells when that begins to succeed or to fail.
#[derive(Debug)]
pub(crate) struct Opener {
    media: MediaRef,
    encryption: Encryption,
    events: broadcast::Sender<Event>,
    /// How it went with the last frame.
    decrypted: Option<bool>,
    /// Pictures were left out: what comes before a keyframe cannot be decoded.
    starved: bool,
}

impl Opener {
    pub(crate) fn new(media: MediaRef, encryption: Encryption, events: broadcast::Sender<Event>) -> Self {
        Self {
            media,
            encryption,
            events,
            decrypted: None,
            starved: false,
        }
    }

    /// The frame that was encrypted, if it is to be shown.
    pub(crate) fn open(&mut self, codec: Codec, frame: Frame) -> Option<Frame> {
        let user = self.media.user.as_str();
        let opened = match sealable(codec) {
            Some(codec) => self.encryption.lock().open(user, codec, &frame.data),
            None => Err(OpenError::Malformed),
        };
        match opened {
            Ok(data) => {
                self.tell(true);
                self.starved &= !frame.keyframe;
                let duration = opus_duration(&data).filter(|_| codec == Codec::Opus);
                (!self.starved).then(|| Frame {
                    duration: duration.unwrap_or(frame.duration),
                    data: data.into(),
                    ..frame
                })
            }
            // It was shown when it came for the first time.
            Err(OpenError::Replayed) => None,
            Err(why) => {
                debug!(media = %self.media, %why, "a frame is not shown");
                self.starved = codec.kind() == Kind::Video;
                self.tell(false);
                None
            }
        }
    }

    fn tell(&mut self, decrypted: bool) {
        if self.decrypted.replace(decrypted) != Some(decrypted) {
            let media = self.media.clone();
            // Nobody may be listening.
            let _ = self.events.send(Event::MediaDecryption { media, decrypted });
        }
    }
}
