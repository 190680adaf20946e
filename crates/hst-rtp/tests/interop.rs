//! What is written here is read by the parsers of another implementation, and the other way round.

use std::time::Duration;

use bytes::Bytes;
use hst_rtp::{
    Header, Ntp, Packet,
    rtcp::{
        Bye, Compound, FeedbackHeader, Fir, Message, Nack, Pli, ReceiverReport, ReferenceClock, ReportBlock,
        SenderInfo, SenderReport, TransportFeedback, write_cname,
    },
    rtx, write_header,
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use rtc_rtcp::{
    goodbye::Goodbye,
    payload_feedbacks::{
        full_intra_request::FullIntraRequest, picture_loss_indication::PictureLossIndication,
        receiver_estimated_maximum_bitrate::ReceiverEstimatedMaximumBitrate,
    },
    receiver_report::ReceiverReport as OtherReceiverReport,
    sender_report::SenderReport as OtherSenderReport,
    source_description::SourceDescription,
    transport_feedbacks::{
        transport_layer_cc::{PacketStatusChunk, SymbolTypeTcc, TransportLayerCc},
        transport_layer_nack::{NackPair, TransportLayerNack},
    },
};
use rtc_shared::marshal::{Marshal, Unmarshal};

const ROUNDS: usize = 500;

type Other = Box<dyn rtc_rtcp::packet::Packet>;

/// A datagram as the other implementation reads it.
fn theirs(bytes: &[u8]) -> Vec<Other> {
    rtc_rtcp::packet::unmarshal(&mut Bytes::copy_from_slice(bytes)).expect("it is well-formed")
}

fn is<T: 'static>(packet: &Other) -> &T {
    packet.as_any().downcast_ref().expect("it is of that kind")
}

fn random_header(dice: &mut StdRng) -> Header {
    Header {
        marker: dice.random(),
        payload_type: dice.random_range(0..128),
        seq: dice.random(),
        timestamp: dice.random(),
        ssrc: dice.random(),
    }
}

fn random_bytes(dice: &mut StdRng, len: usize) -> Vec<u8> {
    (0..len).map(|_| dice.random()).collect()
}

#[test]
fn rtp_is_the_same_for_both() {
    let mut dice = StdRng::seed_from_u64(1);
    for _ in 0..ROUNDS {
        let header = random_header(&mut dice);
        let longest = if dice.random() { 16 } else { 60 };
        let extensions: Vec<_> = (1..=dice.random_range(0..6_u8))
            .map(|id| {
                let len = dice.random_range(1..=longest);
                (id, random_bytes(&mut dice, len))
            })
            .collect();
        let payload = random_bytes(&mut dice, 100);
        let mut bytes = Vec::new();
        write_header(
            &mut bytes,
            header,
            extensions.iter().map(|(id, value)| (*id, &value[..])),
        );
        rtx::write(&mut bytes, 7, &payload);

        let other = rtc_rtp::Packet::unmarshal(&mut Bytes::copy_from_slice(&bytes)).unwrap();
        let read = Header {
            marker: other.header.marker,
            payload_type: other.header.payload_type,
            seq: other.header.sequence_number,
            timestamp: other.header.timestamp,
            ssrc: other.header.ssrc,
        };
        assert_eq!(read, header);
        let ids: Vec<_> = extensions.iter().map(|(id, _)| *id).collect();
        assert_eq!(other.header.get_extension_ids(), ids);
        for (id, value) in &extensions {
            assert_eq!(other.header.get_extension(*id).as_deref(), Some(&value[..]));
        }
        assert_eq!(other.payload[2..], payload);

        let written = other.marshal().unwrap();
        let packet = Packet::parse(&written).unwrap();
        assert_eq!(packet.header, header);
        assert!(
            packet
                .extensions()
                .eq(extensions.iter().map(|(id, value)| (*id, &value[..])))
        );
        assert_eq!(rtx::read(packet.payload), Some((7, &payload[..])));
    }
}

#[test]
fn reports_are_the_same_for_both() {
    let block = ReportBlock {
        ssrc: 9,
        fraction_lost: 3,
        lost: 1_000,
        highest: 70_000,
        jitter: 40,
        last_sr: 0x1234_5678,
        delay: Duration::from_millis(1_500),
    };
    let info = SenderInfo {
        ntp: Ntp(0x0102_0304_0506_0708),
        timestamp: 5,
        packets: 6,
        octets: 7,
    };
    let mut bytes = Vec::new();
    SenderReport::write(&mut bytes, 1, info, [block]);
    ReceiverReport::write(&mut bytes, 2, [block, block]);
    write_cname(&mut bytes, 1, "somebody");
    Bye::write(&mut bytes, &[1, 2]);

    let others = theirs(&bytes);
    let sent: &OtherSenderReport = is(&others[0]);
    assert_eq!(
        (
            sent.ssrc,
            sent.ntp_time,
            sent.rtp_time,
            sent.packet_count,
            sent.octet_count
        ),
        (1, info.ntp.0, 5, 6, 7)
    );
    let received: &OtherReceiverReport = is(&others[1]);
    assert_eq!((received.ssrc, received.reports.len()), (2, 2));
    for report in sent.reports.iter().chain(&received.reports) {
        let read = (
            report.ssrc,
            report.fraction_lost,
            report.total_lost,
            report.last_sequence_number,
        );
        assert_eq!(read, (9, 3, 1_000, 70_000));
        assert_eq!(
            (report.jitter, report.last_sender_report, report.delay),
            (40, 0x1234_5678, 98_304)
        );
    }
    let description: &SourceDescription = is(&others[2]);
    assert_eq!(&description.chunks[0].items[0].text[..], b"somebody");
    assert_eq!(is::<Goodbye>(&others[3]).sources, [1, 2]);

    let written = rtc_rtcp::packet::marshal(&others).unwrap();
    let messages: Vec<_> = Compound::new(&written).collect();
    let [
        Message::SenderReport(sent),
        Message::ReceiverReport(received),
        Message::Bye(bye),
    ] = &messages[..]
    else {
        panic!("{messages:?}");
    };
    assert_eq!((sent.ssrc, sent.info, received.ssrc), (1, info, 2));
    assert!(sent.blocks.clone().chain(received.blocks.clone()).eq([block; 3]));
    assert!(bye.sources().eq([1, 2]));
}

#[test]
fn requests_are_the_same_for_both() {
    let mut dice = StdRng::seed_from_u64(2);
    for _ in 0..ROUNDS {
        let begin: u16 = dice.random();
        let share = dice.random_range(0.01..0.9);
        let seqs: Vec<u16> = (0..300)
            .filter(|_| dice.random_bool(share))
            .map(|step: u16| begin.wrapping_add(step))
            .collect();
        let mut bytes = Vec::new();
        Nack::write(&mut bytes, 1, 2, seqs.iter().copied());
        Pli { sender: 3, media: 4 }.write(&mut bytes);
        Fir::write(&mut bytes, 5, &[(6, 7)]);

        let others = theirs(&bytes);
        let [requests @ .., pli, fir] = &others[..] else {
            panic!()
        };
        let others_seqs = requests.iter().flat_map(|nack| &is::<TransportLayerNack>(nack).nacks);
        assert!(others_seqs.flat_map(NackPair::packet_list).eq(seqs.iter().copied()));
        assert_eq!(
            *is::<PictureLossIndication>(pli),
            PictureLossIndication {
                sender_ssrc: 3,
                media_ssrc: 4
            }
        );
        let fir: &FullIntraRequest = is(fir);
        assert_eq!(
            (fir.sender_ssrc, fir.fir[0].ssrc, fir.fir[0].sequence_number),
            (5, 6, 7)
        );

        let written = rtc_rtcp::packet::marshal(&others).unwrap();
        for message in Compound::new(&written) {
            match message {
                Message::Nack(nack) => assert!(nack.seqs().eq(seqs.iter().copied())),
                Message::Pli(pli) => assert_eq!(pli, Pli { sender: 3, media: 4 }),
                Message::Fir(fir) => assert!(fir.requests().eq([(6, 7)])),
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn a_rate_is_the_same_for_both() {
    for bitrate in [0.0, 1.0, 262_143.0, 1_500_000.0, 4_000_000_000.0] {
        let remb = ReceiverEstimatedMaximumBitrate {
            sender_ssrc: 1,
            bitrate,
            ssrcs: vec![7, 8],
        };
        let written = remb.marshal().unwrap();
        let Some(Message::Remb(read)) = Compound::new(&written).next() else {
            panic!()
        };
        assert!(
            (read.bitrate as f32 - bitrate).abs() <= bitrate / 100_000.0,
            "{} {bitrate}",
            read.bitrate
        );
        assert!(read.sources().eq([7, 8]));
    }
}

/// What the other implementation has read, as arrivals in ticks after the reference time.
fn told(feedback: &TransportLayerCc) -> Vec<Option<i64>> {
    let chunk = |chunk: &PacketStatusChunk| match chunk {
        PacketStatusChunk::RunLengthChunk(run) => vec![run.packet_status_symbol; run.run_length.into()],
        PacketStatusChunk::StatusVectorChunk(vector) => vector.symbol_list.clone(),
    };
    let mut deltas = feedback.recv_deltas.iter();
    let mut time = 0;
    let statuses = feedback.packet_chunks.iter().flat_map(chunk);
    statuses
        .take(feedback.packet_status_count.into())
        .map(|status| {
            (status != SymbolTypeTcc::PacketNotReceived).then(|| {
                time += deltas.next().expect("one for each that came").delta / 250;
                time
            })
        })
        .collect()
}

#[test]
fn arrivals_are_the_same_for_both() {
    let mut dice = StdRng::seed_from_u64(3);
    for _ in 0..ROUNDS {
        let (loss, jitter) = (dice.random_range(0.0..0.9), dice.random_range(1..100_000));
        let mut micros: u64 = dice.random_range(0..1 << 39);
        let arrivals: Vec<_> = (0..dice.random_range(1..400))
            .map(|_| {
                micros += dice.random_range(0..20_000);
                let late = dice.random_range(0..jitter);
                (!dice.random_bool(loss)).then(|| Duration::from_micros(micros + late))
            })
            .collect();
        let header = FeedbackHeader {
            sender: 1,
            media: 2,
            base_seq: dice.random(),
            number: dice.random(),
        };
        let mut bytes = Vec::new();
        let count = TransportFeedback::write(&mut bytes, header, 1200, arrivals.iter().copied());
        if arrivals.iter().all(Option::is_none) {
            assert_eq!(count, 0);
            continue;
        }
        assert_eq!(usize::from(count), arrivals.len());

        let others = theirs(&bytes);
        let other: &TransportLayerCc = is(&others[0]);
        assert_eq!(
            (other.base_sequence_number, other.fb_pkt_count),
            (header.base_seq, header.number)
        );
        let reference = Duration::from_millis(64) * other.reference_time;
        let ticks = |time: &Duration| (time.as_micros() / 250) as i64 - (reference.as_micros() / 250) as i64;
        let expected: Vec<_> = arrivals.iter().map(|time| time.as_ref().map(ticks)).collect();
        assert_eq!(told(other), expected);

        let written = rtc_rtcp::packet::marshal(&others).unwrap();
        let Some(Message::TransportFeedback(read)) = Compound::new(&written).next() else {
            panic!()
        };
        assert_eq!(read.header, header);
        let mut clock = ReferenceClock::default();
        let begin = Duration::from_millis(64 << 24) + reference;
        let read: Vec<_> = read
            .arrivals(&mut clock)
            .map(|(_, time)| time.map(|time| (time.as_micros() as i64 - begin.as_micros() as i64) / 250))
            .collect();
        assert_eq!(read, expected);
    }
}
