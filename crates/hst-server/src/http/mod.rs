//! What the server says over HTTP: where its services are, its pages, and the door to signalling by WebSocket.

mod accept;
mod access;
mod address;
mod gateway;
mod health;
mod pages;
mod peer;
mod router;
mod signal;
mod token;

pub(crate) use accept::serve;
pub(crate) use access::QuicPoint;
pub(crate) use router::{Web, router};
