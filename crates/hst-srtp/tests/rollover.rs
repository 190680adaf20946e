//! The sequence number has 16 bits, and the index 48: both ends agree on the rest without a word.

mod common;

use common::{PROFILES, SSRC, connection, sealed};
use hst_srtp::{Profile, Refused, WINDOW};
use proptest::prelude::*;

/// Sends these indices in this order, and wants all of them read.
fn all_arrive(profile: Profile, indices: impl IntoIterator<Item = u64>) {
    let (sender, mut receiver) = connection(profile);
    for index in indices {
        let opened = receiver.unprotect(&mut sealed(&sender, SSRC, index));
        assert_eq!(opened.map(|opened| opened.index), Ok(index), "{profile:?}");
    }
}

#[test]
fn sequence_numbers_roll_over_again_and_again() {
    all_arrive(PROFILES[0], (0..300_000).step_by(3));
    all_arrive(PROFILES[1], (0..300_000).step_by(7));
}

#[test]
fn a_roll_over_is_seen_although_the_packets_around_it_are_lost() {
    for profile in PROFILES {
        all_arrive(profile, [60_000, 70_000, 100_000, 131_000, 150_000]);
    }
}

#[test]
fn half_a_round_may_be_lost_at_once_and_not_more() {
    for profile in PROFILES {
        all_arrive(profile, [10, 10 + (1 << 15), 9 + (1 << 16)]);
        all_arrive(profile, [40_000, 40_000 + (1 << 15) - 1]);
        let (sender, mut receiver) = connection(profile);
        receiver.unprotect(&mut sealed(&sender, SSRC, 40_000)).unwrap();
        let far = receiver.unprotect(&mut sealed(&sender, SSRC, 40_001 + (1 << 15)));
        assert!(far.is_err());
    }
}

#[test]
fn a_packet_of_before_the_roll_over_may_come_behind_it() {
    for profile in PROFILES {
        all_arrive(profile, [65_530, 65_537, 65_535, 65_536, 65_531, 65_540]);
        all_arrive(profile, [65_535, 65_536, 65_534, 65_537]);
    }
}

#[test]
fn a_source_that_begins_just_before_the_roll_over_is_followed() {
    for profile in PROFILES {
        all_arrive(profile, [65_535, 65_536]);
        all_arrive(profile, [65_533, 65_540]);
        all_arrive(profile, [65_000, 66_000, 65_001]);
    }
}

#[test]
fn a_source_of_which_nothing_came_before_its_roll_over_is_not_believed() {
    for profile in PROFILES {
        let (sender, mut receiver) = connection(profile);
        let behind = receiver.unprotect(&mut sealed(&sender, SSRC, 65_536));
        assert_eq!(behind, Err(Refused::Forged));
        // Nor is anything remembered of it: what does come is read.
        assert!(receiver.unprotect(&mut sealed(&sender, SSRC, 65_535)).is_ok());
        assert!(receiver.unprotect(&mut sealed(&sender, SSRC, 65_536)).is_ok());
    }
}

proptest! {
    #[test]
    fn loss_and_disorder_within_the_window_cost_no_packet_that_arrives(
        profile in prop::sample::select(&PROFILES[..]),
        start in 0..1_u64 << 15,
        step in 1..2_000_u64,
        delays in prop::collection::vec(0..WINDOW, 200),
    ) {
        // A packet is late by its delay in indices; each is sent once.
        let mut order: Vec<u64> = (0..200).map(|number| start + number * step).collect();
        order.sort_by_key(|index| index + delays[((index - start) / step) as usize]);
        // The first is heard first: before it nothing is known.
        let first = order.iter().position(|index| *index == start).unwrap();
        order[..=first].rotate_right(1);
        let (sender, mut receiver) = connection(profile);
        for index in order {
            let opened = receiver.unprotect(&mut sealed(&sender, SSRC, index));
            prop_assert_eq!(opened.map(|opened| opened.index), Ok(index));
        }
    }
}
