//! How a connection comes about: checks, the handshake, and what the client's network is taken to carry at first.

use std::time::{Duration, Instant};

use super::{Happening, Transport};
use crate::{
    LostReason,
    handshake::{Handshake, HandshakeError, Progress},
    losses::Report,
    network::Outbox,
    paths::Checked,
    remote::Remote,
    reports::INTERVAL,
};

/// Until so long after it has connected, a client's network is taken to carry at least so many bits in a second: what it
/// really carries is being found out, and a picture that is held back until then would come late.
const TRUST: Duration = Duration::from_secs(2);
const TRUSTED: u64 = 3_000_000;

impl Transport {
    /// Takes a connectivity check.
    pub(super) fn take_check(
        &mut self,
        now: Instant,
        source: Remote,
        check: &[u8],
        outbox: &mut Outbox,
        happenings: &mut Vec<Happening>,
    ) -> Result<(), HandshakeError> {
        let had_path = self.paths.taken().is_some();
        let Some(Checked { response, is_agreed }) = self.paths.check(now, source, check) else {
            return Ok(());
        };
        outbox.push(source, &response);
        self.way.lead_to(self.paths.taken());
        if is_agreed && self.is_connected {
            self.deadline = None;
        }
        if had_path {
            return Ok(());
        }
        self.shake_hands(now, outbox, happenings, |handshake, send| handshake.begin(now, send))
    }

    /// Lets the handshake go on; what it says leaves at once, if there is any path.
    pub(super) fn shake_hands(
        &mut self,
        now: Instant,
        outbox: &mut Outbox,
        happenings: &mut Vec<Happening>,
        step: impl FnOnce(&mut Handshake, &mut dyn FnMut(&[u8])) -> Result<Progress, HandshakeError>,
    ) -> Result<(), HandshakeError> {
        let Some(handshake) = &mut self.handshake else {
            return Ok(());
        };
        let to = self.paths.taken();
        let mut send = |datagram: &[u8]| to.into_iter().for_each(|to| outbox.push(to, datagram));
        let stepped = step(handshake, &mut send);
        if stepped.is_err() {
            handshake.give_up(&mut send);
        }
        let Progress { connected, is_over } = stepped?;
        if let Some(contexts) = connected {
            self.way.open(contexts);
            self.way.lead_to(to);
            self.is_connected = true;
            self.trusted_until = Some(now + TRUST);
            self.look_back_at = Some(now + INTERVAL);
            self.deadline = None;
            happenings.push(Happening::Connected);
        }
        if is_over {
            self.end(LostReason::Closed, happenings);
        }
        Ok(())
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
            let share = self.losses.resend_share();
            let lines = self.slots.iter_mut().filter_map(|slot| slot.line.as_mut());
            lines.for_each(|line| line.set_share(share));
        }
        self.tell_budget(now, happenings);
    }

    /// How many bits in a second the client's network is taken to carry; `None` is not known.
    pub(super) fn budget(&self, now: Instant) -> Option<u64> {
        let is_trusted = self.trusted_until.is_none_or(|until| now < until);
        let trusted = if is_trusted { TRUSTED } else { 0 };
        let estimate = self.way.estimate()?;
        let for_media = self.protecting.as_ref().map(|it| it.for_media(now, estimate));
        Some(for_media.unwrap_or(estimate).max(trusted))
    }
}
