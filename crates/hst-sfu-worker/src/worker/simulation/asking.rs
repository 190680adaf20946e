//! How a client asks for packets that are missing: as browsers do, at once and then each round trip. str0m would ask five times.

use std::time::{Duration, Instant};

use hst_rtp::{
    receive::{Budget, Missing, Patience},
    rtcp::Nack,
};

use super::DELAY;
use crate::{handshake::Contexts, spy::Keys};

/// Who asks.
const SENDER: u32 = 1;
/// Whether it is time to ask again is looked at so often: so it is half of that late.
const LOOKED_AT: Duration = Duration::from_millis(20);
const ROUND_TRIP: Duration = DELAY.saturating_mul(2);

/// Asks for the pictures that a client misses.
pub(super) struct Asker {
    keys: Keys,
    contexts: Option<Contexts>,
    ssrc: u32,
    missing: Missing,
    budget: Budget,
}

/// It waits so long for what may only have been overtaken.
fn missing(reorder_time: Duration) -> Missing {
    Missing::new(Patience {
        // However many have come since.
        reorder_packets: if reorder_time.is_zero() { 0 } else { 1000 },
        reorder_time,
        reorder_at_most: Duration::ZERO,
        at_least: ROUND_TRIP + LOOKED_AT / 2,
        attempts: 10,
        age: Duration::from_secs(10),
    })
}

impl Asker {
    pub(super) fn new(keys: Keys) -> Self {
        Self {
            keys,
            contexts: None,
            ssrc: 0,
            missing: missing(Duration::ZERO),
            budget: Budget::new(1000, 1000),
        }
    }

    /// From now on it waits for what was overtaken, as browsers learn to do.
    pub(super) fn wait(&mut self, reorder_time: Duration) {
        self.missing = missing(reorder_time);
    }

    /// Takes the number of a picture's packet that has come.
    pub(super) fn handle_packet(&mut self, now: Instant, ssrc: u32, seq: u64) {
        self.ssrc = ssrc;
        self.budget.handle_packet();
        self.missing.handle_packet(now, seq);
    }

    /// How many packets came that it had asked for.
    pub(super) fn recovered(&self) -> u64 {
        self.missing.tally().recovered
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.missing.poll_timeout()
    }

    /// The datagram that asks for what is missing now, if anything is.
    pub(super) fn ask(&mut self, now: Instant) -> Option<Vec<u8>> {
        let mut seqs = Vec::new();
        self.missing.ask(now, ROUND_TRIP, &mut self.budget, &mut seqs);
        let mut request = Vec::new();
        Nack::write(&mut request, SENDER, self.ssrc, seqs);
        (!request.is_empty()).then(|| self.say(request))?
    }

    /// The datagram that reports this, once there are keys.
    pub(super) fn say(&mut self, mut report: Vec<u8>) -> Option<Vec<u8>> {
        if self.contexts.is_none() {
            self.contexts = self.keys.contexts();
        }
        let contexts = self.contexts.as_mut()?;
        contexts.sender.protect_rtcp(&mut report, 0).expect("few reports");
        Some(report)
    }
}
