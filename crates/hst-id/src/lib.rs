#![doc = include_str!("../README.md")]

mod error;
mod media;
mod name;

pub use error::InvalidName;
pub use media::{MediaId, MediaRef, MediaType, UnknownMediaType};
pub use name::{AppId, GroupId, TerminalType, UserId};
