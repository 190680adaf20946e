use std::time::Duration;

/// When, how often and for how many lost packets it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// A packet is taken for lost when one has come that is so many numbers newer,
    pub reorder_packets: u64,
    /// or so long after any newer one has come.
    pub reorder_time: Duration,
    /// It is asked for again after a round trip and a tenth, and not earlier than after this.
    pub at_least: Duration,
    /// So often it is asked for,
    pub attempts: u8,
    /// and until it is so old.
    pub age: Duration,
    /// So many are asked for in one go. The others wait for [`at_least`](Self::at_least).
    pub at_once: usize,
    /// For 100 packets that come, so many are asked for, once those of the beginning are used up, which are
    /// [`at_once`](Self::at_once).
    pub share: u32,
}

impl Default for Patience {
    /// For pictures that people look at while they are taken: with 40 % lost on both ways, each packet must be asked for three
    /// times, and quickly, because the picture stands still until it comes.
    fn default() -> Self {
        Self {
            reorder_packets: 3,
            reorder_time: Duration::from_millis(5),
            at_least: Duration::from_millis(10),
            attempts: 10,
            age: Duration::from_secs(1),
            at_once: 128,
            share: 200,
        }
    }
}
