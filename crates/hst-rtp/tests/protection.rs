//! What we protect is recovered, by our own reader and by whoever reads what it was told to.

use hst_rtp::{
    Header, Packet,
    fec::{Protection, Repair},
    receive::Recovery,
    write_header,
};
use proptest::{collection::vec, prelude::*};

const SSRC: u32 = 7;
/// The extension that is written when a packet leaves.
const WRITTEN_LATE: u8 = 3;
/// So many numbers one repair packet reaches.
const REACH: u16 = 109;

/// A packet as it is protected: zeros where it is written late.
fn packet(seq: u16, marker: bool, timestamp: u32, payload: &[u8]) -> Vec<u8> {
    let header = Header {
        marker,
        payload_type: 96,
        seq,
        timestamp,
        ssrc: SSRC,
    };
    let mut bytes = Vec::new();
    write_header(&mut bytes, header, [(WRITTEN_LATE, &[0, 0][..]), (4, b"0")]);
    bytes.extend_from_slice(payload);
    bytes
}

fn protect(packets: &[Vec<u8>]) -> Vec<u8> {
    let (mut protection, mut payload) = (Protection::default(), Vec::new());
    assert!(packets.iter().all(|packet| protection.add(packet)));
    assert_eq!(protection.len(), packets.len());
    protection.write(&mut payload);
    assert!(protection.is_empty());
    payload
}

proptest! {
    #[test]
    fn whichever_is_lost_of_those_that_are_protected_is_recovered_as_it_was(
        first in any::<u16>(),
        gaps in vec(0..4_u16, 1..40),
        contents in vec((any::<bool>(), any::<u32>(), vec(any::<u8>(), 1..300)), 40),
        lost in any::<prop::sample::Index>(),
    ) {
        let (mut seq, mut packets) = (first, Vec::new());
        for (gap, (marker, timestamp, payload)) in gaps.into_iter().zip(contents) {
            if seq.wrapping_sub(first) < REACH {
                packets.push(packet(seq, marker, timestamp, &payload));
            }
            seq = seq.wrapping_add(gap + 1);
        }
        let payload = protect(&packets);
        let repair = Repair::parse(&payload).expect("well-formed");
        let numbers = packets.iter().map(|it| Packet::parse(it).expect("ours").header.seq);
        prop_assert!(repair.seqs().eq(numbers));
        prop_assert_eq!(repair.ssrc, SSRC);

        let lost = lost.index(packets.len());
        let mut recovery = Recovery::new();
        recovery.handle_packet(&packet(first.wrapping_sub(1), false, 0, b"before"), []);
        for (at, bytes) in packets.iter().enumerate().filter(|(at, _)| *at != lost) {
            let mut sent = bytes.clone();
            let place = Packet::parse(bytes).and_then(|it| it.extension_range(WRITTEN_LATE));
            sent[place.expect("it is there")].copy_from_slice(&(at as u16).to_be_bytes());
            recovery.handle_packet(&sent, [WRITTEN_LATE]);
        }
        recovery.handle_repair(&repair, &payload);
        prop_assert_eq!(recovery.poll_recovered(), Some(packets.swap_remove(lost)));
        prop_assert_eq!(recovery.poll_recovered(), None);
    }

    #[test]
    fn nothing_upsets_it(packets in vec(vec(any::<u8>(), 0..40), 0..10)) {
        let (mut protection, mut payload) = (Protection::default(), Vec::new());
        let added = packets.iter().filter(|packet| protection.add(packet)).count();
        protection.write(&mut payload);
        prop_assert_eq!(Repair::parse(&payload).map_or(0, |repair| repair.seqs().count()), added);
    }
}

#[test]
fn what_one_repair_packet_cannot_name_is_not_added() {
    let mut protection = Protection::default();
    let of = |seq| packet(seq, false, 0, b"x");
    assert!(protection.add(&of(65_530)));
    assert!(!protection.add(&of(65_529)), "before the first");
    assert!(!protection.add(&of(65_530)), "twice");
    assert!(protection.add(&of(65_530_u16.wrapping_add(REACH - 1))));
    assert!(!protection.add(&of(65_530_u16.wrapping_add(REACH))), "too far");
    let mut other = of(65_531);
    other[11] ^= 1;
    assert!(!protection.add(&other), "of another source");
    assert!(!protection.add(&other[..11]), "no packet");
    assert_eq!(protection.len(), 2);
    protection.clear();
    assert!(protection.add(&other), "it begins anew");
}
