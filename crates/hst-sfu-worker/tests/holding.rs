//! A track that is kept from one of its receivers.

mod house;

use house::{CAMERA, DELTA, House, KEY, MICROPHONE, Want, call, number_of, plain, vp8};
use str0m::media::MediaKind;

fn hold(house: &House, at: usize, is_held: bool) {
    let peer = house.clients[at].peer;
    house.runtime.block_on(house.room.hold_track(peer, CAMERA, is_held));
    house.settle();
}

#[test]
fn no_packet_of_a_held_track_comes_and_then_it_goes_on_at_a_keyframe_without_a_gap() {
    let (mut house, publisher, camera, receiver, _) = call();
    let other = house.client(plain);
    house.join(other, &[Want::Receive(MediaKind::Video, CAMERA)]);
    let mut seq = 100;
    for round in 1..=20 {
        hold(&house, receiver, true);
        house.drive("what was sent before", |_| true);
        let before = house.clients[receiver].received.len();
        for _ in 0..10 {
            seq += 1;
            house.video(publisher, camera, seq, vp8(KEY, seq as u32));
        }
        house.drive("the other one", |house| {
            house.clients[other].received.len() == 12 * round - 2
        });
        assert_eq!(house.clients[receiver].received.len(), before);

        hold(&house, receiver, false);
        for kind in [DELTA, KEY] {
            seq += 1;
            house.video(publisher, camera, seq, vp8(kind, seq as u32));
        }
        house.drive("the picture", |house| {
            house.clients[receiver].received.len() == before + 1
        });
        let last = house.clients[receiver].received.last().unwrap();
        assert_eq!(number_of(&last.payload), seq as u32, "not the one before the keyframe");
        house.drive("both for the other one", |house| {
            house.clients[other].received.len() == 12 * round
        });
    }
    assert!(house.clients[publisher].keyframe_requests > 0, "one is asked for");
    let numbers: Vec<u64> = house.numbers(receiver).iter().map(|&(number, _)| number).collect();
    assert_eq!(numbers, (1..=21).collect::<Vec<_>>(), "no gap of ours");
    let times: Vec<_> = house.clients[receiver]
        .received
        .iter()
        .map(|it| it.time.numer())
        .collect();
    assert!(times.is_sorted_by(|a, b| a < b), "time goes on: {times:?}");
}

#[test]
fn who_holds_and_lets_go_as_fast_as_he_can_has_the_publisher_asked_twice_a_second_at_most() {
    let (mut house, publisher, camera, receiver, _) = call();
    let before = house.clients[publisher].keyframe_requests;
    let begin = std::time::Instant::now();
    for seq in 101..301 {
        hold(&house, receiver, true);
        hold(&house, receiver, false);
        house.video(publisher, camera, seq, vp8(DELTA, seq as u32));
    }
    house.drive("the last request", |house| {
        house.clients[publisher].keyframe_requests > before
    });
    let asked = house.clients[publisher].keyframe_requests - before;
    let most = 2 + begin.elapsed().as_millis() / 500;
    assert!(asked as u128 <= most, "{asked} requests, and {most} may be");
}

#[test]
fn a_hold_is_there_before_its_line_and_over_all_generations_and_leaves_sound_alone() {
    let mut house = House::new();
    let publisher = house.client(plain);
    let wants = [
        Want::Send(MediaKind::Video, CAMERA),
        Want::Send(MediaKind::Audio, MICROPHONE),
    ];
    let sent = house.join(publisher, &wants);
    let receives = [
        Want::Receive(MediaKind::Video, CAMERA),
        Want::Receive(MediaKind::Audio, MICROPHONE),
    ];
    let receiver = house.client(plain);
    hold(&house, receiver, true);
    house.join(receiver, &receives);
    house.video(publisher, sent[0], 1, vp8(KEY, 1));
    house.sound(publisher, sent[1], 1);
    house.drive("the microphone", |house| house.clients[receiver].received.len() == 1);

    let again = house.client(plain);
    house.clients[again].peer = house.clients[receiver].peer;
    house.rejoin(again, 2, &receives);
    house.video(publisher, sent[0], 2, vp8(KEY, 2));
    house.sound(publisher, sent[1], 2);
    house.drive("the microphone", |house| house.clients[again].received.len() == 1);
    assert_eq!(house.clients[publisher].keyframe_requests, 0, "nobody waits for one");

    hold(&house, again, false);
    house.drive("a keyframe request", |house| {
        house.clients[publisher].keyframe_requests > 0
    });
    house.video(publisher, sent[0], 3, vp8(KEY, 3));
    house.drive("the picture", |house| house.clients[again].received.len() == 2);
}
