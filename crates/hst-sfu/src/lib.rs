#![doc = include_str!("../README.md")]

mod format;
mod id;
mod keyframe;
mod output;
mod packet;
mod rewrite;
mod router;
mod sequence;
mod track;
mod vp8;

pub use format::{Codec, Format, Formats};
pub use id::{LineId, PeerId, TrackId};
pub use output::{Forward, Output};
pub use packet::Packet;
pub use router::Router;
pub use track::KEYFRAME_INTERVAL;
pub use vp8::Vp8Ids;
