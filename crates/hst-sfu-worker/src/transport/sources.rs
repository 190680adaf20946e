//! Which of a client's streams is which.

use std::sync::Arc;

use str0m::{
    media::{MediaKind, Mid, Rid},
    rtp::{RtpPacket, Ssrc},
};

use super::{Happening, MAX_PAYLOAD, Transport};
use crate::{
    LineRole, LostReason,
    extension::{DependencyDescriptor, sizes},
    media::Media,
    red::Red,
    rtc::{format_of, sound_in},
};

/// How many sources (SSRCs) a client may use in a connection's life.
pub(super) const MAX_SOURCES: usize = 1024;

/// A source that is not known, and what fed the lines before it came.
#[derive(Debug)]
pub(super) struct Newcomer {
    ssrc: Ssrc,
    before: Vec<Feed>,
}

/// What str0m takes for the source of a line or of one of its encodings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Feed {
    mid: Mid,
    rid: Option<Rid>,
    ssrc: Ssrc,
    rtx: Option<Ssrc>,
}

impl Feed {
    fn place(&self) -> (Mid, Option<Rid>, Ssrc) {
        (self.mid, self.rid, self.ssrc)
    }
}

impl Transport {
    /// Whether this is RTP of a source that is not known and may name a line in a header extension.
    ///
    /// str0m gives the line to such a source before it looks whether the packet is signed. Whoever can send in the client's
    /// name, and nothing more, would take the line away from its source for good.
    pub(super) fn newcomer(&mut self, datagram: &[u8]) -> Option<Newcomer> {
        let &[
            first @ 0x80..0xc0,
            second,
            _,
            _,
            _,
            _,
            _,
            _,
            ssrc0,
            ssrc1,
            ssrc2,
            ssrc3,
            ..,
        ] = datagram
        else {
            return None;
        };
        let is_rtcp = (64..96).contains(&(second & 0x7f));
        let has_extension = first & 0x10 != 0;
        let ssrc = Ssrc::from(u32::from_be_bytes([ssrc0, ssrc1, ssrc2, ssrc3]));
        let is_known = self.repairs.contains(&ssrc) || self.sources.iter().any(|(known, _)| *known == ssrc);
        if is_rtcp || !has_extension || is_known {
            return None;
        }
        let before = self.feeds();
        if before.iter().any(|feed| feed.rtx == Some(ssrc)) {
            self.repairs.insert(ssrc);
            return None;
        }
        let is_known = before.iter().any(|feed| feed.ssrc == ssrc);
        (!is_known).then_some(Newcomer { ssrc, before })
    }

    /// Gives the lines back that a newcomer has taken who was not the client. What was to be asked for again of such a line
    /// is forgotten; and where no source of repairs was known yet (RTX), the one that he named stays until the next.
    pub(super) fn turn_away(&mut self, Newcomer { ssrc, before }: Newcomer) {
        self.rtc.direct_api().remove_stream_rx(ssrc);
        let after = self.feeds();
        let has_it = |feed: &Feed| after.iter().any(|now| now.place() == feed.place());
        for feed in before.into_iter().filter(|feed| !has_it(feed)) {
            let Feed { mid, rid, ssrc, rtx } = feed;
            let is_sound = self
                .rtc
                .media(mid)
                .is_some_and(|media| media.kind() == MediaKind::Audio);
            let mut api = self.rtc.direct_api();
            api.expect_stream_rx(ssrc, rtx, mid, rid).suppress_nack(is_sound);
        }
    }

    fn feeds(&mut self) -> Vec<Feed> {
        let Self { rtc, slots, .. } = self;
        let mut api = rtc.direct_api();
        let mut feeds = Vec::new();
        for slot in slots {
            for rid in std::iter::once(None).chain(slot.rids.iter().copied().map(Some)) {
                let stream = api.stream_rx_by_mid(slot.mid, rid);
                feeds.extend(stream.map(|stream| Feed {
                    mid: slot.mid,
                    rid,
                    ssrc: stream.ssrc(),
                    rtx: stream.rtx(),
                }));
            }
        }
        feeds
    }

    /// Takes a packet, if it is one to forward: with it come those that were lost before it and that it repeats.
    pub(super) fn handle_packet(&mut self, packet: RtpPacket, happenings: &mut Vec<Happening>) -> Option<()> {
        if packet.payload.is_empty() || packet.payload.len() > MAX_PAYLOAD {
            return None;
        }
        let ssrc = packet.header.ssrc;
        let known = self.sources.iter().find(|(other, _)| *other == ssrc);
        let (slot, encoding) = match known {
            Some(&(_, place)) => place?,
            None => self.learn_source(ssrc, happenings)?,
        };
        let slot = &mut self.slots[usize::from(slot)];
        slot.received[usize::from(encoding)] = Some(ssrc);
        let Some(LineRole::Send { track }) = slot.role else {
            return None;
        };
        let config = self.rtc.codec_config();
        let RtpPacket { header, payload, .. } = packet;
        let (format, codec) = format_of(config, header.payload_type)?;
        let red = match sound_in(config, header.payload_type) {
            // What cannot be taken apart is of no use to those who want it plain.
            Some(sound) => Some(Red::parse(&payload, sound)?),
            None => None,
        };
        let lost = slot.sound.lost_before(ssrc, header.sequence_number);
        let media = Media {
            track,
            format,
            codec,
            encoding,
            marker: header.marker,
            seq: header.sequence_number,
            timestamp: header.timestamp,
            ssrc: *ssrc,
            level: header.ext_vals.audio_level.map(|level| level.unsigned_abs()),
            descriptor: DependencyDescriptor::of(&header.ext_vals).cloned(),
            sizes: sizes(&header.ext_vals),
            red,
            passed: std::mem::take(&mut self.passed),
            payload,
            arrived: packet.timestamp,
        };
        happenings.extend(media.repeated(lost).map(|media| Happening::Media(Arc::new(media))));
        happenings.push(Happening::Media(Arc::new(media)));
        Some(())
    }

    /// Finds the slot of an SSRC that was not seen before, and which of its encodings it is.
    pub(super) fn learn_source(&mut self, ssrc: Ssrc, happenings: &mut Vec<Happening>) -> Option<(u16, u8)> {
        self.sources_seen.insert(ssrc);
        if self.sources_seen.len() > MAX_SOURCES {
            self.end(LostReason::Abusive, happenings);
            return None;
        }
        let (mid, rid) = self
            .rtc
            .direct_api()
            .stream_rx(&ssrc)
            .map(|stream| (stream.mid(), stream.rid()))?;
        let slot = self.slots.iter().position(|slot| slot.mid == mid)?;
        let place = self.slots[slot].encoding(rid).map(|encoding| (slot as u16, encoding));
        self.sources.push((ssrc, place));
        place
    }

    /// Forgets the SSRCs that are neither in use nor in the new offer, so that they cannot pile up.
    pub(super) fn forget_sources(&mut self, announced: Vec<u32>) {
        let announced: Vec<Ssrc> = announced.into_iter().map(Ssrc::from).collect();
        self.repairs.clear();
        let old = std::mem::replace(&mut self.announced, announced);
        let seen = std::mem::take(&mut self.sources).into_iter().map(|(ssrc, _)| ssrc);
        for ssrc in old.into_iter().chain(seen) {
            let in_use = self.slots.iter().any(|slot| slot.received.contains(&Some(ssrc)));
            if !in_use && !self.announced.contains(&ssrc) {
                self.rtc.direct_api().remove_stream_rx(ssrc);
            }
        }
    }
}
