//! What a round has brought goes out.

use std::time::Instant;

use super::Worker;
use crate::{media::Passing, sending::Sending};

/// How many receivers are looked at together: enough to keep memory busy, and not so many that the first are forgotten again.
const AHEAD: usize = 8;

impl Worker {
    /// Sends what this round has brought: for each receiver all his packets in one go, then everything to the kernel.
    pub(super) fn flush(&mut self, now: Instant) {
        self.write(now);
        self.network.flush(|destination| self.demux.local_ip(destination));
        self.forget_closed();
        self.post.send();
        self.events.flush();
    }

    /// Writes what is to be sent.
    pub(super) fn write(&mut self, now: Instant) {
        while let Some(room) = self.busy.pop() {
            self.route(now, room);
        }
        self.protect();
        while let Some(id) = self.dirty.pop() {
            if let Some(transport) = self.transports.get_mut(&id)
                && transport.flush(now, self.network.outbox(), &mut self.happenings)
            {
                self.settle(now, id);
            }
        }
    }

    /// Writes the packets of a room to those who get them.
    pub(super) fn send(&mut self, now: Instant, batch: &[Passing], mut sending: Sending) {
        // The other threads can begin while this one writes.
        self.post.send();
        sending.gather();
        for together in sending.receivers().chunks(AHEAD) {
            self.foresee(together);
            for receiver in together {
                if let Some(transport) = self.transports.get_mut(&receiver.id) {
                    let (packets, out) = (sending.packets(receiver), self.network.outbox());
                    if transport.send(now, batch, packets, out, &mut self.happenings) {
                        self.settle(now, receiver.id);
                    }
                }
                self.flush_full();
            }
        }
        sending.clear();
        self.sending = sending;
    }

    /// Gives the kernel what was written, if that is much already.
    pub(super) fn flush_full(&mut self) {
        if self.network.is_full() {
            self.network.flush(|destination| self.demux.local_ip(destination));
        }
    }
}
