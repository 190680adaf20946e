use std::time::Duration;

use hst_rtp::{Ntp, receive::RoundTrip, rtcp::ReportBlock};

/// What a receiver has told of a line.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Heard {
    /// Packets that never arrived.
    pub(crate) lost: u64,
    /// Their share since the report before, from 0 to 1.
    pub(crate) loss_rate: f32,
    /// In ticks of the timestamp.
    pub(crate) jitter: u32,
    round_trip: RoundTrip,
}

impl Heard {
    /// Takes a report that has come now.
    pub(super) fn take(&mut self, now: Ntp, block: &ReportBlock) {
        self.round_trip.handle_block(now, block);
        self.lost = block.lost.max(0) as u64;
        self.loss_rate = f32::from(block.fraction_lost) / 256.0;
        self.jitter = block.jitter;
    }

    /// To him and back.
    pub(crate) fn round_trip(&self) -> Option<Duration> {
        self.round_trip.smoothed()
    }
}
