use std::time::{Duration, Instant};

use hst_rtp::{
    Header, Ntp, Packet,
    fec::Repair,
    receive::{Arrivals, Budget, Missing, Patience, Reception, Recovery, RoundTrip},
    rtcp::{Compound, MAX_NAMED, Message, ReferenceClock},
    rtx, write_header,
};

/// So many packets are asked for at once.
const AT_ONCE: u16 = 128;

/// An RTP packet: what is read of it is the same after it was written anew.
pub fn packet(data: &[u8]) {
    let Some(packet) = Packet::parse(data) else { return };
    let mut again = Vec::new();
    write_header(&mut again, packet.header, packet.extensions());
    let header_len = again.len();
    again.extend_from_slice(packet.payload);
    let read = Packet::parse(&again).expect("we wrote it");
    assert_eq!((read.header, read.payload), (packet.header, packet.payload));
    assert_eq!(read.header_len, header_len);
    if packet.header_len < hst_rtp::MAX_EXTENSIONS {
        assert!(read.extensions().eq(packet.extensions()));
    }
    for (id, _) in packet.extensions() {
        let range = packet.extension_range(id).expect("it is there");
        assert_eq!(Some(&data[range]), packet.extension(id));
    }
    if let Some((seq, payload)) = rtx::read(packet.payload) {
        let mut again = Vec::new();
        rtx::write(&mut again, seq, payload);
        assert_eq!(again, packet.payload);
    }
}

/// The messages of an RTCP datagram: they name no more than they may, and what they tell is survived.
pub fn compound(data: &[u8]) {
    let now = Instant::now();
    let mut clock = ReferenceClock::default();
    let mut round_trip = RoundTrip::default();
    let mut reception = Reception::new(90_000);
    let mut named = 0;
    for message in Compound::new(data) {
        named += match message {
            Message::SenderReport(report) => {
                reception.handle_report(now, report.info);
                let shown = |block| round_trip.handle_block(report.info.ntp, &block);
                report.blocks.map(shown).count()
            }
            Message::ReceiverReport(report) => report.blocks.count(),
            Message::Bye(bye) => bye.sources().count(),
            Message::Nack(nack) => nack.seqs().count(),
            Message::Pli(_) => 1,
            Message::Fir(fir) => fir.requests().count(),
            Message::Remb(remb) => remb.sources().count(),
            Message::TransportFeedback(feedback) => feedback.arrivals(&mut clock).count(),
            Message::ExtendedReport(report) => {
                let shown = |answer| round_trip.handle_answer(Ntp::default(), &answer);
                report.answers().map(shown).count()
            }
        };
    }
    assert!(named <= MAX_NAMED + data.len());
}

/// Packets that come in any order, and when: four bytes each.
pub fn numbers(data: &[u8]) {
    let mut now = Instant::now();
    let mut reception = Reception::new(90_000);
    let mut missing = Missing::new(Patience::default());
    let mut budget = Budget::new(AT_ONCE, 200);
    let mut arrivals = Arrivals::new(now);
    for &[high, low, wait, step] in data.as_chunks().0 {
        now += Duration::from_millis(u64::from(wait)) * u32::from(step & 0x0f);
        let header = Header {
            seq: u16::from_be_bytes([high, low]),
            timestamp: u32::from(step) << 24 | u32::from(wait),
            ..Header::default()
        };
        if let Some(number) = reception.handle_packet(now, &header, 1) {
            missing.handle_packet(now, number);
        }
        budget.handle_packet();
        arrivals.handle_packet(now, header.seq);

        let mut seqs = Vec::new();
        missing.ask(now, Duration::from_millis(20), &mut budget, &mut seqs);
        assert!(seqs.len() <= usize::from(AT_ONCE));
        assert!(missing.poll_timeout().is_none_or(|due| due > now));
        let mut datagram = Vec::new();
        while arrivals.poll_feedback(now, 1, 2, &mut datagram) {
            assert!(datagram.len() <= hst_rtp::receive::MAX_FEEDBACK);
            assert_eq!(Compound::new(&datagram).count(), 1);
            datagram.clear();
        }
        assert!(arrivals.poll_timeout().is_none_or(|due| due > now));
        reception.report(now, 1);
    }
}

/// Packets of a source and what protects them, each behind a byte that says which it is and one that says how long: what is computed
/// is a packet, and one that did not come.
pub fn repairs(data: &[u8]) {
    let mut recovery = Recovery::new();
    let mut rest = data;
    while let Some((&[kind, len], behind)) = rest.split_first_chunk() {
        let (piece, behind) = behind.split_at(usize::from(len).min(behind.len()));
        rest = behind;
        let mut protected = None;
        match kind & 1 {
            0 => recovery.handle_packet(piece, [kind >> 4]),
            _ => {
                if let Some(repair) = Repair::parse(piece) {
                    assert!((1..=109).contains(&repair.seqs().count()));
                    recovery.handle_repair(&repair, piece);
                    protected = Some(repair.ssrc);
                }
            }
        }
        let mut count = 0;
        while let Some(recovered) = recovery.poll_recovered() {
            let packet = Packet::parse(&recovered).expect("it is looked at");
            assert!(count > 0 || protected.is_none_or(|ssrc| ssrc == packet.header.ssrc) || kind & 1 == 0);
            count += 1;
        }
        assert!(count <= 32, "{count} at a time");
    }
}
