#![doc = include_str!("../README.md")]

mod codec;
#[cfg(feature = "contract")]
pub mod contract;
mod engine;
mod error;
mod events;
mod file;
mod frame;
pub mod h264;
mod level;
mod line;
pub mod memory;
#[cfg(feature = "mock")]
pub mod mock;
mod negotiation;
mod opus;
mod pace;
mod peer;
pub mod rtp;
mod sink;
mod size;
mod source;

pub use codec::{Codec, Kind};
pub use engine::{Foretold, IceServer, MediaEngine, PeerConfig};
pub use error::{Cause, LineClosed, MediaError, SinkError, SourceError};
pub use events::{PeerEventSender, PeerEvents, peer_events};
pub use file::{FileSink, FileSource, open_sink, open_source};
pub use frame::{Frame, TrackInfo};
pub use level::Level;
pub use line::{FrameReader, FrameWriter};
pub use negotiation::Negotiation;
pub use opus::opus_duration;
pub use pace::{Looped, Paced};
pub use peer::{Direction, LineId, LineStats, MediaPeer, Offer, PeerEvent, PeerState};
pub use sink::MediaSink;
pub use source::{FrameList, MediaSource};
