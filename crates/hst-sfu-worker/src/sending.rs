use std::ops::Range;

use hst_sfu::PeerId;

use crate::{demux::TransportId, egress::Sent};

/// The packets that a room has for its receivers, gathered so that each is sent all of his in one go.
#[derive(Debug, Default)]
pub(crate) struct Sending {
    packets: Vec<Queued>,
    runs: Vec<Run>,
    receivers: Vec<Receiver>,
    /// To whom the last packet goes.
    last: Option<PeerId>,
}

/// A packet that waits to be written: which of the room's, where, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Queued {
    pub(crate) index: u32,
    pub(crate) slot: u16,
    pub(crate) sent: Sent,
}

/// Packets one after the other that go to the same receiver.
#[derive(Debug)]
struct Run {
    to: TransportId,
    packets: Range<usize>,
}

/// Who gets packets.
#[derive(Debug)]
pub(crate) struct Receiver {
    pub(crate) id: TransportId,
    /// The line of the first of them.
    pub(crate) slot: u16,
    runs: Range<usize>,
}

impl Sending {
    /// Takes a packet for a receiver; says whether he can be sent to. Where he is reached is asked once for what comes in a row.
    pub(crate) fn push(&mut self, peer: PeerId, packet: Queued, reached: impl FnOnce() -> Option<TransportId>) -> bool {
        if self.last != Some(peer) {
            let Some(to) = reached() else { return false };
            self.last = Some(peer);
            let end = self.packets.len();
            self.runs.push(Run { to, packets: end..end });
        }
        if let Some(run) = self.runs.last_mut() {
            run.packets.end += 1;
        }
        self.packets.push(packet);
        true
    }

    /// Everything is taken: puts together what goes to the same receiver.
    pub(crate) fn gather(&mut self) {
        // What came together from one track is already.
        self.runs.sort_by_key(|run| run.to);
        let mut at = 0;
        for runs in self.runs.chunk_by(|one, next| one.to == next.to) {
            let Run { to, packets } = &runs[0];
            self.receivers.push(Receiver {
                id: *to,
                slot: self.packets[packets.start].slot,
                runs: at..at + runs.len(),
            });
            at += runs.len();
        }
    }

    /// Who gets packets, once they are [gathered](Self::gather).
    pub(crate) fn receivers(&self) -> &[Receiver] {
        &self.receivers
    }

    /// What he gets, in the order in which it came.
    pub(crate) fn packets(&self, receiver: &Receiver) -> impl Iterator<Item = &Queued> {
        let runs = &self.runs[receiver.runs.clone()];
        runs.iter().flat_map(|run| &self.packets[run.packets.clone()])
    }

    /// Their room is kept for the next ones.
    pub(crate) fn clear(&mut self) {
        self.packets.clear();
        self.runs.clear();
        self.receivers.clear();
        self.last = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_receiver_gets_his_packets_together_and_in_their_order() {
        let mut sending = Sending::default();
        let reached = |peer: u64| (peer != 9).then_some(TransportId(100 - peer));
        let mut taken = Vec::new();
        for (index, peer) in [1, 1, 2, 9, 2, 1, 9].into_iter().enumerate() {
            let packet = Queued {
                index: index as u32,
                slot: 0,
                sent: Sent::default(),
            };
            taken.push(sending.push(PeerId(peer), packet, || reached(peer)));
        }
        assert_eq!(taken, [true, true, true, false, true, true, false]);
        sending.gather();
        let all = sending.receivers().iter();
        let all: Vec<_> = all
            .map(|it| (it.id.0, sending.packets(it).map(|it| it.index).collect::<Vec<_>>()))
            .collect();
        assert_eq!(all, [(98, vec![2, 4]), (99, vec![0, 1, 5])]);
        sending.clear();
        sending.gather();
        assert!(sending.receivers().is_empty());
    }
}
