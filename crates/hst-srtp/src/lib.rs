#![doc = include_str!("../README.md")]

mod cipher;
mod counter;
mod error;
mod gcm;
mod header;
#[cfg(test)]
mod hex;
mod keys;
mod profile;
mod receiver;
mod salt;
mod sender;
mod sources;
mod window;

pub use error::{Exhausted, Refused, WrongLength};
pub use keys::contexts;
pub use profile::{Profile, Side};
pub use receiver::{MAX_SOURCES, Opened, Receiver};
pub use sender::Sender;
pub use window::WINDOW;
