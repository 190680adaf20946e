//! Forward error correction (FlexFEC), as far as it is agreed on with the client: what publishers protect is protected for him, too.

use std::{
    rc::Rc,
    time::{Duration, Instant},
};

use hst_sfu::{Rates, TrackId};

use super::Transport;
use crate::{LineRole, egress::Way, network::Outbox, protected::Protected, slot::Slot};

/// What the media take of a network, in percent of their own rate: headers, and what is sent again of them.
const MEDIA: u64 = 115;
/// What was not used up of the rest for so long may be used at a time: what protects a keyframe comes at once.
const SAVED: Duration = Duration::from_millis(500);
/// When the estimate has fallen below this share of what it was, in percent, and packets wait, too much is sent: then nothing is
/// protected for so long, and twice as long each time that it comes to that again soon.
const FALLEN: u64 = 97;
const PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// For so long after something was protected, the estimate may be lower for that than what the media take: by so much, in percent of
/// that. A network that carries less than the media does is estimated lower still, as soon as packets wait for long.
const GRACE: Duration = Duration::from_secs(5);
const NEAR: u64 = 75;
/// What protects is counted over so long.
const PERIOD: Duration = Duration::from_secs(1);

/// What is to be protected for a client, and how much of that there is room for.
#[derive(Debug)]
pub(super) struct Protecting {
    /// With the next flush, and on which line.
    orders: Vec<(u16, Rc<Protected>)>,
    /// How many bits in a second his media take, and would with the next step up.
    rates: Rates,
    /// How many bits may be sent, and since when that is counted.
    left: f64,
    counted: Option<Instant>,
    /// What the network was estimated to carry, in bits in a second.
    estimate: u64,
    pause: Duration,
    paused_until: Option<Instant>,
    /// When something was sent last.
    sent_at: Option<Instant>,
    /// How many bits were sent since then, and in the period before.
    since: Option<Instant>,
    sent: [u64; 2],
}

impl Transport {
    /// Under which payload types packets may be protected, of those that the client has offered, by line: his own on those on which he
    /// sends, and ours on the others.
    pub(super) fn agree_on_repair(&mut self, offered: Vec<Option<u8>>) -> Vec<Option<u8>> {
        let is_free = |pt: &u8| self.slots.iter().all(|slot| !slot.speaks(*pt));
        let free: Vec<_> = offered.into_iter().map(|pt| pt.filter(is_free)).collect();
        let inward = self.slots.iter().zip(&free).filter(|(slot, _)| slot.is_inward);
        self.ingress.repair_types = inward.filter_map(|(_, pt)| *pt).collect();
        let agreed = self.slots.iter_mut().zip(free).map(|(slot, pt)| {
            let is_protected = slot.protect(pt);
            pt.filter(|_| slot.is_inward || is_protected)
        });
        let agreed = agreed.collect();
        let has_any = self.slots.iter().any(Slot::is_protected);
        let protecting = self.protecting.take().filter(|_| has_any);
        self.protecting = protecting.or_else(|| has_any.then(|| Box::new(Protecting::new())));
        agreed
    }

    /// Protects what was sent of these packets of a track with the next flush, where the client takes that; says whether it was not
    /// marked for a flush before.
    pub(crate) fn protect(&mut self, track: TrackId, protected: &Rc<Protected>) -> bool {
        let Some(protecting) = &mut self.protecting else {
            return false;
        };
        let carries = |slot: &Slot| slot.role == Some(LineRole::Receive { track }) && slot.is_protected();
        let before = protecting.orders.len();
        let slots = self.slots.iter().enumerate().filter(|(_, slot)| carries(slot));
        let orders = slots.map(|(at, _)| (at as u16, protected.clone()));
        protecting.orders.extend(orders);
        protecting.orders.len() > before && self.touch()
    }
}

impl Protecting {
    fn new() -> Self {
        Self {
            orders: Vec::new(),
            rates: Rates::default(),
            left: 0.0,
            counted: None,
            estimate: 0,
            pause: PAUSE,
            paused_until: None,
            sent_at: None,
            since: None,
            sent: [0; 2],
        }
    }

    /// The router says what the client gets, and could.
    pub(super) fn take_rates(&mut self, rates: Rates) {
        self.rates = rates;
    }

    /// Sends what is to be sent, as far as the network carries it beside the media.
    pub(super) fn flush(&mut self, now: Instant, slots: &mut [Slot], way: &mut Way, outbox: &mut Outbox) {
        if self.orders.is_empty() {
            return;
        }
        let rest = self.rest(now, way);
        let since = self.counted.replace(now).unwrap_or(now);
        let passed = now.saturating_duration_since(since).min(SAVED);
        self.left = (self.left + rest * passed.as_secs_f64()).min(rest * SAVED.as_secs_f64());
        for (slot, protected) in std::mem::take(&mut self.orders) {
            if self.left > 0.0 {
                let sent = slots[usize::from(slot)].send_protection(now, way, outbox, &protected);
                self.count(now, 8 * sent as u64);
            }
        }
    }

    fn count(&mut self, now: Instant, bits: u64) {
        self.left -= bits as f64;
        self.sent_at = Some(now);
        let since = *self.since.get_or_insert(now);
        if now.saturating_duration_since(since) >= PERIOD {
            self.since = Some(now);
            self.sent = [0, self.sent[0]];
        }
        self.sent[0] += bits;
    }

    /// How many bits in a second the network carries beside the media, which go first, also when they could take a step up; all
    /// where nothing is known of it, and nothing for a while after it has turned out to carry less.
    fn rest(&mut self, now: Instant, way: &mut Way) -> f64 {
        let Some(estimate) = way.estimate() else {
            return u64::MAX as f64;
        };
        let before = std::mem::replace(&mut self.estimate, estimate);
        if estimate * 100 < before * FALLEN && way.estimator().is_queued() {
            self.pause(now);
        }
        if self.paused_until.is_some_and(|until| now < until) {
            return 0.0;
        }
        let Rates { present, next, .. } = self.rates;
        let media = if next <= estimate { next.max(present) } else { present };
        estimate.saturating_sub(media * MEDIA / 100) as f64
    }

    fn pause(&mut self, now: Instant) {
        let Some(until) = self.paused_until else {
            self.paused_until = Some(now + self.pause);
            return;
        };
        if now >= until {
            let is_soon = now.saturating_duration_since(until) < self.pause;
            self.pause = if is_soon {
                (self.pause * 2).min(LONGEST_PAUSE)
            } else {
                PAUSE
            };
        }
        self.paused_until = Some(until.max(now + self.pause));
    }

    /// What of an estimate there is for media, in bits in a second: what protects them is taken off, which is left out before they are.
    /// As long as it may have been that which was too much, it is what they take now.
    pub(super) fn for_media(&self, now: Instant, estimate: u64) -> u64 {
        let within = |length: Duration| move |at: &Instant| now.saturating_duration_since(*at) < length;
        let is_of_late = self.sent_at.as_ref().is_some_and(within(2 * PERIOD));
        let sent = if is_of_late { self.sent[0].max(self.sent[1]) } else { 0 };
        let rest = estimate.saturating_sub(sent);
        let present = self.rates.present;
        let is_near = estimate * 100 >= present * NEAR;
        let may_be_ours = self.sent_at.as_ref().is_some_and(within(GRACE));
        match is_near && may_be_ours {
            true => rest.max(present * MEDIA / 100),
            false => rest,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MBIT: u64 = 1_000_000;

    fn receiving(present: u64) -> Protecting {
        let mut protecting = Protecting::new();
        protecting.take_rates(Rates {
            present,
            next: present,
            desired: present,
        });
        protecting
    }

    #[test]
    fn what_protects_is_taken_off_what_is_shared_among_the_media() {
        let (now, mut protecting) = (Instant::now(), receiving(MBIT));
        assert_eq!(protecting.for_media(now, 3 * MBIT), 3 * MBIT);
        for tenth in 0..20 {
            protecting.count(now + Duration::from_millis(100 * tenth), MBIT / 40);
        }
        let now = now + Duration::from_secs(2);
        assert_eq!(protecting.for_media(now, 3 * MBIT), 3 * MBIT - MBIT / 4);
        assert_eq!(protecting.for_media(now + 2 * PERIOD, 3 * MBIT), 3 * MBIT);
    }

    #[test]
    fn for_a_while_media_keep_what_they_have_when_a_little_less_is_estimated() {
        let (now, mut protecting) = (Instant::now(), receiving(MBIT));
        let [near, far] = [MBIT * NEAR / 100, MBIT * NEAR / 100 - 1];
        assert_eq!(protecting.for_media(now, near), near, "nothing was protected");
        protecting.count(now, 0);
        assert_eq!(protecting.for_media(now, near), MBIT * MEDIA / 100);
        assert_eq!(protecting.for_media(now, far), far, "that is not for what protects");
        assert_eq!(protecting.for_media(now + GRACE, near), near);
    }

    #[test]
    fn pauses_become_longer_while_one_follows_another_soon() {
        let (mut now, mut protecting) = (Instant::now(), receiving(MBIT));
        let mut pause = |after: Duration| {
            now += after;
            protecting.pause(now);
            let until = protecting.paused_until.expect("it is paused");
            let length = until - now;
            now = until;
            length.as_secs()
        };
        let soon = [(); 5].map(|()| pause(Duration::from_secs(1)));
        assert_eq!(soon, [5, 10, 20, 40, 60]);
        assert_eq!(pause(Duration::from_secs(61)), 5);
    }
}
