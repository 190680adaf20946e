use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use hst_rtp::timestamp::{after, duration};
use hst_sfu::{Codec, DescriptorPatch, Edit, Format, Packet, TrackId};

use crate::{
    extension::MAX_DESCRIPTOR,
    passed::Passed,
    recent::Kept,
    red::{Earlier, Red},
};

/// A packet that has come and goes on to its receivers.
#[derive(Debug)]
pub(crate) struct Passing {
    pub(crate) media: Arc<Media>,
    /// Where it is kept for who asks for it again.
    pub(crate) kept: Option<Kept>,
}

/// A packet on its way through, shared by all its receivers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Media {
    pub(crate) track: TrackId,
    pub(crate) format: Format,
    pub(crate) codec: Codec,
    pub(crate) encoding: u8,
    pub(crate) marker: bool,
    pub(crate) seq: u16,
    /// Its number as its publisher has sent it: another one where packets before it were left out on the way here.
    pub(crate) number: u16,
    pub(crate) timestamp: u32,
    pub(crate) ssrc: u32,
    /// How far its sound is below the loudest, in decibels.
    pub(crate) level: Option<u8>,
    /// Which frames its frame needs.
    pub(crate) descriptor: Option<Arc<[u8]>>,
    /// How large the track's pictures are, where this packet tells it.
    pub(crate) sizes: Option<Box<Sizes>>,
    /// What it consists of, if it is redundant sound.
    pub(crate) red: Option<Red>,
    /// One for all packets that come after each other with the same, so that receivers see at once that it is.
    pub(crate) passed: Arc<Passed>,
    pub(crate) payload: Arc<[u8]>,
    pub(crate) arrived: Instant,
    pub(crate) sampled: Sampled,
}

/// When something of its source was sampled that has this timestamp: as its publisher reports it, else when it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sampled {
    pub(crate) at: Instant,
    pub(crate) timestamp: u32,
}

/// Width and height of pictures, by encoding and spatial layer; of an encoding of which nothing is told there is nothing.
pub(crate) type Sizes = Vec<Vec<(u16, u16)>>;

impl Media {
    /// As the router looks at it.
    pub(crate) fn as_packet(&self) -> Packet<'_> {
        Packet {
            encoding: self.encoding,
            dependency: self.descriptor.as_deref(),
            ssrc: self.ssrc,
            seq: self.seq,
            timestamp: self.timestamp,
            codec: self.codec,
            format: self.format,
            level: self.level,
            payload: &self.payload,
        }
    }

    /// How long ago it was sampled.
    pub(crate) fn late(&self, now: Instant) -> Duration {
        let rate = self.codec.clock_rate();
        let Sampled { at, timestamp } = self.sampled;
        let since = after(self.timestamp, timestamp);
        let distance = duration(since.unsigned_abs(), rate);
        let sampled = match since < 0 {
            true => at.checked_sub(distance),
            false => at.checked_add(distance),
        };
        sampled.map_or(Duration::ZERO, |at| now.saturating_duration_since(at))
    }

    /// Its dependency descriptor, changed for a receiver.
    pub(crate) fn described(&self, patch: DescriptorPatch) -> Option<Vec<u8>> {
        let descriptor = patch.apply(self.descriptor.as_deref()?)?;
        (descriptor.len() <= MAX_DESCRIPTOR).then_some(descriptor)
    }

    /// As it goes on to another branch.
    pub(crate) fn edited(&self, edit: Edit) -> Self {
        let described = edit.descriptor.and_then(|patch| self.described(patch));
        Self {
            seq: edit.seq,
            marker: self.marker || edit.ends_picture,
            descriptor: described.map(Arc::from).or_else(|| self.descriptor.clone()),
            ..self.clone()
        }
    }

    /// The packets that it repeats of those that were lost just before it, the oldest first.
    pub(crate) fn repeated(&self, lost: u16) -> impl Iterator<Item = Self> {
        let earlier = self.red.iter().flat_map(move |red| red.of_lost(lost));
        earlier.map(|Earlier { distance, age, red }| Self {
            seq: self.seq.wrapping_sub(distance),
            number: self.number.wrapping_sub(distance),
            timestamp: self.timestamp.wrapping_sub(age),
            marker: false,
            payload: red.primary.clone(),
            red: Some(red),
            ..self.clone()
        })
    }
}

#[cfg(test)]
impl Media {
    /// One that carries this, of the first encoding of a camera.
    pub(crate) fn picture(now: Instant, seq: u16, timestamp: u32, payload: &[u8]) -> Self {
        Self {
            track: TrackId(1),
            format: Format::new(0).expect("a small number"),
            codec: Codec::Vp8,
            encoding: 0,
            marker: false,
            seq,
            number: seq,
            timestamp,
            ssrc: 0,
            level: None,
            descriptor: None,
            sizes: None,
            red: None,
            passed: Arc::default(),
            payload: payload.into(),
            arrived: now,
            sampled: Sampled { at: now, timestamp },
        }
    }
}
