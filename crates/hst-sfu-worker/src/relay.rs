//! What passes between the branches of one room: on other threads, and at other nodes.

mod outside;
mod post;
mod wire;

pub use outside::{Outgoing, Relay, RelayOut};
pub use wire::{Garbled, RELAY_VERSIONS};

#[cfg(test)]
pub(crate) use wire::{read, write};

pub(crate) use post::{BATCHES, Content, Parcel, Port, Post, branch};
