use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::Packet;
use crate::{
    Codec, Frame, Kind,
    h264::{NAL_SPS, nal_type},
    opus_duration,
};

/// The most bytes of one frame; a longer one is dropped as damaged.
const MAX_FRAME: usize = 8 << 20;

/// Builds the frames of one stream from its packets, which come in order and with their gaps marked.
///
/// Video starts at a keyframe, and after a loss starts again at one: what lies between cannot be decoded.
#[derive(Debug)]
pub(super) struct Assembler {
    codec: Codec,
    /// The frame under construction.
    buffer: BytesMut,
    timestamp: Option<u32>,
    whole: bool,
    /// Whether packets are missing right before the next one.
    gap: bool,
    /// Whether only a keyframe helps, and whether pictures have been left out for want of one.
    starved: bool,
    missed: bool,
    clock: Clock,
}

impl Assembler {
    pub(super) fn new(codec: Codec) -> Self {
        Self {
            codec,
            buffer: BytesMut::new(),
            timestamp: None,
            whole: false,
            gap: true,
            starved: codec.kind() == Kind::Video,
            missed: false,
            clock: Clock::default(),
        }
    }

    /// Whether it leaves frames out until a keyframe comes, and has done so already.
    pub(super) fn needs_keyframe(&self) -> bool {
        self.starved && self.missed
    }

    /// Packets are missing here.
    pub(super) fn lost(&mut self) {
        self.gap = true;
        self.whole = false;
        self.dropped();
    }

    /// A frame is not there: what follows cannot be decoded without it.
    pub(super) fn dropped(&mut self) {
        self.starved = self.codec.kind() == Kind::Video;
        self.missed = self.starved;
    }

    /// Takes the next packet; puts the frames that it completes, at most two, into `frames`.
    pub(super) fn push(&mut self, packet: &Packet, frames: &mut Vec<Frame>) {
        let payload = &packet.payload;
        if payload.is_empty() {
            return; // padding
        }
        if self.codec == Codec::Opus {
            self.gap = false;
            if let Some(duration) = opus_duration(payload) {
                let time = self.clock.time(packet.timestamp, self.codec.clock_rate());
                frames.push(Frame {
                    data: payload.clone(),
                    time,
                    duration,
                    keyframe: true,
                    level: packet.level,
                });
            }
            return;
        }
        if self.timestamp != Some(packet.timestamp) {
            // The frame before had no marker; it is whole all the same if nothing is missing.
            frames.extend(self.finish());
            self.timestamp = Some(packet.timestamp);
            self.whole = true;
        }
        let first = self.buffer.is_empty();
        let after_gap = std::mem::take(&mut self.gap);
        let fits = self.buffer.len() + payload.len() <= MAX_FRAME;
        self.whole &= fits
            && match self.codec {
                Codec::Vp8 => self.vp8(payload, first),
                // Nothing marks the first packet of a unit, but a keyframe starts with its parameter sets.
                _ => self.h264(payload) && (!after_gap || starts_with_parameters(payload)),
            };
        if packet.marker {
            frames.extend(self.finish());
        }
    }

    fn finish(&mut self) -> Option<Frame> {
        let data = self.buffer.split().freeze();
        let timestamp = self.timestamp.take()?;
        if !self.whole || data.is_empty() {
            self.dropped();
            return None;
        }
        let keyframe = self.codec.is_keyframe(&data);
        if self.starved && !keyframe {
            self.missed = true;
            return None;
        }
        (self.starved, self.missed) = (false, false);
        let before = self.clock.elapsed;
        let time = self.clock.time(timestamp, self.codec.clock_rate());
        Some(Frame {
            data,
            time,
            duration: time.saturating_sub(before),
            keyframe,
            level: None,
        })
    }

    /// RFC 7741 section 4.2; returns whether the frame is still whole.
    fn vp8(&mut self, payload: &Bytes, first: bool) -> bool {
        let Some((start, data)) = vp8_data(payload) else {
            return false;
        };
        self.buffer.extend_from_slice(data);
        start == first
    }

    /// RFC 6184 section 5; returns whether the frame is still whole.
    fn h264(&mut self, payload: &Bytes) -> bool {
        const START: [u8; 4] = [0, 0, 0, 1];
        match nal_type(payload) {
            1..=23 => {
                self.buffer.extend_from_slice(&START);
                self.buffer.extend_from_slice(payload);
                true
            }
            24 => {
                let mut rest = &payload[1..];
                while let Some((length, after)) = rest.split_first_chunk::<2>() {
                    let Some((nal, after)) = after.split_at_checked(u16::from_be_bytes(*length).into()) else {
                        return false;
                    };
                    self.buffer.extend_from_slice(&START);
                    self.buffer.extend_from_slice(nal);
                    rest = after;
                }
                rest.is_empty()
            }
            28 => {
                let [indicator, header, data @ ..] = &payload[..] else {
                    return false;
                };
                if header & 0x80 != 0 {
                    self.buffer.extend_from_slice(&START);
                    self.buffer.extend_from_slice(&[indicator & 0xe0 | header & 0x1f]);
                } else if self.buffer.is_empty() {
                    return false;
                }
                self.buffer.extend_from_slice(data);
                true
            }
            _ => false,
        }
    }
}

/// Whether an H.264 payload begins with a sequence parameter set, alone or in a STAP-A.
fn starts_with_parameters(payload: &[u8]) -> bool {
    match payload {
        [header, ..] if header & 0x1f == NAL_SPS => true,
        [header, _, _, inner, ..] => header & 0x1f == 24 && inner & 0x1f == NAL_SPS,
        _ => false,
    }
}

/// The data behind a VP8 payload descriptor, and whether it is the start of a picture.
fn vp8_data(payload: &[u8]) -> Option<(bool, &[u8])> {
    let (&first, mut rest) = payload.split_first()?;
    if first & 0x80 != 0 {
        let (&extension, after) = rest.split_first()?;
        rest = after;
        if extension & 0x80 != 0 {
            let long = rest.first()? & 0x80 != 0;
            rest = rest.get(if long { 2 } else { 1 }..)?;
        }
        let more = usize::from(extension & 0x40 != 0) + usize::from(extension & 0x30 != 0);
        rest = rest.get(more..)?;
    }
    (!rest.is_empty()).then_some((first & 0x17 == 0x10, rest))
}

/// Timestamps to times since the first one.
#[derive(Debug, Default)]
struct Clock {
    latest: Option<u32>,
    ticks: u64,
    elapsed: Duration,
}

impl Clock {
    fn time(&mut self, timestamp: u32, rate: u32) -> Duration {
        let latest = self.latest.replace(timestamp).unwrap_or(timestamp);
        // Half of the range may lie ahead, half behind.
        self.ticks = self
            .ticks
            .saturating_add_signed(i64::from(timestamp.wrapping_sub(latest) as i32));
        self.elapsed = Duration::from_nanos((u128::from(self.ticks) * 1_000_000_000 / u128::from(rate)) as u64);
        self.elapsed
    }
}
