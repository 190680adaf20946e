#![doc = include_str!("../README.md")]

mod device;
mod error;
#[cfg(feature = "video")]
mod picture;
#[cfg(feature = "audio")]
mod sound;

pub use device::{Device, DeviceKind, Devices};
pub use error::DeviceError;
#[cfg(feature = "video")]
pub use picture::*;
#[cfg(feature = "audio")]
pub use sound::*;
