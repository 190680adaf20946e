use std::time::Duration;

/// When and how often a lost packet is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// A packet is taken for lost when one has come that is so many numbers newer,
    pub reorder_packets: u64,
    /// or so long after any newer one has come.
    pub reorder_time: Duration,
    /// Where packets are overtaken on their way it is waited until they use to be there, but no longer than this.
    pub reorder_at_most: Duration,
    /// It is asked for again after a round trip and a tenth, and not earlier than after this.
    pub at_least: Duration,
    /// So often it is asked for,
    pub attempts: u8,
    /// and until it is so old.
    pub age: Duration,
}

impl Default for Patience {
    /// For pictures that people look at while they are taken: with 40 % lost on both ways, each packet must be asked for three
    /// times, and quickly, because the picture stands still until it comes.
    fn default() -> Self {
        Self {
            reorder_packets: 3,
            reorder_time: Duration::from_millis(5),
            reorder_at_most: Duration::from_millis(50),
            at_least: Duration::from_millis(10),
            attempts: 10,
            age: Duration::from_secs(1),
        }
    }
}
