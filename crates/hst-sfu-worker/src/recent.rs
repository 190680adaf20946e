//! What was published of late: whoever receives it may ask for it again.

use std::{cell::RefCell, rc::Rc, sync::Arc, time::Instant};

use hst_rtp::{
    Extender,
    send::{History, Limits},
};
use hst_sfu::TrackId;
use rustc_hash::FxHashMap;

use crate::media::Media;

/// Nothing comes so many packets late.
const FAR_BACK: u64 = 3000;

/// The last packets of one source, kept once for all who receive it: for a second, and no more than some.
#[derive(Debug)]
pub(crate) struct Recent(RefCell<History<Shared, ()>>);

/// Where a packet is kept.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) recent: Rc<Recent>,
    /// Its number there, which is the one that its publisher gave it.
    pub(crate) index: u64,
}

/// What was published of late in a room, by track and encoding.
#[derive(Debug, Default)]
pub(crate) struct Recents(FxHashMap<(TrackId, u8), Source>);

#[derive(Debug)]
struct Source {
    ssrc: u32,
    numbers: Extender,
    recent: Rc<Recent>,
}

#[derive(Debug)]
struct Shared(Arc<Media>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        &self.0.payload
    }
}

impl Recents {
    /// Keeps a packet that has just come; of sounds nothing is asked for again.
    pub(crate) fn keep(&mut self, now: Instant, media: &Arc<Media>) -> Option<Kept> {
        if !media.codec.is_video() {
            return None;
        }
        let source = self.0.entry((media.track, media.encoding));
        let source = source.or_insert_with(|| Source::new(media.ssrc));
        if !source.goes_on_with(now, media) {
            *source = Source::new(media.ssrc);
        }
        let index = source.numbers.extend(media.number);
        source.recent.0.borrow_mut().push(now, index, Shared(media.clone()), ());
        let recent = source.recent.clone();
        Some(Kept { recent, index })
    }

    /// Where packets of this source are kept.
    pub(crate) fn of(&self, track: TrackId, encoding: u8, ssrc: u32) -> Option<Rc<Recent>> {
        let source = self.0.get(&(track, encoding)).filter(|source| source.ssrc == ssrc)?;
        Some(source.recent.clone())
    }

    /// Nothing of the track is kept any more.
    pub(crate) fn forget(&mut self, track: TrackId) {
        self.0.retain(|(other, _), _| *other != track);
    }
}

impl Source {
    fn new(ssrc: u32) -> Self {
        Self {
            ssrc,
            numbers: Extender::default(),
            recent: Rc::new(Recent(RefCell::new(History::new(Limits::default())))),
        }
    }

    /// Whether a packet is of this source: not where it has begun anew, or comes by another way, and numbers its packets anew.
    fn goes_on_with(&self, now: Instant, media: &Media) -> bool {
        let (mut numbers, before) = (self.numbers, self.numbers.highest());
        let index = numbers.extend(media.number);
        let is_far_back = before.is_some_and(|before| before > index + FAR_BACK);
        let is_another = |kept: Arc<Media>| kept.payload != media.payload;
        media.ssrc == self.ssrc && !is_far_back && !self.recent.get(now, index).is_some_and(is_another)
    }
}

impl Recent {
    /// A packet that is asked for again, if it is still kept.
    pub(crate) fn get(&self, now: Instant, index: u64) -> Option<Arc<Media>> {
        let history = self.0.borrow();
        let (shared, ()) = history.get(now, index)?;
        Some(shared.0.clone())
    }
}

#[cfg(test)]
mod tests;
