use hst_media::{MediaError, rtp::Packet};
use str0m::media::{Direction, MediaKind, Mid, Pt};
use tokio::sync::oneshot;

use crate::section::Carried;

/// How many commands wait for the driver; a further one waits for room, which the driver makes without waiting for the
/// network.
pub(crate) const COMMAND_CAPACITY: usize = 16;

/// What a peer and its writers ask of the task that drives the connection.
#[derive(Debug)]
pub(crate) enum Command {
    /// Describes these sections.
    Offer {
        sections: Vec<Wanted>,
        restart_ice: bool,
        reply: oneshot::Sender<Result<Offered, MediaError>>,
    },
    /// Takes an answer; after it the sections carry these lines, and no others.
    Answer {
        sdp: String,
        lines: Vec<(Mid, Carried)>,
        reply: oneshot::Sender<Result<(), MediaError>>,
    },
    /// The section carries nothing any more.
    Stop { mid: Mid },
    /// Sends packets in one go.
    Write { mid: Mid, pt: Pt, packets: Vec<Packet> },
    /// Ends everything.
    Close { reply: oneshot::Sender<()> },
}

/// How the other side is to see a section.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// `None` for one that was never offered.
    pub(crate) mid: Option<Mid>,
    pub(crate) kind: MediaKind,
    pub(crate) direction: Direction,
}

/// An offer, and the names of its sections in the order in which they were asked for.
#[derive(Debug)]
pub(crate) struct Offered {
    pub(crate) sdp: String,
    pub(crate) mids: Vec<Mid>,
}
