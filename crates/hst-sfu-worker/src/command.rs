use std::sync::{Arc, Weak};

use hst_sfu::{BranchId, PeerId, Priority, TrackId};
use tokio::sync::oneshot;

use crate::{OfferError, RoomId, RoomStats, answer::Answer, claims::Claims, offer::Offer, relay::Port};

/// How many commands may wait for one thread. When it is full, callers wait.
pub(crate) const COMMANDS: usize = 256;

/// What is asked of a media thread.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) room: RoomId,
    /// Dead when the last handle of the room is gone.
    pub(crate) alive: Weak<()>,
    pub(crate) claims: Arc<Claims>,
    pub(crate) ask: Ask,
}

#[derive(Debug)]
pub(crate) enum Ask {
    /// The room has another branch, which is a neighbour, and this is the way there.
    Meet(BranchId, Port),
    /// It is going to have none there any more, and others take over what comes by it.
    Fade(BranchId),
    /// It has none there any more.
    Part(BranchId),
    /// The way there carries so many bits in a second; `None` is not known.
    Bound(BranchId, Option<u64>),
    Offer {
        peer: PeerId,
        generation: u32,
        /// Under which name the credentials of his first connection were foretold.
        foretold: Option<u64>,
        offer: Box<Offer>,
        answer: oneshot::Sender<Result<Answer, OfferError>>,
    },
    MuteTrack {
        track: TrackId,
        is_muted: bool,
        done: oneshot::Sender<()>,
    },
    HoldTrack {
        peer: PeerId,
        track: TrackId,
        is_held: bool,
        done: oneshot::Sender<()>,
    },
    ViewTrack {
        peer: PeerId,
        track: TrackId,
        height: Option<u32>,
    },
    PrioritizeTrack {
        peer: PeerId,
        track: TrackId,
        priority: Priority,
    },
    RemoveTrack(TrackId, oneshot::Sender<()>),
    RemovePeer(PeerId, oneshot::Sender<()>),
    Stats(oneshot::Sender<RoomStats>),
}
