//! Sound that comes with what was sent before it (RED, RFC 2198), so that what is lost is found in the packets behind it.

use std::collections::VecDeque;

use bytes::{BufMut as _, Bytes, BytesMut};

/// So many sounds before it a packet repeats: of 10 % random loss 0.1 % are left.
const REPEATS: usize = 2;
/// A payload that repeats something is no larger than this: two repeats of a voice always fit, of music fewer do.
const MAX_REDUNDANT: usize = 700;
/// Of a packet that came no more repeats are read.
const MAX_READ: usize = 8;
/// What a repeated sound takes beside itself, and the most that can be told in it: how old it is, and how long.
const HEADER: usize = 4;
const MAX_AGE: u32 = 0x3fff;
const MAX_LENGTH: usize = 0x3ff;
/// A header follows this one.
const MORE: u8 = 0x80;
/// So many sounds are remembered to tell what is missing; more than any packet repeats.
const REMEMBERED: usize = 32;

/// The sounds that a stream has sent last.
#[derive(Debug, Default)]
pub struct Echo {
    /// Their timestamps, the newest last; at most [`REPEATS`].
    sounds: VecDeque<(u32, Bytes)>,
}

impl Echo {
    /// The redundant payload of the next sound: with those before it, as many as fit. `payload_type` is that of plain sound.
    pub fn payload(&mut self, timestamp: u32, sound: &Bytes, payload_type: u8) -> Bytes {
        let mut room = MAX_REDUNDANT.saturating_sub(1 + sound.len());
        let newest_first = self.sounds.iter().rev().map_while(|(earlier, sound)| {
            let age = timestamp.wrapping_sub(*earlier);
            room = room.checked_sub(HEADER + sound.len())?;
            ((1..=MAX_AGE).contains(&age) && sound.len() <= MAX_LENGTH).then_some((age, sound))
        });
        let repeats: Vec<_> = newest_first.collect();
        let mut payload = BytesMut::with_capacity(MAX_REDUNDANT.max(1 + sound.len()));
        for (age, sound) in repeats.iter().rev() {
            payload.put_u8(MORE | payload_type);
            // 14 bits and 10 bits: both fit, as was seen above.
            payload.put_uint(u64::from(*age) << 10 | sound.len() as u64, 3);
        }
        payload.put_u8(payload_type);
        repeats.iter().rev().for_each(|(_, sound)| payload.put_slice(sound));
        payload.put_slice(sound);
        if self.sounds.len() == REPEATS {
            self.sounds.pop_front();
        }
        self.sounds.push_back((timestamp, sound.clone()));
        payload.freeze()
    }
}

/// A redundant payload, parted.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Red {
    /// The sound of its packet.
    pub(super) sound: Bytes,
    /// What it repeats, the newest first: how many ticks older it is, and the sound.
    pub(super) repeats: Vec<(u32, Bytes)>,
}

impl Red {
    /// `None` of a payload that is none, or that has something in it beside what plain packets of this type carry.
    pub(super) fn part(payload: &Bytes, payload_type: u8) -> Option<Self> {
        let mut rest = &payload[..];
        let mut heads = Vec::new();
        let mut at = loop {
            let (&first, after) = rest.split_first()?;
            if first & !MORE != payload_type {
                return None;
            }
            if first & MORE == 0 {
                break payload.len() - after.len();
            }
            let (&[high, middle, low], after) = after.split_first_chunk()?;
            let head = u32::from_be_bytes([0, high, middle, low]);
            heads.push((head >> 10, head as usize & MAX_LENGTH));
            rest = after;
        };
        let mut repeats = VecDeque::with_capacity(MAX_READ);
        for (age, length) in heads {
            let end = at + length;
            (end <= payload.len()).then_some(())?;
            repeats.push_front((age, payload.slice(at..end)));
            repeats.truncate(MAX_READ);
            at = end;
        }
        Some(Self {
            sound: payload.slice(at..),
            repeats: repeats.into(),
        })
    }
}

/// Where the sounds stand that have come last.
#[derive(Debug, Default)]
pub(super) struct Trail {
    /// Their sequence numbers and timestamps.
    known: VecDeque<(u16, u32)>,
}

impl Trail {
    pub(super) fn pass(&mut self, sequence: u16, timestamp: u32) {
        self.known.truncate(REMEMBERED - 1);
        self.known.push_front((sequence, timestamp));
    }

    /// Of what the packet that has just passed repeats, what never came, with the place where it was missing.
    ///
    /// A repeat tells how old it is, and not of which packet: one that is known leads to its place, and one that is not
    /// stands right before the one behind it.
    pub(super) fn missing(
        &mut self,
        sequence: u16,
        timestamp: u32,
        repeats: Vec<(u32, Bytes)>,
    ) -> Vec<(u16, u32, Bytes)> {
        let mut found = Vec::new();
        let (mut place, mut last) = (sequence, 0);
        for (age, sound) in repeats {
            // What is not older than the one behind it, or nothing, makes no sense.
            if age <= last || sound.is_empty() {
                break;
            }
            last = age;
            let timestamp = timestamp.wrapping_sub(age);
            if let Some((known, _)) = self.known.iter().find(|(_, of)| *of == timestamp) {
                place = *known;
                continue;
            }
            place = place.wrapping_sub(1);
            if self.known.iter().any(|(of, _)| *of == place) {
                break;
            }
            self.pass(place, timestamp);
            found.push((place, timestamp, sound));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PT: u8 = 111;
    /// Ticks of a packet.
    const STEP: u32 = 960;

    fn sound(number: u8, length: usize) -> Bytes {
        vec![number; length].into()
    }

    /// The payloads of so many sounds of this length.
    fn sent(count: u8, length: usize) -> Vec<Bytes> {
        let mut echo = Echo::default();
        let payload = |number| echo.payload(u32::from(number) * STEP, &sound(number, length), PT);
        (0..count).map(payload).collect()
    }

    #[test]
    fn a_packet_is_its_own_sound_and_those_before_it() {
        let payloads = sent(4, 3);
        assert_eq!(payloads[0][..], [PT, 0, 0, 0]);
        // RFC 2198 section 3.
        assert_eq!(payloads[1][..], [0x80 | PT, 0x0f, 0x00, 3, PT, 0, 0, 0, 1, 1, 1]);
        let red = Red::part(&payloads[3], PT).unwrap();
        assert_eq!(red.sound, sound(3, 3));
        assert_eq!(red.repeats, [(STEP, sound(2, 3)), (2 * STEP, sound(1, 3))]);
    }

    #[test]
    fn large_sounds_and_old_ones_are_repeated_only_as_far_as_they_fit() {
        let repeats = |length| Red::part(&sent(3, length)[2], PT).unwrap().repeats.len();
        assert_eq!([80, 160, 230, 320, 345, 348, 1275].map(repeats), [2, 2, 2, 1, 1, 0, 0]);
        let mut echo = Echo::default();
        echo.payload(0, &sound(0, 9), PT);
        let after_a_pause = echo.payload(20_000, &sound(1, 9), PT);
        assert_eq!(Red::part(&after_a_pause, PT).unwrap().repeats, []);
    }

    #[test]
    fn what_is_cut_or_of_another_codec_is_refused_and_nothing_makes_it_panic() {
        let whole = &sent(3, 5)[2];
        for end in 0..whole.len() {
            let part = Red::part(&whole.slice(..end), PT);
            assert!(part.is_none_or(|red| red.sound.len() < 5), "{end}");
        }
        assert_eq!(Red::part(whole, 13), None);
        assert_eq!(Red::part(&vec![0x80 | PT; 1400].into(), PT), None);
        let many = [[0x80 | PT, 0x0f, 0, 1].repeat(100), vec![PT], vec![7; 101]].concat();
        assert_eq!(Red::part(&many.into(), PT).unwrap().repeats.len(), MAX_READ);
    }

    /// Sounds that come of these numbers, with how far apart their places are from the sounds' own.
    fn found(trail: &mut Trail, number: u16, repeats: &[u32]) -> Vec<(u16, u32)> {
        let timestamp = u32::from(number) * STEP;
        trail.pass(number, timestamp);
        let repeats = repeats.iter().map(|back| (back * STEP, sound(1, 1))).collect();
        let found = trail.missing(number, timestamp, repeats).into_iter();
        found.map(|(place, timestamp, _)| (place, timestamp / STEP)).collect()
    }

    #[test]
    fn what_is_missing_is_found_and_nothing_comes_twice() {
        let mut trail = Trail::default();
        assert_eq!(found(&mut trail, 10, &[]), []);
        assert_eq!(
            found(&mut trail, 11, &[1, 2]),
            [(9, 9)],
            "the reader of the line knows that it begins later"
        );
        assert_eq!(found(&mut trail, 14, &[1, 2]), [(13, 13), (12, 12)]);
        assert_eq!(found(&mut trail, 15, &[1, 2]), []);
        assert_eq!(found(&mut trail, 18, &[1, 2]), [(17, 17), (16, 16)]);
        // Its own packet comes late, and is known by its number later on.
        assert_eq!(found(&mut trail, 16, &[1, 2]), []);
        // One who repeats only what he has himself lacks 19: what he repeats is known.
        assert_eq!(found(&mut trail, 20, &[2, 3]), []);
        assert_eq!(found(&mut trail, 22, &[0, 1]), [], "as new as the packet itself");
    }
}
