use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use hst_media::LineStats;

use crate::codecs::codec_of;

/// What one line has carried. Written by the task that carries it, read by whoever asks for statistics; each figure
/// stands for itself, so no order between them is needed.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    payload_type: AtomicU64,
    packets: AtomicU64,
    bytes: AtomicU64,
    frames: AtomicU64,
    lost: AtomicU64,
    /// The bits of an `f64`, in seconds.
    jitter: AtomicU64,
}

impl Counters {
    pub(crate) fn packet(&self, payload_type: u8, bytes: usize) {
        self.payload_type.store(payload_type.into(), Relaxed);
        self.packets.fetch_add(1, Relaxed);
        self.bytes.fetch_add(bytes as u64, Relaxed);
    }

    pub(crate) fn frame(&self) {
        self.frames.fetch_add(1, Relaxed);
    }

    pub(crate) fn lost(&self, packets: u64) {
        self.lost.fetch_add(packets, Relaxed);
    }

    pub(crate) fn set_lost(&self, packets: u64) {
        self.lost.store(packets, Relaxed);
    }

    pub(crate) fn set_jitter(&self, seconds: f64) {
        self.jitter.store(seconds.to_bits(), Relaxed);
    }

    pub(crate) fn fill(&self, mut stats: LineStats) -> LineStats {
        stats.codec = codec_of(self.payload_type.load(Relaxed) as u8);
        stats.packets = self.packets.load(Relaxed);
        stats.bytes = self.bytes.load(Relaxed);
        stats.frames = self.frames.load(Relaxed);
        stats.lost = self.lost.load(Relaxed);
        stats.jitter = f64::from_bits(self.jitter.load(Relaxed));
        stats
    }
}
