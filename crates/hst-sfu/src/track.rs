use std::time::{Duration, Instant};

use crate::{
    Codec, Format, Packet,
    sequence::{Arrival, Sequence},
};

/// A publisher is asked for a keyframe at most once in this time, and again each time it has passed without one.
pub const KEYFRAME_INTERVAL: Duration = Duration::from_millis(500);
/// A source that was silent for so long may give its place back to the one before it.
const SETTLED: Duration = Duration::from_millis(500);

/// A published stream and the lines that carry it.
#[derive(Debug, Default)]
pub(crate) struct Track {
    pub(crate) is_published: bool,
    pub(crate) is_muted: bool,
    pub(crate) source: Option<Source>,
    /// Where its lines are in the router.
    pub(crate) lines: Vec<usize>,
    pub(crate) wants_keyframe: bool,
    /// When the publisher was last asked for a keyframe.
    pub(crate) asked: Option<Instant>,
}

/// What a track's packets are like at present.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) codec: Codec,
    format: Format,
    ssrc: u32,
    /// The SSRC before it: its late packets must not be taken for a new change.
    retired: Option<u32>,
    sequence: Sequence,
    last_at: Instant,
}

/// A packet that may be forwarded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Admitted {
    pub(crate) index: u64,
    /// No packet of the source has a higher number.
    pub(crate) is_newest: bool,
    /// Receivers cannot just go on from the packets before: the source, its numbering or its format is new.
    pub(crate) is_restart: bool,
}

impl Track {
    /// When the next request for a keyframe may go out.
    pub(crate) fn may_ask_at(&self) -> Option<Instant> {
        self.asked.map(|at| at + KEYFRAME_INTERVAL)
    }

    pub(crate) fn admit(&mut self, now: Instant, packet: &Packet<'_>) -> Option<Admitted> {
        match &mut self.source {
            Some(source) => source.admit(now, packet),
            None => {
                let sequence = Sequence::begin(packet.seq);
                let index = sequence.highest();
                let (ssrc, codec, format) = (packet.ssrc, packet.codec, packet.format);
                self.source = Some(Source {
                    codec,
                    format,
                    ssrc,
                    retired: None,
                    sequence,
                    last_at: now,
                });
                Some(Admitted {
                    index,
                    is_newest: true,
                    is_restart: true,
                })
            }
        }
    }
}

impl Source {
    fn admit(&mut self, now: Instant, packet: &Packet<'_>) -> Option<Admitted> {
        let (index, mut is_restart) = if packet.ssrc == self.ssrc {
            match self.sequence.admit(packet.seq) {
                Arrival::Within(index) => (index, false),
                Arrival::Restart(index) => (index, true),
                Arrival::Refused => return None,
            }
        } else {
            let is_settled = now.saturating_duration_since(self.last_at) >= SETTLED;
            if self.retired == Some(packet.ssrc) && !is_settled {
                return None;
            }
            self.retired = Some(self.ssrc);
            self.ssrc = packet.ssrc;
            self.sequence.restart(packet.seq);
            (self.sequence.highest(), true)
        };
        let is_newest = index == self.sequence.highest();
        if packet.format != self.format || packet.codec != self.codec {
            if !is_newest {
                return None;
            }
            (self.format, self.codec) = (packet.format, packet.codec);
            is_restart = true;
        }
        self.last_at = now;
        Some(Admitted {
            index,
            is_newest,
            is_restart,
        })
    }
}
