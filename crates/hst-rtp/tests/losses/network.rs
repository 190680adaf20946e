use std::{cmp::Reverse, collections::BinaryHeap};

use rand::{Rng, SeedableRng, rngs::StdRng};

/// What both ways of a network do to a datagram.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Way {
    /// The share that is lost.
    pub(crate) loss: f64,
    /// In ms.
    pub(crate) delay: u64,
    /// So much longer it may take, in ms.
    pub(crate) jitter: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum To {
    Sender,
    Receiver,
}

/// When it arrives, as which number it was sent, to whom, and what.
type Flying = (u64, u64, To, Vec<u8>);

/// Datagrams on their way, the next one to arrive first; of those that arrive at once, the one that was sent first.
#[derive(Debug)]
pub(crate) struct Network {
    dice: StdRng,
    way: Way,
    flying: BinaryHeap<Reverse<Flying>>,
    sent: u64,
}

impl Network {
    pub(crate) fn new(seed: u64, way: Way) -> Self {
        Self {
            dice: StdRng::seed_from_u64(seed),
            way,
            flying: BinaryHeap::new(),
            sent: 0,
        }
    }

    pub(crate) fn send(&mut self, ms: u64, to: To, bytes: Vec<u8>) {
        if self.dice.random_bool(self.way.loss) {
            return;
        }
        self.sent += 1;
        let arrives = ms + self.way.delay + self.dice.random_range(0..=self.way.jitter);
        self.flying.push(Reverse((arrives, self.sent, to, bytes)));
    }

    /// What arrives now.
    pub(crate) fn arrived(&mut self, ms: u64) -> Option<(To, Vec<u8>)> {
        self.flying.peek().filter(|Reverse((arrives, ..))| *arrives <= ms)?;
        let Reverse((_, _, to, bytes)) = self.flying.pop()?;
        Some((to, bytes))
    }
}
