use hst_rtp::{Header, value::name};
use rustc_hash::{FxHashMap, FxHashSet};
use str0m::media::{Mid, Rid};

use super::stream::{Quality, Stream};
use crate::{
    negotiation::{Carried, PayloadTypes},
    slot::Slot,
    told::Told,
};

/// How many sources (SSRCs) a client may use in a connection's life.
pub(crate) const MAX_SOURCES: usize = 1024;

/// Which source is which: as offers say, or as the first packets of it do.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    announced: Vec<Announced>,
    known: FxHashMap<u32, Source>,
    /// All that ever were, as many as may be and one more.
    seen: FxHashSet<u32>,
}

/// A source that an offer names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Announced {
    /// Of which line.
    pub(crate) slot: u16,
    pub(crate) ssrc: u32,
    /// The source of which it sends packets again (RTX).
    pub(crate) repairs: Option<u32>,
}

/// What a source is there for.
#[derive(Debug)]
pub(super) enum Source {
    Media(Box<Stream>),
    /// It sends packets again of that one.
    Again {
        of: u32,
    },
}

/// Of which line a source is, and of which of its encodings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) slot: u16,
    pub(super) encoding: u8,
}

impl Sources {
    pub(super) fn knows(&self, ssrc: u32) -> bool {
        self.known.contains_key(&ssrc)
    }

    pub(super) fn get(&mut self, ssrc: u32) -> Option<&mut Source> {
        self.known.get_mut(&ssrc)
    }

    /// The sources of media.
    pub(super) fn streams(&mut self) -> impl Iterator<Item = (u32, &mut Stream)> {
        self.known.iter_mut().filter_map(|(ssrc, source)| match source {
            Source::Media(stream) => Some((*ssrc, &mut **stream)),
            Source::Again { .. } => None,
        })
    }

    /// How well the packets of a source come.
    pub(crate) fn quality(&self, ssrc: u32) -> Option<Quality> {
        match self.known.get(&ssrc)? {
            Source::Media(stream) => Some(stream.quality()),
            Source::Again { .. } => None,
        }
    }

    /// Whether there have been more than any honest client has.
    pub(crate) fn are_too_many(&self) -> bool {
        self.seen.len() > MAX_SOURCES
    }

    /// Finds out what a source is there for that is not known yet; `None` where its packet does not say, or there were too many.
    pub(super) fn learn(
        &mut self,
        header: &Header,
        told: &Told<'_>,
        (slots, types): (&[Slot], &PayloadTypes),
    ) -> Option<()> {
        let carried = types.carried(header.payload_type)?;
        let (place, repairs) = self
            .as_announced(header.ssrc, slots)
            .or_else(|| as_named(told, &carried, slots))?;
        if !self.are_too_many() {
            self.seen.insert(header.ssrc);
        }
        if self.are_too_many() {
            return None;
        }
        let source = match repairs {
            Some(of) => Source::Again { of },
            None => Source::Media(Box::new(Stream::new(place, carried.codec.clock_rate()))),
        };
        self.known.insert(header.ssrc, source);
        Some(())
    }

    fn as_announced(&self, ssrc: u32, slots: &[Slot]) -> Option<(Place, Option<u32>)> {
        let Announced { slot, repairs, .. } = *self.announced.iter().find(|it| it.ssrc == ssrc)?;
        let is_open = slots.get(usize::from(slot)).is_some_and(|slot| slot.is_inward);
        is_open.then_some((Place { slot, encoding: 0 }, repairs))
    }

    /// Takes over what a new offer says, and forgets the sources that are neither in use nor in it, so that they cannot pile up.
    pub(crate) fn settle(&mut self, announced: Vec<Announced>, slots: &[Slot]) {
        let in_use = |place: Place, ssrc| {
            let slot = slots.get(usize::from(place.slot)).filter(|slot| slot.is_inward);
            let is_announced = |it: &Announced| it.ssrc == ssrc && it.slot == place.slot;
            slot.is_some_and(|slot| slot.received.contains(&Some(ssrc)) || announced.iter().any(is_announced))
        };
        let mut kept = FxHashSet::default();
        for (ssrc, stream) in self.streams() {
            stream.forget_types();
            if in_use(stream.place, ssrc) {
                kept.insert(ssrc);
            }
        }
        self.known.retain(|ssrc, source| match source {
            Source::Media(_) => kept.contains(ssrc),
            Source::Again { of } => kept.contains(of),
        });
        self.announced = announced;
    }

    #[cfg(test)]
    pub(crate) fn count(&self) -> (usize, usize) {
        (self.known.len(), self.seen.len())
    }
}

/// What a packet says of its source by its header extensions: of which line it is and of which encoding, and of which source it sends
/// again.
fn as_named(told: &Told<'_>, carried: &Carried, slots: &[Slot]) -> Option<(Place, Option<u32>)> {
    let mid = Mid::from(name(told.mid?)?);
    let at = slots.iter().position(|slot| slot.mid == mid && slot.is_inward)?;
    let slot = &slots[at];
    let rid = |value| name(value).map(Rid::from);
    // With a name for its encoding, it also says by that whether it sends again; else its payload type does.
    let (rid, is_again) = match (told.rid, told.repaired_rid) {
        (Some(value), _) => (Some(rid(value)?), false),
        (None, Some(value)) => (Some(rid(value)?), true),
        (None, None) => (None, carried.is_again),
    };
    if rid.is_none() && !slot.rids.is_empty() {
        return None;
    }
    let encoding = slot.encoding(rid)?;
    let repairs = match is_again {
        true => Some(slot.received[usize::from(encoding)]?),
        false => None,
    };
    let place = Place {
        slot: at as u16,
        encoding,
    };
    Some((place, repairs))
}
