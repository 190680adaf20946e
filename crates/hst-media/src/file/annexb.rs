use std::{io::Read, time::Duration};

use bytes::Bytes;

use super::{
    source::{Input, ReadFrames},
    sps::Sps,
};
use crate::{
    Codec, Frame, SourceError, TrackInfo,
    h264::{NAL_DELIMITER, NAL_IDR, NAL_SEI, NAL_SPS, find_start_code, nal_type},
};

/// The most bytes of one NAL unit; a longer one is damaged.
const MAX_NAL: usize = 8 << 20;
/// The most NAL units of one picture.
const MAX_NALS: usize = 1024;
const CHUNK: u64 = 64 << 10;
/// Frames a second, if the file does not say.
const DEFAULT_RATE: (u32, u32) = (30, 1);

/// Reads H.264 in Annex B form and cuts it into access units.
#[derive(Debug)]
pub(super) struct AnnexB {
    input: Box<dyn Input>,
    info: TrackInfo,
    rate: (u32, u32),
    /// What has been read and not yet been cut off; after the first start code of the file.
    buffer: Vec<u8>,
    over: bool,
    /// The first NAL unit of the next picture.
    held: Option<Vec<u8>>,
    number: u32,
    at: u64,
}

impl AnnexB {
    pub(super) fn new(input: Box<dyn Input>) -> Result<Self, SourceError> {
        let mut reader = Self {
            input,
            info: TrackInfo::new(Codec::H264),
            rate: DEFAULT_RATE,
            buffer: Vec::new(),
            over: false,
            held: None,
            number: 0,
            at: 0,
        };
        // What is before the first start code is nothing but zeros: the caller has seen it.
        reader.next_nal()?;
        reader.held = reader.next_nal()?;
        if reader.held.as_deref().is_some_and(|nal| nal_type(nal) == NAL_DELIMITER) {
            reader.held = reader.next_nal()?;
        }
        let sps = reader
            .held
            .as_deref()
            .filter(|nal| nal_type(nal) == NAL_SPS)
            .and_then(Sps::parse);
        let sps = sps.ok_or_else(|| reader.damaged("it does not begin with a sequence parameter set"))?;
        reader.info.size = Some((sps.width, sps.height));
        reader.rate = sps.rate.unwrap_or(DEFAULT_RATE);
        Ok(reader)
    }

    /// The bytes up to the next start code or the end, without trailing zeros; `None` at the end.
    fn next_nal(&mut self) -> Result<Option<Vec<u8>>, SourceError> {
        let mut searched = 0;
        loop {
            let found = find_start_code(&self.buffer[searched..]).map(|at| searched + at);
            let (end, next) = match found {
                Some(at) => (at, at + 3),
                None if self.over && self.buffer.is_empty() => return Ok(None),
                None if self.over => (self.buffer.len(), self.buffer.len()),
                None if self.buffer.len() > MAX_NAL => return Err(self.damaged("a NAL unit is too long")),
                None => {
                    // A start code may lie across the border.
                    searched = self.buffer.len().saturating_sub(2);
                    let read = self.input.by_ref().take(CHUNK).read_to_end(&mut self.buffer)?;
                    self.over = read == 0;
                    continue;
                }
            };
            let len = self.buffer[..end]
                .iter()
                .rposition(|&byte| byte != 0)
                .map_or(0, |last| last + 1);
            let nal = self.buffer[..len].to_vec();
            self.buffer.drain(..next);
            self.at += next as u64;
            return Ok(Some(nal));
        }
    }

    fn damaged(&self, what: &'static str) -> SourceError {
        SourceError::Malformed {
            format: "H.264",
            at: self.at,
            what,
        }
    }

    /// The time of a picture by its number; exact, so that hours do not drift.
    fn time(&self, number: u32) -> Duration {
        let nanos = u64::from(number) as u128 * u128::from(self.rate.1) * 1_000_000_000 / u128::from(self.rate.0);
        Duration::from_nanos(nanos as u64)
    }
}

impl ReadFrames for AnnexB {
    fn info(&self) -> TrackInfo {
        self.info
    }

    fn next(&mut self) -> Result<Option<Frame>, SourceError> {
        let (mut data, mut nals, mut picture, mut keyframe) = (Vec::new(), 0, false, false);
        while let Some(nal) = match self.held.take() {
            Some(nal) => Some(nal),
            None => self.next_nal()?,
        } {
            if picture && begins_unit(&nal) {
                self.held = Some(nal);
                break;
            }
            nals += 1;
            if nals > MAX_NALS {
                return Err(self.damaged("a picture has too many NAL units"));
            }
            let kind = nal_type(&nal);
            picture |= (1..=NAL_IDR).contains(&kind);
            keyframe |= kind == NAL_IDR;
            if kind != NAL_DELIMITER && !nal.is_empty() {
                data.extend([0, 0, 0, 1]);
                data.extend(nal);
            }
        }
        if !picture {
            return Ok(None); // the end, or what belongs to no picture before it
        }
        let time = self.time(self.number);
        self.number += 1;
        let duration = self.time(self.number) - time;
        Ok(Some(Frame {
            data: Bytes::from(data),
            time,
            duration,
            keyframe,
            level: None,
        }))
    }
}

/// Whether a NAL unit after a picture belongs to the next one (ITU-T H.264 section 7.4.1.2.3, for streams without
/// redundant or auxiliary pictures).
fn begins_unit(nal: &[u8]) -> bool {
    match nal_type(nal) {
        // The first slice of a picture begins at its first macroblock: the number 0 is a single 1 bit.
        1 | NAL_IDR => nal.get(1).is_some_and(|byte| byte & 0x80 != 0),
        NAL_SEI..=NAL_DELIMITER | 14..=18 => true,
        _ => false,
    }
}
