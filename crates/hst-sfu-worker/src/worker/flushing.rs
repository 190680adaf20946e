//! What a round has brought goes out.

use std::time::Instant;

use super::Worker;

impl Worker {
    /// Sends what this round has brought: for each receiver all its packets in one go, then everything to the kernel.
    pub(super) fn flush(&mut self, now: Instant) {
        // The other threads can begin while this one writes.
        self.post.send();
        while self.flush_next(now) {
            self.flush_full();
        }
        self.batch.clear();
        self.network.flush(|destination| self.demux.local_ip(destination));
        self.forget_closed();
        self.post.send();
        self.events.flush();
    }

    /// Gives the kernel what was written, if that is much already.
    pub(super) fn flush_full(&mut self) {
        if self.network.is_full() {
            self.network.flush(|destination| self.demux.local_ip(destination));
        }
    }

    /// Has the next one write what it has to send; says whether there was one. It may tell something that makes another one
    /// dirty.
    pub(super) fn flush_next(&mut self, now: Instant) -> bool {
        let Some(id) = self.dirty.pop() else { return false };
        if let Some(transport) = self.transports.get_mut(&id)
            && transport.flush(now, &self.batch, self.network.outbox(), &mut self.happenings)
        {
            self.settle(now, id);
        }
        true
    }
}
