use std::sync::Arc;

use clap::ValueEnum;
use hst_rtc::{media::MediaEngine, presets};

/// A media engine by its name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Engine {
    /// Connects fast, over UDP, TCP or a relay.
    #[default]
    Str0m,
    /// Another stack, over UDP or a relay.
    Webrtc,
}

impl Engine {
    /// The engine itself.
    pub(crate) fn make(self) -> Arc<dyn MediaEngine> {
        match self {
            Self::Str0m => presets::str0m(),
            Self::Webrtc => presets::webrtc(),
        }
    }
}
