#![doc = include_str!("../README.md")]

mod accept_key;
mod close;
mod config;
mod connection;
mod error;
mod listener;
mod socket;
mod transport;

pub use accept_key::accept_key;
pub use connection::from_upgraded;
pub use listener::WsListener;
pub use transport::WsTransport;
