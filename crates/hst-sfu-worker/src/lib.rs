#![doc = include_str!("../README.md")]

mod answer;
mod command;
mod config;
mod credentials;
mod demux;
mod error;
mod event;
mod extension;
mod framing;
mod line;
mod losses;
mod network;
mod offer;
mod plane;
mod red;
mod remote;
mod room;
mod room_state;
mod rtc;
mod slot;
mod stats;
mod strangers;
mod stream;
mod streams;
mod timers;
mod transport;
mod worker;

pub use config::Config;
pub use error::OfferError;
pub use event::{LostReason, MediaEvent};
pub use hst_sfu::{PeerId, TrackId};
pub use line::{Line, LineRole};
pub use offer::{MAX_LINES, MAX_SDP};
pub use plane::MediaPlane;
pub use room::{Room, RoomId};
pub use stats::{RoomStats, TrackStats};
