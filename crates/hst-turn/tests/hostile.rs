//! What anybody can send to a relay.

mod common;

use common::{MEDIA, World, addr, signed, udp};
use proptest::prelude::*;
use rtc_stun::{attributes::*, message::METHOD_ALLOCATE};

/// A request that is signed well and would be carried out.
fn good() -> (World, common::User, Vec<u8>) {
    let mut world = World::new();
    let user = world.user("ann", "198.51.100.7:5000");
    let request = signed(&user, METHOD_ALLOCATE, &[(ATTR_REQUESTED_TRANSPORT, vec![17, 0, 0, 0])]);
    (world, user, request)
}

/// Where in a message there is a length.
fn lengths(message: &[u8]) -> Vec<usize> {
    let mut places = vec![2];
    let mut at = 20;
    while at < message.len() {
        places.push(at + 2);
        let len = u16::from_be_bytes([message[at + 2], message[at + 3]]);
        at += 4 + usize::from(len).next_multiple_of(4);
    }
    places
}

#[test]
fn u5_every_length_field_may_lie_and_every_part_may_be_missing() {
    let (mut world, user, request) = good();
    for cut in 0..request.len() {
        world.send(user.client, &request[..cut]);
    }
    // Where the message and each of its attributes say how long they are.
    let lengths = lengths(&request);
    assert_eq!(lengths.len(), 6, "the message, the transport, and what signs it");
    for at in lengths {
        for len in (0..=400_u16).chain([0x7fff, 0x8000, 0xfffc, 0xffff]) {
            let mut request = request.clone();
            request[at..at + 2].copy_from_slice(&len.to_be_bytes());
            if request != good().2 {
                world.send(user.client, &request);
            }
        }
    }
    assert_eq!(
        world.relay.allocations(),
        1,
        "the lengths that are right are among them"
    );
}

#[test]
fn n1_every_attribute_of_every_length_is_answered_or_passed_over() {
    let (mut world, user, _) = good();
    for kind in (0..0x60).chain(0x8000..0x8060) {
        // A checksum comes last, and no client signs behind it.
        for len in (0..=24).filter(|_| kind != ATTR_FINGERPRINT.0) {
            let request = signed(&user, METHOD_ALLOCATE, &[(AttrType(kind), vec![0xff; len])]);
            world.send(user.client, &request);
            while let Some(answer) = world.answer(user.client) {
                assert!(answer.len() % 4 == 0 && answer.len() < 200);
            }
        }
    }
    assert_eq!(world.relay.allocations(), 0);
}

#[test]
fn n8_every_method_in_every_class_is_answered_or_passed_over() {
    let (mut world, user, request) = good();
    for kind in 0..=0x3fff_u16 {
        let mut request = request.clone();
        request[..2].copy_from_slice(&kind.to_be_bytes());
        // With another kind the signature is wrong; so it is also for the right one with another nonce.
        request[4..8].copy_from_slice(&[0x21, 0x12, 0xa4, 0x42]);
        if kind != 3 {
            world.send(user.client, &request);
        }
        world.outputs.clear();
    }
    assert_eq!(world.relay.allocations(), 0);
}

proptest! {
    #[test]
    fn n10_no_bytes_of_strangers_do_anything(bytes in proptest::collection::vec(any::<u8>(), 0..200), first in any::<u8>()) {
        let mut world = World::new();
        let client = udp("198.51.100.7:5000");
        let bytes = [&[first][..], &bytes].concat();
        world.send(client, &bytes);
        prop_assert_eq!(world.relay.allocations(), 0);
        prop_assert!(world.forwarded().is_none());
    }

    #[test]
    fn n10_no_change_of_a_good_message_is_carried_out(at in 0_usize..150, value in any::<u8>()) {
        let (mut world, user, mut request) = good();
        let at = at % request.len();
        prop_assume!(request[at] != value);
        request[at] = value;
        world.send(user.client, &request);
        prop_assert_eq!(world.relay.allocations(), 0);
        prop_assert!(world.say(&user, addr(MEDIA), b"hello").is_none());
    }
}
