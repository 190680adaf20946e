use std::time::{Duration, Instant};

use crate::{
    Tally,
    arrival::{self, Inbox},
};

/// What the clients of a thread use in turn.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) inbox: Inbox,
    /// Where what they send is written.
    pub(crate) out: Vec<u8>,
    pub(crate) tally: Tally,
    pub(crate) clock: Clock,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self {
            inbox: Inbox::new(),
            out: Vec::new(),
            tally: Tally::default(),
            clock: Clock::new(),
        }
    }
}

/// Where the two clocks stood at a moment: the time of the day, in which the kernel tells when something came, and the one that
/// only goes forwards.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    instant: Instant,
    time: Duration,
}

impl Clock {
    fn new() -> Self {
        Self {
            instant: Instant::now(),
            time: arrival::present(),
        }
    }

    /// The moment of this time of the day; of what came before this clock was made, when that was.
    pub(crate) fn at(&self, time: Duration) -> Instant {
        self.instant + time.saturating_sub(self.time)
    }
}
