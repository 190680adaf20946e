use std::time::Instant;

use crate::{BranchId, ways::Ways};

/// Where a track is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    Here,
    /// At this neighbour, or behind him.
    Branch(BranchId),
}

/// Where a track is about to be published.
#[derive(Debug)]
pub(crate) struct Next {
    pub(crate) origin: Origin,
    /// When a keyframe was last asked for there.
    pub(crate) asked: Option<Instant>,
    /// What has come by the present way and by this one, while the present one is going.
    pub(crate) ways: Ways,
}

/// Where a track was published.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Former {
    pub(crate) origin: Origin,
    /// Whether its packets are those that come now, under the same numbers.
    pub(crate) is_alike: bool,
}

impl Next {
    pub(crate) fn new(origin: Origin) -> Self {
        Self {
            origin,
            asked: None,
            ways: Ways::default(),
        }
    }
}
