//! What the server says over HTTP: where its services are, its pages, and the doors to signalling and to events by
//! WebSocket.

mod accept;
mod access;
mod address;
mod forwarded;
pub(crate) mod fuzzed;
mod gateway;
mod health;
mod metrics;
mod pages;
mod peer;
mod router;
mod token;
mod web_socket;
mod whip;

pub(crate) use accept::serve;
pub(crate) use access::QuicPoint;
pub(crate) use metrics::metrics_router;
pub(crate) use router::{Web, router};
