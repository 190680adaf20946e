//! What one end encrypts, the other reads, and nobody in between.

mod common;

use common::{PROFILES, SSRC, connection, exported, rtcp, rtp, sealed, sealed_rtcp};
use hst_srtp::{Opened, Profile, Receiver, Refused, Sender, Side, contexts};
use proptest::prelude::*;

fn profile() -> impl Strategy<Value = Profile> {
    prop::sample::select(&PROFILES[..])
}

/// An RTP header with up to 15 contributing sources and perhaps an extension.
fn header() -> impl Strategy<Value = Vec<u8>> {
    let sources = prop::collection::vec(any::<u32>(), 0..=15);
    let extension = prop::option::of(prop::collection::vec(any::<u32>(), 0..20));
    (any::<[u8; 12]>(), sources, extension).prop_map(|(mut fixed, sources, extension)| {
        fixed[0] = 0x80 | (fixed[0] & 0x20) | sources.len() as u8 | if extension.is_some() { 0x10 } else { 0 };
        let mut header = fixed.to_vec();
        sources.iter().for_each(|source| header.extend(source.to_be_bytes()));
        if let Some(words) = extension {
            header.extend([0xbe, 0xde]);
            header.extend((words.len() as u16).to_be_bytes());
            words.iter().for_each(|word| header.extend(word.to_be_bytes()));
        }
        header
    })
}

proptest! {
    #[test]
    fn a_packet_comes_out_as_it_went_in_and_what_stands_before_it_stays(
        profile in profile(),
        header in header(),
        payload in prop::collection::vec(any::<u8>(), 0..1_500),
        before in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let (sender, mut receiver) = connection(profile);
        let index = u64::from(u16::from_be_bytes([header[2], header[3]]));
        let packet = [&header[..], &payload].concat();
        let mut buffer = [&before[..], &packet].concat();
        sender.protect(index, &mut buffer, before.len(), header.len());

        let (kept, sent) = buffer.split_at_mut(before.len());
        prop_assert_eq!(kept, &before[..]);
        prop_assert_eq!(&sent[..header.len()], &header[..]);
        prop_assert_eq!(sent.len(), packet.len() + sender.overhead());
        let opened = Opened { index, header_len: header.len(), len: packet.len() };
        prop_assert_eq!(receiver.unprotect(sent), Ok(opened));
        prop_assert_eq!(&sent[..opened.len], &packet[..]);
    }

    #[test]
    fn a_compound_packet_comes_out_as_it_went_in(
        profile in profile(),
        ssrc: u32,
        reports in prop::collection::vec(any::<u8>(), 0..1_000),
        before in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let (mut sender, mut receiver) = connection(profile);
        let packet = [&[0x81, 200, 0, 6][..], &ssrc.to_be_bytes(), &reports].concat();
        for _ in 0..3 {
            let mut buffer = [&before[..], &packet].concat();
            sender.protect_rtcp(&mut buffer, before.len()).unwrap();
            let (kept, sent) = buffer.split_at_mut(before.len());
            prop_assert_eq!(kept, &before[..]);
            prop_assert!(sent.len() <= packet.len() + Sender::MAX_RTCP_OVERHEAD);
            prop_assert_eq!(receiver.unprotect_rtcp(sent), Ok(packet.len()));
            prop_assert_eq!(&sent[..packet.len()], &packet[..]);
        }
    }
}

#[test]
fn each_side_reads_the_other_and_not_itself() {
    for profile in PROFILES {
        let exported = exported(profile);
        let (mut client, mut from_server) = contexts(profile, &exported, Side::Client).unwrap();
        let (mut server, mut from_client) = contexts(profile, &exported, Side::Server).unwrap();
        crossed(1, &mut client, &mut from_client, &mut from_server);
        crossed(2, &mut server, &mut from_server, &mut from_client);
    }
}

fn crossed(ssrc: u32, sender: &mut Sender, other: &mut Receiver, itself: &mut Receiver) {
    let packet = sealed(sender, ssrc, 1);
    assert_eq!(itself.unprotect(&mut packet.clone()), Err(Refused::Forged));
    assert!(other.unprotect(&mut packet.clone()).is_ok());
    let packet = sealed_rtcp(sender, ssrc);
    assert_eq!(itself.unprotect_rtcp(&mut packet.clone()), Err(Refused::Forged));
    assert!(other.unprotect_rtcp(&mut packet.clone()).is_ok());
}

#[test]
fn a_payload_is_not_readable_on_the_way() {
    for profile in PROFILES {
        let (mut sender, _) = connection(profile);
        let mut packet = rtp(SSRC, 1, &[0xaa; 64]);
        sender.protect(1, &mut packet, 0, 12);
        assert!(!packet.windows(4).any(|bytes| bytes == [0xaa; 4]));
        let mut packet = rtcp(SSRC);
        sender.protect_rtcp(&mut packet, 0).unwrap();
        assert!(!packet.windows(4).any(|bytes| bytes == b"what"));
    }
}

#[test]
fn the_same_bytes_are_encrypted_otherwise_for_each_source_and_index() {
    for profile in PROFILES {
        let (sender, _) = connection(profile);
        let body = |ssrc, index| {
            let mut packet = rtp(ssrc, index, &[0; 32]);
            sender.protect(index, &mut packet, 0, 12);
            packet.split_off(12)
        };
        let bodies = [
            body(SSRC, 1),
            body(SSRC, 2),
            body(SSRC, 1 + (1 << 16)),
            body(SSRC + 1, 1),
        ];
        for (at, one) in bodies.iter().enumerate() {
            assert!(bodies[at + 1..].iter().all(|other| one[..32] != other[..32]));
        }
    }
}

#[test]
fn encrypting_in_a_buffer_with_room_does_not_move_it() {
    for profile in PROFILES {
        let (sender, _) = connection(profile);
        let mut buffer = rtp(SSRC, 1, &[0; 1_100]);
        buffer.reserve_exact(Sender::MAX_OVERHEAD);
        let at = buffer.as_ptr();
        sender.protect(1, &mut buffer, 0, 12);
        assert_eq!(buffer.as_ptr(), at);
        assert_eq!(sender.overhead(), profile.overhead());
        assert!(sender.overhead() <= Sender::MAX_OVERHEAD);
    }
}

#[test]
fn a_sender_is_shared_between_threads() {
    fn is_shared<T: Send + Sync>(_: &T) {}
    let (sender, receiver) = connection(Profile::AeadAes128Gcm);
    is_shared(&sender);
    is_shared(&receiver);
    let shown = format!("{sender:?} {receiver:?}");
    assert_eq!(
        shown,
        "Sender { profile: AeadAes128Gcm, .. } Receiver { profile: AeadAes128Gcm, rtp_sources: 0, rtcp_sources: 0, .. }"
    );
}

#[test]
#[should_panic(expected = "an index ends in the sequence number")]
fn an_index_of_another_packet_is_a_fault_of_the_caller() {
    let (sender, _) = connection(Profile::AeadAes128Gcm);
    sender.protect(2, &mut rtp(SSRC, 1, &[]), 0, 12);
}

#[test]
#[should_panic(expected = "an index has 48 bits")]
fn an_index_beyond_the_last_is_a_fault_of_the_caller() {
    let (sender, _) = connection(Profile::AeadAes128Gcm);
    sender.protect(1 << 48, &mut rtp(SSRC, 0, &[]), 0, 12);
}
