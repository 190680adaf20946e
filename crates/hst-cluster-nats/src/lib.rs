#![doc = include_str!("../README.md")]

mod bus;
mod directory;
mod error;
mod feed;
mod link;
mod names;
mod nats;
mod options;
mod queue;
mod stream;
#[cfg(test)]
#[path = "../tests/support/mod.rs"]
mod support;
mod trust;
mod watch;

pub use error::ConnectError;
pub use nats::Nats;
pub use options::{Auth, Options, Tls};
