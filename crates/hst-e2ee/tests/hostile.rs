//! What a server, a member or somebody in between may do to frames, and what comes of it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use hst_e2ee::{Codec, FrameCryptor, GroupKey, OpenError, SealError, Session, WINDOW};
use proptest::prelude::*;

const PACKET: &[u8] = b"\xfca packet of Opus";
const KEYFRAME: &[u8] = b"\x10\x02\x00\x9d\x01\x2a\x80\x02\xe0\x01and a picture";

fn key(byte: u8) -> GroupKey {
    GroupKey::from_bytes(&[byte; 32]).unwrap()
}

fn member(user: &str) -> FrameCryptor {
    let mut member = FrameCryptor::new("g", user, Session::random());
    member.set_key(0, key(0));
    member
}

#[test]
fn without_a_key_nothing_is_sent_and_nothing_is_shown() {
    let mut keyless = FrameCryptor::new("g", "eve", Session::random());
    assert_eq!(keyless.seal(Codec::Opus, PACKET), Err(SealError::NoKey));
    assert_eq!(keyless.ratchet(), Err(SealError::NoKey));
    let sealed = member("ann").seal(Codec::Opus, PACKET).unwrap();
    assert_eq!(keyless.open("ann", Codec::Opus, &sealed), Err(OpenError::UnknownKey(0)));
    let mut other = FrameCryptor::new("g", "eve", Session::random());
    other.set_key(0, key(9));
    assert_eq!(other.open("ann", Codec::Opus, &sealed), Err(OpenError::Forged));
}

#[test]
fn a_frame_that_is_not_encrypted_is_not_shown() {
    let mut ben = member("ben");
    assert_eq!(ben.open("ann", Codec::Opus, PACKET), Err(OpenError::Malformed));
    assert_eq!(ben.open("ann", Codec::Vp8, KEYFRAME), Err(OpenError::Malformed));
}

#[test]
fn a_frame_is_of_one_sender_and_one_group_only() {
    let sealed = member("ann").seal(Codec::Opus, PACKET).unwrap();
    assert_eq!(member("ben").open("eve", Codec::Opus, &sealed), Err(OpenError::Forged));
    let mut elsewhere = FrameCryptor::new("h", "ben", Session::random());
    elsewhere.set_key(0, key(0));
    assert_eq!(elsewhere.open("ann", Codec::Opus, &sealed), Err(OpenError::Forged));
}

#[test]
fn two_lives_of_one_user_never_share_a_key() {
    let [first, second] = [(); 2].map(|()| member("ann").seal(Codec::Opus, PACKET).unwrap());
    let encrypted = |sealed: &[u8]| sealed[sealed.len() - PACKET.len() - 16..].to_vec();
    assert_ne!(encrypted(&first), encrypted(&second));
}

#[test]
fn frames_may_come_late_and_twice_is_once_too_often() {
    let (mut ann, mut ben) = (member("ann"), member("ben"));
    let sealed: Vec<_> = (0..=WINDOW).map(|_| ann.seal(Codec::Opus, PACKET).unwrap()).collect();
    let last = sealed.last().unwrap();
    ben.open("ann", Codec::Opus, last).unwrap();
    assert_eq!(ben.open("ann", Codec::Opus, last), Err(OpenError::Replayed));
    assert_eq!(ben.open("ann", Codec::Opus, &sealed[1]).unwrap(), PACKET);
    assert_eq!(
        ben.open("ann", Codec::Opus, &sealed[0]),
        Err(OpenError::Replayed),
        "too late"
    );
}

#[test]
fn who_has_left_reads_nothing_after_the_rotation_and_late_frames_are_still_read() {
    let (mut ann, mut ben, mut left) = (member("ann"), member("ben"), member("left"));
    let late = ann.seal(Codec::Vp8, KEYFRAME).unwrap();
    for member in [&mut ann, &mut ben] {
        member.set_key(1, key(1));
    }
    let new = ann.seal(Codec::Vp8, KEYFRAME).unwrap();
    assert_eq!(ben.open("ann", Codec::Vp8, &new).unwrap(), KEYFRAME);
    assert_eq!(ben.open("ann", Codec::Vp8, &late).unwrap(), KEYFRAME);
    assert_eq!(left.open("ann", Codec::Vp8, &new), Err(OpenError::UnknownKey(1)));
    assert_eq!(
        left.open("ann", Codec::Vp8, &late).unwrap(),
        KEYFRAME,
        "what was sent before he left"
    );
}

#[test]
fn who_ratchets_is_followed_and_who_comes_then_reads_nothing_of_before() {
    let (mut ann, mut ben) = (member("ann"), member("ben"));
    let before = ann.seal(Codec::Opus, PACKET).unwrap();
    assert_eq!(ann.ratchet(), Ok(1));
    let mut newcomer = FrameCryptor::new("g", "new", Session::random());
    newcomer.set_key(1, key(0).ratcheted());
    let after = ann.seal(Codec::Opus, PACKET).unwrap();
    assert_eq!(newcomer.open("ann", Codec::Opus, &after).unwrap(), PACKET);
    assert_eq!(
        newcomer.open("ann", Codec::Opus, &before),
        Err(OpenError::UnknownKey(0))
    );
    assert_eq!(ben.open("ann", Codec::Opus, &after).unwrap(), PACKET);
    assert_eq!(ben.open("ann", Codec::Opus, &before).unwrap(), PACKET);
    let answer = ben.seal(Codec::Opus, PACKET).unwrap();
    assert_eq!(
        newcomer.open("ben", Codec::Opus, &answer).unwrap(),
        PACKET,
        "ben has followed"
    );
}

#[test]
fn a_guess_that_was_wrong_leaves_the_key_for_the_one_that_comes() {
    let (mut ann, mut ben) = (member("ann"), member("ben"));
    ann.set_key(1, key(1));
    let sealed = ann.seal(Codec::Opus, PACKET).unwrap();
    assert_eq!(ben.open("ann", Codec::Opus, &sealed), Err(OpenError::UnknownKey(1)));
    ben.set_key(1, key(1));
    assert_eq!(ben.open("ann", Codec::Opus, &sealed).unwrap(), PACKET);
}

proptest! {
    #[test]
    fn whatever_comes_is_an_error_and_never_a_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..64),
        leads in prop::sample::select(vec![&[][..], &[0xf3, 0x82, 0xff, 0xff], b"\x10\x02\x00SFr\x80\x02\xe0\x01"]),
    ) {
        let mut ben = member("ben");
        let sealed = [leads, &bytes].concat();
        for codec in [Codec::Opus, Codec::Vp8] {
            prop_assert!(ben.open("ann", codec, &sealed).is_err());
            // What is no frame is refused, or is encrypted like any other.
            if let Ok(sealed) = ben.seal(codec, &bytes) {
                prop_assert_eq!(member("ann").open("ben", codec, &sealed).unwrap(), bytes.clone());
            }
        }
    }

    #[test]
    fn a_frame_of_which_one_bit_was_changed_is_not_shown(at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        for (codec, frame) in [(Codec::Opus, PACKET), (Codec::Vp8, KEYFRAME)] {
            let mut sealed = member("ann").seal(codec, frame).unwrap();
            let at = at.index(sealed.len());
            sealed[at] ^= 1 << bit;
            prop_assert!(member("ben").open("ann", codec, &sealed).is_err());
        }
    }
}
