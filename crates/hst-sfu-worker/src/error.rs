use hst_sfu::TrackId;
use thiserror::Error;

/// Why an offer was not answered.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OfferError {
    /// The text is too long.
    #[error("the offer is {len} bytes long: at most {max} are allowed")]
    TooLarge {
        /// Its length in bytes.
        len: usize,
        /// The most it may have.
        max: usize,
    },
    /// There are too many m-lines. Stopped lines can be used again.
    #[error("the offer has too many m-lines: at most {max} are allowed")]
    TooManyLines {
        /// The most it may have.
        max: usize,
    },
    /// The text is no offer that can be understood or applied. If the transport existed before, it is lost.
    #[error("the offer cannot be applied: {reason}")]
    Malformed {
        /// What is wrong with it.
        reason: String,
    },
    /// A line names a mid which the offer does not have.
    #[error("the offer has no m-line with mid {mid:?}")]
    NoSuchLine {
        /// The mid.
        mid: String,
    },
    /// Two lines name the same mid.
    #[error("m-line {mid:?} is given two roles")]
    LineTwice {
        /// The mid.
        mid: String,
    },
    /// The track is already published, by another peer or on another line.
    #[error("{0:?} is already published")]
    TrackTaken(TrackId),
    /// This generation was replaced or lost. Offer again from a fresh connection with a newer generation.
    #[error("generation {current} is over or was replaced: use a newer one")]
    Stale {
        /// The newest generation known for this peer.
        current: u32,
    },
    /// The media plane has been shut down.
    #[error("the media plane has been shut down")]
    Stopped,
}

impl OfferError {
    pub(crate) fn malformed(reason: impl ToString) -> Self {
        Self::Malformed {
            reason: reason.to_string(),
        }
    }
}
