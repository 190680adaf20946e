//! What a client publishes.

use std::{sync::Arc, time::Instant};

use hst_rtp::Packet;
use hst_sfu::TrackId;
use hst_srtp::Receiver;

use super::{Happening, MAX_PAYLOAD, Transport};
use crate::{
    LineRole, LostReason,
    extension::sizes,
    ingress::Taken,
    media::{Media, Sampled},
    red::Red,
    told::Told,
};

impl Transport {
    /// Takes a packet, if it is the client's and one to forward: with it come those that were lost before it and that it repeats.
    pub(super) fn take_packet(&mut self, now: Instant, datagram: &[u8], happenings: &mut Vec<Happening>) {
        let plain = self.decrypt(datagram, |receiver, plain| Some(receiver.unprotect(plain).ok()?.len));
        if let Some(packet) = Packet::parse(&plain) {
            // What is not to be forwarded is dropped.
            let _ = self.handle_packet(now, &packet, happenings);
            let (recovered, repairs) = self.ingress.recover(&packet, &plain);
            for recovered in recovered {
                let _ = self.handle_recovered(now, &recovered, happenings);
            }
            happenings.extend(repairs.map(|repairs| Happening::Protected(Box::new(repairs))));
        }
        self.plain = plain;
    }

    /// What he publishes on a line.
    pub(crate) fn published(&self, slot: u16) -> Option<TrackId> {
        match self.slots.get(usize::from(slot))?.role {
            Some(LineRole::Send { track }) => Some(track),
            _ => None,
        }
    }

    /// The plain text of a datagram, of which `open` tells how long it is; nothing of what is not authentic, and of nobody whose
    /// certificate is not checked yet. Whoever has read it gives the buffer back.
    pub(super) fn decrypt(
        &mut self,
        datagram: &[u8],
        open: impl FnOnce(&mut Receiver, &mut [u8]) -> Option<usize>,
    ) -> Vec<u8> {
        let mut plain = std::mem::take(&mut self.plain);
        plain.clear();
        plain.extend_from_slice(datagram);
        let contexts = self.way.contexts().filter(|_| self.is_connected);
        let len = contexts.and_then(|contexts| open(&mut contexts.receiver, &mut plain));
        plain.truncate(len.unwrap_or_default());
        plain
    }

    fn handle_packet(&mut self, now: Instant, packet: &Packet<'_>, happenings: &mut Vec<Happening>) -> Option<()> {
        let told = Told::read(packet, &self.ingress.meanings);
        let taken = self.ingress.take(now, packet, &told, (&self.slots, &self.types));
        if self.ingress.sources.are_too_many() {
            self.end(LostReason::Abusive, happenings);
        }
        self.forward(now, packet, told, taken?, happenings)
    }

    /// Takes a packet that was lost and computed.
    fn handle_recovered(&mut self, now: Instant, recovered: &[u8], happenings: &mut Vec<Happening>) -> Option<()> {
        let packet = Packet::parse(recovered)?;
        let taken = self.ingress.take_recovered(now, &packet, &self.types)?;
        let told = Told::read(&packet, &self.ingress.meanings);
        self.forward(now, &packet, told, taken, happenings)
    }

    fn forward(
        &mut self,
        now: Instant,
        packet: &Packet<'_>,
        told: Told<'_>,
        taken: Taken<'_>,
        happenings: &mut Vec<Happening>,
    ) -> Option<()> {
        let Taken {
            slot,
            encoding,
            ssrc,
            seq,
            carried,
            payload,
            sampled,
            is_first,
        } = taken;
        let slot = &mut self.slots[usize::from(slot)];
        if is_first {
            slot.received[usize::from(encoding)] = Some(ssrc);
        }
        let Some(LineRole::Send { track }) = slot.role else {
            return None;
        };
        if payload.is_empty() || payload.len() > MAX_PAYLOAD {
            return None;
        }
        let payload: Arc<[u8]> = payload.into();
        let red = match carried.sound {
            // What cannot be taken apart is of no use to those who want it plain.
            Some(sound) => Some(Red::parse(&payload, sound)?),
            None => None,
        };
        let timestamp = packet.header.timestamp;
        let lost = slot.sound.lost_before(ssrc, seq);
        if *slot.passed != told.passed {
            slot.passed = Arc::new(told.passed);
        }
        let descriptor = told.descriptor.filter(|descriptor| !descriptor.is_empty());
        let media = Media {
            track,
            format: carried.format,
            codec: carried.codec,
            encoding,
            marker: packet.header.marker,
            seq,
            number: seq,
            timestamp,
            ssrc,
            level: told.level,
            descriptor: descriptor.map(Arc::from),
            sizes: told.layers.and_then(sizes),
            red,
            passed: slot.passed.clone(),
            payload,
            arrived: now,
            sampled: sampled.unwrap_or(Sampled { at: now, timestamp }),
        };
        happenings.extend(media.repeated(lost).map(|media| Happening::Media(Arc::new(media))));
        let media = Arc::new(media);
        if self.ingress.holds.are_none() {
            happenings.push(Happening::Media(media));
        } else {
            let mut released = Vec::new();
            self.ingress.hold(now, media, &mut released);
            happenings.extend(released.into_iter().map(Happening::Media));
        }
        Some(())
    }
}
