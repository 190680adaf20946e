#![doc = include_str!("../README.md")]

pub mod fec;
pub mod receive;
pub mod rtcp;
pub mod rtx;
pub mod send;
pub mod timestamp;
pub mod value;

mod extension;
mod header;
mod ntp;
mod number;
mod packet;
mod wire;

pub use extension::{Extensions, MAX_EXTENSIONS};
pub use header::{FIXED_HEADER, Header, write_header, write_padding};
pub use ntp::Ntp;
pub use number::{Extender, nearest};
pub use packet::Packet;
