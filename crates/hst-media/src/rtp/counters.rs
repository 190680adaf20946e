use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use crate::{Codec, Frame, Level, LineStats, size::size_of};

const CODECS: [Codec; 3] = [Codec::Opus, Codec::Vp8, Codec::H264];

/// What one line has carried. Written by the task that carries it, read by whoever asks for statistics; each figure
/// stands for itself, so no order between them is needed.
#[derive(Debug, Default)]
pub struct Counters {
    /// The place in [`CODECS`], counted from one.
    codec: AtomicU64,
    packets: AtomicU64,
    bytes: AtomicU64,
    frames: AtomicU64,
    lost: AtomicU64,
    /// The bits of an `f64`, in seconds.
    jitter: AtomicU64,
    /// In microseconds; 0 is not known.
    round_trip: AtomicU64,
    /// Width and height in 16 bits each; 0 is not known.
    size: AtomicU64,
    freezes: AtomicU64,
    /// In microseconds.
    frozen: AtomicU64,
    /// Beside [`KNOWN`] whether it is a voice, and 7 bits of how loud it is.
    level: AtomicU64,
}

const KNOWN: u64 = 1 << 8;
const VOICE: u64 = 1 << 7;

impl Counters {
    /// A packet with so many bytes of media.
    pub fn packet(&self, codec: Codec, bytes: usize) {
        let place = CODECS.iter().position(|of| *of == codec);
        self.codec.store(place.map_or(0, |place| place as u64 + 1), Relaxed);
        self.packets.fetch_add(1, Relaxed);
        self.bytes.fetch_add(bytes as u64, Relaxed);
    }

    /// A whole frame.
    pub fn frame(&self, codec: Codec, frame: &Frame) {
        self.frames.fetch_add(1, Relaxed);
        if let Some((width, height)) = size_of(codec, frame) {
            self.size.store(u64::from(width) << 16 | u64::from(height), Relaxed);
        }
    }

    /// A sound is so loud, if that is known.
    pub fn heard(&self, level: Option<Level>) {
        if let Some(Level {
            below_loudest,
            is_voice,
        }) = level
        {
            let voice = if is_voice { VOICE } else { 0 };
            self.level
                .store(KNOWN | voice | u64::from(below_loudest.min(127)), Relaxed);
        }
    }

    /// A picture stood still for so long.
    pub fn froze(&self, time: Duration) {
        self.freezes.fetch_add(1, Relaxed);
        self.frozen.fetch_add(micros(time), Relaxed);
    }

    /// So many more packets are lost.
    pub fn lost(&self, packets: u64) {
        self.lost.fetch_add(packets, Relaxed);
    }

    /// One that was counted as lost has come.
    pub fn found(&self) {
        self.lost.fetch_sub(1, Relaxed);
    }

    /// So many packets are lost in all.
    pub fn set_lost(&self, packets: u64) {
        self.lost.store(packets, Relaxed);
    }

    /// How unevenly packets arrive, in seconds.
    pub fn set_jitter(&self, seconds: f64) {
        self.jitter.store(seconds.to_bits(), Relaxed);
    }

    /// How long it takes to the other side and back.
    pub fn set_round_trip(&self, time: Duration) {
        self.round_trip.store(micros(time).max(1), Relaxed);
    }

    /// Puts the figures into what is known of the line beside them.
    pub fn fill(&self, mut stats: LineStats) -> LineStats {
        let place = self.codec.load(Relaxed).checked_sub(1);
        stats.codec = place.and_then(|place| CODECS.get(place as usize).copied());
        stats.packets = self.packets.load(Relaxed);
        stats.bytes = self.bytes.load(Relaxed);
        stats.frames = self.frames.load(Relaxed);
        stats.lost = self.lost.load(Relaxed);
        stats.jitter = f64::from_bits(self.jitter.load(Relaxed));
        let known = |figure: &AtomicU64| Some(figure.load(Relaxed)).filter(|&figure| figure > 0);
        stats.round_trip = known(&self.round_trip).map(Duration::from_micros);
        stats.size = known(&self.size).map(|size| ((size >> 16) as u16, size as u16));
        stats.freezes = self.freezes.load(Relaxed);
        stats.frozen = Duration::from_micros(self.frozen.load(Relaxed));
        stats.level = known(&self.level).map(|level| Level {
            below_loudest: (level & 127) as u8,
            is_voice: level & VOICE != 0,
        });
        stats
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
