//! How words and packets are written for another node: by every version in the same way, or under another first byte.

use std::{
    fmt,
    ops::RangeInclusive,
    sync::Arc,
    time::{Duration, Instant},
};

use hst_sfu::{Codec, Encodings, Format, MAX_ENCODINGS, TrackId, Word};

use super::Content;
use crate::{
    media::{Media, Sampled, Sizes},
    passed::Passed,
    protected::{Covered, Numbers},
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
/// Since version 3.
const COVERED: u8 = 17;
/// What a packet has, as bits.
const MARKER: u8 = 1;
const LEVEL: u8 = 2;
const DESCRIPTOR: u8 = 4;
const SIZES: u8 = 8;
const REDUNDANT: u8 = 16;
/// Since version 3.
const RENUMBERED: u8 = 32;
const LATE: u8 = 64;
/// The codecs by their numbers.
const CODECS: [Codec; 5] = [Codec::Opus, Codec::Vp8, Codec::H264, Codec::Vp9, Codec::Av1];
/// The most sizes of one encoding: a stream has no more spatial layers.
const MAX_SIZES: usize = 8;

/// The versions of what relays write that this one writes and reads. The second has bounds to the sizes that are wanted; without
/// them all come. The third tells which packets are protected, and how long ago what is in a packet was sampled; without that
/// nothing is protected behind the other one, and sounds and pictures are told to be of the time at which they come there.
pub const RELAY_VERSIONS: RangeInclusive<u16> = 1..=3;

/// What another node has sent is not what nodes send each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Garbled;

impl fmt::Display for Garbled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what came from another node is no word and no packet of ours")
    }
}

impl std::error::Error for Garbled {}

/// Writes it for whoever reads this version; `now` is when it leaves.
pub(crate) fn write(now: Instant, content: &Content, version: u16, out: &mut Vec<u8>) {
    match content {
        Content::Word(word) => write_word(*word, version, out),
        Content::Media(media) => write_packet(now, media, version, out),
        Content::Covered(covered) if version >= 3 => write_covered(covered, out),
        Content::Covered(_) => {}
    }
}

/// What was written; `now` is when it came.
pub(crate) fn read(now: Instant, bytes: &[u8]) -> Result<Content, Garbled> {
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
        COVERED => {
            let covered = Covered {
                track: bytes.track()?,
                encoding: bytes.encoding()?,
                ssrc: u32::from_be_bytes(bytes.array()?),
                numbers: Numbers {
                    first: u16::from_be_bytes(bytes.array()?),
                    bits: u128::from_be_bytes(bytes.array()?),
                },
            };
            return bytes.0.is_empty().then_some(Content::Covered(covered));
        }
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

fn write_covered(covered: &Covered, out: &mut Vec<u8>) {
    out.push(COVERED);
    out.extend(covered.track.0.to_be_bytes());
    out.push(covered.encoding);
    out.extend(covered.ssrc.to_be_bytes());
    out.extend(covered.numbers.first.to_be_bytes());
    out.extend(covered.numbers.bits.to_be_bytes());
}

fn write_packet(now: Instant, media: &Media, version: u16, out: &mut Vec<u8>) {
    let number = Some(media.number).filter(|number| *number != media.seq && version >= 3);
    // More than an hour is none.
    let late = u32::try_from(media.late(now).as_micros()).ok();
    let late = late.filter(|late| *late != 0 && version >= 3);
    let sound_type = media.red.as_ref().and_then(Red::sound_type);
    let has = |is: bool, flag: u8| if is { flag } else { 0 };
    let flags = has(media.marker, MARKER)
        | has(media.level.is_some(), LEVEL)
        | has(media.descriptor.is_some(), DESCRIPTOR)
        | has(media.sizes.is_some(), SIZES)
        | has(sound_type.is_some(), REDUNDANT)
        | has(number.is_some(), RENUMBERED)
        | has(late.is_some(), LATE);
    let codec = CODECS
        .iter()
        .position(|codec| *codec == media.codec)
        .unwrap_or_default();
    out.extend([PACKET, flags, media.format.number(), media.encoding, codec as u8]);
    out.extend(media.track.0.to_be_bytes());
    out.extend(media.seq.to_be_bytes());
    out.extend(media.timestamp.to_be_bytes());
    out.extend(media.ssrc.to_be_bytes());
    out.extend(number.into_iter().flat_map(u16::to_be_bytes));
    out.extend(late.into_iter().flat_map(u32::to_be_bytes));
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
    let number = match has(RENUMBERED) {
        true => u16::from_be_bytes(bytes.array()?),
        false => seq,
    };
    let late = match has(LATE) {
        true => Duration::from_micros(u32::from_be_bytes(bytes.array()?).into()),
        false => Duration::ZERO,
    };
    let at = now.checked_sub(late).unwrap_or(now);
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
        number,
        timestamp,
        ssrc,
        level,
        descriptor,
        sizes,
        red,
        passed: Arc::new(passed),
        payload,
        arrived: now,
        sampled: Sampled { at, timestamp },
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
mod tests;
