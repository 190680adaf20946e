//! Forward error correction (FlexFEC), as far as it is agreed on with the client: what publishers protect is protected for him, too.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use hst_sfu::TrackId;

use super::Transport;
use crate::{LineRole, egress::Way, network::Outbox, protected::Protected, slot::Slot};

/// What the media takes of a network, in percent of their own rate: headers, and what is sent again of them.
const MEDIA: u64 = 115;
/// What was not used up of the rest for so long may be used at a time: what protects a keyframe comes at once.
const SAVED: Duration = Duration::from_millis(500);

/// What is to be protected for a client, and how much of that there is room for.
#[derive(Debug, Default)]
pub(super) struct Protecting {
    /// With the next flush, and on which line.
    orders: Vec<(u16, Arc<Protected>)>,
    /// How many bits in a second his media take at present.
    pub(super) media: u64,
    /// How many bits may be sent, and since when that is counted.
    left: f64,
    counted: Option<Instant>,
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
        let protecting = self.protecting.take().unwrap_or_default();
        self.protecting = has_any.then_some(protecting);
        agreed
    }

    /// Protects what was sent of these packets of a track with the next flush, where the client takes that; says whether it was not
    /// marked for a flush before.
    pub(crate) fn protect(&mut self, track: TrackId, protected: &Arc<Protected>) -> bool {
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
    /// Sends what is to be sent, as far as the network carries it beside the media.
    pub(super) fn flush(&mut self, now: Instant, slots: &mut [Slot], way: &mut Way, outbox: &mut Outbox) {
        if self.orders.is_empty() {
            return;
        }
        let rest = self.rest(way);
        let since = self.counted.replace(now).unwrap_or(now);
        let passed = now.saturating_duration_since(since).min(SAVED);
        self.left = (self.left + rest * passed.as_secs_f64()).min(rest * SAVED.as_secs_f64());
        for (slot, protected) in self.orders.drain(..) {
            if self.left > 0.0 {
                let sent = slots[usize::from(slot)].send_protection(now, way, outbox, &protected);
                self.left -= sent as f64 * 8.0;
            }
        }
    }

    /// How many bits in a second the network carries beside the media: nothing while packets wait, and all where nothing is
    /// known of it.
    fn rest(&self, way: &mut Way) -> f64 {
        match way.estimate() {
            None => u64::MAX as f64,
            Some(_) if way.estimator().is_queued() => 0.0,
            Some(estimate) => estimate.saturating_sub(self.media * MEDIA / 100) as f64,
        }
    }
}
