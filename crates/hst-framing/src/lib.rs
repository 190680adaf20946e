#![doc = include_str!("../README.md")]

mod framing;

pub use framing::{MAX_FRAME, TooLong, Unframer, header};
