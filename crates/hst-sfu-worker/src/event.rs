use std::collections::VecDeque;

use hst_sfu::{PeerId, TrackId};
use tokio::sync::mpsc::{self, error::TrySendError};
use tracing::warn;

use crate::RoomId;

/// What happens in the media plane by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MediaEvent {
    /// Media flows between the peer and this server from now on.
    Connected {
        /// The room.
        room: RoomId,
        /// The peer.
        peer: PeerId,
        /// Which of its connections.
        generation: u32,
    },
    /// The peer's connection is over: nothing is sent to it or taken from it any more. Its lines and tracks come
    /// back with an offer of a newer generation.
    Lost {
        /// The room.
        room: RoomId,
        /// The peer.
        peer: PeerId,
        /// Which of its connections.
        generation: u32,
        /// Why.
        reason: LostReason,
    },
    /// The peer receives nothing on this line, because the track comes in a codec that its offer has not.
    CodecMismatch {
        /// The room.
        room: RoomId,
        /// The receiver.
        peer: PeerId,
        /// The `a=mid` of the line.
        mid: String,
        /// The track.
        track: TrackId,
    },
    /// The peer's network does not carry even the smallest picture of this track, which is paused for him; or it does
    /// again.
    Starved {
        /// The room.
        room: RoomId,
        /// The receiver.
        peer: PeerId,
        /// The track.
        track: TrackId,
        /// Whether it is paused from now on.
        is_starved: bool,
    },
    /// Of a track that is sent in several encodings side by side (simulcast), these are of use to somebody from now on;
    /// its publisher may pause the others.
    Wanted {
        /// The room.
        room: RoomId,
        /// The track.
        track: TrackId,
        /// The names of the encodings (RFC 8852), the smallest first.
        rids: Vec<String>,
    },
}

/// Why a connection is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LostReason {
    /// It was not established in time.
    NeverConnected,
    /// The client stopped its connectivity checks (RFC 7675: without consent nothing may be sent).
    Silent,
    /// The client closed it.
    Closed,
    /// The security handshake or a renegotiation failed.
    Failed,
    /// The client went past a limit that no honest one reaches.
    Abusive,
    /// A bug in the media stack, contained to this connection.
    Fault,
}

/// How many events wait for the reader in the channel.
pub(crate) const EVENTS: usize = 1024;
/// How many more wait in a thread when the channel is full; past that the oldest are dropped, because forwarding
/// must go on however slow the reader is.
const BACKLOG: usize = 8192;

/// A thread's way out for events: never blocks.
#[derive(Debug)]
pub(crate) struct Events {
    channel: mpsc::Sender<MediaEvent>,
    backlog: VecDeque<MediaEvent>,
}

impl Events {
    pub(crate) fn new(channel: mpsc::Sender<MediaEvent>) -> Self {
        Self {
            channel,
            backlog: VecDeque::new(),
        }
    }

    pub(crate) fn push(&mut self, event: MediaEvent) {
        if self.backlog.len() == BACKLOG {
            let dropped = self.backlog.pop_front();
            warn!(?dropped, "nobody reads the events of the media plane");
        }
        self.backlog.push_back(event);
    }

    /// Hands over what the channel takes; says whether everything went.
    pub(crate) fn flush(&mut self) -> bool {
        while let Some(event) = self.backlog.pop_front() {
            match self.channel.try_send(event) {
                Ok(()) => {}
                Err(TrySendError::Full(event)) => {
                    self.backlog.push_front(event);
                    return false;
                }
                // The reader is gone for good: nobody wants to know.
                Err(TrySendError::Closed(_)) => self.backlog.clear(),
            }
        }
        true
    }
}
