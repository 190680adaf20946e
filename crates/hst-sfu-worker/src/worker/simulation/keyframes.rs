//! Keyframes that nobody has asked for, or that come in pieces.

use std::collections::BTreeSet;

use super::*;

const CAMERA_RATES: [u32; 1] = [500_000];

/// A publisher and a receiver of his camera, who are connected.
fn call() -> (World, usize, usize) {
    let mut world = World::new(1);
    let publisher = world.join(Role::Publish(CAMERA_RATES.to_vec(), None), with_red);
    let receiver = world.join(Role::Receive, with_red);
    world.run(START);
    world.clients[publisher].keyframe_requests.clear();
    (world, publisher, receiver)
}

#[test]
fn in_place_of_what_never_comes_the_server_asks_for_a_keyframe_though_no_receiver_does() {
    let (mut world, publisher, receiver) = call();
    world.clients[receiver].asks = false;
    let Client { rtc, camera, .. } = &mut world.clients[publisher];
    let mid = camera.as_ref().map(|camera| camera.mid).expect("a camera");
    let mut api = rtc.direct_api();
    let stream = api.stream_tx_by_mid(mid, None).expect("a sending line");
    stream.set_rtx_cache(1, Duration::from_millis(1), None);
    // Some pictures are lost, and cannot be sent again.
    let lost_at = world.now;
    world.clients[publisher].up.loss = Loss::Random(1.0);
    world.run(Duration::from_millis(120));
    world.clients[publisher].up.loss = Loss::Random(0.0);
    world.run(Duration::from_secs(5));
    let asked: BTreeSet<_> = world.clients[publisher]
        .keyframe_requests
        .iter()
        .map(|(at, _)| *at)
        .collect();
    // Where packets are lost it is asked for in some datagrams.
    assert_eq!(asked.len(), 1, "{asked:?}");
    let after = asked.first().map_or(Duration::ZERO, |at| *at - lost_at);
    assert!((900..1400).contains(&after.as_millis()), "{after:?}");
    let freeze = world.clients[receiver].screen.longest_freeze(lost_at, world.now);
    assert!(freeze < Duration::from_millis(1_500), "{freeze:?}");
}

#[test]
fn a_keyframe_whose_first_packet_is_sent_again_starts_who_waits_for_it() {
    let (mut world, publisher, _) = call();
    // One who comes waits for a keyframe, of which some packet is lost on the way to the server in any case: half of all are.
    world.clients[publisher].up.loss = Loss::Random(0.5);
    let from = world.now;
    let late = world.join(Role::Receive, with_red);
    world.run(Duration::from_secs(10));
    let shown = world.clients[late].screen.shown.first().map(|(at, ..)| *at - from);
    assert!(shown.is_some_and(|after| after < Duration::from_secs(4)), "{shown:?}");
}
