//! Whatever is written is read as it was, and whatever comes is survived.

use std::time::Duration;

use hst_rtp::{
    Header, Ntp, Packet,
    rtcp::{
        Compound, FeedbackHeader, MAX_NAMED, Message, Nack, ReceiverReport, ReferenceClock, ReportBlock, SenderInfo,
        SenderReport, TransportFeedback,
    },
    write_header,
};
use proptest::{collection::vec, prelude::*};

prop_compose! {
    fn header()(marker: bool, payload_type in 0..128_u8, seq: u16, timestamp: u32, ssrc: u32) -> Header {
        Header { marker, payload_type, seq, timestamp, ssrc }
    }
}

prop_compose! {
    fn block()(ssrc: u32, fraction_lost: u8, lost in -0x80_0000..0x80_0000, highest: u32, jitter: u32, last_sr: u32,
               millis in 0..65_000_000_u64) -> ReportBlock {
        // Steps of 1/64 s can be told exactly.
        let delay = Duration::from_micros(millis / 1000 * 15_625);
        ReportBlock { ssrc, fraction_lost, lost, highest, jitter, last_sr, delay }
    }
}

prop_compose! {
    fn info()(ntp: u64, timestamp: u32, packets: u32, octets: u32) -> SenderInfo {
        SenderInfo { ntp: Ntp(ntp), timestamp, packets, octets }
    }
}

/// Whether a packet came, and how many ticks after the one before.
fn step() -> impl Strategy<Value = (bool, i64)> {
    prop_oneof![
        5 => (Just(true), -2_000..2_000_i64),
        5 => (Just(false), Just(0)),
        1 => (Just(true), -40_000..40_000_i64),
    ]
}

proptest! {
    #[test]
    fn a_packet_is_read_as_it_was_written(
        header in header(), other in header(),
        extensions in vec((1..=255_u8, vec(any::<u8>(), 0..40)), 0..8),
        payload in vec(any::<u8>(), 0..50),
    ) {
        let elements = extensions.iter().map(|(id, value)| (*id, &value[..]));
        let mut bytes = Vec::new();
        write_header(&mut bytes, header, elements.clone());
        let header_len = bytes.len();
        bytes.extend(&payload);
        let packet = Packet::parse(&bytes).unwrap();
        prop_assert_eq!((packet.header, packet.header_len, packet.payload), (header, header_len, &payload[..]));
        prop_assert!(packet.extensions().eq(elements.clone()));
        for (id, value) in packet.extensions() {
            let range = packet.extension_range(id).unwrap();
            prop_assert_eq!(Some(&bytes[range]), packet.extension(id));
            prop_assert!(packet.extension(id) == Some(value) || elements.clone().filter(|(other, _)| *other == id).count() > 1);
        }
        let mut patched = bytes.clone();
        other.patch(&mut patched);
        let packet = Packet::parse(&patched).unwrap();
        prop_assert_eq!(packet.header, other);
        prop_assert_eq!(&patched[12..], &bytes[12..]);
    }

    #[test]
    fn reports_are_read_as_they_were_written(info in info(), blocks in vec(block(), 0..80)) {
        let mut bytes = Vec::new();
        SenderReport::write(&mut bytes, 1, info, blocks.iter().copied());
        ReceiverReport::write(&mut bytes, 2, blocks.iter().copied());
        let read: Vec<_> = Compound::new(&bytes)
            .flat_map(|message| match message {
                Message::SenderReport(report) => {
                    assert_eq!((report.ssrc, report.info), (1, info));
                    report.blocks
                }
                Message::ReceiverReport(report) => report.blocks,
                other => panic!("{other:?}"),
            })
            .collect();
        prop_assert_eq!(read, [&blocks[..], &blocks].concat());
    }

    #[test]
    fn requests_are_read_as_they_were_written(begin: u16, steps in vec(1..40_u16, 0..300)) {
        let seqs: Vec<_> = steps.iter().scan(begin, |seq, step| {
            *seq = seq.wrapping_add(*step);
            Some(*seq)
        }).collect();
        let mut bytes = Vec::new();
        Nack::write(&mut bytes, 1, 2, seqs.iter().copied());
        let read = Compound::new(&bytes).flat_map(|message| match message {
            Message::Nack(nack) => nack.seqs(),
            other => panic!("{other:?}"),
        });
        prop_assert!(read.eq(seqs));
    }

    #[test]
    fn arrivals_are_read_as_they_were_written_in_as_many_feedbacks_as_it_takes(
        base_seq: u16,
        steps in vec(step(), 1..600),
        room in 40..1_200_usize,
    ) {
        let mut ticks = 100_000_000_i64;
        let arrivals: Vec<_> = steps.iter().map(|(came, step)| {
            ticks += step;
            came.then(|| Duration::from_micros(ticks as u64 * 250))
        }).collect();
        let mut told = Vec::new();
        let mut clock = ReferenceClock::default();
        while told.len() < arrivals.len() {
            let rest = &arrivals[told.len()..];
            let header = FeedbackHeader { sender: 1, media: 2, base_seq: base_seq.wrapping_add(told.len() as u16), number: 0 };
            let mut bytes = Vec::new();
            let count = TransportFeedback::write(&mut bytes, header, room, rest.iter().copied());
            prop_assert!(bytes.len() <= room);
            if count == 0 {
                prop_assert!(rest.iter().all(Option::is_none));
                break;
            }
            let Some(Message::TransportFeedback(feedback)) = Compound::new(&bytes).next() else { panic!() };
            prop_assert_eq!((feedback.header, feedback.status_count), (header, count));
            told.extend(feedback.arrivals(&mut clock).map(|(seq, time)| {
                (seq, time.map(|time| time - Duration::from_millis(64 << 24)))
            }));
        }
        for (at, (seq, time)) in told.iter().enumerate() {
            prop_assert_eq!((*seq, *time), (base_seq.wrapping_add(at as u16), arrivals[at]));
        }
    }

    #[test]
    fn whatever_comes_is_survived_and_names_no_more_than_it_may(mut bytes in vec(any::<u8>(), 0..300), kind in 0..9_usize) {
        if let Some(packet) = Packet::parse(&bytes) {
            prop_assert!(packet.extensions().count() <= bytes.len());
            prop_assert!(packet.header_len + packet.payload.len() <= bytes.len());
        }
        // Of a kind that is read, and as long as the datagram.
        let kinds = [(0x81, 200), (0x82, 201), (0x81, 203), (0x81, 205), (0x8f, 205), (0x81, 206), (0x84, 206), (0x8f, 206), (0x80, 207)];
        if let [first, second, high, low, ..] = &mut bytes[..] {
            (*first, *second) = kinds[kind];
            (*high, *low) = (0, 0);
        }
        let words = (bytes.len() / 4).saturating_sub(1);
        if let Some(low) = bytes.get_mut(3) {
            *low = words as u8;
        }
        let mut named = 0;
        for message in Compound::new(&bytes) {
            named += match message {
                Message::SenderReport(report) => report.blocks.count(),
                Message::ReceiverReport(report) => report.blocks.count(),
                Message::Bye(bye) => bye.sources().count(),
                Message::Nack(nack) => nack.seqs().count(),
                Message::Pli(_) => 1,
                Message::Fir(fir) => fir.requests().count(),
                Message::Remb(remb) => remb.sources().count(),
                Message::ExtendedReport(report) => report.answers().count(),
                Message::TransportFeedback(feedback) => feedback.arrivals(&mut ReferenceClock::default()).count(),
            };
        }
        prop_assert!(named <= MAX_NAMED + bytes.len());
    }
}
