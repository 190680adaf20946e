use std::fmt;

use crate::{Figures, Limit};

/// What costs less than this, all together, is not worth a word.
const SLIGHT: f64 = 0.3;

/// How good a media is to who hears or sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quality {
    /// From 1.0, bad, to 5.0, excellent, in steps of 0.1: a mean opinion score (ITU-T P.800).
    pub score: f64,
    /// What costs the most.
    pub reason: Reason,
}

/// What a media lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Nothing that anybody would notice.
    None,
    /// Packets that never arrive.
    Loss,
    /// The way is long.
    Delay,
    /// Packets arrive unevenly, so the receiver holds them back to play them evenly.
    Jitter,
    /// The picture stands still.
    Freezes,
    /// A network carries too little.
    Bandwidth,
    /// Too few pictures in a second, for no reason that is known.
    FrameRate,
    /// Nothing is bad, but the picture is smaller than its publisher could send it: so it is shown.
    View,
    /// The sender's machine is not fast enough.
    Cpu,
}

impl Quality {
    /// What is left of the best when something costs so much.
    pub(crate) fn less(figures: &Figures, best: f64, score: f64, costs: &[(Reason, f64)]) -> Self {
        let score = (score.clamp(1.0, 5.0) * 10.0).round() / 10.0;
        let reason = match costs.iter().max_by(|one, other| one.1.total_cmp(&other.1)) {
            Some(&(reason, _)) if best - score >= SLIGHT => reason,
            _ if figures.limited_by == Limit::View => Reason::View,
            _ => Reason::None,
        };
        Self { score, reason }
    }
}

impl Reason {
    /// Its name, as it is told everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Loss => "loss",
            Self::Delay => "delay",
            Self::Jitter => "jitter",
            Self::Freezes => "freezes",
            Self::Bandwidth => "bandwidth",
            Self::FrameRate => "frame_rate",
            Self::View => "view",
            Self::Cpu => "cpu",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A share from 0 to 1, whatever was measured.
pub(crate) fn share(of: f64) -> f64 {
    if of.is_nan() { 0.0 } else { of.clamp(0.0, 1.0) }
}
