#![doc = include_str!("../README.md")]

mod codecs;
mod counters;
mod engine;
mod feedback;
mod peer;
mod receive;
mod send;
mod shared;

pub use engine::WebRtcEngine;
