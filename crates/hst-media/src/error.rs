use std::{error::Error as StdError, io};

use thiserror::Error;

use crate::{Codec, LineId};

/// The cause of a failure inside an engine, for people and logs; programs decide by the variant around it.
pub type Cause = Box<dyn StdError + Send + Sync>;

/// Why an engine or a peer could not do what it was asked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum MediaError {
    /// The peer is closed, or its transport is gone for good: open a new one.
    #[error("the media peer is closed: open a new one")]
    Closed,
    /// No local socket could be had; later there may be one.
    #[error("no local socket for media")]
    Socket(#[source] io::Error),
    /// The configuration names a server that cannot be used; asking again will not help.
    #[error("the ICE server configuration cannot be used: correct its addresses")]
    Config(#[source] Cause),
    /// The other side's answer does not fit the offer: the two disagree, so open a new peer and offer afresh.
    #[error("the answer does not fit the offer: open a new peer")]
    Answer(#[source] Cause),
    /// `offer` was called twice without an answer between, or `answer` without an offer before it.
    #[error("offers and answers must take turns")]
    OutOfTurn,
    /// There is nothing to offer yet: add a line first.
    #[error("a peer needs a line before its first offer")]
    NoLines,
    /// No line of this peer has this id, or it has been stopped.
    #[error("{0} is not in use: it was never added or it has been stopped")]
    UnknownLine(LineId),
    /// Frames of this codec must be encrypted, and cannot be: publish another one.
    #[error("{0} cannot be encrypted from end to end: publish another codec")]
    NotSealable(Codec),
    /// The engine itself failed: open a new peer.
    #[error("the media engine failed: open a new peer")]
    Engine(#[source] Cause),
}

impl MediaError {
    /// Whether a new peer may succeed where this one did not.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Closed | Self::Socket(_) | Self::Answer(_) | Self::Engine(_))
    }
}

/// The line has been stopped, or its peer is closed or gone: nothing more can be written to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the line is closed")]
pub struct LineClosed;

/// Why a source gives no more frames.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The file cannot be read.
    #[error("cannot read the media file")]
    Io(#[from] io::Error),
    /// The file is of no known kind.
    #[error("the file is neither IVF with VP8, H.264 Annex B, nor Ogg with Opus")]
    UnknownFormat,
    /// The file begins well and then breaks its format's rules.
    #[error("the {format} file is damaged at byte {at}: {what}")]
    Malformed {
        /// The format it claims to be.
        format: &'static str,
        /// The offset of the damaged part.
        at: u64,
        /// What is wrong there.
        what: &'static str,
    },
    /// The source is live and cannot start again.
    #[error("a live source has no beginning to go back to")]
    Live,
    /// The device that it comes from has stopped: it is gone, or the system has taken it away.
    #[error("the device gives no more")]
    Device(#[source] Cause),
}

/// Why a sink takes no more frames.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SinkError {
    /// The file cannot be written: a full disk, a missing folder, no permission.
    #[error("cannot write the media file")]
    Io(#[from] io::Error),
    /// A frame is not what its codec prescribes, so it cannot be put into the file.
    #[error("the frame is no valid {codec}: {what}")]
    BadFrame {
        /// The codec of the sink.
        codec: Codec,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The device that it goes to has stopped: it is gone, or the system has taken it away.
    #[error("the device takes no more")]
    Device(#[source] Cause),
}

/// Why the memory engine's [`Hub`](crate::memory::Hub) cannot answer an offer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum HubError {
    /// The text is no offer of a peer of this hub that waits for an answer.
    #[error("this is not the latest offer of a peer of this hub")]
    UnknownOffer,
    /// The offer has no such section, or it goes the other way.
    #[error("the offer has no section {0} for this route")]
    UnknownSection(String),
}
