//! ICE restarts of a real media plane on loopback: what was negotiated stays, and media goes on.

mod house;

use std::time::{Duration, Instant};

use house::{DELTA, House, KEY, call, vp8};
use hst_sfu_worker::MediaEvent;
use str0m::media::Mid;

/// How far apart the camera's packets are.
const PACE: Duration = Duration::from_millis(5);

/// Sends packets of the camera, numbered from `first` on, until something is true; returns the next number.
fn film(
    house: &mut House,
    publisher: usize,
    camera: Mid,
    first: u64,
    what: &str,
    mut until: impl FnMut(&mut House) -> bool,
) -> u64 {
    let mut seq = first;
    let mut due = Instant::now();
    house.drive(what, |house| {
        if due <= Instant::now() {
            due += PACE;
            house.video(publisher, camera, seq, vp8(DELTA, seq as u32));
            seq += 1;
        }
        until(house)
    });
    seq
}

/// No connection was lost, made again, or replaced.
fn nobody_noticed(house: &House) {
    let noticed = |event: &&MediaEvent| matches!(event, MediaEvent::Lost { .. } | MediaEvent::Connected { .. });
    assert_eq!(house.seen.iter().find(noticed), None);
}

#[test]
fn n7_nothing_is_lost_in_an_ice_restart_over_a_path_that_works() {
    let (mut house, publisher, camera, receiver, _) = call();
    let mut seq = 101;
    for at in [receiver, publisher, receiver] {
        house.restart_ice(at);
        let mut seen = house.clients[receiver].received.len();
        let enough = seen + 50;
        let (mut last, mut gap) = (Instant::now(), Duration::ZERO);
        seq = film(&mut house, publisher, camera, seq, "a new path, and media", |house| {
            let received = house.clients[receiver].received.len();
            if received > seen {
                seen = received;
                gap = gap.max(last.elapsed());
                last = Instant::now();
            }
            house.clients[at].ice.is_connected() && seen > enough
        });
        assert!(gap <= Duration::from_millis(300), "{gap:?}");
        nobody_noticed(&house);
    }
    house.drive("the last of them", |house| {
        house.clients[receiver].received.len() as u64 == seq - 100
    });
    let one_stream: Vec<_> = (100..seq).map(|it| (it - 99, it as u32)).collect();
    assert_eq!(house.numbers(receiver), one_stream);
}

#[test]
fn a_receiver_that_moves_to_another_network_sees_the_same_stream_there() {
    let (mut house, publisher, camera, receiver, _) = call();
    house.move_away(receiver);
    house.restart_ice(receiver);
    let before = house.clients[receiver].received.len();
    let ssrc = house.clients[receiver].received[0].header.ssrc;
    film(
        &mut house,
        publisher,
        camera,
        101,
        "media at the new address",
        |house| house.clients[receiver].received.len() > before + 20,
    );
    assert!(house.clients[receiver].received.iter().all(|it| it.header.ssrc == ssrc));
    nobody_noticed(&house);
}

#[test]
fn a_publisher_that_moves_to_another_network_goes_on_from_there() {
    let (mut house, publisher, camera, receiver, _) = call();
    house.move_away(publisher);
    house.video(publisher, camera, 101, vp8(KEY, 101));
    house.restart_ice(publisher);
    film(
        &mut house,
        publisher,
        camera,
        102,
        "media from the new address",
        |house| house.clients[receiver].received.len() > 20,
    );
    let stats = house.runtime.block_on(house.room.stats());
    assert_eq!((stats.tracks.len(), stats.peers), (1, 2));
    nobody_noticed(&house);
}
