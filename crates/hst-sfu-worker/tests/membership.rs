//! Who comes, goes, and is replaced: peers, tracks, rooms and threads of a real media plane on loopback.

mod house;

use house::{CAMERA, DELTA, House, KEY, MICROPHONE, SCREEN, Want, call, plain, vp8};
use hst_sfu_worker::{LineRole, LostReason, MediaEvent, OfferError, PeerId};
use str0m::{
    format::Codec,
    media::{Direction, MediaKind},
    rtp::ExtensionValues,
};

#[test]
fn a_removed_peer_gets_nothing_more_and_the_others_notice_nothing() {
    let (mut house, publisher, camera, receiver, _) = call();
    let other = house.client(plain);
    house.join(other, &[Want::Receive(MediaKind::Video, CAMERA)]);
    let peer = house.clients[receiver].peer;
    house.runtime.block_on(house.room.remove_peer(peer));
    for seq in 101..121 {
        house.video(publisher, camera, seq, vp8(KEY, seq as u32));
    }
    house.drive("the other one", |house| house.clients[other].received.len() == 20);
    assert_eq!(house.clients[receiver].received.len(), 1);
    assert!(!house.clients[receiver].rtc.is_alive(), "it was told that it is over");
    assert_eq!(house.runtime.block_on(house.room.stats()).peers, 2);
    assert!(
        !house.seen.iter().any(|event| matches!(event, MediaEvent::Lost { .. })),
        "{:?}",
        house.seen
    );
}

#[test]
fn a_removed_track_is_silent() {
    let mut house = House::new();
    let publisher = house.client(plain);
    let wants = [
        Want::Send(MediaKind::Video, CAMERA),
        Want::Send(MediaKind::Video, SCREEN),
    ];
    let sent = house.join(publisher, &wants);
    let receiver = house.client(plain);
    house.join(
        receiver,
        &wants.map(|want| match want {
            Want::Send(kind, track) | Want::Receive(kind, track) => Want::Receive(kind, track),
        }),
    );
    house.video(publisher, sent[0], 100, vp8(KEY, 100));
    house.drive("the camera", |house| house.numbers(receiver) == [(1, 100)]);

    house.runtime.block_on(house.room.remove_track(CAMERA));
    house.video(publisher, sent[0], 101, vp8(KEY, 101));
    // What is sent after it has come, so it has too.
    house.video(publisher, sent[1], 1, vp8(KEY, 1));
    house.drive("the screen", |house| house.numbers(receiver) == [(1, 100), (1, 1)]);

    let offer = house.clients[publisher].offer.clone();
    let lines = [
        (sent[0], LineRole::Send { track: CAMERA }),
        (sent[1], LineRole::Send { track: SCREEN }),
    ];
    house.offer(publisher, 1, &offer, &lines).unwrap();
    house.video(publisher, sent[0], 102, vp8(KEY, 102));
    house.drive("the camera", |house| {
        house.numbers(receiver) == [(1, 100), (1, 1), (2, 102)]
    });
}

#[test]
fn g11_no_packet_of_a_track_is_forwarded_after_its_mute_returned() {
    let (mut house, publisher, camera, receiver, _) = call();
    let (mut seq, mut muted) = (100, Vec::new());
    for _ in 0..20 {
        // Whatever of it the media thread has read when the mute comes.
        for _ in 0..30 {
            seq += 1;
            house.video(publisher, camera, seq, vp8(KEY, seq as u32));
        }
        house.runtime.block_on(house.room.mute_track(CAMERA, true));
        // What has come to the receiver by now is no measure: the system may carry some of it still, and lose some.
        let stats = house.runtime.block_on(house.room.stats());
        let (before, heard) = (stats.forwarded_packets, stats.tracks[0].packets);
        seq += 1;
        muted.push(seq as u32);
        house.video(publisher, camera, seq, vp8(KEY, seq as u32));
        house.drive("it is heard all the same", |house| {
            house.runtime.block_on(house.room.stats()).tracks[0].packets > heard
        });
        let stats = house.runtime.block_on(house.room.stats());
        assert_eq!(stats.forwarded_packets, before);

        house.runtime.block_on(house.room.mute_track(CAMERA, false));
        seq += 1;
        house.video(publisher, camera, seq, vp8(KEY, seq as u32));
        house.drive("the picture", |house| {
            house.numbers(receiver).iter().any(|&(_, number)| number == seq as u32)
        });
    }
    assert!(house.clients[publisher].keyframe_requests > 0, "an unmute asks for one");
    house.drive("no gap of ours", |house| {
        let mut numbers: Vec<u64> = house.numbers(receiver).iter().map(|&(number, _)| number).collect();
        numbers.sort_unstable();
        numbers == (1..=numbers.len() as u64).collect::<Vec<_>>()
    });
    let came = house.numbers(receiver);
    assert!(!came.iter().any(|(_, number)| muted.contains(number)), "{came:?}");
}

#[test]
fn a_mute_is_there_before_its_track_and_over_all_generations() {
    let mut house = House::new();
    house.runtime.block_on(house.room.mute_track(CAMERA, true));
    let publisher = house.client(plain);
    let wants = [
        Want::Send(MediaKind::Video, CAMERA),
        Want::Send(MediaKind::Audio, MICROPHONE),
    ];
    let sent = house.join(publisher, &wants);
    let receiver = house.client(plain);
    house.join(
        receiver,
        &[
            Want::Receive(MediaKind::Video, CAMERA),
            Want::Receive(MediaKind::Audio, MICROPHONE),
        ],
    );
    house.video(publisher, sent[0], 100, vp8(KEY, 100));
    house.sound(publisher, sent[1], 1);
    house.drive("the microphone", |house| house.clients[receiver].received.len() == 1);

    let again = house.client(plain);
    house.clients[again].peer = house.clients[publisher].peer;
    let sent = house.rejoin(again, 2, &wants);
    house.video(again, sent[0], 200, vp8(KEY, 200));
    house.sound(again, sent[1], 1);
    house.drive("the microphone", |house| house.clients[receiver].received.len() == 2);
    assert_eq!(house.clients[again].keyframe_requests, 0);

    house.runtime.block_on(house.room.mute_track(CAMERA, false));
    house.drive("a keyframe request", |house| house.clients[again].keyframe_requests > 0);
    house.video(again, sent[0], 201, vp8(KEY, 201));
    house.drive("the picture", |house| house.clients[receiver].received.len() == 3);
    let last = house.clients[receiver].received.last().unwrap();
    assert_eq!((*last.seq_no, house::number_of(&last.payload)), (1, 201));
}

#[test]
fn a_track_is_removed_with_its_mute() {
    let (mut house, publisher, camera, receiver, _) = call();
    house.runtime.block_on(house.room.mute_track(CAMERA, true));
    house.runtime.block_on(house.room.remove_track(CAMERA));
    let offer = house.clients[publisher].offer.clone();
    house
        .offer(publisher, 1, &offer, &[(camera, LineRole::Send { track: CAMERA })])
        .unwrap();
    house.video(publisher, camera, 101, vp8(KEY, 101));
    house.drive("the camera", |house| house.numbers(receiver) == [(1, 100), (2, 101)]);
}

#[test]
fn a_client_that_closes_is_lost() {
    let (mut house, publisher, _, _, _) = call();
    house.clients[publisher].rtc.close().unwrap();
    let lost = house.wait_for(|event| matches!(event, MediaEvent::Lost { .. }));
    let room = house.room.id();
    let peer = house.clients[publisher].peer;
    assert_eq!(
        lost,
        MediaEvent::Lost {
            room,
            peer,
            generation: 1,
            reason: LostReason::Closed
        }
    );
    assert!(house.runtime.block_on(house.room.stats()).tracks.is_empty());
    // Its generation is over; a newer one is welcome.
    let offer = house.clients[publisher].offer.clone();
    assert_eq!(
        house.offer(publisher, 1, &offer, &[]),
        Err(OfferError::Stale { current: 1 })
    );
    assert!(house.offer(publisher, 2, &offer, &[]).is_ok());
}

#[test]
fn a_newer_generation_replaces_the_connection_and_takes_its_tracks_along() {
    let (mut house, publisher, _, receiver, _) = call();
    let again = house.client(plain);
    house.clients[again].peer = house.clients[publisher].peer;
    let mut api = house.clients[again].rtc.sdp_api();
    let camera = api.add_media(MediaKind::Video, Direction::SendOnly, None, None, None);
    let (offer, pending) = api.apply().unwrap();
    let lines = [(camera, LineRole::Send { track: CAMERA })];
    let answer = house.offer(again, 2, &offer.to_sdp_string(), &lines).unwrap();
    let answer = str0m::change::SdpAnswer::from_sdp_string(&answer).unwrap();
    house.clients[again]
        .rtc
        .sdp_api()
        .accept_answer(pending, answer)
        .unwrap();
    house.drive("connected", |house| house.clients[again].is_connected);

    let old = house.clients[publisher].offer.clone();
    assert_eq!(
        house.offer(publisher, 1, &old, &[]),
        Err(OfferError::Stale { current: 2 })
    );
    house.video(again, camera, 9, vp8(DELTA, 9));
    house.drive("a keyframe request", |house| house.clients[again].keyframe_requests > 0);
    house.video(again, camera, 10, vp8(KEY, 10));
    house.drive("the picture", |house| house.numbers(receiver) == [(1, 100), (2, 10)]);
}

#[test]
fn a_codec_the_receiver_lacks_is_reported_and_not_sent() {
    let mut house = House::new();
    let publisher = house.client(plain);
    let camera = house.join(publisher, &[Want::Send(MediaKind::Video, CAMERA)])[0];
    let receiver = house.client(|config| config.enable_vp8(false));
    let line = house.join(receiver, &[Want::Receive(MediaKind::Video, CAMERA)])[0];
    for seq in 1..5 {
        house.video(publisher, camera, seq, vp8(KEY, seq as u32));
    }
    let event = house.wait_for(|event| matches!(event, MediaEvent::CodecMismatch { .. }));
    let (room, peer) = (house.room.id(), house.clients[receiver].peer);
    assert_eq!(
        event,
        MediaEvent::CodecMismatch {
            room,
            peer,
            mid: line.to_string(),
            track: CAMERA
        }
    );
    // The same client understands H.264.
    let idr = vec![0x65; 600];
    house.clients[publisher].send(camera, Codec::H264, 5, 15_000, idr, ExtensionValues::default());
    house.drive("the picture", |house| !house.clients[receiver].received.is_empty());
    assert_eq!(house.clients[receiver].received[0].payload[0], 0x65);
    assert_eq!(*house.clients[receiver].received[0].seq_no, 1);
}

#[test]
fn a_track_has_one_publisher() {
    let (mut house, ..) = call();
    let thief = house.client(plain);
    let mut api = house.clients[thief].rtc.sdp_api();
    let line = api.add_media(MediaKind::Video, Direction::SendOnly, None, None, None);
    let (offer, _pending) = api.apply().unwrap();
    let refused = house.offer(
        thief,
        1,
        &offer.to_sdp_string(),
        &[(line, LineRole::Send { track: CAMERA })],
    );
    assert_eq!(refused, Err(OfferError::TrackTaken(CAMERA)));
}

#[test]
fn a_dropped_room_closes_its_connections_and_a_dropped_plane_answers_no_more() {
    let (mut house, publisher, _, _, _) = call();
    let other = house.plane.open_room();
    house.room = other;
    house.drive("the end of the first room", |house| {
        !house.clients[publisher].rtc.is_alive()
    });
    let offer = house.clients[publisher].offer.clone();
    let idle = hst_sfu_worker::MediaPlane::start(hst_sfu_worker::Config::default())
        .unwrap()
        .0;
    drop(std::mem::replace(&mut house.plane, idle.into()));
    assert_eq!(house.offer(publisher, 1, &offer, &[]), Err(OfferError::Stopped));
    assert_eq!(
        house.runtime.block_on(house.room.stats()),
        hst_sfu_worker::RoomStats::default()
    );
    house.runtime.block_on(house.room.remove_peer(PeerId(1)));
}

#[test]
fn rooms_are_spread_over_the_threads() {
    let workers = std::num::NonZero::new(3).unwrap();
    let mut house = House::with(hst_sfu_worker::Config {
        workers,
        ..Default::default()
    });
    let mut ports: Vec<u16> = house.plane.local_addrs().iter().map(|addr| addr.port()).collect();
    let mut used: Vec<u16> = Vec::new();
    // A room counts for as long as a handle of it lives.
    let mut rooms = vec![house.room.clone()];
    loop {
        let client = house.client(plain);
        house.join(client, &[Want::Send(MediaKind::Audio, MICROPHONE)]);
        let answer = &house.clients[client].answer;
        used.extend(
            ports
                .iter()
                .filter(|port| answer.contains(&format!(" {port} typ host"))),
        );
        if rooms.len() == 3 {
            break;
        }
        house.room = house.plane.open_room();
        rooms.push(house.room.clone());
    }
    used.sort_unstable();
    ports.sort_unstable();
    assert_eq!(used, ports);
}

#[test]
fn a_plane_on_every_interface_answers_from_the_address_it_was_asked_at() {
    let config = |bind: &str| hst_sfu_worker::Config {
        bind: bind.parse().unwrap(),
        advertise: vec!["127.0.0.1".parse().unwrap()],
        ..Default::default()
    };
    assert!(
        hst_sfu_worker::MediaPlane::start(hst_sfu_worker::Config {
            advertise: vec![],
            ..config("0.0.0.0")
        })
        .is_err()
    );
    for bind in ["0.0.0.0", "::"] {
        let mut house = House::with(config(bind));
        let client = house.client(plain);
        house.join(client, &[Want::Send(MediaKind::Video, CAMERA)]);
    }
}
