use crate::{Encodings, TrackId};

/// A neighbouring branch, numbered by whoever drives the router.
///
/// The peers of one room may be too many for one router. Then it has several, its branches, each with some of the peers;
/// together they form a tree, and each knows its neighbours alone. A track is passed on to a neighbour who wants it once,
/// however many receivers there are behind him, and no further than it is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct BranchId(pub u64);

/// What a branch tells its neighbour. None may be lost, and none may overtake another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// I know nothing of you: forget what I have told, and tell me what you want.
    Hello,
    /// Somebody here or behind me wants these encodings of a track; an empty set is nobody wants any more.
    Want {
        /// The track.
        track: TrackId,
        /// The encodings.
        encodings: Encodings,
        /// None of their spatial layers above this one is wanted; [`u8::MAX`] is that all are. Who does not understand this
        /// may pass on all.
        spatial: u8,
    },
    /// A track that you want is published, here or behind me.
    Here {
        /// The track.
        track: TrackId,
        /// Its publisher can send so many encodings side by side.
        encodings: u8,
    },
    /// A track that you want is published no more.
    Gone {
        /// The track.
        track: TrackId,
    },
    /// Somebody cannot go on without a keyframe.
    Keyframe {
        /// Of this track.
        track: TrackId,
        /// Of this one of its encodings.
        encoding: u8,
    },
}
