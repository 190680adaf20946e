use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use hst_rtp::{
    Extender, Packet,
    receive::{Arrival, Arrivals, Budget, Missing, Patience, Reception},
    rtcp::{Compound, Message, Nack, ReceiverReport, is_rtcp},
    rtx,
    value::transport_seq,
};

use crate::{
    CLOCK_RATE, MEDIA, RECEIVER, TWCC,
    network::{Network, To},
};

/// Who receives a stream, and asks for what is missing.
#[derive(Debug)]
pub(crate) struct Receiver {
    pub(crate) reception: Reception,
    pub(crate) missing: Missing,
    budget: Budget,
    arrivals: Arrivals,
    /// When which packet of the stream came, in ms.
    pub(crate) came: BTreeMap<u64, u64>,
    /// When which packet of the transport came.
    pub(crate) transport: BTreeMap<u64, Duration>,
    transport_numbers: Extender,
}

impl Receiver {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            reception: Reception::new(CLOCK_RATE),
            missing: Missing::new(Patience::default()),
            budget: Budget::default(),
            arrivals: Arrivals::new(now),
            came: BTreeMap::new(),
            transport: BTreeMap::new(),
            transport_numbers: Extender::default(),
        }
    }

    /// Its part of a millisecond.
    pub(crate) fn tick(&mut self, network: &mut Network, now: Instant, ms: u64, round_trip: Duration) {
        let (mut seqs, mut bytes) = (Vec::new(), Vec::new());
        self.missing.ask(now, round_trip, &mut self.budget, &mut seqs);
        Nack::write(&mut bytes, RECEIVER, MEDIA, seqs);
        if !bytes.is_empty() {
            network.send(ms, To::Sender, std::mem::take(&mut bytes));
        }
        while self.arrivals.poll_feedback(now, RECEIVER, MEDIA, &mut bytes) {
            network.send(ms, To::Sender, std::mem::take(&mut bytes));
        }
        if ms % 1_000 == 500 {
            ReceiverReport::write(&mut bytes, RECEIVER, self.reception.report(now, MEDIA));
            network.send(ms, To::Sender, bytes);
        }
    }

    /// What has come for it.
    pub(crate) fn handle(&mut self, now: Instant, ms: u64, bytes: &[u8]) {
        if is_rtcp(bytes) {
            for message in Compound::new(bytes) {
                let Message::SenderReport(report) = message else {
                    panic!("{message:?}")
                };
                self.reception.handle_report(now, report.info);
            }
            return;
        }
        let packet = Packet::parse(bytes).expect("it was written so");
        let transport = packet
            .extension(TWCC)
            .and_then(transport_seq)
            .expect("it was written so");
        self.arrivals.handle_packet(now, transport);
        let number = self.transport_numbers.extend(transport);
        self.transport.insert(number, Duration::from_millis(ms));

        let number = if packet.header.ssrc == MEDIA {
            let number = self.reception.handle_packet(now, &packet.header, packet.payload.len());
            number.expect("the source never jumps")
        } else {
            let (seq, payload) = rtx::read(packet.payload).expect("it carries something");
            let number = self.reception.number(seq).expect("another has come");
            assert_eq!(payload[..8], number.to_be_bytes());
            number
        };
        self.budget.handle_packet();
        let arrival = match packet.header.ssrc {
            MEDIA => self.missing.handle_packet(now, number),
            _ => self.missing.handle_again(now, number),
        };
        let is_new = self.came.insert(number, ms).is_none();
        assert_ne!(arrival, Arrival::Jump);
        if arrival != Arrival::Forgotten {
            assert_eq!(is_new, arrival != Arrival::Duplicate, "{number} {arrival:?}");
        }
    }
}
