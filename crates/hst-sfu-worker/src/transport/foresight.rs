//! What is known of a receiver lies apart from what is known of others, and between two bursts it has left the cache: to send him a
//! packet, it comes from memory in some twenty pieces, each when the one before is there. Who reads something of each piece early, of
//! several receivers at once, has all of them come together. What is behind a pointer can be read when the pointer is there, so
//! it is done in three steps.

use std::hint::black_box;

use super::Transport;

impl Transport {
    /// Reads what [`send`](Self::send) will use of this, and does nothing with it.
    pub(crate) fn foresee(&self) {
        black_box((
            self.is_over,
            self.losses.is_lossy(),
            self.slots.len(),
            self.look_back_at,
        ));
        self.way.foresee();
    }

    /// Reads what [`receive`](Self::receive) will use of this, should a report have come.
    pub(crate) fn foresee_report(&self) {
        black_box((self.is_connected, self.told, self.alarm, self.probing.is_some()));
        black_box((self.plain.len(), self.ingress.poll_timeout(), self.path.round_trip));
        self.way.foresee_report();
    }

    /// Reads what is behind that.
    pub(crate) fn foresee_behind_report(&self) {
        black_box(self.plain.first().copied());
        self.way.foresee_behind_report();
        if let Some(slot) = self.slots.first() {
            slot.foresee();
        }
    }

    /// Reads what it will use of a line.
    pub(crate) fn foresee_line(&self, slot: u16) {
        self.way.foresee_more();
        if let Some(slot) = self.slots.get(usize::from(slot)) {
            slot.foresee();
        }
    }

    /// Reads what is behind that.
    pub(crate) fn foresee_behind_line(&self, slot: u16) {
        if let Some(slot) = self.slots.get(usize::from(slot)) {
            slot.foresee_more();
        }
    }
}
