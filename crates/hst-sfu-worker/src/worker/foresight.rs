//! Several clients are looked at together before anything is done for the first of them; see the transports' own
//! [foresight](crate::transport).

use quinn_udp::BATCH_SIZE;

use super::Worker;
use crate::{remote::Remote, sending::Receiver};

impl Worker {
    /// Has what is known of these receivers come from memory, all at once.
    pub(super) fn foresee(&self, receivers: &[Receiver]) {
        let known = || {
            receivers
                .iter()
                .filter_map(|it| Some((self.transports.get(&it.id)?, it.slot)))
        };
        known().for_each(|(transport, _)| transport.foresee());
        known().for_each(|(transport, slot)| transport.foresee_line(slot));
        known().for_each(|(transport, slot)| transport.foresee_behind_line(slot));
    }

    /// Has what is known of those from whom something has come, come from memory, all at once: most of it is reports.
    pub(super) fn foresee_reports(&self, sources: impl Iterator<Item = Remote>) {
        let mut senders = [None; BATCH_SIZE];
        for (sender, source) in senders.iter_mut().zip(sources) {
            *sender = self.demux.known(source);
        }
        let known = || senders.iter().flatten().filter_map(|id| self.transports.get(id));
        known().for_each(|transport| transport.foresee_report());
        known().for_each(|transport| transport.foresee_behind_report());
    }
}
