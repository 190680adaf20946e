#![doc = include_str!("../README.md")]

mod config;
mod connection;
mod error;
mod handshakes;
mod listener;
mod receiver;
mod reset_key;
mod sender;
mod transport;

pub use error::BindError;
pub use listener::QuicListener;
pub use reset_key::ResetKey;
pub use transport::QuicTransport;

/// The protocol's name in the TLS handshake.
pub const ALPN: &[u8] = b"hst-signal/1";

/// What the client writes first. A stream is there for the server only when something is written to it, and the server
/// may be the one that speaks first.
pub const PREAMBLE: [u8; 8] = *b"hst-sig1";
