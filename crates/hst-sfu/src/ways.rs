use std::{
    collections::VecDeque,
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use crate::Packet;

/// How many packets of each way are remembered: one is some packets behind the other at most.
const REMEMBERED: usize = 64;
/// How much of a payload tells it from others.
const TAIL: usize = 16;

/// Two ways by which a track comes, and whether its packets bear the same numbers on both: a way on which something was left out
/// numbers everything behind that otherwise.
#[derive(Debug, Default)]
pub(crate) struct Ways {
    present: VecDeque<Seen>,
    next: VecDeque<Seen>,
    are_alike: Option<bool>,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    encoding: u8,
    seq: u16,
    content: u64,
}

impl Ways {
    /// Takes note of a packet. Says whether the ways are alike, as soon as packets of one number have come by both.
    pub(crate) fn note(&mut self, is_next: bool, packet: &Packet<'_>) -> Option<bool> {
        let seen = Seen::of(packet);
        let (own, other) = match is_next {
            true => (&mut self.next, &self.present),
            false => (&mut self.present, &self.next),
        };
        let twin = other
            .iter()
            .find(|it| (it.encoding, it.seq) == (seen.encoding, seen.seq));
        if self.are_alike.is_none() {
            self.are_alike = twin.map(|twin| twin.content == seen.content);
        }
        if own.len() == REMEMBERED {
            own.pop_front();
        }
        own.push_back(seen);
        self.are_alike
    }
}

impl Seen {
    fn of(packet: &Packet<'_>) -> Self {
        let mut hasher = DefaultHasher::new();
        let payload = packet.payload;
        (packet.timestamp, payload.len()).hash(&mut hasher);
        payload[payload.len().saturating_sub(TAIL)..].hash(&mut hasher);
        Self {
            encoding: packet.encoding,
            seq: packet.seq,
            content: hasher.finish(),
        }
    }
}
