#![doc = include_str!("../README.md")]

mod codecs;
mod command;
mod connection;
mod driver;
mod early;
mod engine;
mod ice;
mod link;
mod peer;
mod section;
mod writer;

pub use engine::Str0mEngine;
