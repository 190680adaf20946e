//! Redundant sound (RED, RFC 2198): packets that repeat the sound of those before them.

use std::sync::Arc;

use str0m::{
    media::Pt,
    rtp::{RedDecoder, RedEncoder, RedundantBlock, Ssrc},
};

/// A packet of redundant sound, parted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Red {
    /// The payload type that its publisher has for the sound.
    pt: Pt,
    /// The sound of this packet.
    pub(crate) primary: Arc<[u8]>,
    /// What it repeats, the newest first.
    pub(crate) repeats: Vec<Repeat>,
}

/// The sound of an earlier packet.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Repeat {
    /// How much older it is than the packet's own, in ticks of the timestamp.
    pub(crate) age: u32,
    pub(crate) payload: Arc<[u8]>,
}

/// Where a sound stands.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    newest: Option<(Ssrc, u16)>,
}

impl Red {
    /// Parts a payload whose blocks are all of the codec that its publisher sends under this payload type; `None` when it
    /// is anything else.
    pub(crate) fn parse(payload: &[u8], pt: Pt) -> Option<Self> {
        let blocks = RedDecoder::decode(payload).ok()?;
        if blocks.iter().any(|block| block.pt != *pt) {
            return None;
        }
        let (primary, repeats) = blocks.split_last()?;
        let repeats = repeats.iter().rev().map(|block| Repeat {
            age: block.timestamp_offset,
            payload: block.payload.into(),
        });
        (!primary.payload.is_empty()).then(|| Self {
            pt,
            primary: primary.payload.into(),
            repeats: repeats.collect(),
        })
    }

    /// What it repeats of so many packets that were lost just before it. Repeats tell how old they are, not of which packet:
    /// they are taken for those just before where all are as long.
    pub(crate) fn of_lost(&self, lost: u16) -> &[Repeat] {
        let length = self.repeats.first().map_or(0, |repeat| repeat.age);
        let fits = |(repeat, distance): &(&Repeat, u32)| repeat.age == length * distance;
        let count = self.repeats.iter().zip(1..=u32::from(lost)).take_while(fits).count();
        &self.repeats[..count]
    }

    /// The whole of it for a receiver who has this payload type for the sound; `payload` is what it was parted from.
    pub(crate) fn addressed(&self, payload: &Arc<[u8]>, pt: Pt) -> Arc<[u8]> {
        if pt == self.pt {
            return payload.clone();
        }
        let block = |repeat: &Repeat| RedundantBlock {
            pt: *pt,
            timestamp_offset: repeat.age,
            payload: repeat.payload.to_vec(),
        };
        let repeats: Vec<_> = self.repeats.iter().rev().map(block).collect();
        RedEncoder::encode(*pt, &self.primary, &repeats).into()
    }
}

impl Trail {
    /// How many packets are missing between the newest so far and this one.
    pub(crate) fn lost_before(&mut self, ssrc: Ssrc, seq: u16) -> u16 {
        let newest = self.newest.filter(|(known, _)| *known == ssrc);
        // The short way round the circle of 16 bits.
        let step = newest.map_or(1, |(_, newest)| seq.wrapping_sub(newest) as i16);
        if step > 0 {
            self.newest = Some((ssrc, seq));
        }
        step.saturating_sub(1).max(0) as u16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PT: u8 = 111;
    /// Two repeats, 1,920 and 960 ticks old, of three bytes and one.
    #[rustfmt::skip]
    const PACKET: &[u8] = &[0x80 | PT, 0x1e, 0x00, 3, 0x80 | PT, 0x0f, 0x00, 1, PT, 1, 2, 3, 4, 5, 6];

    fn parse(payload: &[u8]) -> Option<Red> {
        Red::parse(payload, PT.into())
    }

    #[test]
    fn a_packet_is_its_own_sound_and_what_it_repeats() {
        let red = parse(PACKET).expect("well-formed");
        let repeat = |age, payload: &[u8]| Repeat {
            age,
            payload: payload.into(),
        };
        assert_eq!(*red.primary, [5, 6]);
        assert_eq!(red.repeats, [repeat(960, &[4]), repeat(1920, &[1, 2, 3])]);
        let alone = parse(&[PT, 7, 8]).expect("nothing to repeat yet");
        assert_eq!((&*alone.primary, alone.repeats.len()), (&[7, 8][..], 0));
    }

    #[test]
    fn a_receiver_finds_his_own_payload_type_in_it() {
        let red = parse(PACKET).expect("well-formed");
        let payload: Arc<[u8]> = PACKET.into();
        assert!(Arc::ptr_eq(&red.addressed(&payload, PT.into()), &payload), "not copied");
        let other = Red::parse(&red.addressed(&payload, 96.into()), 96.into()).expect("well-formed");
        assert_eq!((other.primary, other.repeats), (red.primary, red.repeats));
    }

    #[test]
    fn what_was_lost_just_before_a_packet_is_found_in_it() {
        let mut trail = Trail::default();
        let ssrc = Ssrc::from(7);
        let lost = [(65_534, 0), (65_535, 0), (2, 2), (1, 0), (2, 0), (3, 0)];
        for (seq, lost) in lost {
            assert_eq!(trail.lost_before(ssrc, seq), lost, "{seq}");
        }
        assert_eq!(trail.lost_before(8.into(), 900), 0, "another sound");
        let red = parse(PACKET).expect("well-formed");
        let ages = |lost| red.of_lost(lost).iter().map(|it| it.age).collect::<Vec<_>>();
        assert_eq!(
            [ages(0), ages(1), ages(2), ages(9)],
            [vec![], vec![960], vec![960, 1920], vec![960, 1920]]
        );
        let mut uneven = parse(PACKET).expect("well-formed");
        uneven.repeats[1].age = 5000;
        assert_eq!(uneven.of_lost(2).len(), 1, "there was a pause");
    }

    #[test]
    fn what_is_cut_or_of_another_codec_is_refused() {
        // Cut within the primary it is a shorter one.
        for end in 0..PACKET.len() - 1 {
            assert_eq!(parse(&PACKET[..end]), None, "{end}");
        }
        assert_eq!(Red::parse(PACKET, 13.into()), None);
        assert_eq!(parse(&[0x80 | PT; 1400]), None);
    }
}
