//! What is sent without having been forwarded: reports, requests, and what finds out how much the network carries.

use std::time::{Duration, Instant};

use hst_bwe::Probe;
use hst_sfu::Rates;

use super::{Happening, Transport};
use crate::network::Outbox;

/// So much of a rate is looked for, in percent: the router takes up what fits with something to spare, and rates waver.
const SOUGHT: u64 = 125;

/// A probe that is being sent.
#[derive(Debug)]
pub(super) struct Probing {
    probe: Probe,
    /// What is left of it, in packets and in bytes.
    packets: usize,
    bytes: usize,
    next_at: Instant,
}

impl Probing {
    /// Whether it has had both: it takes some packets to measure with, and some bytes to fill a network with.
    fn is_over(&self) -> bool {
        self.packets == 0 && self.bytes == 0
    }

    fn size(&self) -> usize {
        self.probe.bytes / self.probe.packets.max(1)
    }
}

impl Transport {
    /// Looks for what the client could get: probes for his next step up, and for the best.
    pub(crate) fn seek(&mut self, rates: Rates) {
        self.protecting.iter_mut().for_each(|it| it.take_rates(rates));
        let [next, all] = [rates.next, rates.desired].map(|rate| rate * SOUGHT / 100);
        self.way.estimator().want(next, all);
    }

    /// When something of this is due.
    pub(super) fn next_sending(&self) -> Option<Instant> {
        if !self.is_connected {
            return None;
        }
        let reports = self.slots.iter().filter_map(|slot| slot.line.as_ref()?.report_at());
        reports.chain(self.look_back_at).chain(self.sooner()).min()
    }

    /// When something is due that may be sooner for what is received.
    pub(super) fn sooner(&self) -> Option<Instant> {
        let probing = self.probing.as_ref().map(|it| it.next_at);
        let dues = [probing, self.ingress.poll_timeout(), self.way.next_timeout()];
        dues.into_iter().flatten().min()
    }

    /// Sends what is due.
    pub(super) fn keep_sending(&mut self, now: Instant, outbox: &mut Outbox, happenings: &mut Vec<Happening>) {
        if !self.is_connected {
            return;
        }
        if self.way.next_timeout().is_some_and(|at| at <= now) {
            self.way.estimator().handle_timeout(now);
            self.tell_budget(now, happenings);
        }
        if self.look_back_at.is_some_and(|at| at <= now) {
            self.look_back(now, happenings);
        }
        let Self {
            slots,
            way,
            ingress,
            path,
            ..
        } = self;
        if !ingress.holds.are_none() {
            let mut released = Vec::new();
            ingress.holds.release(now, &mut released);
            happenings.extend(released.into_iter().map(Happening::Media));
        }
        if ingress.tell(now, path.round_trip, way, outbox) {
            happenings.extend(ingress.given_up().map(Happening::GivenUp));
        }
        for line in slots.iter_mut().filter_map(|slot| slot.line.as_mut()) {
            line.report(now, way, outbox);
        }
        self.begin_probe(now);
        self.probe(now, outbox);
    }

    pub(super) fn begin_probe(&mut self, now: Instant) {
        let mut lines = self.slots.iter().filter_map(|slot| slot.line.as_ref());
        if self.probing.is_none() && lines.any(|line| line.can_probe()) {
            self.probing = self.way.estimator().poll_probe(now).map(|probe| Probing {
                packets: probe.packets,
                bytes: probe.bytes,
                probe,
                next_at: now,
            });
        }
    }

    fn probe(&mut self, now: Instant, outbox: &mut Outbox) {
        let Self {
            slots, way, probing, ..
        } = self;
        let Some(current) = probing else { return };
        while current.next_at <= now && !current.is_over() {
            let mut lines = slots.iter_mut().filter_map(|slot| slot.line.as_mut());
            let Some(line) = lines.find(|line| line.can_probe()) else {
                break;
            };
            let sent = line.probe(now, way, outbox, (current.size(), current.probe.id));
            if sent == 0 {
                break;
            }
            current.packets = current.packets.saturating_sub(1);
            current.bytes = current.bytes.saturating_sub(sent);
            current.next_at += Duration::from_secs_f64(sent as f64 * 8.0 / current.probe.rate.max(1) as f64);
        }
        if current.next_at <= now || current.is_over() {
            *probing = None;
        }
    }
}
