//! What str0m tells of a connection.

use std::time::{Duration, Instant};

use str0m::{Event, IceConnectionState};

use super::{CONNECT_TIMEOUT, Happening, Transport};
use crate::{LostReason, losses::Report, reports::INTERVAL};

/// Until so long after it has connected, a client's network is taken to carry at least so many bits in a second: what it
/// really carries is being found out, and a picture that is held back until then would come late.
const TRUST: Duration = Duration::from_secs(2);
const TRUSTED: u64 = 3_000_000;

impl Transport {
    pub(super) fn handle_event(&mut self, now: Instant, event: Event, happenings: &mut Vec<Happening>) {
        match event {
            Event::Connected => {
                self.is_connected = true;
                self.trusted_until = Some(now + TRUST);
                self.look_back_at = Some(now + INTERVAL);
                self.deadline = None;
                self.wants_way = true;
                happenings.push(Happening::Connected);
            }
            Event::IceConnectionStateChange(IceConnectionState::Disconnected) => {
                let reason = if self.is_connected {
                    LostReason::Silent
                } else {
                    LostReason::NeverConnected
                };
                self.end(reason, happenings);
            }
            Event::IceConnectionStateChange(IceConnectionState::Checking) if self.is_connected => {
                self.deadline = Some(now + CONNECT_TIMEOUT);
            }
            Event::IceConnectionStateChange(IceConnectionState::Connected | IceConnectionState::Completed) => {
                self.sessions.settle();
                if self.is_connected {
                    self.deadline = None;
                }
            }
            Event::Closed => self.end(LostReason::Closed, happenings),
            _ => {}
        }
    }

    /// Draws conclusions from the last second.
    pub(super) fn look_back(&mut self, now: Instant, happenings: &mut Vec<Happening>) {
        self.look_back_at = Some(now + INTERVAL);
        let heard = || self.slots.iter().filter_map(|slot| slot.line.as_ref()?.heard());
        let told = heard().filter_map(|heard| heard.round_trip()).min();
        self.path.round_trip = told.or(self.ingress.round_trip()).or(self.path.round_trip);
        let count = heard().count().max(1) as f32;
        let lost = match self.way.estimate() {
            Some(_) => self.way.estimator().lost(),
            None => heard().map(|heard| heard.loss_rate).sum::<f32>() / count,
        };
        let report = Report {
            at: now,
            lost,
            // The estimator's is the fresher one: it comes with every feedback.
            round_trip: self.way.estimator().round_trip().or(self.path.round_trip),
        };
        if self.losses.report(&report) {
            let (is_lossy, share) = (self.losses.is_lossy(), self.losses.resend_share());
            let lines = self.slots.iter_mut().filter_map(|slot| slot.line.as_mut());
            lines.for_each(|line| line.set_losses(is_lossy, share));
        }
        self.tell_budget(now, happenings);
    }

    /// How many bits in a second the client's network is taken to carry; `None` is not known.
    pub(super) fn budget(&self, now: Instant) -> Option<u64> {
        let is_trusted = self.trusted_until.is_none_or(|until| now < until);
        let trusted = if is_trusted { TRUSTED } else { 0 };
        Some(self.way.estimate()?.max(trusted))
    }
}
