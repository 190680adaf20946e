//! What we send to a client: media that we number, encrypt and address ourselves, straight into the buffer that is sent.

mod allowance;
mod heading;
mod heard;
mod line;
mod log;
mod marks;
mod way;

pub(crate) use heard::Heard;
pub(crate) use line::{Line, Outgoing};
pub(crate) use log::Sent;
pub(crate) use way::Way;

#[cfg(test)]
mod tests;
