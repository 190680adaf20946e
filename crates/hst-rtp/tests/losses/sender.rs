use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use hst_rtp::{
    Extender, Header, Ntp, nearest,
    receive::RoundTrip,
    rtcp::{Compound, Message, ReferenceClock, SenderReport},
    rtx,
    send::{History, Limits, SenderReports, Timeline},
    write_header,
};

use crate::{
    AGAIN, CLOCK_RATE, FIRST, MEDIA, RATE, SECONDS, TWCC,
    network::{Network, To},
};

/// Who sends a stream, and answers.
#[derive(Debug)]
pub(crate) struct Sender {
    pub(crate) round_trip: RoundTrip,
    /// What it was told of the packets of the transport: when they arrived, in the receiver's time.
    pub(crate) told: BTreeMap<u64, Option<Duration>>,
    told_numbers: Extender,
    clock: ReferenceClock,
    history: History<Arc<[u8]>, u32>,
    reports: SenderReports,
    next: u64,
    /// The next numbers of the transport, and of the stream of what is sent again.
    transport: u16,
    again: u16,
}

fn ntp(ms: u64) -> Ntp {
    Ntp::from_unix(Duration::from_secs(1_700_000_000) + Duration::from_millis(ms))
}

impl Sender {
    pub(crate) fn new() -> Self {
        Self {
            round_trip: RoundTrip::default(),
            told: BTreeMap::new(),
            told_numbers: Extender::default(),
            clock: ReferenceClock::default(),
            history: History::new(Limits::default()),
            reports: SenderReports::default(),
            next: FIRST,
            transport: FIRST as u16,
            again: 0,
        }
    }

    fn send(&mut self, network: &mut Network, ms: u64, header: Header, fill: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = Vec::new();
        write_header(&mut bytes, header, [(TWCC, &self.transport.to_be_bytes()[..])]);
        self.transport = self.transport.wrapping_add(1);
        fill(&mut bytes);
        network.send(ms, To::Receiver, bytes);
    }

    /// Its part of a millisecond.
    pub(crate) fn tick(&mut self, network: &mut Network, now: Instant, ms: u64) {
        if ms.is_multiple_of(1_000 / RATE) && ms < SECONDS * 1_000 {
            let number = self.next;
            self.next += 1;
            let payload: Arc<[u8]> = number.to_be_bytes().repeat(100).into();
            let timestamp = (number * u64::from(CLOCK_RATE) / RATE) as u32;
            self.reports.handle_packet(payload.len());
            self.history.push(now, number, payload.clone(), timestamp);
            let header = Header {
                seq: number as u16,
                timestamp,
                ssrc: MEDIA,
                ..Header::default()
            };
            self.send(network, ms, header, |bytes| bytes.extend_from_slice(&payload));
        }
        if ms.is_multiple_of(1_000) {
            let timeline = Timeline {
                ntp: ntp(0),
                timestamp: 0,
                clock_rate: CLOCK_RATE,
            };
            let info = self.reports.report(ntp(ms), &timeline).expect("something was sent");
            let mut bytes = Vec::new();
            SenderReport::write(&mut bytes, MEDIA, info, []);
            network.send(ms, To::Receiver, bytes);
        }
    }

    /// What has come for it.
    pub(crate) fn handle(&mut self, network: &mut Network, now: Instant, ms: u64, bytes: &[u8]) {
        for message in Compound::new(bytes) {
            match message {
                Message::ReceiverReport(report) => {
                    report
                        .blocks
                        .for_each(|block| _ = self.round_trip.handle_block(ntp(ms), &block));
                }
                Message::Nack(nack) => nack.seqs().for_each(|seq| self.send_again(network, now, ms, seq)),
                Message::TransportFeedback(feedback) => {
                    for (seq, time) in feedback.arrivals(&mut self.clock) {
                        let number = self.told_numbers.extend(seq);
                        let told = self.told.entry(number).or_default();
                        *told = told.or(time);
                    }
                }
                other => panic!("{other:?}"),
            }
        }
    }

    fn send_again(&mut self, network: &mut Network, now: Instant, ms: u64, seq: u16) {
        let number = nearest(self.next, seq);
        let Some((payload, timestamp)) = self.history.get(now, number) else {
            return;
        };
        let (payload, timestamp) = (payload.clone(), *timestamp);
        self.again = self.again.wrapping_add(1);
        let header = Header {
            seq: self.again,
            timestamp,
            ssrc: AGAIN,
            ..Header::default()
        };
        self.send(network, ms, header, |bytes| rtx::write(bytes, seq, &payload));
    }
}
