//! What protects the pictures on a line (FlexFEC): sums of what its receiver was sent, so that he computes what is lost of it and need
//! not wait for it to be sent again.

use std::{sync::Arc, time::Instant};

use hst_rtp::{Header, fec};

use super::{
    super::{
        Way,
        heading::{Head, Heading},
        way::{Body, Packet},
    },
    Line, put,
};
use crate::{media::Media, network::Outbox, protected::Protected};

/// The longest packet that is protected: what protects it is up to 34 bytes longer, and must fit a datagram, too.
const LONGEST: usize = 1400;

/// The source that protects what a line sends.
#[derive(Debug)]
pub(super) struct Protection {
    payload_type: u8,
    ssrc: u32,
    heading: Heading,
    /// The number of its next packet.
    next: u64,
    /// From this number on the line's packets have been sent as they would be now: under the same payload types and extensions.
    since: u64,
    sum: fec::Protection,
    /// The packet that is added, so that it is allocated once.
    packet: Vec<u8>,
}

impl Line {
    /// Has what is sent protected under this payload type, or not at all; says as which source. Only what can be sent again can be
    /// protected: of anything else nothing is remembered.
    pub(crate) fn protect(&mut self, payload_type: Option<u8>) -> Option<u32> {
        let payload_type = payload_type.filter(|_| self.rtx.is_some());
        let (ids, since) = (self.heading.ids(), self.log.highest() + 1);
        self.protection = payload_type.map(|payload_type| {
            let before = self.protection.take();
            let mut protection = before.unwrap_or_else(|| Box::new(Protection::new(rand::random())));
            protection.payload_type = payload_type;
            protection.heading.set_ids(ids);
            protection.since = since;
            protection
        });
        self.protector()
    }

    /// The source that protects what is sent.
    pub(crate) fn protector(&self) -> Option<u32> {
        Some(self.protection.as_ref()?.ssrc)
    }

    /// From now on packets have other headers than before.
    pub(super) fn begin_protection(&mut self) {
        let since = self.log.highest() + 1;
        self.protection.iter_mut().for_each(|it| it.since = since);
    }

    /// Sends the sum of what was sent of these packets; says how many bytes it has, none where nothing of them was sent.
    ///
    /// `type_of` is the payload type under which packets are sent.
    pub(crate) fn send_protection(
        &mut self,
        now: Instant,
        way: &mut Way,
        out: &mut Outbox,
        protected: &Protected,
        type_of: impl Fn(&Media) -> Option<u8>,
    ) -> usize {
        let Self {
            ssrc,
            log,
            heading,
            protection: Some(protection),
            ..
        } = self
        else {
            return 0;
        };
        let mut timestamp = 0;
        for seq in log.numbers_of(&protected.recent, &protected.numbers) {
            let packet = log.get(now, seq).filter(|_| seq >= protection.since);
            let Some((media, sent, _)) = packet else { continue };
            let Some(payload_type) = type_of(&media) else { continue };
            let header = sent.header(*ssrc, payload_type);
            let descriptor = sent.changes.descriptor.and_then(|patch| media.described(patch));
            let head = heading.of(&media.passed, descriptor.as_deref());
            timestamp = sent.timestamp;
            protection.add(header, head, |bytes| put(bytes, &media.payload, sent.changes.vp8));
        }
        protection.send(now, way, out, timestamp)
    }
}

impl Protection {
    fn new(ssrc: u32) -> Self {
        Self {
            payload_type: 0,
            ssrc,
            heading: Heading::default(),
            next: 1,
            since: 0,
            sum: fec::Protection::default(),
            packet: Vec::new(),
        }
    }

    /// Adds a packet as it was sent, but for its number over all packets of the connection: that is zero in the sum.
    fn add(&mut self, header: Header, head: Head<'_>, write: impl FnOnce(&mut Vec<u8>)) {
        self.packet.clear();
        self.packet.extend_from_slice(head.bytes);
        header.patch(&mut self.packet);
        write(&mut self.packet);
        if self.packet.len() <= LONGEST {
            self.sum.add(&self.packet);
        }
    }

    /// Sends the sum of what was added since the last.
    fn send(&mut self, now: Instant, way: &mut Way, out: &mut Outbox, timestamp: u32) -> usize {
        let Self { heading, sum, .. } = self;
        if sum.is_empty() {
            return 0;
        }
        let packet = Packet {
            header: Header {
                marker: false,
                payload_type: self.payload_type,
                seq: self.next as u16,
                timestamp,
                ssrc: self.ssrc,
            },
            index: self.next,
            head: heading.of(&Arc::default(), None),
            probe: None,
        };
        self.next += 1;
        let sent = way.send(now, out, packet, Body::Payload(|bytes: &mut Vec<u8>| sum.write(bytes)));
        // Where there is no way, nothing is left of it either.
        sum.clear();
        sent
    }
}
