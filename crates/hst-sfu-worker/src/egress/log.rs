use std::{
    collections::VecDeque,
    hint::black_box,
    rc::{Rc, Weak},
    sync::Arc,
    time::{Duration, Instant},
};

use hst_rtp::{Header, nearest};
use hst_sfu::{DescriptorPatch, Forward, Vp8Ids};

use super::marks::Marks;
use crate::{
    media::Media,
    protected::Numbers,
    recent::{Kept, Recent},
};

/// So many numbers are remembered: of a source no more packets are kept.
const REMEMBERED: usize = 512;

/// What was sent on a line of late, so that it can be sent again: under which number which packet. The packets themselves are kept
/// once for all lines.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// The number of the first.
    first: u64,
    /// One for each number, also for those that were not sent. The last one was.
    traces: VecDeque<Option<Trace>>,
    /// Where the packets come from, and where those before them did, the newest last.
    present: Option<Stretch>,
    former: VecDeque<Stretch>,
    /// What was changed of packets beside their numbers, in the order of those: nothing of most.
    changes: VecDeque<(u64, Changes)>,
}

/// A packet that was sent, in four bytes: there is one for each packet and receiver.
#[derive(Debug, Clone, Copy)]
struct Trace {
    /// The lowest bits of its number where it is kept.
    index: u16,
    marks: Marks,
}

/// Numbers of which all packets are of one source.
#[derive(Debug)]
struct Stretch {
    first: u64,
    recent: Weak<Recent>,
    /// The highest number of a packet there.
    index: u64,
    /// By how much timestamps are later than the publisher's.
    shift: u32,
}

/// What was changed of a packet beside its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Changes {
    pub(super) vp8: Option<Vp8Ids>,
    pub(super) descriptor: Option<DescriptorPatch>,
}

/// How a packet is sent on a line.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sent {
    pub(super) seq: u64,
    pub(crate) timestamp: u32,
    pub(super) marker: bool,
    pub(super) changes: Changes,
}

impl Sent {
    /// As it is to be forwarded.
    pub(crate) fn new(media: &Media, forward: &Forward) -> Self {
        let Forward {
            seq,
            timestamp,
            ends_picture,
            vp8,
            descriptor,
            ..
        } = *forward;
        Self {
            seq,
            timestamp,
            marker: media.marker || ends_picture,
            changes: Changes { vp8, descriptor },
        }
    }

    /// The header under which this source sends it for the first time.
    pub(super) fn header(&self, ssrc: u32, payload_type: u8) -> Header {
        Header {
            marker: self.marker,
            payload_type,
            seq: self.seq as u16,
            timestamp: self.timestamp,
            ssrc,
        }
    }
}

impl Log {
    pub(super) fn foresee(&self) {
        black_box((self.first, self.present.is_some(), self.changes.len()));
    }

    pub(super) fn foresee_more(&self) {
        black_box(self.traces.back().copied());
    }

    /// The highest number that was sent.
    pub(super) fn highest(&self) -> u64 {
        (self.first + self.traces.len() as u64).saturating_sub(1)
    }

    /// Notes a packet that was sent.
    pub(super) fn push(&mut self, kept: &Kept, media: &Media, sent: &Sent) {
        let Sent { seq, .. } = *sent;
        let shift = sent.timestamp.wrapping_sub(media.timestamp);
        let end = self.first + self.traces.len() as u64;
        let is_newest = self.traces.is_empty() || seq >= end;
        let goes_on = |it: &&mut Stretch| it.shift == shift && it.recent.as_ptr() == Rc::as_ptr(&kept.recent);
        match self.present.as_mut().filter(goes_on) {
            Some(present) if present.first <= seq => present.index = present.index.max(kept.index),
            // What comes late from before another source began is not remembered.
            _ if !is_newest => return,
            _ => self.begin(Stretch {
                first: seq,
                recent: Rc::downgrade(&kept.recent),
                index: kept.index,
                shift,
            }),
        }
        let trace = Trace {
            index: kept.index as u16,
            marks: Marks::new(sent.marker),
        };
        if !is_newest {
            // Older than all that is remembered.
            let Some(at) = seq.checked_sub(self.first) else { return };
            self.traces[at as usize] = Some(trace);
        } else {
            if self.traces.is_empty() || seq - end >= REMEMBERED as u64 {
                self.traces.clear();
                self.first = seq;
            } else {
                (end..seq).for_each(|_| self.add(None));
            }
            self.add(Some(trace));
        }
        if sent.changes != Changes::default() {
            let at = self.changes.partition_point(|(other, _)| *other < seq);
            self.changes.insert(at, (seq, sent.changes));
        }
    }

    fn begin(&mut self, stretch: Stretch) {
        self.former.extend(self.present.replace(stretch));
    }

    /// The next number was used for this packet, or for none. What is too old goes.
    fn add(&mut self, trace: Option<Trace>) {
        if self.traces.len() == REMEMBERED {
            self.traces.pop_front();
            self.first += 1;
        }
        self.traces.push_back(trace);
        while self.changes.front().is_some_and(|(seq, _)| *seq < self.first) {
            self.changes.pop_front();
        }
        while !self.former.is_empty() {
            let next = self.former.get(1).or(self.present.as_ref());
            if next.is_none_or(|next| next.first > self.first) {
                break;
            }
            self.former.pop_front();
        }
    }

    /// A packet that is asked for again, if it is still kept: it, how it was sent, and how old it was when it was sent again last.
    pub(super) fn get(&self, now: Instant, seq: u64) -> Option<(Arc<Media>, Sent, Option<Duration>)> {
        let at = usize::try_from(seq.checked_sub(self.first)?).ok()?;
        let Trace { index, marks } = (*self.traces.get(at)?)?;
        let mut stretches = self.present.iter().chain(self.former.iter().rev());
        let stretch = stretches.find(|stretch| stretch.first <= seq)?;
        let media = stretch.recent.upgrade()?.get(now, nearest(stretch.index, index))?;
        let changes = self.changes.binary_search_by_key(&seq, |(other, _)| *other);
        let sent = Sent {
            seq,
            timestamp: media.timestamp.wrapping_add(stretch.shift),
            marker: marks.marker(),
            changes: changes.map_or(Changes::default(), |at| self.changes[at].1),
        };
        Some((media, sent, marks.again_at()))
    }

    /// Under which numbers packets were sent of those that have these numbers where they are kept, in order; those of the present
    /// source alone.
    pub(super) fn numbers_of(&self, recent: &Rc<Recent>, kept: &Numbers) -> Vec<u64> {
        let from_there = |it: &&Stretch| it.recent.as_ptr() == Rc::as_ptr(recent);
        let Some(present) = self.present.as_ref().filter(from_there) else {
            return Vec::new();
        };
        let traces = self.traces.iter().rev();
        let traces = (0..=self.highest()).rev().zip(traces);
        let sent = traces.take_while(|(seq, _)| *seq >= present.first);
        let sent = sent.filter_map(|(seq, trace)| Some((seq, trace.as_ref()?.index)));
        let sent = sent.take_while(|(_, index)| !kept.are_behind(*index));
        let mut seqs: Vec<u64> = sent
            .filter_map(|(seq, index)| kept.contain(index).then_some(seq))
            .collect();
        seqs.reverse();
        seqs
    }

    /// The packet is sent again, at this age.
    pub(super) fn set_again(&mut self, seq: u64, age: Duration) {
        let at = seq.checked_sub(self.first).map(|at| at as usize);
        if let Some(Some(trace)) = at.and_then(|at| self.traces.get_mut(at)) {
            trace.marks.set_again(age);
        }
    }
}

#[cfg(test)]
mod tests;
