use std::time::{Duration, Instant};

use crate::{
    omissions::Omissions,
    vp8::{Vp8, Vp8Ids},
};

/// The first sequence number of a line: low, so that no receiver can mistake the SRTP rollover counter, and not 0,
/// so that a first packet that comes late in the network does not look like one before the beginning.
const FIRST_SEQ: u64 = 1;
/// The longest pause that a timestamp shows. Longer ones would come near half of the timestamp's circle.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// Makes the packets of one source after the other look like one stream, also where some are left out.
#[derive(Debug, Default)]
pub(crate) struct Rewriter {
    newest: Option<Newest>,
    /// Where the present source begins, in its numbers and in ours.
    first_in: u64,
    first_out: u64,
    timestamp_shift: u32,
    picture_id_shift: u16,
    tl0_pic_idx_shift: u8,
    frame_shift: u16,
    /// What was left out of the present source.
    omissions: Omissions,
}

/// The packet with the highest number sent so far.
#[derive(Debug, Clone, Copy)]
struct Newest {
    seq: u64,
    timestamp: u32,
    at: Instant,
    ids: Vp8Ids,
    frame: Option<u16>,
}

/// A packet's place in its source.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) index: u64,
    pub(crate) timestamp: u32,
    pub(crate) vp8: Option<Vp8>,
    /// The number of its frame, where a descriptor tells it.
    pub(crate) frame: Option<u16>,
}

/// A packet's place in the line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Placed {
    pub(crate) seq: u64,
    pub(crate) timestamp: u32,
    pub(crate) vp8: Option<Vp8Ids>,
    pub(crate) frame: Option<u16>,
}

impl Rewriter {
    /// Goes on with a source whose first packet is this one: the next number, and a timestamp as much later as
    /// time has passed.
    pub(crate) fn start(&mut self, now: Instant, first: Place, clock_rate: u32) {
        self.first_in = first.index;
        self.omissions.begin(first.index);
        let Some(newest) = self.newest else {
            self.first_out = FIRST_SEQ;
            return;
        };
        self.first_out = newest.seq + 1;
        let pause = now.saturating_duration_since(newest.at).min(LONGEST_PAUSE);
        let ticks = (pause.as_micros() as u64 * u64::from(clock_rate) / 1_000_000).max(1);
        self.timestamp_shift = newest
            .timestamp
            .wrapping_add(ticks as u32)
            .wrapping_sub(first.timestamp);
        // Frames that are left out leave a gap: each tells how far before it those are that it needs.
        if let (Some(newest), Some(first)) = (newest.frame, first.frame) {
            self.frame_shift = newest.wrapping_add(1).wrapping_sub(first);
        }
        let Some(Vp8 { ids, .. }) = first.vp8 else { return };
        if let (Some(newest), Some(first)) = (newest.ids.picture_id, ids.picture_id) {
            self.picture_id_shift = newest.wrapping_add(1).wrapping_sub(first);
        }
        if let (Some(newest), Some(first)) = (newest.ids.tl0_pic_idx, ids.tl0_pic_idx) {
            self.tl0_pic_idx_shift = newest.wrapping_add(1).wrapping_sub(first);
        }
    }

    /// Whether no packet of the present source with a higher number was placed or omitted.
    pub(crate) fn is_newest(&self, index: u64) -> bool {
        self.omissions.is_newest(index)
    }

    /// The packet is left out, and those behind it close the gap. One that comes late leaves its gap: others were
    /// placed behind it already.
    pub(crate) fn omit(&mut self, packet: Place) {
        let picture = packet.vp8.and_then(|vp8| vp8.ids.picture_id);
        self.omissions.omit(packet.index, picture);
    }

    /// The packet's place in the line, or `None` if it comes from before the start of the source, or so late that its
    /// place is forgotten.
    pub(crate) fn place(&mut self, now: Instant, packet: Place) -> Option<Placed> {
        let offset = packet.index.checked_sub(self.first_in)?;
        let (packets, pictures) = self.omissions.before(packet.index)?;
        let seq = self.first_out + offset.checked_sub(packets)?;
        self.omissions.keep(packet.index);
        let timestamp = packet.timestamp.wrapping_add(self.timestamp_shift);
        let picture_shift = self.picture_id_shift.wrapping_sub(pictures);
        let ids = packet.vp8.map(|vp8| self.shift(vp8, picture_shift));
        let frame = packet.frame.map(|frame| frame.wrapping_add(self.frame_shift));
        let newest = self.newest.get_or_insert(Newest {
            seq,
            timestamp,
            at: now,
            ids: Vp8Ids::default(),
            frame,
        });
        if seq >= newest.seq {
            let ids = ids.unwrap_or_default();
            *newest = Newest {
                seq,
                timestamp,
                at: now,
                ids: Vp8Ids {
                    picture_id: ids.picture_id.or(newest.ids.picture_id),
                    tl0_pic_idx: ids.tl0_pic_idx.or(newest.ids.tl0_pic_idx),
                },
                frame: frame.or(newest.frame),
            };
        }
        let is_shifted = picture_shift != 0 || self.tl0_pic_idx_shift != 0;
        Some(Placed {
            seq,
            timestamp,
            vp8: ids.filter(|_| is_shifted),
            frame,
        })
    }

    fn shift(
        &self,
        Vp8 {
            ids, picture_id_mask, ..
        }: Vp8,
        picture_shift: u16,
    ) -> Vp8Ids {
        Vp8Ids {
            picture_id: ids
                .picture_id
                .map(|id| id.wrapping_add(picture_shift) & picture_id_mask),
            tl0_pic_idx: ids.tl0_pic_idx.map(|index| index.wrapping_add(self.tl0_pic_idx_shift)),
        }
    }
}
