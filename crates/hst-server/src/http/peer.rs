use std::{net::SocketAddr, sync::Arc};

use axum::http::{HeaderMap, header::HOST};
use tokio::time::Instant;

use crate::{Origin, admission::Place};

/// The connection that a request came by; every request carries it as an extension.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    pub(crate) local: SocketAddr,
    pub(crate) secure: bool,
    /// When it was accepted.
    pub(crate) since: Instant,
    /// Goes on to the session when the connection becomes a WebSocket.
    pub(crate) place: Arc<Place>,
}

impl Peer {
    /// Where the client sees this server, by its own words. `None` if they are no host.
    pub(crate) fn origin(&self, headers: &HeaderMap) -> Option<Origin> {
        match headers.get(HOST) {
            Some(host) => Origin::of_host(self.secure, host.to_str().ok()?),
            // HTTP/1.0 may go without.
            None => Some(Origin::of_address(self.secure, self.local)),
        }
    }
}
