#![doc = include_str!("../README.md")]

mod codecs;
mod engine;
mod extensions;
mod feedback;
mod peer;
mod pump;
mod shared;
mod writer;

pub use engine::WebRtcEngine;
