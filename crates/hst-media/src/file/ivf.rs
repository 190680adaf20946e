use std::{
    fs::File,
    io::{Read, Seek, SeekFrom, Write},
    time::Duration,
};

use bytes::Bytes;

use super::{
    sink::WriteFrames,
    source::{Input, ReadFrames},
};
use crate::{Codec, Frame, SinkError, SourceError, TrackInfo};

/// The most bytes of one picture; what claims to be longer is damaged.
const MAX_FRAME: u64 = 8 << 20;
const HEADER: usize = 32;
/// The duration of the last picture when there is no other one to go by.
const DEFAULT_DURATION: Duration = Duration::from_micros(33_333);

/// Reads VP8 from IVF: a header of 32 bytes, then for each picture its length (4 bytes), its time (8) and its data,
/// all little-endian.
#[derive(Debug)]
pub(super) struct IvfReader {
    input: Box<dyn Input>,
    info: TrackInfo,
    /// A tick of the file's clock, as numerator and denominator in seconds.
    tick: (u64, u64),
    first: Option<u64>,
    /// The next picture; read ahead, because only the one after it tells how long it lasts.
    held: Option<(Duration, Bytes)>,
    duration: Duration,
    at: u64,
}

impl IvfReader {
    pub(super) fn new(mut input: Box<dyn Input>) -> Result<Self, SourceError> {
        let mut header = Vec::with_capacity(HEADER);
        input.by_ref().take(HEADER as u64).read_to_end(&mut header)?;
        let Ok(header) = <[u8; HEADER]>::try_from(header) else {
            return Err(damaged(0, "the header is cut off"));
        };
        let [u16_at, u32_at] = [2, 4].map(|len| {
            move |at: usize| {
                header[at..at + len]
                    .iter()
                    .rev()
                    .fold(0u64, |n, &b| n << 8 | u64::from(b))
            }
        });
        if header[8..12] != *b"VP80" {
            return Err(SourceError::UnknownFormat);
        }
        let tick = (u32_at(20), u32_at(16));
        if u16_at(6) != HEADER as u64 || tick.0 == 0 || tick.1 == 0 {
            return Err(damaged(6, "the header's length or time base is impossible"));
        }
        let mut info = TrackInfo::new(Codec::Vp8);
        info.size = Some((u16_at(12) as u16, u16_at(14) as u16));
        let mut reader = Self {
            input,
            info,
            tick,
            first: None,
            held: None,
            duration: DEFAULT_DURATION,
            at: HEADER as u64,
        };
        reader.held = reader.read()?;
        Ok(reader)
    }

    fn read(&mut self) -> Result<Option<(Duration, Bytes)>, SourceError> {
        let mut header = Vec::with_capacity(12);
        self.input.by_ref().take(12).read_to_end(&mut header)?;
        if header.is_empty() {
            return Ok(None);
        }
        let (Some(length), Some(time)) = (header.first_chunk::<4>(), header.get(4..12)) else {
            return Err(damaged(self.at, "a picture's header is cut off"));
        };
        let length = u64::from(u32::from_le_bytes(*length));
        let time = time
            .iter()
            .rev()
            .fold(0u64, |number, &byte| number << 8 | u64::from(byte));
        if length == 0 || length > MAX_FRAME {
            return Err(damaged(self.at, "a picture's length is impossible"));
        }
        // Grows with what is really there, not with what the file claims.
        let mut data = Vec::new();
        self.input.by_ref().take(length).read_to_end(&mut data)?;
        if data.len() as u64 != length {
            return Err(damaged(self.at, "a picture is cut off"));
        }
        let ticks = time.checked_sub(*self.first.get_or_insert(time));
        let nanos = ticks.and_then(|ticks| {
            let nanos = u128::from(ticks) * u128::from(self.tick.0) * 1_000_000_000 / u128::from(self.tick.1);
            u64::try_from(nanos).ok()
        });
        let time = nanos
            .map(Duration::from_nanos)
            .ok_or_else(|| damaged(self.at, "a picture's time is impossible"))?;
        self.at += 12 + length;
        Ok(Some((time, data.into())))
    }
}

impl ReadFrames for IvfReader {
    fn info(&self) -> TrackInfo {
        self.info
    }

    fn next(&mut self) -> Result<Option<Frame>, SourceError> {
        let Some((time, data)) = self.held.take() else {
            return Ok(None);
        };
        let at = self.at;
        self.held = self.read()?;
        if let Some((next, _)) = self.held {
            self.duration = next
                .checked_sub(time)
                .ok_or_else(|| damaged(at, "the pictures are not in order"))?;
        }
        let keyframe = Codec::Vp8.is_keyframe(&data);
        Ok(Some(Frame {
            data,
            time,
            duration: self.duration,
            keyframe,
            level: None,
        }))
    }
}

fn damaged(at: u64, what: &'static str) -> SourceError {
    SourceError::Malformed {
        format: "IVF",
        at,
        what,
    }
}

/// Ticks of the files written here, the same as those of RTP.
const TICKS: u32 = 90_000;

/// Writes VP8 into IVF. Every picture is on disk once it is written; only the length in the header is not, which
/// players do without.
#[derive(Debug)]
pub(super) struct IvfWriter {
    file: File,
    /// Where the latest picture ends.
    end: Option<Duration>,
}

impl IvfWriter {
    pub(super) fn new(file: File) -> Self {
        Self { file, end: None }
    }

    fn header(&self, size: (u16, u16)) -> [u8; HEADER] {
        let mut header = [0; HEADER];
        header[..4].copy_from_slice(b"DKIF");
        header[6..8].copy_from_slice(&(HEADER as u16).to_le_bytes());
        header[8..12].copy_from_slice(b"VP80");
        header[12..14].copy_from_slice(&size.0.to_le_bytes());
        header[14..16].copy_from_slice(&size.1.to_le_bytes());
        header[16..20].copy_from_slice(&TICKS.to_le_bytes());
        header[20..24].copy_from_slice(&1u32.to_le_bytes());
        header
    }
}

impl WriteFrames for IvfWriter {
    fn write(&mut self, frame: &Frame) -> Result<(), SinkError> {
        let mut record = Vec::with_capacity(HEADER + 12 + frame.data.len());
        if self.end.is_none() {
            let size = vp8_size(&frame.data);
            let size = size.ok_or(SinkError::BadFrame {
                codec: Codec::Vp8,
                what: "a keyframe has no size",
            })?;
            record.extend(self.header(size));
        }
        let bad = |_| SinkError::BadFrame {
            codec: Codec::Vp8,
            what: "it is too long",
        };
        record.extend(u32::try_from(frame.data.len()).map_err(bad)?.to_le_bytes());
        record.extend(ticks(frame.time).to_le_bytes());
        record.extend(&frame.data[..]);
        self.file.write_all(&record)?;
        self.end = Some(frame.time + frame.duration);
        Ok(())
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        if let Some(end) = self.end {
            // The field was meant to count the pictures, but players take it for the length in ticks.
            self.file.seek(SeekFrom::Start(24))?;
            self.file.write_all(&(ticks(end) as u32).to_le_bytes())?;
        }
        Ok(())
    }
}

fn ticks(time: Duration) -> u64 {
    ((time.as_nanos() * u128::from(TICKS) + 500_000_000) / 1_000_000_000) as u64
}

/// Width and height of a VP8 keyframe (RFC 6386 section 9.1).
fn vp8_size(keyframe: &[u8]) -> Option<(u16, u16)> {
    let [_, _, _, 0x9d, 0x01, 0x2a, w0, w1, h0, h1, ..] = *keyframe else {
        return None;
    };
    // The two highest bits tell players to scale.
    Some((
        u16::from_le_bytes([w0, w1]) & 0x3fff,
        u16::from_le_bytes([h0, h1]) & 0x3fff,
    ))
}
