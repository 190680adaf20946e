use std::{
    hint::black_box,
    time::{Instant, SystemTime},
};

use hst_bwe::{Config, Estimator, ProbeId};
use hst_rtp::{Header, Ntp};

use crate::{handshake::Contexts, network::Outbox, remote::Remote};

use super::heading::Head;

/// What a receiver's network is taken to carry before anything is known of it, at least, and at most: bits in a second.
const FIRST: u64 = 1_000_000;
const LEAST: u64 = 30_000;
const MOST: u64 = 50_000_000;
/// The first of the bits that say that a packet ends in padding (RFC 3550 section 5.1).
const HAS_PADDING: u8 = 0x20;
/// The extension of a transport-wide number is the first: behind the fixed header, what begins the extensions, and its own
/// beginning, which takes one byte or two (RFC 8285 sections 4.2 and 4.3).
const FIRST_EXTENSION: usize = 16;
const ONE_BYTE_FORM: u8 = 0xbe;

/// The way to a client: where to, under which keys, and how much it carries.
#[derive(Debug)]
pub(crate) struct Way {
    contexts: Option<Contexts>,
    to: Option<Remote>,
    estimator: Estimator,
    /// The clock of reports: a moment by both clocks.
    epoch: (Instant, Ntp),
}

/// A packet that is to be sent.
pub(super) struct Packet<'a> {
    pub(super) header: Header,
    /// Its sequence number, extended past the 16 bits of the wire.
    pub(super) index: u64,
    pub(super) head: Head<'a>,
    pub(super) probe: Option<ProbeId>,
}

/// What it carries.
pub(super) enum Body<W> {
    /// Whatever this writes.
    Payload(W),
    /// Nothing, and is so many bytes longer.
    Padding(u8),
}

impl Way {
    pub(crate) fn new(now: Instant) -> Self {
        let config = Config {
            first: FIRST,
            least: LEAST,
            most: MOST,
        };
        let since_unix = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            contexts: None,
            to: None,
            estimator: Estimator::new(now, config),
            epoch: (now, Ntp::from_unix(since_unix)),
        }
    }

    /// There it goes on.
    pub(crate) fn lead_to(&mut self, to: Option<Remote>) {
        self.to = to;
    }

    /// From now on there are keys.
    pub(crate) fn open(&mut self, contexts: Contexts) {
        self.contexts = Some(contexts);
    }

    /// What encrypts for it and decrypts what comes back, once there are keys.
    pub(crate) fn contexts(&mut self) -> Option<&mut Contexts> {
        self.contexts.as_mut()
    }

    pub(crate) fn estimator(&mut self) -> &mut Estimator {
        &mut self.estimator
    }

    pub(crate) fn estimate(&self) -> Option<u64> {
        self.estimator.estimate()
    }

    /// Reads what sending will use.
    pub(crate) fn foresee(&self) {
        black_box(self.to);
        if let Some(contexts) = &self.contexts {
            contexts.sender.foresee();
        }
    }

    /// Reads what is behind that.
    pub(crate) fn foresee_more(&self) {
        self.estimator.foresee();
    }

    /// Reads what reports will use.
    pub(crate) fn foresee_report(&self) {
        self.estimator.foresee_feedback();
    }

    /// Reads what is behind that.
    pub(crate) fn foresee_behind_report(&self) {
        self.estimator.foresee();
        if let Some(contexts) = &self.contexts {
            contexts.receiver.foresee_rtcp();
        }
    }

    /// The time as reports tell it.
    pub(crate) fn ntp(&self, now: Instant) -> Ntp {
        let (instant, time) = self.epoch;
        time.after(now.saturating_duration_since(instant))
    }

    /// Sends a packet; says how many bytes it had on the wire, none where there is no way yet.
    pub(super) fn send<W>(&mut self, now: Instant, out: &mut Outbox, packet: Packet<'_>, body: Body<W>) -> usize
    where
        W: FnOnce(&mut Vec<u8>),
    {
        let Self {
            contexts: Some(contexts),
            to: Some(to),
            estimator,
            ..
        } = self
        else {
            return 0;
        };
        let Packet {
            header,
            index,
            head,
            probe,
        } = packet;
        out.write(*to, |bytes| {
            let start = bytes.len();
            bytes.extend_from_slice(head.bytes);
            header.patch(&mut bytes[start..]);
            let header_len = head.bytes.len();
            match body {
                Body::Payload(write) => write(bytes),
                Body::Padding(len) => {
                    let len = len.max(1);
                    bytes[start] |= HAS_PADDING;
                    bytes.resize(bytes.len() + usize::from(len) - 1, 0);
                    bytes.push(len);
                }
            }
            if head.is_numbered {
                let len = bytes.len() - start + contexts.sender.overhead();
                let number = estimator.sent(now, len, probe);
                let is_short = bytes[start + FIRST_EXTENSION - 4] == ONE_BYTE_FORM;
                let at = start + FIRST_EXTENSION + if is_short { 1 } else { 2 };
                bytes[at..at + 2].copy_from_slice(&number.to_be_bytes());
            }
            contexts.sender.protect(index, bytes, start, header_len);
        })
    }

    /// Sends a compound packet of reports.
    pub(crate) fn report(&mut self, out: &mut Outbox, write: impl FnOnce(&mut Vec<u8>)) {
        let Some(to) = self.to else { return };
        let Some(contexts) = self.contexts() else { return };
        out.write(to, |bytes| {
            let start = bytes.len();
            write(bytes);
            // After 2^31 reports this connection reports nothing more: centuries.
            if bytes.len() > start && contexts.sender.protect_rtcp(bytes, start).is_err() {
                bytes.truncate(start);
            }
        });
    }

    /// When the estimate has to be looked at.
    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        self.estimator.next_timeout()
    }
}
