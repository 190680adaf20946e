#![doc = include_str!("../README.md")]

mod cascade;
#[doc(hidden)]
pub mod fuzzed;
mod load;
mod peer;
mod rooms;
mod strain;
mod wire;

pub use cascade::{Cascade, Figures, Joined};

/// The versions of what is spoken over links: those that this crate understands, for [`hst_link::Config::versions`].
pub const VERSIONS: std::ops::RangeInclusive<u16> = hst_sfu_worker::RELAY_VERSIONS;
