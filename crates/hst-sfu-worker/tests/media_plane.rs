//! Real media through a real media plane on loopback.

mod house;

use house::{CAMERA, DELTA, House, KEY, MICROPHONE, SCREEN, Want, call, number_of, plain, vp8};
use hst_sfu_worker::LineRole;
use str0m::{
    format::Codec,
    media::{Direction, MediaKind},
    rtp::{ExtensionValues, VideoOrientation},
};

fn is_rtp(bytes: &[u8]) -> bool {
    (128..192).contains(&bytes[0]) && !(64..96).contains(&(bytes[1] & 0x7f))
}

#[test]
fn video_and_sound_go_from_one_to_the_other_with_their_extensions() {
    let mut house = House::new();
    let publisher = house.client(plain);
    let sent = house.join(
        publisher,
        &[
            Want::Send(MediaKind::Video, CAMERA),
            Want::Send(MediaKind::Audio, MICROPHONE),
        ],
    );
    let receiver = house.client(plain);
    let lines = house.join(
        receiver,
        &[
            Want::Receive(MediaKind::Audio, MICROPHONE),
            Want::Receive(MediaKind::Video, CAMERA),
        ],
    );
    assert_eq!(lines.len(), 2);

    for seq in 0..50_u32 {
        let kind = if seq == 0 { KEY } else { DELTA };
        let turned = ExtensionValues {
            video_orientation: Some(VideoOrientation::Deg90),
            ..Default::default()
        };
        house.clients[publisher].send(
            sent[0],
            Codec::Vp8,
            100 + u64::from(seq),
            seq * 3000,
            vp8(kind, seq),
            turned,
        );
        let loud = ExtensionValues {
            audio_level: Some(-42),
            voice_activity: Some(true),
            ..Default::default()
        };
        let sound = vec![seq as u8; 80];
        house.clients[publisher].send(sent[1], Codec::Opus, 7 + u64::from(seq), seq * 960, sound, loud);
    }
    house.drive("everything", |house| house.clients[receiver].received.len() >= 100);

    let received = &house.clients[receiver].received;
    let (video, sound): (Vec<_>, Vec<_>) = received.iter().partition(|it| it.payload.len() == 600);
    assert_eq!(
        video.iter().map(|it| number_of(&it.payload)).collect::<Vec<_>>(),
        (0..50).collect::<Vec<_>>()
    );
    assert_eq!(
        video.iter().map(|it| *it.seq_no).collect::<Vec<_>>(),
        (1..=50).collect::<Vec<_>>()
    );
    assert!(
        video
            .iter()
            .all(|it| it.header.ext_vals.video_orientation == Some(VideoOrientation::Deg90))
    );
    assert!(video.iter().all(|it| it.header.marker));
    assert_eq!(
        sound.iter().map(|it| it.payload[0]).collect::<Vec<_>>(),
        (0..50).collect::<Vec<_>>()
    );
    assert!(sound.iter().all(|it| it.header.ext_vals.audio_level == Some(-42)));
    assert!(sound.iter().all(|it| it.header.ext_vals.voice_activity == Some(true)));

    let stats = house.runtime.block_on(house.room.stats());
    assert_eq!((stats.peers, stats.forwarded_packets), (2, 100));
    assert_eq!(stats.tracks.iter().map(|it| it.packets).collect::<Vec<_>>(), [50, 50]);
}

#[test]
fn a_late_joiner_has_a_keyframe_asked_for() {
    let mut house = House::new();
    let publisher = house.client(plain);
    let camera = house.join(publisher, &[Want::Send(MediaKind::Video, CAMERA)])[0];
    house.video(publisher, camera, 1, vp8(KEY, 1));
    house.video(publisher, camera, 2, vp8(DELTA, 2));
    house.drive("the publisher heard", |house| {
        house
            .runtime
            .block_on(house.room.stats())
            .tracks
            .first()
            .is_some_and(|it| it.packets == 2)
    });

    let receiver = house.client(plain);
    house.join(receiver, &[Want::Receive(MediaKind::Video, CAMERA)]);
    house.drive("a keyframe request", |house| {
        house.clients[publisher].keyframe_requests > 0
    });
    house.video(publisher, camera, 3, vp8(DELTA, 3));
    house.video(publisher, camera, 4, vp8(KEY, 4));
    house.video(publisher, camera, 5, vp8(DELTA, 5));
    house.drive("the picture", |house| house.clients[receiver].received.len() >= 2);
    assert_eq!(house.numbers(receiver), [(1, 4), (2, 5)]);
}

#[test]
fn a_receiver_may_come_before_the_publisher() {
    let mut house = House::new();
    let receiver = house.client(plain);
    house.join(receiver, &[Want::Receive(MediaKind::Video, CAMERA)]);
    let publisher = house.client(plain);
    let camera = house.join(publisher, &[Want::Send(MediaKind::Video, CAMERA)])[0];
    house.video(publisher, camera, 1, vp8(DELTA, 1));
    house.drive("a keyframe request", |house| {
        house.clients[publisher].keyframe_requests > 0
    });
    house.video(publisher, camera, 2, vp8(KEY, 2));
    house.drive("the picture", |house| house.numbers(receiver) == [(1, 2)]);
}

#[test]
fn a_receivers_keyframe_request_reaches_the_publisher() {
    let (mut house, publisher, _, receiver, _) = call();
    let before = house.clients[publisher].keyframe_requests;
    let ssrc = house.clients[receiver].received[0].header.ssrc;
    let client = &mut house.clients[receiver].rtc;
    client
        .direct_api()
        .stream_rx(&ssrc)
        .unwrap()
        .request_keyframe(str0m::media::KeyframeRequestKind::Pli);
    house.drive("a keyframe request", |house| {
        house.clients[publisher].keyframe_requests > before
    });
}

#[test]
fn a_packet_lost_on_the_way_to_the_receiver_is_sent_again() {
    let (mut house, publisher, camera, receiver, _) = call();
    let vp8_type = house.clients[receiver].payload_type(Codec::Vp8);
    // Beside the camera's there are those that find out what the network carries.
    let is_fourth = move |bytes: &[u8]| is_rtp(bytes) && bytes[1] & 0x7f == vp8_type && bytes[2..4] == [0, 4];
    house.clients[receiver].loses = Box::new(is_fourth);
    for seq in 101..110 {
        house.video(publisher, camera, seq, vp8(DELTA, seq as u32));
    }
    house.drive("all of them", |house| house.clients[receiver].received.len() >= 10);
    let numbers = house.numbers(receiver);
    let late = (4, 103);
    assert!(numbers.iter().position(|&it| it == late) > Some(3), "{numbers:?}");
    let mut sorted = numbers;
    sorted.sort_unstable();
    assert_eq!(sorted, (0..10).map(|it| (it + 1, it as u32 + 100)).collect::<Vec<_>>());
}

#[test]
fn a_packet_lost_on_the_way_to_the_server_finds_its_place() {
    let (mut house, publisher, camera, receiver, _) = call();
    // Written but never sent: the server sees a gap and asks for it.
    let socket = std::mem::replace(
        &mut house.clients[publisher].socket,
        mio::net::UdpSocket::bind("127.0.0.1:0".parse().unwrap()).unwrap(),
    );
    house.video(publisher, camera, 101, vp8(DELTA, 101));
    house.clients[publisher].socket = socket;
    for seq in 102..105 {
        house.video(publisher, camera, seq, vp8(DELTA, seq as u32));
    }
    house.drive("all of them", |house| house.clients[receiver].received.len() >= 5);
    assert_eq!(
        house.numbers(receiver),
        [(1, 100), (3, 102), (4, 103), (5, 104), (2, 101)]
    );
}

#[test]
fn a_line_given_another_track_goes_on_as_one_stream() {
    let (mut house, publisher, camera, receiver, line) = call();
    house.video(publisher, camera, 101, vp8(DELTA, 101));
    house.drive("the camera", |house| house.numbers(receiver).len() == 2);
    let sharer = house.client(plain);
    let screen = house.join(sharer, &[Want::Send(MediaKind::Video, SCREEN)])[0];
    house.video(sharer, screen, 60_000, vp8(DELTA, 1));

    // The same offer again, with the line given to the screen.
    let offer = house.clients[receiver].offer.clone();
    house
        .offer(receiver, 1, &offer, &[(line, LineRole::Receive { track: SCREEN })])
        .unwrap();
    house.drive("a keyframe request", |house| {
        house.clients[sharer].keyframe_requests > 0
    });
    house.video(publisher, camera, 102, vp8(KEY, 102));
    house.video(sharer, screen, 60_001, vp8(KEY, 2));
    house.video(sharer, screen, 60_002, vp8(DELTA, 3));
    house.drive("the screen", |house| house.numbers(receiver).len() == 4);

    assert_eq!(house.numbers(receiver), [(1, 100), (2, 101), (3, 2), (4, 3)]);
    let received = &house.clients[receiver].received;
    assert!(
        received
            .windows(2)
            .all(|pair| pair[0].header.ssrc == pair[1].header.ssrc)
    );
    assert!(received.windows(2).all(|pair| pair[0].time < pair[1].time));
}

#[test]
fn a_line_that_rested_comes_back_as_a_fresh_stream() {
    let (mut house, publisher, camera, receiver, line) = call();
    house.redirect(receiver, line, Direction::Inactive, &[]);
    house.video(publisher, camera, 101, vp8(KEY, 101));
    house.drive("the publisher heard", |house| {
        house
            .runtime
            .block_on(house.room.stats())
            .tracks
            .first()
            .is_some_and(|it| it.packets == 2)
    });
    assert!(!house.clients[receiver].answer.contains("a=sendonly"));
    house.redirect(
        receiver,
        line,
        Direction::RecvOnly,
        &[(line, LineRole::Receive { track: CAMERA })],
    );
    house.drive("a keyframe request", |house| {
        house.clients[publisher].keyframe_requests > 0
    });
    house.video(publisher, camera, 102, vp8(KEY, 102));
    house.drive("the picture", |house| house.numbers(receiver).len() == 2);

    assert_eq!(house.numbers(receiver), [(1, 100), (1, 102)]);
    let received = &house.clients[receiver].received;
    assert_ne!(received[0].header.ssrc, received[1].header.ssrc);
}

#[test]
fn a_publishing_line_that_rested_comes_back_with_another_track() {
    let (mut house, publisher, camera, receiver, line) = call();
    house.redirect(publisher, camera, Direction::Inactive, &[]);
    assert!(house.runtime.block_on(house.room.stats()).tracks.is_empty());
    house.redirect(
        publisher,
        camera,
        Direction::SendOnly,
        &[(camera, LineRole::Send { track: SCREEN })],
    );
    let asked = house.clients[publisher].keyframe_requests;
    let offer = house.clients[receiver].offer.clone();
    house
        .offer(receiver, 1, &offer, &[(line, LineRole::Receive { track: SCREEN })])
        .unwrap();
    // A receiver of another thread may not be known yet to the publisher's: until he asks, a keyframe goes to nobody.
    house.video(publisher, camera, 299, vp8(DELTA, 299));
    house.drive("a keyframe request", |house| {
        house.clients[publisher].keyframe_requests > asked
    });
    house.video(publisher, camera, 300, vp8(KEY, 300));
    house.drive("the screen", |house| house.numbers(receiver) == [(1, 100), (2, 300)]);
}
