//! The way out: frames into packets.

mod packetize;
mod writer;

#[cfg(test)]
pub(crate) use packetize::packetize;
pub(crate) use writer::{Gate, Sending, Writer};
