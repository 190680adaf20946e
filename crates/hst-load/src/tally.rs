use std::time::Duration;

use crate::delays::Delays;

/// What clients sent and what came to them while it was counted.
#[derive(Debug, Default, Clone)]
pub struct Tally {
    /// Packets that were published.
    pub sent: u64,
    /// Packets that came, each once.
    pub received: u64,
    /// Their payload, in bytes.
    pub bytes: u64,
    /// Packets that were not as they were sent, or that are proven by no key.
    pub damaged: u64,
    /// Packets that the server never passed on, though it went on with others of the same line.
    pub lost_in_server: u64,
    /// Packets that the server numbered and that never came.
    pub lost_behind_server: u64,
    /// Datagrams for which there was no room in the clients' sockets, because nobody emptied those in time; `None` where the
    /// system does not tell. Who asks for one again may get it yet, so it may be more than what was lost.
    pub overflowed: Option<u64>,
    /// How long packets were under way: from the publisher's socket to the receiver's, where the system says when it came.
    pub delays: Delays,
    /// For how long the clients' thread had the processor; of several crowds, that which had it longest.
    pub busy: Duration,
    /// For how long all of them had it.
    pub spent: Duration,
}

impl Tally {
    /// Adds what another crowd has counted.
    pub fn join(&mut self, other: Self) {
        self.sent += other.sent;
        self.received += other.received;
        self.bytes += other.bytes;
        self.damaged += other.damaged;
        self.lost_in_server += other.lost_in_server;
        self.lost_behind_server += other.lost_behind_server;
        self.overflowed = self.overflowed.zip(other.overflowed).map(|(one, other)| one + other);
        self.delays.join(&other.delays);
        self.busy = self.busy.max(other.busy);
        self.spent += other.spent;
    }
}
