use std::{collections::HashMap, time::Duration};

use crate::{delays::Delays, seen::Seen};

/// What came to clients while it was counted.
#[derive(Debug, Default, Clone)]
pub struct Tally {
    /// Packets, each once.
    pub received: u64,
    /// Their payload, in bytes.
    pub bytes: u64,
    /// Packets that were not as they were sent.
    pub damaged: u64,
    /// Packets that the server never passed on, though it went on with others of the same line.
    pub lost_in_server: u64,
    /// Packets that the server sent and that never came.
    pub lost_behind_server: u64,
    /// How long packets were under way: from the publisher's socket to the receiver's, where the system says when it came.
    pub delays: Delays,
    /// For how long the clients' thread had the processor; of several crowds, that which had it longest.
    pub busy: Duration,
}

impl Tally {
    /// Adds what another crowd has counted.
    pub fn join(&mut self, other: Self) {
        self.received += other.received;
        self.bytes += other.bytes;
        self.damaged += other.damaged;
        self.lost_in_server += other.lost_in_server;
        self.lost_behind_server += other.lost_behind_server;
        self.delays.join(&other.delays);
        self.busy = self.busy.max(other.busy);
    }
}

/// What came on one client's lines.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    lines: HashMap<u32, Line>,
    pub(crate) received: u64,
    bytes: u64,
    damaged: u64,
    delays: Delays,
}

/// The packets of one source: by the numbers that their sender has given them, and by those of the server.
#[derive(Debug, Default)]
struct Line {
    sent: Seen,
    passed: Seen,
}

impl Lines {
    /// Takes a packet of this source, which was under way for so long; says whether it is new.
    pub(crate) fn take(&mut self, ssrc: u32, seq: u64, number: u32, len: usize, delay: Duration) -> bool {
        let line = self.lines.entry(ssrc).or_default();
        line.passed.take(seq);
        let is_new = line.sent.take(number.into());
        if is_new {
            self.received += 1;
            self.bytes += len as u64;
            self.delays.add(delay);
        }
        is_new
    }

    pub(crate) fn take_damaged(&mut self) {
        self.damaged += 1;
    }

    pub(crate) fn add_to(&self, tally: &mut Tally) {
        for Line { sent, passed } in self.lines.values() {
            tally.lost_behind_server += passed.missing();
            tally.lost_in_server += sent.missing().saturating_sub(passed.missing());
        }
        tally.received += self.received;
        tally.bytes += self.bytes;
        tally.damaged += self.damaged;
        tally.delays.join(&self.delays);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_did_not_number_it_has_lost_itself() {
        let mut lines = Lines::default();
        // 2 was lost by the server, and 4 behind it.
        for (seq, number) in [(10, 1), (11, 3), (13, 5)] {
            assert!(lines.take(7, seq, number, 100, Duration::ZERO));
        }
        assert!(!lines.take(7, 13, 5, 100, Duration::ZERO));
        let mut tally = Tally::default();
        lines.add_to(&mut tally);
        assert_eq!((tally.received, tally.bytes), (3, 300));
        assert_eq!((tally.lost_in_server, tally.lost_behind_server), (1, 1));
    }
}
