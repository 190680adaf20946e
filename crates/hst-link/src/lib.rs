#![doc = include_str!("../README.md")]

mod arrivals;
mod authority;
mod closing;
mod config;
mod datagrams;
mod error;
mod figures;
mod frames;
#[doc(hidden)]
pub mod fuzzed;
mod greeting;
mod handshakes;
mod hello;
mod identity;
mod link;
mod links;
mod name;
mod registry;
mod window;

pub use arrivals::Arrivals;
pub use authority::{Authority, Papers};
pub use closing::{CloseCode, CloseReason};
pub use config::{ALWAYS_FITS, Config, IDLE, MAX_FRAME};
pub use datagrams::{DatagramReceiver, DatagramSender};
pub use error::{BindError, Closed, ConnectError, IdentityError, InvalidName, SendDatagramError, SendFrameError};
pub use figures::Figures;
pub use frames::{FrameReceiver, FrameSender};
pub use identity::Identity;
pub use link::{Handle, Link, Peer};
pub use links::Links;
pub use name::NodeName;

/// The protocol's name in the TLS handshake.
pub const ALPN: &[u8] = b"hst-link/1";
