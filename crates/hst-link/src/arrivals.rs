use std::sync::Arc;

use quinn::Incoming;
use tokio::time::timeout;

use crate::{
    Link,
    handshakes::Handshakes,
    links::{HANDSHAKE_TIMEOUT, Node},
};

/// The links that other nodes have dialled.
#[derive(Debug)]
pub struct Arrivals {
    node: Arc<Node>,
    handshakes: Handshakes,
}

impl Arrivals {
    pub(crate) fn new(node: Arc<Node>) -> Self {
        Self {
            node,
            handshakes: Handshakes::default(),
        }
    }

    /// The next link; `None` after [`shut_down`](crate::Links::shut_down). Peers get no answer while nobody waits here.
    /// Cancel-safe.
    ///
    /// A link may replace one that stands: see [`Links::connect`](crate::Links::connect).
    pub async fn accept(&mut self) -> Option<Link> {
        loop {
            tokio::select! {
                Some(link) = self.handshakes.next() => return Some(link),
                incoming = self.node.endpoint.accept(), if !self.handshakes.is_full() => self.take_up(incoming?),
            }
        }
    }

    fn take_up(&mut self, incoming: Incoming) {
        let peer = incoming.remote_address();
        if !incoming.remote_address_validated() {
            // It comes back with a proof of its address (RFC 9000, section 8.1.2), or never: links are made rarely, so
            // nobody waits for the round trip, and strangers with forged addresses cost nothing. An error is a peer that
            // was asked already, and so is not one without a proof.
            let _ = incoming.retry();
        } else if self.handshakes.is_full_for(peer) {
            incoming.refuse();
        } else {
            let node = self.node.clone();
            self.handshakes.begin(peer, async move {
                let handshake = async { node.answer(incoming.await.ok()?).await };
                timeout(HANDSHAKE_TIMEOUT, handshake).await.ok().flatten()
            });
        }
    }
}
