//! Redundant sound (RED, RFC 2198): packets that repeat the sound of those before them.

use std::{collections::VecDeque, sync::Arc};

use str0m::{
    media::Pt,
    rtp::{RedDecoder, RedEncoder, RedundantBlock},
};

/// So many sounds are repeated for who loses much: of 50 % random loss 6 % are left, for three times the bits of a sound.
const REPEATS: usize = 3;
/// A sound that is older than this, in ticks, cannot be told in a packet.
const MAX_AGE: u32 = 0x3fff;
/// The largest payload that is made of several sounds: it fits a datagram on any ordinary path.
const MAX_REDUNDANT: usize = 1150;
/// What a repeated sound takes beside itself (RFC 2198 section 3).
const BLOCK_HEADER: usize = 4;

/// A packet of redundant sound, parted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Red {
    /// The payload type that its publisher has for the sound, and the whole payload with that; `None` is one that did not
    /// come as such.
    whole: Option<(Pt, Arc<[u8]>)>,
    /// The sound of this packet.
    pub(crate) primary: Arc<[u8]>,
    /// What it repeats, the newest first; at most [`REPEATS`].
    pub(crate) repeats: Vec<Repeat>,
}

/// The sound of an earlier packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Repeat {
    /// How much older it is than the packet's own, in ticks of the timestamp.
    pub(crate) age: u32,
    pub(crate) payload: Arc<[u8]>,
}

/// A packet that was lost, made of what a later one repeats.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Earlier {
    /// So many packets before that one.
    pub(crate) distance: u16,
    /// So many ticks before it.
    pub(crate) age: u32,
    pub(crate) red: Red,
}

/// The sounds that a line has carried last: who loses much gets them more often than their publisher repeats them.
#[derive(Debug, Default)]
pub(crate) struct Echo {
    /// Their timestamps, the newest last; at most [`REPEATS`].
    sounds: VecDeque<(u32, Arc<[u8]>)>,
}

/// Where a sound stands.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    newest: Option<(u32, u16)>,
}

impl Red {
    /// Parts a payload whose blocks are all of the codec that its publisher sends under this payload type; `None` when it
    /// is anything else.
    pub(crate) fn parse(payload: &Arc<[u8]>, pt: Pt) -> Option<Self> {
        let blocks = RedDecoder::decode(payload).ok()?;
        if blocks.iter().any(|block| block.pt != *pt) {
            return None;
        }
        let (primary, repeats) = blocks.split_last()?;
        // What is not older than the next one, or nothing, ends what can be made use of.
        let mut last = 0;
        let repeats = repeats.iter().rev().take(REPEATS).map_while(|block| {
            let is_older = block.timestamp_offset > std::mem::replace(&mut last, block.timestamp_offset);
            (is_older && !block.payload.is_empty()).then(|| Repeat {
                age: block.timestamp_offset,
                payload: block.payload.into(),
            })
        });
        (!primary.payload.is_empty()).then(|| Self {
            whole: Some((pt, payload.clone())),
            primary: primary.payload.into(),
            repeats: repeats.collect(),
        })
    }

    /// What it repeats of so many packets that were lost just before it, the oldest first. Repeats tell how old they are, not
    /// of which packet: they are taken for those just before where all are as long.
    pub(crate) fn of_lost(&self, lost: u16) -> impl Iterator<Item = Earlier> {
        let length = self.repeats.first().map_or(0, |repeat| repeat.age);
        let fits = move |(repeat, distance): &(&Repeat, u16)| repeat.age == length * u32::from(*distance);
        let count = self.repeats.iter().zip(1..=lost).take_while(fits).count();
        (1..=count as u16).rev().map(|distance| {
            let (repeat, older) = (
                &self.repeats[usize::from(distance) - 1],
                &self.repeats[usize::from(distance)..],
            );
            let older = older.iter().map(|older| Repeat {
                age: older.age.saturating_sub(repeat.age),
                payload: older.payload.clone(),
            });
            Earlier {
                distance,
                age: repeat.age,
                red: Self {
                    whole: None,
                    primary: repeat.payload.clone(),
                    repeats: older.collect(),
                },
            }
        })
    }

    /// The payload type that its publisher has for the sound, if it came as redundant sound.
    pub(crate) fn sound_type(&self) -> Option<u8> {
        self.whole.as_ref().map(|(pt, _)| **pt)
    }

    /// The whole of it for a receiver who has this payload type for the sound.
    pub(crate) fn addressed(&self, pt: Pt) -> Arc<[u8]> {
        if let Some((_, whole)) = self.whole.as_ref().filter(|(own, _)| *own == pt) {
            return whole.clone();
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

impl Echo {
    /// Takes the next sound. With `pt`, the payload type that its receiver has for the sound, this is the payload of a
    /// redundant packet that repeats those before it, as many as fit.
    pub(crate) fn take(&mut self, timestamp: u32, sound: &Arc<[u8]>, pt: Option<Pt>) -> Option<Arc<[u8]>> {
        let payload = pt.map(|pt| {
            let block = |(earlier, sound): &(u32, Arc<[u8]>)| RedundantBlock {
                pt: *pt,
                timestamp_offset: timestamp.wrapping_sub(*earlier),
                payload: sound.to_vec(),
            };
            // What comes late is newer than itself for none of them.
            let is_before = |block: &RedundantBlock| (1..=MAX_AGE).contains(&block.timestamp_offset);
            let mut room = MAX_REDUNDANT.saturating_sub(1 + sound.len());
            let fits = |block: &RedundantBlock| {
                let left = room.checked_sub(BLOCK_HEADER + block.payload.len());
                room = left.unwrap_or(room);
                left.is_some()
            };
            let newest_first = self.sounds.iter().rev().map(block);
            let mut blocks: Vec<_> = newest_first.filter(is_before).take_while(fits).collect();
            blocks.reverse();
            RedEncoder::encode(*pt, sound, &blocks).into()
        });
        let newest = self.sounds.back().map(|(newest, _)| *newest);
        // The short way round the circle of 32 bits.
        if newest.is_none_or(|newest| timestamp.wrapping_sub(newest) as i32 > 0) {
            if self.sounds.len() == REPEATS {
                self.sounds.pop_front();
            }
            self.sounds.push_back((timestamp, sound.clone()));
        }
        payload
    }
}

impl Trail {
    /// How many packets are missing between the newest so far and this one.
    pub(crate) fn lost_before(&mut self, ssrc: u32, seq: u16) -> u16 {
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
        Red::parse(&payload.into(), PT.into())
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
        let payload: Arc<[u8]> = PACKET.into();
        let red = Red::parse(&payload, PT.into()).expect("well-formed");
        assert!(Arc::ptr_eq(&red.addressed(PT.into()), &payload), "not copied");
        let other = Red::parse(&red.addressed(96.into()), 96.into()).expect("well-formed");
        assert_eq!((other.primary, other.repeats), (red.primary, red.repeats));
    }

    #[test]
    fn what_was_lost_just_before_a_packet_is_found_in_it() {
        let mut trail = Trail::default();
        let ssrc = 7;
        let lost = [(65_534, 0), (65_535, 0), (2, 2), (1, 0), (2, 0), (3, 0)];
        for (seq, lost) in lost {
            assert_eq!(trail.lost_before(ssrc, seq), lost, "{seq}");
        }
        assert_eq!(trail.lost_before(8, 900), 0, "another sound");
        let red = parse(PACKET).expect("well-formed");
        let found = |lost| red.of_lost(lost).map(|it| (it.distance, it.age)).collect::<Vec<_>>();
        assert_eq!(found(0), []);
        assert_eq!(found(1), [(1, 960)]);
        assert_eq!(found(9), [(2, 1920), (1, 960)]);
        let earlier = red.of_lost(1).next().expect("it was lost");
        assert_eq!(*earlier.red.primary, [4]);
        let older = &earlier.red.repeats[0];
        assert_eq!(
            (older.age, &*older.payload),
            (960, &[1, 2, 3][..]),
            "it repeats what it can"
        );
        let mut uneven = parse(PACKET).expect("well-formed");
        uneven.repeats[1].age = 5000;
        assert_eq!(uneven.of_lost(2).count(), 1, "there was a pause");
    }

    #[test]
    fn three_sounds_are_repeated_and_none_that_is_too_old() {
        let mut echo = Echo::default();
        let sound = |number: u8| Arc::from([number]);
        assert_eq!(echo.take(0, &sound(0), None), None);
        for number in 1..5 {
            let last = echo.take(u32::from(number) * 960, &sound(number), Some(PT.into()));
            let red = Red::parse(&last.expect("it is asked for"), PT.into()).expect("well-formed");
            assert_eq!(*red.primary, [number]);
            let ages: Vec<_> = red.repeats.iter().map(|it| it.age).collect();
            assert_eq!(ages, [960, 1920, 2880][..usize::from(number).min(3)]);
        }
        let late = echo.take(960, &sound(1), Some(PT.into())).expect("it is asked for");
        assert_eq!(parse(&late).expect("well-formed").repeats, []);
        let next = echo.take(5 * 960, &sound(5), Some(PT.into())).expect("it is asked for");
        let ages: Vec<_> = parse(&next)
            .expect("well-formed")
            .repeats
            .iter()
            .map(|it| it.age)
            .collect();
        assert_eq!(ages, [960, 1920, 2880], "what came late took nobody's place");
        let after_a_pause = echo.take(50_000, &sound(9), Some(PT.into())).expect("it is asked for");
        assert_eq!(parse(&after_a_pause).expect("well-formed").repeats, []);
    }

    #[test]
    fn large_sounds_are_repeated_only_as_far_as_they_fit() {
        let mut echo = Echo::default();
        let sound = |len: usize| Arc::from(vec![9; len]);
        for (number, len) in [(1, 1000), (2, 500), (3, 400), (4, 300), (5, 1450), (6, 1000)] {
            let payload = echo
                .take(number * 960, &sound(len), Some(PT.into()))
                .expect("it is asked for");
            assert!(payload.len() <= MAX_REDUNDANT.max(1 + len), "{}", payload.len());
            assert_eq!(parse(&payload).expect("well-formed").primary.len(), len);
        }
    }

    #[test]
    fn of_repeats_that_make_no_sense_nothing_is_made() {
        let block = |age: u32, payload: Vec<u8>| RedundantBlock {
            pt: PT,
            timestamp_offset: age,
            payload,
        };
        let of = |repeats: &[RedundantBlock]| {
            let red = parse(&RedEncoder::encode(PT, &[1], repeats)).expect("well-formed");
            red.of_lost(u16::MAX).count()
        };
        assert_eq!(of(&vec![block(0, vec![7]); 31]), 0, "as new as the packet itself");
        assert_eq!(of(&[block(960, Vec::new())]), 0, "nothing");
        let many: Vec<_> = (1..=16).rev().map(|at| block(at * 960, vec![7])).collect();
        assert_eq!(of(&many), REPEATS);
    }

    #[test]
    fn what_is_cut_or_of_another_codec_is_refused() {
        // Cut within the primary it is a shorter one.
        for end in 0..PACKET.len() - 1 {
            assert_eq!(parse(&PACKET[..end]), None, "{end}");
        }
        assert_eq!(Red::parse(&PACKET.into(), 13.into()), None);
        assert_eq!(parse(&[0x80 | PT; 1400]), None);
    }
}
