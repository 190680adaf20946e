//! Clients that can do what str0m does not know: protect the pictures that they send, and compute what they miss (FlexFEC).

use std::{collections::BTreeMap, time::Instant};

use hst_rtp::{
    Header, Packet,
    fec::{Protection, Repair},
    nearest,
    receive::{Arrivals, Recovery},
    write_header,
};

use crate::{handshake::Contexts, spy::Keys};

/// Under which payload type pictures are protected.
const TYPE: u8 = 60;
/// As which source a publisher does that.
const SOURCE: u32 = 60_606;
/// Who tells what has come.
const SENDER: u32 = 2;
/// The extensions that are written when a packet leaves, as str0m numbers them: the time, and the number over all streams.
const WRITTEN_LATE: [u8; 2] = [2, NUMBER];
const NUMBER: u8 = 3;

/// The offer with that for its first line, which is one of pictures.
pub(super) fn offering(sdp: &str) -> String {
    let line = sdp.lines().find(|line| line.starts_with("m=video")).expect("a camera");
    let sdp = sdp.replacen(line, &format!("{line} {TYPE}"), 1);
    sdp.replacen("m=audio", &format!("a=rtpmap:{TYPE} flexfec-03/90000\r\nm=audio"), 1)
}

/// The answer to one who computes, so that str0m does not tell what has come: it drops what it does not know, and would say that
/// it was lost.
pub(super) fn untold(answer: &str) -> String {
    let lines = answer.split_inclusive('\n');
    lines.filter(|line| !line.contains("transport-cc\r\n")).collect()
}

/// Protects what a client sends.
pub(super) struct Guard {
    keys: Keys,
    /// What encrypts what it sends, and what decrypts it again.
    contexts: Option<[Contexts; 2]>,
    /// Of so many packets there is a sum.
    of: usize,
    sums: BTreeMap<u32, Protection>,
    next: u64,
}

impl Guard {
    pub(super) fn new(keys: Keys, of: usize) -> Self {
        Self {
            keys,
            contexts: None,
            of,
            sums: BTreeMap::new(),
            next: 1,
        }
    }

    /// Adds to the datagrams of a moment those that protect packets of this payload type: sums of so many, and of the rest of each
    /// picture.
    pub(super) fn protect(&mut self, payload_type: u8, outgoing: &mut Vec<Vec<u8>>) {
        if self.contexts.is_none() {
            self.contexts = self.keys.contexts().zip(self.keys.contexts_of_other()).map(Into::into);
        }
        let Some([own, other]) = &mut self.contexts else {
            return;
        };
        for datagram in std::mem::take(outgoing) {
            let mut plain = datagram.clone();
            outgoing.push(datagram);
            let Ok(opened) = other.receiver.unprotect(&mut plain) else {
                continue;
            };
            plain.truncate(opened.len);
            let Some(packet) = Packet::parse(&plain).filter(|it| it.header.payload_type == payload_type) else {
                continue;
            };
            let header = packet.header;
            let places: Vec<_> = WRITTEN_LATE
                .iter()
                .filter_map(|id| packet.extension_range(*id))
                .collect();
            places.into_iter().for_each(|place| plain[place].fill(0));
            let sum = self.sums.entry(header.ssrc).or_default();
            assert!(sum.add(&plain), "they follow each other");
            if sum.len() < self.of && !header.marker {
                continue;
            }
            let header = Header {
                marker: false,
                payload_type: TYPE,
                seq: self.next as u16,
                timestamp: header.timestamp,
                ssrc: SOURCE,
            };
            let mut repair = Vec::new();
            write_header(&mut repair, header, []);
            let header_len = repair.len();
            sum.write(&mut repair);
            own.sender.protect(self.next, &mut repair, 0, header_len);
            self.next += 1;
            outgoing.push(repair);
        }
    }
}

/// Reads along what comes to a client.
pub(super) struct Rescue {
    keys: Keys,
    contexts: Option<Contexts>,
    recovery: Recovery,
    arrivals: Arrivals,
    /// The source that is protected.
    pub(super) ssrc: Option<u32>,
    highest: u64,
    /// How many packets that protect others have come.
    pub(super) repairs: usize,
    /// How many packets were computed.
    pub(super) computed: usize,
}

impl Rescue {
    pub(super) fn new(now: Instant, keys: Keys) -> Self {
        Self {
            keys,
            contexts: None,
            recovery: Recovery::new(),
            arrivals: Arrivals::new(now),
            ssrc: None,
            highest: 0,
            repairs: 0,
            computed: 0,
        }
    }

    /// Takes a datagram as it has come; gives the packets that can be computed with it, each with its number and its payload.
    pub(super) fn receive(&mut self, now: Instant, datagram: &[u8]) -> Vec<(u64, Vec<u8>)> {
        if self.contexts.is_none() {
            self.contexts = self.keys.contexts();
        }
        let mut plain = datagram.to_vec();
        let opened = self.contexts.as_mut().map(|it| it.receiver.unprotect(&mut plain));
        let Some(Ok(opened)) = opened else { return Vec::new() };
        plain.truncate(opened.len);
        let Some(packet) = Packet::parse(&plain) else {
            return Vec::new();
        };
        if let Some(&[high, low]) = packet.extension(NUMBER) {
            self.arrivals.handle_packet(now, u16::from_be_bytes([high, low]));
        }
        if packet.header.payload_type == TYPE {
            let repair = Repair::parse(packet.payload).expect("well-formed");
            self.repairs += 1;
            self.ssrc = Some(repair.ssrc);
            self.recovery.handle_repair(&repair, packet.payload);
        } else if self.ssrc.is_none_or(|ssrc| ssrc == packet.header.ssrc) {
            self.recovery.handle_packet(&plain, WRITTEN_LATE);
        }
        let computed = std::iter::from_fn(|| self.recovery.poll_recovered());
        let read = |bytes: Vec<u8>| {
            let packet = Packet::parse(&bytes).expect("a packet");
            self.highest = self.highest.max(nearest(self.highest, packet.header.seq));
            (nearest(self.highest, packet.header.seq), packet.payload.to_vec())
        };
        let computed: Vec<_> = computed.map(read).collect();
        self.computed += computed.len();
        computed
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.arrivals.poll_timeout()
    }

    /// The datagram that tells what has come, if it is time for that.
    pub(super) fn tell(&mut self, now: Instant) -> Option<Vec<u8>> {
        let contexts = self.contexts.as_mut()?;
        let mut feedback = Vec::new();
        let media = self.ssrc.unwrap_or_default();
        self.arrivals
            .poll_feedback(now, SENDER, media, &mut feedback)
            .then_some(())?;
        contexts
            .sender
            .protect_rtcp(&mut feedback, 0)
            .expect("few of them are told");
        Some(feedback)
    }
}
