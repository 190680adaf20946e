//! How words and packets are written for another node: by every version in the same way, or under another first byte.

use std::{fmt, ops::RangeInclusive, sync::Arc, time::Instant};

use hst_sfu::{Codec, Encodings, Format, MAX_ENCODINGS, TrackId, Word};

use super::Content;
use crate::{
    media::{Media, Sampled, Sizes},
    passed::Passed,
    red::Red,
};

/// The first byte, by kind.
const HELLO: u8 = 1;
const WANT: u8 = 2;
const HERE: u8 = 3;
const GONE: u8 = 4;
const KEYFRAME: u8 = 5;
/// Since version 2.
const WANT_UP_TO: u8 = 6;
const PACKET: u8 = 16;
/// What a packet has, as bits.
const MARKER: u8 = 1;
const LEVEL: u8 = 2;
const DESCRIPTOR: u8 = 4;
const SIZES: u8 = 8;
const REDUNDANT: u8 = 16;
/// The codecs by their numbers.
const CODECS: [Codec; 5] = [Codec::Opus, Codec::Vp8, Codec::H264, Codec::Vp9, Codec::Av1];
/// The most sizes of one encoding: a stream has no more spatial layers.
const MAX_SIZES: usize = 8;

/// The versions of what relays write that this one writes and reads. The second has bounds to the sizes that are wanted; without
/// them all come.
pub const RELAY_VERSIONS: RangeInclusive<u16> = 1..=2;

/// What another node has sent is not what nodes send each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Garbled;

impl fmt::Display for Garbled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what came from another node is no word and no packet of ours")
    }
}

impl std::error::Error for Garbled {}

/// Writes it for whoever reads this version.
pub(super) fn write(content: &Content, version: u16, out: &mut Vec<u8>) {
    match content {
        Content::Word(word) => write_word(*word, version, out),
        Content::Media(media) => write_packet(media, out),
    }
}

/// What was written; `now` is when it came.
pub(super) fn read(now: Instant, bytes: &[u8]) -> Result<Content, Garbled> {
    let mut bytes = Bytes(bytes);
    read_kind(now, &mut bytes).ok_or(Garbled)
}

fn read_kind(now: Instant, bytes: &mut Bytes<'_>) -> Option<Content> {
    let word = match bytes.u8()? {
        HELLO => Word::Hello,
        WANT => Word::Want {
            track: bytes.track()?,
            encodings: bytes.encodings()?,
            spatial: u8::MAX,
        },
        WANT_UP_TO => Word::Want {
            track: bytes.track()?,
            encodings: bytes.encodings()?,
            spatial: bytes.u8()?,
        },
        HERE => Word::Here {
            track: bytes.track()?,
            encodings: bytes.u8().filter(|&count| usize::from(count) <= MAX_ENCODINGS)?,
        },
        GONE => Word::Gone { track: bytes.track()? },
        KEYFRAME => Word::Keyframe {
            track: bytes.track()?,
            encoding: bytes.encoding()?,
        },
        PACKET => return Some(Content::Media(Arc::new(read_packet(now, bytes)?))),
        _ => return None,
    };
    bytes.0.is_empty().then_some(Content::Word(word))
}

fn write_word(word: Word, version: u16, out: &mut Vec<u8>) {
    let mut begin = |kind: u8, track: TrackId| {
        out.push(kind);
        out.extend(track.0.to_be_bytes());
    };
    match word {
        Word::Hello => out.push(HELLO),
        Word::Want {
            track,
            encodings,
            spatial,
        } => {
            let has_bound = spatial != u8::MAX && version >= 2;
            begin(if has_bound { WANT_UP_TO } else { WANT }, track);
            out.push(encodings.iter().fold(0, |bits, encoding| bits | 1 << encoding));
            out.extend(has_bound.then_some(spatial));
        }
        Word::Here { track, encodings } => {
            begin(HERE, track);
            out.push(encodings);
        }
        Word::Gone { track } => begin(GONE, track),
        Word::Keyframe { track, encoding } => {
            begin(KEYFRAME, track);
            out.push(encoding);
        }
    }
}

fn write_packet(media: &Media, out: &mut Vec<u8>) {
    let sound_type = media.red.as_ref().and_then(Red::sound_type);
    let has = |is: bool, flag: u8| if is { flag } else { 0 };
    let flags = has(media.marker, MARKER)
        | has(media.level.is_some(), LEVEL)
        | has(media.descriptor.is_some(), DESCRIPTOR)
        | has(media.sizes.is_some(), SIZES)
        | has(sound_type.is_some(), REDUNDANT);
    let codec = CODECS
        .iter()
        .position(|codec| *codec == media.codec)
        .unwrap_or_default();
    out.extend([PACKET, flags, media.format.number(), media.encoding, codec as u8]);
    out.extend(media.track.0.to_be_bytes());
    out.extend(media.seq.to_be_bytes());
    out.extend(media.timestamp.to_be_bytes());
    out.extend(media.ssrc.to_be_bytes());
    out.extend(media.level);
    out.extend(sound_type);
    if let Some(descriptor) = &media.descriptor {
        out.push(descriptor.len() as u8);
        out.extend(&descriptor[..]);
    }
    if let Some(sizes) = &media.sizes {
        out.push(sizes.len() as u8);
        for sizes in sizes.iter() {
            out.push(sizes.len() as u8);
            for (width, height) in sizes {
                out.extend(width.to_be_bytes());
                out.extend(height.to_be_bytes());
            }
        }
    }
    out.push(media.passed.iter().count() as u8);
    for (kind, value) in media.passed.iter() {
        out.extend([kind, value.len() as u8]);
        out.extend(value);
    }
    out.extend(&media.payload[..]);
}

fn read_packet(now: Instant, bytes: &mut Bytes<'_>) -> Option<Media> {
    let flags = bytes.u8()?;
    let has = |flag: u8| flags & flag != 0;
    let format = Format::new(bytes.u8()?)?;
    let encoding = bytes.encoding()?;
    let codec = *CODECS.get(usize::from(bytes.u8()?))?;
    let track = bytes.track()?;
    let seq = u16::from_be_bytes(bytes.array()?);
    let timestamp = u32::from_be_bytes(bytes.array()?);
    let ssrc = u32::from_be_bytes(bytes.array()?);
    let level = if has(LEVEL) { Some(bytes.u8()?) } else { None };
    let sound_type = if has(REDUNDANT) { Some(bytes.u8()?) } else { None };
    let descriptor = match has(DESCRIPTOR) {
        true => Some(bytes.counted()?.into()),
        false => None,
    };
    let sizes = match has(SIZES) {
        true => Some(Box::new(bytes.sizes()?)),
        false => None,
    };
    let mut passed = Passed::default();
    for _ in 0..bytes.u8()? {
        let kind = bytes.u8()?;
        passed.push(kind, bytes.counted()?)?;
    }
    let payload: Arc<[u8]> = std::mem::take(&mut bytes.0).into();
    let red = match sound_type {
        Some(sound_type) => Some(Red::parse(&payload, sound_type.into())?),
        None => None,
    };
    (!payload.is_empty()).then_some(Media {
        track,
        format,
        codec,
        encoding,
        marker: has(MARKER),
        seq,
        timestamp,
        ssrc,
        level,
        descriptor,
        sizes,
        red,
        passed: Arc::new(passed),
        payload,
        arrived: now,
        sampled: Sampled { at: now, timestamp },
    })
}

/// What is left to read.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }

    fn u8(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    /// So many bytes as the first one says.
    fn counted(&mut self) -> Option<&'a [u8]> {
        let len = usize::from(self.u8()?);
        let (bytes, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(bytes)
    }

    fn track(&mut self) -> Option<TrackId> {
        self.array().map(|bytes| TrackId(u64::from_be_bytes(bytes)))
    }

    fn encoding(&mut self) -> Option<u8> {
        self.u8().filter(|&encoding| usize::from(encoding) < MAX_ENCODINGS)
    }

    fn encodings(&mut self) -> Option<Encodings> {
        let bits = self.u8().filter(|&bits| u32::from(bits) >> MAX_ENCODINGS == 0)?;
        let is_in = |encoding: &u8| bits & (1 << encoding) != 0;
        Some((0..MAX_ENCODINGS as u8).filter(is_in).collect())
    }

    fn sizes(&mut self) -> Option<Sizes> {
        let count = self.u8().filter(|&count| usize::from(count) <= MAX_ENCODINGS)?;
        (0..count)
            .map(|_| {
                let count = self.u8().filter(|&count| usize::from(count) <= MAX_SIZES)?;
                let size = |_| Some((u16::from_be_bytes(self.array()?), u16::from_be_bytes(self.array()?)));
                (0..count).map(size).collect()
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use str0m::rtp::{RedEncoder, RedundantBlock};

    use super::*;

    fn packet(now: Instant) -> Media {
        let mut passed = Passed::default();
        passed.push(1, &[1]).expect("a kind that is passed on");
        Media {
            track: TrackId(u64::MAX - 7),
            format: Format::new(63).unwrap(),
            codec: Codec::Av1,
            encoding: 2,
            marker: true,
            seq: 65_535,
            timestamp: 4_000_000_000,
            ssrc: 1,
            level: Some(127),
            descriptor: Some([1, 2, 3].into()),
            sizes: Some(Box::new(vec![vec![(320, 180), (640, 360)], vec![]])),
            red: None,
            passed: Arc::new(passed),
            payload: [7; 1200].into(),
            arrived: now,
            sampled: Sampled {
                at: now,
                timestamp: 4_000_000_000,
            },
        }
    }

    fn bytes_before(packet: &Media) -> usize {
        let mut bytes = Vec::new();
        write_packet(packet, &mut bytes);
        bytes.len() - packet.payload.len()
    }

    fn there_and_back(now: Instant, content: &Content) -> Content {
        let mut bytes = Vec::new();
        write(content, *RELAY_VERSIONS.end(), &mut bytes);
        read(now, &bytes).expect("what was written")
    }

    #[test]
    fn what_is_written_is_read_again() {
        let now = Instant::now();
        let track = TrackId(7);
        for word in [
            Word::Hello,
            Word::Want {
                track,
                encodings: Encodings::ALL,
                spatial: u8::MAX,
            },
            Word::Want {
                track,
                encodings: Encodings::ALL,
                spatial: 1,
            },
            Word::Want {
                track,
                encodings: Encodings::NONE,
                spatial: u8::MAX,
            },
            Word::Here { track, encodings: 3 },
            Word::Gone { track },
            Word::Keyframe { track, encoding: 1 },
        ] {
            let Content::Word(read) = there_and_back(now, &Content::Word(word)) else {
                panic!("{word:?} is a word")
            };
            assert_eq!(read, word);
        }
        let full = packet(now);
        let bare = Media {
            marker: false,
            level: None,
            descriptor: None,
            sizes: None,
            passed: Arc::default(),
            ..full.clone()
        };
        let repeat = RedundantBlock {
            pt: 111,
            timestamp_offset: 960,
            payload: vec![9; 40],
        };
        let payload: Arc<[u8]> = RedEncoder::encode(111, &[8; 40], &[repeat]).into();
        let redundant = Media {
            codec: Codec::Opus,
            red: Red::parse(&payload, 111.into()),
            payload,
            ..bare.clone()
        };
        assert!(redundant.red.is_some());
        for media in [full, bare, redundant] {
            let Content::Media(read) = there_and_back(now, &Content::Media(Arc::new(media.clone()))) else {
                panic!("a packet")
            };
            assert_eq!(*read, media);
        }
    }

    /// Nodes of neighbouring versions write these: other bytes are another of the versions of links (`hst-cascade`).
    #[test]
    fn the_bytes_stay() {
        let now = Instant::now();
        let word = |kind: u8, rest: &[u8]| [&[kind, 0, 0, 0, 0, 0, 0, 0, 9], rest].concat();
        let packet = [
            &[
                16, 15, 63, 2, 4, 0, 0, 0, 0, 0, 0, 0, 9, 0xff, 0xff, 0, 0, 0, 5, 0, 0, 0, 1, 127,
            ][..],
            &[3, 1, 2, 3, 2, 1, 1, 64, 0, 180, 0, 1, 1, 1, 1, 7, 7],
        ]
        .concat();
        for (version, bytes) in [
            (1, vec![1]),
            (1, word(2, &[5])),
            (1, word(3, &[3])),
            (1, word(4, &[])),
            (1, word(5, &[1])),
            (1, packet.clone()),
            (2, word(2, &[5])),
            (2, word(6, &[5, 1])),
        ] {
            let mut written = Vec::new();
            write(&read(now, &bytes).unwrap(), version, &mut written);
            assert_eq!(written, bytes);
        }
        let Ok(Content::Media(media)) = read(now, &packet) else {
            panic!("a packet")
        };
        let read = (media.codec, media.encoding, media.marker, media.seq, media.timestamp);
        assert_eq!(read, (Codec::Av1, 2, true, 65_535, 5));
        assert_eq!(media.sizes.as_deref(), Some(&vec![vec![(320, 180)], vec![]]));
        assert_eq!(&media.payload[..], [7, 7]);
    }

    #[test]
    fn who_speaks_the_first_version_is_asked_for_every_size() {
        let (track, encodings) = (TrackId(7), Encodings::ALL);
        let of = |spatial| {
            let word = Word::Want {
                track,
                encodings,
                spatial,
            };
            let mut bytes = Vec::new();
            write(&Content::Word(word), 1, &mut bytes);
            bytes
        };
        assert_eq!(of(0), of(u8::MAX));
        assert_eq!(of(0), [WANT, 0, 0, 0, 0, 0, 0, 0, 7, 15]);
    }

    #[test]
    fn what_is_cut_short_or_garbled_is_refused_or_something_else_but_no_fault() {
        let now = Instant::now();
        let mut bytes = Vec::new();
        let packet = packet(now);
        let header = bytes_before(&packet);
        write(&Content::Media(Arc::new(packet)), *RELAY_VERSIONS.end(), &mut bytes);
        for len in 0..=header {
            assert!(read(now, &bytes[..len]).is_err(), "{len}");
        }
        for at in 0..header {
            for bit in 0..8 {
                let mut garbled = bytes.clone();
                garbled[at] ^= 1 << bit;
                let _ = read(now, &garbled);
            }
        }
        for bytes in [
            &[][..],
            &[0],
            &[99, 1],
            &[HELLO, 0],
            &[WANT, 0, 0, 0, 0, 0, 0, 0, 1, 16],
            &[WANT_UP_TO, 0, 0, 0, 0, 0, 0, 0, 1, 1],
        ] {
            assert!(read(now, bytes).is_err(), "{bytes:?}");
        }
    }
}
