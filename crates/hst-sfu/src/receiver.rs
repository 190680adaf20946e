use std::collections::HashMap;

use crate::{Priority, Rates, TrackId};

/// A peer as one who receives: what his network carries, what he can show, and his lines.
#[derive(Debug, Default)]
pub(crate) struct Receiver {
    /// What his network carries, in bits in a second; `None` is not known.
    pub(crate) budget: Option<u64>,
    /// How high the pictures are that he can show, in pixels, where it is less than everything.
    pub(crate) views: HashMap<TrackId, u32>,
    /// How much pictures matter to him, where it is not as much as most.
    pub(crate) priorities: HashMap<TrackId, Priority>,
    /// Where his lines are in the router.
    pub(crate) lines: Vec<usize>,
    /// What was told of him last.
    pub(crate) told: Rates,
}

impl Receiver {
    /// Whether less than everything may be enough for him.
    pub(crate) fn is_bound(&self) -> bool {
        self.budget.is_some() || !self.views.is_empty()
    }

    /// Whether nothing is known of him that could not be made anew.
    pub(crate) fn is_blank(&self) -> bool {
        self.lines.is_empty() && !self.is_bound() && self.priorities.is_empty()
    }
}
