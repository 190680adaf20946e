use std::time::{Duration, Instant};

use hst_rtp::{
    Header,
    receive::{Arrival, Budget, Missing, Patience, Reception, Recovery},
    rtcp::{ReportBlock, SenderInfo},
};

use super::{Lost, clock::Clock, lateness::Lateness, repair::Protects, sources::Place};
use crate::{
    media::Sampled,
    negotiation::{Carried, PayloadTypes},
};

/// A lost packet is asked for as often as there is time for it: a picture stands still until it comes.
const PATIENCE: Patience = Patience {
    reorder_packets: 3,
    reorder_time: Duration::from_millis(5),
    reorder_at_most: Duration::from_millis(50),
    at_least: Duration::from_millis(10),
    attempts: u8::MAX,
    age: Duration::from_secs(1),
};

/// What comes of one source of media.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(super) place: Place,
    reception: Reception,
    /// What is missing of it; `None` of what cannot be sent again.
    missing: Option<Missing>,
    /// What those that are lost are computed of, where he protects them.
    pub(super) recovery: Option<Box<Recovery>>,
    pub(super) protects: Protects,
    /// How late its packets are, if it is a sound.
    lateness: Lateness,
    /// As its reports tell.
    pub(super) sampled: Option<Sampled>,
    /// What the payload type of the last packet stands for, and that of the last that was sent again.
    first: Option<(u8, Carried)>,
    again: Option<(u8, Carried)>,
    /// How many packets had come when it was reported last, and which share of those before was lost, in 1/256.
    reported: u64,
    lost: u8,
}

/// How well it comes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Quality {
    /// The share of packets that was lost of late, from 0 to 1.
    pub(crate) loss_rate: f32,
    pub(crate) jitter: Duration,
}

impl Stream {
    pub(super) fn new(place: Place, clock_rate: u32) -> Self {
        Self {
            place,
            reception: Reception::new(clock_rate),
            missing: None,
            recovery: None,
            protects: Protects::default(),
            lateness: Lateness::default(),
            sampled: None,
            first: None,
            again: None,
            reported: 0,
            lost: 0,
        }
    }

    /// What a payload type stands for, of a packet that was sent first, or again.
    pub(super) fn carried(&mut self, types: &PayloadTypes, payload_type: u8, is_first: bool) -> Option<Carried> {
        let last = if is_first { &mut self.first } else { &mut self.again };
        if let Some((_, carried)) = last.filter(|(last, _)| *last == payload_type) {
            return Some(carried);
        }
        let carried = types.carried(payload_type).filter(|it| !(is_first && it.is_again))?;
        *last = Some((payload_type, carried));
        Some(carried)
    }

    /// Payload types may stand for something else now.
    pub(super) fn forget_types(&mut self) {
        (self.first, self.again) = (None, None);
    }

    /// Takes a packet of so many bytes; says whether it is new.
    pub(super) fn handle_packet(&mut self, now: Instant, header: &Header, bytes: usize, has_again: bool) -> bool {
        // What fits nowhere the router judges: maybe the source has started anew.
        let Some(number) = self.reception.handle_packet(now, header, bytes) else {
            return true;
        };
        if has_again && self.missing.is_none() {
            self.missing = Some(Missing::new(PATIENCE));
        }
        let arrival = self.missing.as_mut().map(|missing| missing.handle_packet(now, number));
        arrival != Some(Arrival::Duplicate)
    }

    /// Takes a packet of sound; says how long it has waited on its way.
    pub(super) fn handle_sound(&mut self, now: Instant, header: &Header, clock_rate: u32) -> Duration {
        self.lateness.take(now, header.timestamp, clock_rate);
        self.lateness.late()
    }

    /// Takes one that was sent again, under the number that it had first; says whether it was missing.
    pub(super) fn handle_again(&mut self, now: Instant, seq: u16) -> bool {
        let (Some(missing), Some(number)) = (&mut self.missing, self.reception.number(seq)) else {
            return false;
        };
        matches!(missing.handle_again(now, number), Arrival::New | Arrival::Late)
    }

    /// Takes one that was computed; says whether it was missing.
    pub(super) fn handle_recovered(&mut self, now: Instant, seq: u16) -> bool {
        // Where nothing can be sent again the router sees what comes twice.
        self.missing.is_none() || self.handle_again(now, seq)
    }

    pub(super) fn handle_report(&mut self, now: Instant, info: SenderInfo) {
        self.reception.handle_report(now, info);
    }

    /// More is known of the client's clock.
    pub(super) fn handle_clock(&mut self, clock: &Clock) {
        self.sampled = self.reception.reported().and_then(|reported| clock.sampled(reported));
    }

    /// When to call [`ask`](Self::ask).
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.missing.as_ref()?.poll_timeout()
    }

    /// Appends what is to be asked for now.
    pub(super) fn ask(&mut self, now: Instant, round_trip: Duration, budget: &mut Budget, seqs: &mut Vec<u16>) {
        if let Some(missing) = &mut self.missing {
            missing.ask(now, round_trip, budget, seqs);
        }
    }

    /// The newest packet that was given up since it was asked the last time.
    pub(super) fn given_up(&mut self) -> Option<Lost> {
        let number = self.missing.as_mut()?.take_given_up()?;
        let Place { slot, encoding } = self.place;
        let seq = number as u16;
        Some(Lost { slot, encoding, seq })
    }

    /// What is to be reported of it; `None` where nothing has come since the last time.
    pub(super) fn report(&mut self, now: Instant, ssrc: u32) -> Option<ReportBlock> {
        let packets = self.reception.packets();
        if std::mem::replace(&mut self.reported, packets) == packets {
            return None;
        }
        let block = self.reception.report(now, ssrc)?;
        self.lost = block.fraction_lost;
        Some(block)
    }

    pub(super) fn quality(&self) -> Quality {
        Quality {
            loss_rate: f32::from(self.lost) / 256.0,
            jitter: self.reception.jitter(),
        }
    }
}
