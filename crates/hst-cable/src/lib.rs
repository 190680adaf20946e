#![doc = include_str!("../README.md")]

mod cable;
mod datagrams;
mod streams;

pub use cable::Cable;
