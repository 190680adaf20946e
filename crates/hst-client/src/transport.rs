use hst_media::{MediaEngine, MediaError, MediaPeer, PeerConfig, PeerEvent, PeerEvents};
use tokio::time::sleep_until;

use crate::recovery::Recovery;

/// The media peer in use: what happens to it, and when it must be helped.
#[derive(Debug)]
pub(crate) struct Transport {
    pub(crate) peer: Box<dyn MediaPeer>,
    events: PeerEvents,
    pub(crate) recovery: Recovery,
}

/// Something that concerns a transport.
#[derive(Debug)]
pub(crate) enum TransportNews {
    Event(PeerEvent),
    /// Its recovery wants to be looked at.
    Due,
    /// The peer is over.
    Ended,
}

impl Transport {
    pub(crate) async fn open(engine: &dyn MediaEngine, config: PeerConfig) -> Result<Self, MediaError> {
        let (peer, events) = engine.open(config).await?;
        Ok(Self {
            peer,
            events,
            recovery: Recovery::default(),
        })
    }

    /// The next thing that concerns it. Cancel-safe.
    pub(crate) async fn next(&mut self) -> TransportNews {
        let due = self.recovery.poll_timeout();
        let timer = async {
            match due {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            event = self.events.next() => event.map_or(TransportNews::Ended, TransportNews::Event),
            () = timer => TransportNews::Due,
        }
    }
}
