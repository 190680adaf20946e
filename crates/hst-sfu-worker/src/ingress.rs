//! What a client sends to us: which of his sources is which, what is missing of them, and what he is told of that.
//!
//! Whatever comes here is authentic: nothing is believed, and nothing kept, of a packet before it is decrypted.

mod clock;
mod feedback;
mod hold;
mod lateness;
mod repair;
mod sources;
mod stream;

use std::time::{Duration, Instant};

use crate::{
    media::Sampled,
    negotiation::{Carried, PayloadTypes},
    slot::Slot,
    told::{Meanings, Told},
};
use clock::Clock;
use hst_rtp::{
    Packet,
    receive::{Arrivals, Budget, RoundTrip},
    rtx,
};
use sources::Source;

pub(crate) use hold::Holds;
pub(crate) use repair::{RepairTypes, Repairs};
pub(crate) use sources::{Announced, Sources};
pub(crate) use stream::Quality;

#[cfg(test)]
pub(crate) use sources::MAX_SOURCES;

/// All that a client sends.
#[derive(Debug)]
pub(crate) struct Ingress {
    pub(crate) sources: Sources,
    /// What header extensions mean.
    pub(crate) meanings: Meanings,
    pub(crate) repair_types: RepairTypes,
    pub(crate) holds: Holds,
    clock: Clock,
    arrivals: Arrivals,
    budget: Budget,
    round_trip: RoundTrip,
    /// How long packets have waited on their way of late.
    waits: Duration,
    /// As whom we report.
    voice: u32,
    /// A source of his: feedback of the transport names any.
    any: u32,
    /// When reports are due, once something has come, and when anything is to be told.
    report_at: Option<Instant>,
    due: Option<Instant>,
    /// What is to be told.
    messages: Vec<u8>,
}

/// A packet that will never come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lost {
    pub(crate) slot: u16,
    pub(crate) encoding: u8,
    pub(crate) seq: u16,
}

/// A packet of media, as it was sent first.
#[derive(Debug)]
pub(crate) struct Taken<'a> {
    pub(crate) slot: u16,
    pub(crate) encoding: u8,
    pub(crate) ssrc: u32,
    pub(crate) seq: u16,
    pub(crate) carried: Carried,
    pub(crate) payload: &'a [u8],
    /// What was reported of its source.
    pub(crate) sampled: Option<Sampled>,
    /// Whether it comes for the first time.
    pub(crate) is_first: bool,
}

impl Ingress {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            sources: Sources::default(),
            meanings: Meanings::default(),
            repair_types: RepairTypes::default(),
            holds: Holds::default(),
            clock: Clock::default(),
            arrivals: Arrivals::new(now),
            budget: Budget::default(),
            round_trip: RoundTrip::default(),
            waits: Duration::ZERO,
            voice: rand::random(),
            any: 0,
            report_at: None,
            due: None,
            messages: Vec::new(),
        }
    }

    /// Takes a packet that has just come; `None` is one that is of no use to anybody, or has come before.
    pub(crate) fn take<'a>(
        &mut self,
        now: Instant,
        packet: &Packet<'a>,
        told: &Told<'a>,
        (slots, types): (&[Slot], &PayloadTypes),
    ) -> Option<Taken<'a>> {
        self.budget.handle_packet();
        if let Some(seq) = told.transport_seq {
            self.arrivals.handle_packet(now, seq);
            self.wake_at(self.arrivals.poll_timeout());
        }
        let header = packet.header;
        if self.repair_types.contain(header.payload_type) {
            return None;
        }
        if !self.sources.knows(header.ssrc) {
            self.sources.learn(&header, told, (slots, types))?;
        }
        let (ssrc, is_first) = match self.sources.get(header.ssrc)? {
            Source::Media(_) => (header.ssrc, true),
            Source::Again { of } => (*of, false),
        };
        let (seq, payload) = match is_first {
            true => (header.seq, packet.payload),
            false => rtx::read(packet.payload)?,
        };
        let Source::Media(stream) = self.sources.get(ssrc)? else {
            return None;
        };
        let carried = stream.carried(types, header.payload_type, is_first)?;
        let is_new = match is_first {
            true => stream.handle_packet(now, &header, payload.len(), carried.has_again),
            false => stream.handle_again(now, seq),
        };
        if !carried.codec.is_video() {
            self.waits = stream.handle_sound(now, &header, carried.codec.clock_rate());
        }
        let (place, sampled, due) = (stream.place, stream.sampled, stream.poll_timeout());
        self.any = ssrc;
        self.wake_at(due);
        self.begin_reports(now);
        is_new.then_some(Taken {
            slot: place.slot,
            encoding: place.encoding,
            ssrc,
            seq,
            carried,
            payload,
            sampled,
            is_first,
        })
    }
}
