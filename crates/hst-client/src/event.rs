use hst_group::client::{GroupEvent, Refusal};
use hst_id::{MediaId, MediaType};
use hst_media::PeerState;
use tokio::sync::broadcast;

/// How many events wait for a reader that is slow; the oldest give way and the reader is told how many he missed.
pub(crate) const EVENT_CAPACITY: usize = 1024;

/// What an engine tells its application.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// Something happened in the group.
    Group(GroupEvent),
    /// The media transport is connected in another way than before.
    Transport(PeerState),
    /// A published source has come to its end, and its media with it.
    SourceEnded {
        /// What it carried.
        media_type: MediaType,
        /// Which.
        media: MediaId,
        /// Why it failed; `None` when it was simply over.
        fault: Option<String>,
    },
    /// The session ended without being asked to: log in again.
    Ended(Refusal),
    /// This reader was too slow: so many events before the next one are lost to it.
    Missed(u64),
}

/// The events of one engine, from the moment when this reader was made, for all its sessions.
#[derive(Debug)]
pub struct Events(pub(crate) broadcast::Receiver<Event>);

impl Events {
    /// The next event, or `None` when the engine is gone.
    ///
    /// Cancel-safe.
    pub async fn recv(&mut self) -> Option<Event> {
        match self.0.recv().await {
            Ok(event) => Some(event),
            Err(broadcast::error::RecvError::Lagged(missed)) => Some(Event::Missed(missed)),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}
