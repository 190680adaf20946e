//! Lost packets are computed out of what another implementation made to protect them.

use std::collections::BTreeMap;

use bytes::Bytes;
use hst_rtp::{
    Header, Packet,
    fec::{Protection, Repair},
    receive::Recovery,
    write_header,
};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom};
use rtc_interceptor::FlexFec03Encoder;
use rtc_shared::marshal::{Marshal, Unmarshal};

const MEDIA: u32 = 7;
/// The extension that is written when a packet leaves, and one that is not.
const WRITTEN_LATE: u8 = 3;
const MID: u8 = 4;

type Theirs = rtc_rtp::packet::Packet;

/// A packet as it is protected, with zeros where it is written late.
fn packet(seq: u16, dice: &mut StdRng) -> Vec<u8> {
    let header = Header {
        marker: dice.random(),
        payload_type: 96,
        seq,
        timestamp: dice.random(),
        ssrc: MEDIA,
    };
    let mut bytes = Vec::new();
    write_header(&mut bytes, header, [(MID, &b"0"[..]), (WRITTEN_LATE, &[0, 0])]);
    let len = dice.random_range(1..1200);
    bytes.extend((0..len).map(|_| dice.random::<u8>()));
    bytes
}

/// The same as it was sent.
fn sent(packet: &[u8], number: u16) -> Vec<u8> {
    let place = Packet::parse(packet).expect("ours").extension_range(WRITTEN_LATE);
    let mut sent = packet.to_vec();
    sent[place.expect("it is there")].copy_from_slice(&number.to_be_bytes());
    sent
}

/// What protects these packets: so many payloads of another implementation.
fn protect(encoder: &mut FlexFec03Encoder, packets: &[Vec<u8>], count: u32) -> Vec<Bytes> {
    let read = |packet: &Vec<u8>| Theirs::unmarshal(&mut &packet[..]).expect("well-formed");
    let theirs: Vec<_> = packets.iter().map(read).collect();
    for (ours, theirs) in packets.iter().zip(&theirs) {
        assert_eq!(
            theirs.marshal().expect("written"),
            ours[..],
            "they write it in the same way"
        );
    }
    let repairs = encoder.encode(&theirs, count);
    repairs.into_iter().map(|repair| repair.payload).collect()
}

fn repair(recovery: &mut Recovery, payload: &[u8]) {
    let repair = Repair::parse(payload).expect("well-formed");
    assert_eq!(repair.ssrc, MEDIA);
    recovery.handle_repair(&repair, payload);
}

fn recovered(recovery: &mut Recovery) -> BTreeMap<u16, Vec<u8>> {
    let packets = std::iter::from_fn(|| recovery.poll_recovered());
    packets
        .map(|bytes| (Packet::parse(&bytes).expect("a packet").header.seq, bytes))
        .collect()
}

#[test]
fn any_one_that_is_lost_of_a_block_of_any_length_is_computed_in_any_order_of_arrival() {
    let mut dice = StdRng::seed_from_u64(1);
    let mut encoder = FlexFec03Encoder::new(35, 8);
    for round in 0..300_u16 {
        // Blocks need the shortest mask, the longer and the longest; numbers wrap.
        let first = 65_400_u16.wrapping_add(round * 3);
        let len = dice.random_range(1..=109);
        let packets: Vec<_> = (0..len).map(|at| packet(first.wrapping_add(at), &mut dice)).collect();
        let payloads = protect(&mut encoder, &packets, 1);
        let lost = dice.random_range(0..packets.len());
        let mut recovery = Recovery::new();
        // There was something before it.
        recovery.handle_packet(&sent(&packet(first.wrapping_sub(1), &mut dice), 1), [WRITTEN_LATE]);
        let mut arrivals: Vec<_> = (0..=packets.len()).filter(|at| *at != lost).collect();
        arrivals.shuffle(&mut dice);
        for at in arrivals {
            match packets.get(at) {
                Some(packet) => recovery.handle_packet(&sent(packet, round + at as u16), [WRITTEN_LATE]),
                None => payloads.iter().for_each(|payload| repair(&mut recovery, payload)),
            }
        }
        let lost_seq = first.wrapping_add(lost as u16);
        let expected = BTreeMap::from([(lost_seq, packets[lost].clone())]);
        assert_eq!(recovered(&mut recovery), expected, "round {round}, {len} packets");
    }
}

#[test]
fn what_we_write_to_protect_a_block_is_what_another_implementation_writes() {
    let mut dice = StdRng::seed_from_u64(5);
    let mut encoder = FlexFec03Encoder::new(35, 8);
    let (mut protection, mut ours) = (Protection::default(), Vec::new());
    for len in 1..=109 {
        let packets: Vec<_> = (0..len)
            .map(|at| packet(65_500_u16.wrapping_add(at), &mut dice))
            .collect();
        assert!(packets.iter().all(|packet| protection.add(packet)));
        ours.clear();
        protection.write(&mut ours);
        assert_eq!(protect(&mut encoder, &packets, 1)[0], ours, "{len} packets");
    }
}

#[test]
fn several_that_protect_a_block_give_what_they_can() {
    let mut dice = StdRng::seed_from_u64(2);
    let mut encoder = FlexFec03Encoder::new(35, 8);
    let (mut lost, mut computed) = (0, 0);
    for round in 0..200_u16 {
        let first = round.wrapping_mul(400);
        let packets: Vec<_> = (0..12).map(|at| packet(first.wrapping_add(at), &mut dice)).collect();
        let payloads = protect(&mut encoder, &packets, 4);
        let mut recovery = Recovery::new();
        let mut missing = BTreeMap::new();
        recovery.handle_packet(&sent(&packet(first.wrapping_sub(1), &mut dice), 0), [WRITTEN_LATE]);
        for (at, bytes) in packets.iter().enumerate() {
            match dice.random_bool(0.2) {
                true => drop(missing.insert(first.wrapping_add(at as u16), bytes.clone())),
                false => recovery.handle_packet(&sent(bytes, at as u16), [WRITTEN_LATE]),
            }
        }
        payloads.iter().for_each(|payload| repair(&mut recovery, payload));
        let recovered = recovered(&mut recovery);
        assert!(recovered.iter().all(|(seq, bytes)| missing.get(seq) == Some(bytes)));
        (lost, computed) = (lost + missing.len(), computed + recovered.len());
    }
    assert!(lost > 400 && computed * 100 > lost * 55, "{computed} of {lost}");
}

#[test]
fn what_comes_back_helps_the_next() {
    let mut dice = StdRng::seed_from_u64(4);
    let mut encoder = FlexFec03Encoder::new(35, 8);
    let packets: Vec<_> = (0..10).map(|at| packet(at, &mut dice)).collect();
    let early = protect(&mut encoder, &packets[..6], 1);
    let late = protect(&mut encoder, &packets[3..], 1);
    let mut recovery = Recovery::new();
    for seq in [0, 1, 3, 5, 6, 7, 8, 9] {
        recovery.handle_packet(&packets[seq], []);
    }
    repair(&mut recovery, &early[0]);
    assert_eq!(recovered(&mut recovery), BTreeMap::new(), "two are missing");
    repair(&mut recovery, &late[0]);
    let both = [2, 4].map(|seq| (seq, packets[usize::from(seq)].clone()));
    assert_eq!(recovered(&mut recovery), BTreeMap::from(both));
}

#[test]
fn what_is_too_late_or_of_another_life_gives_nothing_and_what_is_kept_is_bounded() {
    let mut dice = StdRng::seed_from_u64(3);
    let mut encoder = FlexFec03Encoder::new(35, 8);
    let packets: Vec<_> = (0..10).map(|at| packet(100 + at, &mut dice)).collect();
    let payloads = protect(&mut encoder, &packets, 1);
    let mut recovery = Recovery::new();
    repair(&mut recovery, &payloads[0]);
    for bytes in &packets[1..] {
        recovery.handle_packet(bytes, [WRITTEN_LATE]);
    }
    assert_eq!(recovered(&mut recovery), BTreeMap::new(), "nothing had come before it");
    // It goes on, for longer than is remembered.
    (110..400).for_each(|seq| recovery.handle_packet(&packet(seq, &mut dice), [WRITTEN_LATE]));
    repair(&mut recovery, &payloads[0]);
    assert_eq!(recovered(&mut recovery), BTreeMap::new());
    // The source begins anew, with other numbers.
    for bytes in (0..20).map(|at| packet(40_000 + at, &mut dice)) {
        recovery.handle_packet(&bytes, [WRITTEN_LATE]);
    }
    let packets: Vec<_> = (0..10).map(|at| packet(40_020 + at, &mut dice)).collect();
    packets[1..]
        .iter()
        .for_each(|bytes| recovery.handle_packet(bytes, [WRITTEN_LATE]));
    repair(&mut recovery, &protect(&mut encoder, &packets, 1)[0]);
    assert_eq!(recovered(&mut recovery), BTreeMap::from([(40_020, packets[0].clone())]));
}
