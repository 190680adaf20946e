use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::{sync::mpsc, time::Instant};

use super::{
    Counters, Packet,
    assemble::Assembler,
    freezes::Freezes,
    red::{Red, Trail},
    reorder::{Arrival, Ordered, Reorder},
};
use crate::{Codec, Frame, FrameReader, Kind};

/// Frames between a line and its reader; when full the newest is dropped, and video goes on with a keyframe.
const UNREAD_FRAMES: usize = 128;
/// The least time between two requests for a keyframe.
const KEYFRAME_INTERVAL: Duration = Duration::from_millis(500);

/// One line's media in one codec: its packets come in, its frames come out at the reader.
///
/// After each [`take`](Self::take), and at the [`deadline`](Self::deadline), call [`advance`](Self::advance).
#[derive(Debug)]
pub struct Incoming {
    codec: Codec,
    counters: Arc<Counters>,
    reorder: Reorder,
    trail: Trail,
    assembler: Assembler,
    out: mpsc::Sender<Frame>,
    keyframe_requested: Option<Instant>,
    jitter: Jitter,
    freezes: Freezes,
}

/// What the other side is to be told.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Feedback {
    /// The sequence numbers of the packets to send again (RFC 4585 section 6.2.1), each one six times at most.
    pub missing: Vec<u16>,
    /// Whether nothing can be decoded before a keyframe comes (RFC 4585 section 6.3.1).
    pub keyframe: bool,
}

impl Incoming {
    /// A line that begins, and the reader of its frames.
    pub fn new(codec: Codec, counters: Arc<Counters>) -> (Self, Box<dyn FrameReader>) {
        let (out, frames) = mpsc::channel(UNREAD_FRAMES);
        let incoming = Self {
            codec,
            counters,
            reorder: Reorder::new(codec.kind()),
            trail: Trail::default(),
            assembler: Assembler::new(codec),
            out,
            keyframe_requested: None,
            jitter: Jitter::default(),
            freezes: Freezes::default(),
        };
        (incoming, Box::new(Reader { frames }))
    }

    /// How its frames are encoded.
    pub fn codec(&self) -> Codec {
        self.codec
    }

    /// A packet has arrived, in whatever order.
    pub fn take(&mut self, now: Instant, packet: Packet) {
        let (len, timestamp) = (packet.payload.len(), packet.timestamp);
        self.trail.pass(packet.sequence as u16, timestamp);
        match self.reorder.push(packet) {
            Arrival::New => {}
            Arrival::Repeated => self.counters.found(),
            Arrival::Useless => return,
        }
        self.counters.packet(self.codec, len);
        self.counters
            .set_jitter(self.jitter.arrived(timestamp, self.codec.clock_rate(), now));
    }

    /// A packet of redundant sound has arrived (RED, RFC 2198): it is taken as a plain one, and what was lost before it is
    /// found in it. `payload_type` is that of plain sound. One that is damaged carries nothing.
    pub fn take_redundant(&mut self, now: Instant, packet: Packet, payload_type: u8) {
        let Some(Red { sound, repeats }) = Red::part(&packet.payload, payload_type) else {
            let payload = Bytes::new();
            return self.take(now, Packet { payload, ..packet });
        };
        let (sequence, timestamp) = (packet.sequence as u16, packet.timestamp);
        self.take(
            now,
            Packet {
                payload: sound,
                ..packet
            },
        );
        for (sequence, timestamp, payload) in self.trail.missing(sequence, timestamp, repeats) {
            self.reorder.fill(Packet {
                sequence: sequence.into(),
                timestamp,
                payload,
                ..Packet::default()
            });
        }
    }

    /// When to call [`advance`](Self::advance) even if nothing arrives.
    pub fn deadline(&self) -> Option<Instant> {
        self.reorder.deadline()
    }

    /// Hands on what is ready.
    pub fn advance(&mut self, now: Instant) -> Feedback {
        let missing = self.reorder.look(now);
        let mut frames = Vec::new();
        while let Some(out) = self.reorder.pop(now) {
            match out {
                Ordered::Packet(packet) => self.assembler.push(&packet, &mut frames),
                Ordered::Repeat(packet) => {
                    self.counters.lost(1);
                    self.assembler.push(&packet, &mut frames);
                }
                Ordered::Gap(lost) => {
                    self.counters.lost(lost);
                    self.assembler.lost();
                }
            }
        }
        for frame in frames {
            // Also of what nobody reads.
            self.counters.heard(frame.level);
            // A frame after one that was dropped here cannot be decoded either.
            if self.assembler.needs_keyframe() && !frame.keyframe {
                continue;
            }
            let Ok(place) = self.out.try_reserve() else {
                self.assembler.dropped();
                continue;
            };
            self.counters.frame(self.codec, &frame);
            if self.codec.kind() == Kind::Video
                && let Some(time) = self.freezes.arrived(now)
            {
                self.counters.froze(time);
            }
            place.send(frame);
        }
        let waited = self.keyframe_requested.is_none_or(|at| now >= at + KEYFRAME_INTERVAL);
        let keyframe = self.assembler.needs_keyframe() && waited;
        if keyframe {
            self.keyframe_requested = Some(now);
        }
        Feedback { missing, keyframe }
    }
}

/// RFC 3550 section 6.4.1.
#[derive(Debug, Default)]
struct Jitter {
    latest: Option<(u32, Instant)>,
    seconds: f64,
}

impl Jitter {
    fn arrived(&mut self, timestamp: u32, rate: u32, now: Instant) -> f64 {
        if let Some((before, at)) = self.latest.replace((timestamp, now)) {
            let sent = f64::from(timestamp.wrapping_sub(before) as i32) / f64::from(rate);
            let difference = (now - at).as_secs_f64() - sent;
            self.seconds += (difference.abs() - self.seconds) / 16.0;
        }
        self.seconds
    }
}

#[derive(Debug)]
struct Reader {
    frames: mpsc::Receiver<Frame>,
}

#[async_trait]
impl FrameReader for Reader {
    async fn read(&mut self) -> Option<Frame> {
        self.frames.recv().await
    }
}
