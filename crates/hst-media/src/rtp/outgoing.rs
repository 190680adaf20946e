use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::{Packet, packetize::packetize};
use crate::{Codec, Frame};

/// A large picture goes out in bursts of this many packets, [`BURST_INTERVAL`] apart (some 36 Mb/s), so that it
/// overflows no buffer on its way.
pub const BURST: usize = 20;
/// From one burst to the next.
pub const BURST_INTERVAL: Duration = Duration::from_millis(5);

/// The RTP stream of one section. It outlives the lines that the section carries in turn, so that sequence numbers and
/// timestamps go on.
#[derive(Debug)]
pub struct Outgoing {
    codec: Codec,
    sequence: u64,
    picture: u16,
    /// The timestamp and the moment of the latest frame.
    latest: Option<(u32, Instant)>,
}

impl Outgoing {
    /// A stream that begins with this sequence number. One below 2^15 keeps the rollover counter of SRTP at zero for
    /// sure (RFC 3711 section 3.3.1).
    pub fn new(codec: Codec, sequence: u16) -> Self {
        Self {
            codec,
            sequence: sequence.into(),
            picture: 0,
            latest: None,
        }
    }

    /// How its frames are encoded.
    pub fn codec(&self) -> Codec {
        self.codec
    }

    /// The timestamp of the time zero of a new line whose first frame has this time. The silence since the line before
    /// counts; where there was none the timestamp of that frame is `first`.
    pub fn begin(&self, now: Instant, time: Duration, first: u32) -> u32 {
        let next = match self.latest {
            None => first,
            Some((timestamp, at)) => timestamp.wrapping_add(ticks(now.duration_since(at), self.codec).max(1)),
        };
        next.wrapping_sub(ticks(time, self.codec))
    }

    /// The packets of the next frame; none if there is nothing in it to send. `zero` is what [`begin`](Self::begin)
    /// said for its line.
    pub fn packets(&mut self, now: Instant, zero: u32, frame: &Frame) -> Vec<Packet> {
        let timestamp = zero.wrapping_add(ticks(frame.time, self.codec));
        let payloads = packetize(self.codec, &frame.data, self.picture);
        let last = payloads.len().saturating_sub(1);
        self.picture = self.picture.wrapping_add(1) & 0x7fff;
        self.latest = Some((timestamp, now));
        let level = frame.loudness(self.codec);
        let packet = |(index, payload): (usize, Bytes)| {
            let sequence = self.sequence;
            self.sequence += 1;
            Packet {
                sequence,
                timestamp,
                // The end of a picture; for sound it would mean a new talk spurt, which nobody here knows.
                marker: index == last && self.codec != Codec::Opus,
                level,
                payload,
            }
        };
        payloads.into_iter().enumerate().map(packet).collect()
    }
}

/// A time in ticks of the codec's clock; they wrap around by design.
fn ticks(time: Duration, codec: Codec) -> u32 {
    (time.as_nanos() * u128::from(codec.clock_rate()) / 1_000_000_000) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(time: u64) -> Frame {
        Frame {
            data: Bytes::from_static(&[0xfc, 1]),
            time: Duration::from_millis(time),
            duration: Duration::from_millis(20),
            keyframe: true,
            level: None,
        }
    }

    #[test]
    fn the_next_line_goes_on_where_the_one_before_ended() {
        let (mut stream, start) = (Outgoing::new(Codec::Opus, 7), Instant::now());
        let zero = stream.begin(start, Duration::from_millis(20), 1000);
        let first = stream.packets(start, zero, &frame(20));
        assert_eq!((first[0].sequence, first[0].timestamp), (7, 1000));
        let later = start + Duration::from_millis(500);
        let zero = stream.begin(later, Duration::ZERO, 1000);
        let next = stream.packets(later, zero, &frame(0));
        assert_eq!((next[0].sequence, next[0].timestamp), (8, 1000 + 24_000));
    }
}
