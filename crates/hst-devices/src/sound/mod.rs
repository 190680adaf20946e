//! Sound: what a microphone hears becomes Opus, and what others say is mixed for a speaker.

mod backend;
#[cfg(feature = "processing")]
mod cleaner;
mod coder;
mod intake;
mod jitter;
mod memory;
mod microphone;
mod mix;
mod player;
mod resample;
#[cfg(test)]
mod signal;
mod speaker;
mod system;
mod voice;

#[cfg(feature = "processing")]
pub use cleaner::Cleaner;
pub use {
    backend::{Fill, Format, Hear, Lose, Running, SoundBackend},
    memory::MemorySound,
    microphone::Microphone,
    speaker::{Played, Speaker, Voice},
    system::SystemSound,
};

/// Samples a second inside: the rate of Opus (RFC 7587 section 4.1).
const RATE: u32 = 48_000;
/// Samples of a packet that is sent: 20 ms of one channel.
const FRAME: usize = 960;
/// Samples of each channel that are mixed or cleaned at once: 10 ms.
const BLOCK: usize = 480;
