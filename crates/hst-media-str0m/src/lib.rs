#![doc = include_str!("../README.md")]

mod codecs;
mod command;
mod connection;
mod cutter;
mod detours;
mod driver;
mod early;
mod engine;
#[doc(hidden)]
pub mod fuzzed;
mod ice;
mod level;
mod link;
mod network;
mod order;
mod peer;
mod pipe;
mod relay;
mod section;
mod tls;
mod way;
mod writer;

pub use engine::Str0mEngine;
