//! What anybody on the way can do, and what the other side can do with the keys.

mod common;

use common::{PROFILES, SSRC, connection, rtp, sealed, sealed_rtcp};
use hst_srtp::{MAX_SOURCES, Profile, Receiver, Refused, WINDOW};

/// What a receiver remembers, as far as it shows.
fn remembered(receiver: &Receiver) -> String {
    format!("{receiver:?}")
}

#[test]
fn a_packet_with_a_flipped_bit_is_refused_and_changes_nothing() {
    for profile in PROFILES {
        let (sender, mut receiver) = connection(profile);
        let (first, second) = (sealed(&sender, SSRC, 65_000), sealed(&sender, SSRC, 65_001));
        receiver.unprotect(&mut first.clone()).unwrap();
        let before = remembered(&receiver);
        for bit in 0..second.len() * 8 {
            let mut changed = second.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(receiver.unprotect(&mut changed).is_err(), "{profile:?}, bit {bit}");
        }
        assert_eq!(remembered(&receiver), before);
        // Neither a sequence number far ahead nor a roll-over was believed.
        assert_eq!(receiver.unprotect(&mut first.clone()), Err(Refused::Replayed));
        assert_eq!(
            receiver.unprotect(&mut second.clone()).map(|opened| opened.index),
            Ok(65_001)
        );
    }
}

#[test]
fn an_rtcp_packet_with_a_flipped_bit_is_refused_and_changes_nothing() {
    for profile in PROFILES {
        let (mut sender, mut receiver) = connection(profile);
        let (first, second) = (sealed_rtcp(&mut sender, SSRC), sealed_rtcp(&mut sender, SSRC));
        receiver.unprotect_rtcp(&mut first.clone()).unwrap();
        let before = remembered(&receiver);
        for bit in 0..second.len() * 8 {
            let mut changed = second.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(receiver.unprotect_rtcp(&mut changed).is_err(), "{profile:?}, bit {bit}");
        }
        assert_eq!(remembered(&receiver), before);
        assert_eq!(receiver.unprotect_rtcp(&mut first.clone()), Err(Refused::Replayed));
        assert!(receiver.unprotect_rtcp(&mut second.clone()).is_ok());
    }
}

#[test]
fn a_packet_that_is_cut_anywhere_is_refused() {
    for profile in PROFILES {
        let (mut sender, mut receiver) = connection(profile);
        let (packet, report) = (sealed(&sender, SSRC, 1), sealed_rtcp(&mut sender, SSRC));
        for len in 0..packet.len() {
            assert!(receiver.unprotect(&mut packet[..len].to_vec()).is_err(), "{len}");
        }
        for len in 0..report.len() {
            assert!(receiver.unprotect_rtcp(&mut report[..len].to_vec()).is_err(), "{len}");
        }
        for len in 0..12 + profile.overhead() {
            assert_eq!(
                receiver.unprotect(&mut packet[..len].to_vec()).unwrap_err(),
                short(profile, len),
                "{len}"
            );
        }
        assert!(receiver.unprotect(&mut packet.clone()).is_ok());
        assert!(receiver.unprotect_rtcp(&mut report.clone()).is_ok());
    }
}

/// Of a packet that is too short for a header and a tag, counter mode looks at the tag first.
fn short(profile: Profile, len: usize) -> Refused {
    match profile {
        Profile::Aes128CmSha1_80 if len >= 12 => Refused::Forged,
        _ => Refused::Malformed,
    }
}

#[test]
fn a_length_that_lies_is_refused() {
    for profile in PROFILES {
        let (sender, mut receiver) = connection(profile);
        let lies = [
            [0x8f, 96, 0, 1], // 15 contributing sources
            [0x90, 96, 0, 1], // an extension of which the source says the length
        ];
        for lie in lies {
            let mut packet = sealed(&sender, SSRC, 1);
            packet[..4].copy_from_slice(&lie);
            packet[14..16].fill(0xff);
            assert_eq!(receiver.unprotect(&mut packet), Err(Refused::Malformed));
        }
        assert!(receiver.unprotect(&mut sealed(&sender, SSRC, 1)).is_ok());
    }
}

#[test]
fn r3_a_packet_is_taken_once_and_the_window_is_as_wide_as_it_says() {
    for profile in PROFILES {
        let (sender, mut receiver) = connection(profile);
        let highest = 70_000;
        let mut heard = |index| {
            receiver
                .unprotect(&mut sealed(&sender, SSRC, index))
                .map(|opened| opened.index)
        };
        assert_eq!(heard(60_000), Ok(60_000));
        assert_eq!(heard(highest), Ok(highest));
        assert_eq!(heard(highest), Err(Refused::Replayed));
        assert_eq!(heard(highest - WINDOW), Err(Refused::Replayed));
        assert_eq!(heard(highest - WINDOW + 1), Ok(highest - WINDOW + 1));
        assert_eq!(heard(highest - WINDOW + 1), Err(Refused::Replayed));
        assert_eq!(heard(highest - 1), Ok(highest - 1));
        assert_eq!(heard(60_000), Err(Refused::Replayed));
    }
}

#[test]
fn r3_an_rtcp_packet_is_taken_once_in_whatever_order() {
    for profile in PROFILES {
        let (mut sender, mut receiver) = connection(profile);
        let packets: Vec<_> = (0..WINDOW + 1).map(|_| sealed_rtcp(&mut sender, SSRC)).collect();
        let mut heard = |at: u64| receiver.unprotect_rtcp(&mut packets[at as usize].clone()).map(drop);
        assert_eq!(heard(WINDOW), Ok(()));
        assert_eq!(heard(0), Err(Refused::Replayed));
        for at in [1, WINDOW - 1, 500] {
            assert_eq!(heard(at), Ok(()));
            assert_eq!(heard(at), Err(Refused::Replayed));
        }
    }
}

#[test]
fn r3_of_packets_and_reports_none_is_taken_again_at_any_distance_and_none_is_missed_that_is_a_hundred_late() {
    const COUNT: u64 = 10_200;
    for profile in PROFILES {
        let (mut sender, mut receiver) = connection(profile);
        let packets: Vec<_> = (0..COUNT).map(|index| sealed(&sender, SSRC, index)).collect();
        let reports: Vec<_> = (0..COUNT).map(|_| sealed_rtcp(&mut sender, SSRC)).collect();
        let mut heard = |at: u64| {
            let packet = receiver.unprotect(&mut packets[at as usize].clone()).map(drop);
            let report = receiver.unprotect_rtcp(&mut reports[at as usize].clone()).map(drop);
            assert_eq!(packet, report, "{at}");
            packet
        };
        let late = COUNT - 150;
        for at in (0..COUNT).filter(|at| *at != late) {
            assert_eq!(heard(at), Ok(()));
            if at == late + 100 {
                assert_eq!(heard(late), Ok(()));
            }
        }
        for distance in [1, 63, 64, 128, WINDOW - 1, WINDOW, 10_000] {
            assert_eq!(heard(COUNT - 1 - distance), Err(Refused::Replayed), "{distance}");
        }
        assert_eq!(heard(late), Err(Refused::Replayed));
    }
}

#[test]
fn rtcp_that_is_not_encrypted_is_refused_as_such() {
    for profile in PROFILES {
        let (mut sender, mut receiver) = connection(profile);
        let packet = sealed_rtcp(&mut sender, SSRC);
        let word = match profile {
            Profile::Aes128CmSha1_80 => packet.len() - 14,
            _ => packet.len() - 4,
        };
        let mut open = packet.clone();
        open[word] &= 0x7f;
        assert_eq!(receiver.unprotect_rtcp(&mut open), Err(Refused::Unencrypted));
        assert!(receiver.unprotect_rtcp(&mut packet.clone()).is_ok());
    }
}

#[test]
fn sources_that_nobody_has_proven_are_not_remembered() {
    for profile in PROFILES {
        let (mut sender, mut receiver) = connection(profile);
        let (packet, report) = (sealed(&sender, SSRC, 1), sealed_rtcp(&mut sender, SSRC));
        let before = remembered(&receiver);
        for ssrc in 0..5_000_u32 {
            let mut invented = packet.clone();
            invented[8..12].copy_from_slice(&ssrc.to_be_bytes());
            assert_eq!(receiver.unprotect(&mut invented), Err(Refused::Forged));
            let mut invented = report.clone();
            invented[4..8].copy_from_slice(&ssrc.to_be_bytes());
            assert_eq!(receiver.unprotect_rtcp(&mut invented), Err(Refused::Forged));
        }
        assert_eq!(remembered(&receiver), before);
    }
}

#[test]
fn a_flood_of_genuine_sources_costs_those_that_are_silent_for_the_longest() {
    let (sender, mut receiver) = connection(Profile::AeadAes128Gcm);
    let mut heard = |ssrc, index| receiver.unprotect(&mut sealed(&sender, ssrc, index)).map(drop);
    let all = MAX_SOURCES as u32;
    for ssrc in 0..all {
        assert_eq!(heard(ssrc, 1), Ok(()));
    }
    assert_eq!(heard(0, 2), Ok(()));
    // Source 1 is the longest silent, so this one takes its place.
    assert_eq!(heard(all, 1), Ok(()));
    assert_eq!(heard(0, 2), Err(Refused::Replayed));
    assert_eq!(heard(2, 1), Err(Refused::Replayed));
    // That is what it costs: of a source that was forgotten, a packet is taken a second time.
    assert_eq!(heard(1, 1), Ok(()));
    assert!(remembered(&receiver).contains(&format!("rtp_sources: {all}, ")));
}

#[test]
fn a_forgotten_source_begins_anew_and_the_others_do_not() {
    let (mut sender, mut receiver) = connection(Profile::Aes128CmSha1_80);
    let reports = [sealed_rtcp(&mut sender, 1), sealed_rtcp(&mut sender, 2)];
    for ssrc in [1, 2] {
        receiver.unprotect(&mut sealed(&sender, ssrc, 40_000)).unwrap();
        receiver.unprotect(&mut sealed(&sender, ssrc, 70_000)).unwrap();
        receiver
            .unprotect_rtcp(&mut reports[ssrc as usize - 1].clone())
            .unwrap();
    }
    receiver.forget(1);
    assert!(receiver.unprotect_rtcp(&mut reports[0].clone()).is_ok());
    assert_eq!(receiver.unprotect_rtcp(&mut reports[1].clone()), Err(Refused::Replayed));
    assert_eq!(
        receiver.unprotect(&mut sealed(&sender, 1, 70_001)),
        Err(Refused::Forged)
    );
    assert!(receiver.unprotect(&mut sealed(&sender, 1, 5)).is_ok());
    assert!(receiver.unprotect(&mut sealed(&sender, 2, 70_001)).is_ok());
}

#[test]
fn what_is_not_encrypted_at_all_is_refused() {
    for profile in PROFILES {
        let (_, mut receiver) = connection(profile);
        assert_eq!(receiver.unprotect(&mut rtp(SSRC, 1, &[0; 100])), Err(Refused::Forged));
        assert_eq!(receiver.unprotect_rtcp(&mut [0x80; 100]), Err(Refused::Forged));
        assert_eq!(receiver.unprotect(&mut []), Err(Refused::Malformed));
        assert_eq!(receiver.unprotect_rtcp(&mut []), Err(Refused::Malformed));
    }
}
