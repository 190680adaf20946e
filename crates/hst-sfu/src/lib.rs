#![doc = include_str!("../README.md")]

mod allocate;
mod bits;
mod dependency;
mod descriptor;
mod flow;
mod format;
mod id;
mod keyframe;
mod ladder;
mod layer;
mod line;
mod meter;
mod output;
mod packet;
mod priority;
mod reading;
mod receiver;
mod rewrite;
mod router;
mod sequence;
mod speakers;
mod track;
mod vp8;
mod vp9;

pub use descriptor::DescriptorPatch;
pub use flow::{Flow, FlowLayer, FlowLimit};
pub use format::{Codec, Format, Formats};
pub use id::{LineId, PeerId, TrackId};
pub use layer::{Encodings, MAX_ENCODINGS};
pub use output::{Forward, Output, Rates};
pub use packet::Packet;
pub use priority::Priority;
pub use router::Router;
pub use track::KEYFRAME_INTERVAL;
pub use vp8::Vp8Ids;
