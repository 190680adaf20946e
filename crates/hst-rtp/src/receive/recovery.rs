use std::collections::VecDeque;

use crate::{Packet, fec::Repair};

/// How many packets are kept of a source: twice as many as a repair packet can protect, as a power of two.
const PACKETS: usize = 256;
/// The longest packet that is kept: a longer one does not fit a datagram on any ordinary path.
const LONGEST: usize = 1500;
/// Numbers that jump by more than this are those of another life of the source.
const MAX_JUMP: u16 = 3000;
/// How many repair packets wait for others of those that they protect. The oldest goes when another one comes.
const REPAIRS: usize = 32;

/// The packets of a source that is protected by forward error correction, and out of them those that were lost.
///
/// What is kept is bounded: 256 packets, 32 that repair, and 32 that were computed.
#[derive(Debug)]
pub struct Recovery {
    /// Each at its number, as far as there is room.
    packets: Vec<Option<Kept>>,
    repairs: VecDeque<Vec<u8>>,
    /// What was computed and not taken yet.
    recovered: VecDeque<Vec<u8>>,
    newest: Option<u16>,
}

#[derive(Debug)]
struct Kept {
    seq: u16,
    bytes: Vec<u8>,
}

impl Recovery {
    /// For a source of which nothing has come.
    pub fn new() -> Self {
        Self {
            packets: std::iter::repeat_with(|| None).take(PACKETS).collect(),
            repairs: VecDeque::new(),
            recovered: VecDeque::new(),
            newest: None,
        }
    }

    /// Takes a packet of the source, as it came. Its header extensions with these identifiers were written after it was protected.
    pub fn handle_packet(&mut self, bytes: &[u8], written_late: impl IntoIterator<Item = u8>) {
        let packet = Packet::parse_header(bytes).filter(|_| bytes.len() <= LONGEST);
        let Some(packet) = packet else { return };
        let seq = packet.header.seq;
        let mut bytes = bytes.to_vec();
        let places = written_late.into_iter().filter_map(|id| packet.extension_range(id));
        places.for_each(|place| bytes[place].fill(0));
        if self.keep(seq, bytes) {
            self.compute();
        }
    }

    /// Takes what a repair packet carries that protects the source.
    pub fn handle_repair(&mut self, repair: &Repair<'_>, payload: &[u8]) {
        // Of what is long gone, or of another life of the source, nothing can be computed.
        let is_near = |newest: u16| {
            repair
                .seqs()
                .all(|seq| seq.wrapping_sub(newest) as i16 > -(PACKETS as i16))
        };
        if !self.newest.is_some_and(is_near) || payload.len() > LONGEST {
            return;
        }
        if self.repairs.len() == REPAIRS {
            self.repairs.pop_front();
        }
        self.repairs.push_back(payload.to_vec());
        self.compute();
    }

    /// The next packet that had not come and was computed.
    pub fn poll_recovered(&mut self) -> Option<Vec<u8>> {
        self.recovered.pop_front()
    }

    /// Keeps a packet; says whether it was not kept before.
    fn keep(&mut self, seq: u16, bytes: Vec<u8>) -> bool {
        let ahead = |newest: u16| seq.wrapping_sub(newest) as i16;
        let is_far = |newest: u16| ahead(newest).unsigned_abs() > MAX_JUMP;
        if self.newest.is_none_or(|newest| ahead(newest) > 0 || is_far(newest)) {
            self.newest = Some(seq);
        }
        let place = &mut self.packets[usize::from(seq) % PACKETS];
        let is_there = place.as_ref().is_some_and(|kept| kept.seq == seq);
        let is_old = self.newest.is_some_and(|newest| ahead(newest) <= -(PACKETS as i16));
        if is_there || is_old {
            return false;
        }
        *place = Some(Kept { seq, bytes });
        true
    }

    fn find(&self, seq: u16) -> Option<&[u8]> {
        let kept = self.packets[usize::from(seq) % PACKETS].as_ref()?;
        (kept.seq == seq).then_some(&*kept.bytes)
    }

    /// Computes what can be computed. One packet may be what another one lacked.
    fn compute(&mut self) {
        let mut at = 0;
        while at < self.repairs.len() {
            let Some((missing, packet)) = self.try_repair(&self.repairs[at]) else {
                at += 1;
                continue;
            };
            self.repairs.remove(at);
            if let (Some(seq), Some(bytes)) = (missing, packet)
                && self.keep(seq, bytes.clone())
            {
                self.recovered.truncate(REPAIRS - 1);
                self.recovered.push_back(bytes);
                at = 0;
            }
        }
    }

    /// Which packet a repair packet is good for, if it was lost, and that packet; `None` where more than that is missing.
    fn try_repair(&self, payload: &[u8]) -> Option<(Option<u16>, Option<Vec<u8>>)> {
        let Some(repair) = Repair::parse(payload) else {
            return Some((None, None));
        };
        let mut missing = repair.seqs().filter(|seq| self.find(*seq).is_none());
        match (missing.next(), missing.next()) {
            (None, _) => Some((None, None)),
            (Some(seq), None) => {
                let others = repair.seqs().filter(|other| *other != seq);
                let packet = repair.recover(seq, others.filter_map(|other| self.find(other)));
                // Whoever made it may have meant anything.
                let packet = packet.filter(|packet| Packet::parse(packet).is_some());
                Some((Some(seq), packet))
            }
            _ => None,
        }
    }
}

impl Default for Recovery {
    fn default() -> Self {
        Self::new()
    }
}
