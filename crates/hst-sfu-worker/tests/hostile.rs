//! What anybody can send to an open UDP port.

mod house;

use std::{
    io,
    net::{SocketAddr, UdpSocket},
    time::Duration,
};

use house::{DELTA, House, KEY, Want, call, number_of, plain, vp8};
use hst_sfu_worker::{MediaEvent, TrackId};
use str0m::media::MediaKind;

const CAMERA: TrackId = TrackId(1);

/// One attribute after the other, as a connectivity check with this user name; the integrity is a guess.
fn binding_request(username: &str) -> Vec<u8> {
    let mut attributes = Vec::new();
    let mut attribute = |kind: u16, value: &[u8]| {
        attributes.extend(kind.to_be_bytes());
        attributes.extend((value.len() as u16).to_be_bytes());
        attributes.extend(value);
        attributes.resize(attributes.len().next_multiple_of(4), 0);
    };
    attribute(0x0006, username.as_bytes());
    attribute(0x0024, &[0x7f; 4]);
    attribute(0x0025, &[]);
    attribute(0x802a, &[1; 8]);
    attribute(0x0008, &[0x5a; 20]);
    let mut message = vec![0, 1];
    message.extend((attributes.len() as u16).to_be_bytes());
    message.extend([0x21, 0x12, 0xa4, 0x42]);
    message.extend([9; 12]);
    message.extend(attributes);
    assert!(
        str0m::ice::StunMessage::parse(&message).is_ok(),
        "only its integrity is wrong"
    );
    message
}

fn value_of<'a>(sdp: &'a str, attribute: &str) -> &'a str {
    sdp.lines()
        .find_map(|line| line.strip_prefix(attribute))
        .expect("the attribute")
}

#[test]
fn n2_n3_n10_junk_from_strangers_and_in_a_clients_name_disturbs_nobody_and_gets_no_answer() {
    let mut house = House::new();
    let publisher = house.client(|config| config);
    let camera = house.join(publisher, &[Want::Send(MediaKind::Video, CAMERA)])[0];
    let receiver = house.client(|config| config);
    house.join(receiver, &[Want::Receive(MediaKind::Video, CAMERA)]);
    let server = house.plane.local_addrs()[0];

    let mut junk: Vec<Vec<u8>> = Vec::new();
    for first in 0..=255_u8 {
        junk.extend((0..=64).step_by(7).map(|len| vec![first; len]));
    }
    // RTCP-shaped, around the length where there is a header but no room for the authentication tag.
    for kind in [200, 201, 205, 206] {
        junk.extend((4..=60).map(|len| [vec![0x80, kind, 0, 1], vec![7; len - 4]].concat()));
    }
    // RTP-shaped, with extensions and padding that claim too much.
    for first in [0x80, 0x90, 0x9f, 0xa0, 0xbf] {
        junk.extend((12..=40).map(|len| [vec![first, 96, 0, 1], vec![0xff; len - 4]].concat()));
    }
    // A DTLS record that begins a handshake, whole and cut.
    let hello = [vec![22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 50, 1], vec![0; 49]].concat();
    junk.extend((13..hello.len()).map(|len| hello[..len].to_vec()));
    junk.push(hello);
    // Checks that know the user name but not the secret, for both.
    for client in [publisher, receiver] {
        let ours = value_of(&house.clients[client].answer, "a=ice-ufrag:").to_owned();
        let theirs = value_of(&house.clients[client].offer, "a=ice-ufrag:").to_owned();
        junk.push(binding_request(&format!("{ours}:{theirs}")));
        junk.push(binding_request(&format!("{ours}:nobody")));
    }
    junk.push(binding_request("nobody:nobody"));
    junk.push(vec![0x80; 60_000]);

    let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
    stranger.set_nonblocking(true).unwrap();
    for bytes in &junk {
        stranger.send_to(bytes, server).unwrap();
        // As if the stranger could forge the clients' addresses.
        for client in [publisher, receiver] {
            house.clients[client].socket.send_to(bytes, server).unwrap();
        }
        house.drive("a moment", |_| true);
    }

    for seq in 0..50_u32 {
        house.video(publisher, camera, 100 + u64::from(seq), vp8(KEY, seq));
    }
    house.drive("the media", |house| house.clients[receiver].received.len() >= 50);
    assert!(
        !house.seen.iter().any(|event| matches!(event, MediaEvent::Lost { .. })),
        "{:?}",
        house.seen
    );
    let answered = stranger.recv_from(&mut [0; 2048]).expect_err("no answer to strangers");
    assert_eq!(answered.kind(), io::ErrorKind::WouldBlock);
}

#[test]
fn n2_whoever_sends_a_clients_checks_again_from_elsewhere_gets_nothing_of_its_media() {
    let (mut house, publisher, camera, receiver, _) = call();
    let server = house.plane.local_addrs()[0];
    let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
    stranger.set_nonblocking(true).unwrap();
    let before = house.clients[receiver].received.len();
    for seq in 0..100_u32 {
        for client in [publisher, receiver] {
            assert!(!house.clients[client].checks.is_empty());
            for check in &house.clients[client].checks {
                stranger.send_to(check, server).unwrap();
            }
        }
        house.video(publisher, camera, 101 + u64::from(seq), vp8(DELTA, seq));
        house.drive("a moment", |_| true);
    }
    house.drive("the media", |house| {
        house.clients[receiver].received.len() >= before + 100
    });
    let answered = stranger.recv_from(&mut [0; 2048]).expect_err("not a byte");
    assert_eq!(answered.kind(), io::ErrorKind::WouldBlock);
}

/// A hello that begins a handshake without encryption (TLS_NULL_WITH_NULL_NULL), as a DTLS record.
fn null_hello() -> Vec<u8> {
    let body = [&[0xfe, 0xfd][..], &[7; 32], &[0, 0, 0, 2, 0, 0, 1, 0]].concat();
    let len = body.len() as u8;
    let message = [&[1, 0, 0, len, 0, 0, 0, 0, 0, 0, 0, len][..], &body].concat();
    [
        &[22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, message.len() as u8][..],
        &message,
    ]
    .concat()
}

fn greet(stranger: &UdpSocket, server: SocketAddr, times: usize) {
    for _ in 0..times {
        stranger.send_to(&null_hello(), server).expect("it leaves");
    }
}

#[test]
fn d1_d3_hellos_from_elsewhere_before_during_and_after_a_handshake_do_not_touch_it() {
    let mut house = House::new();
    let server = house.plane.local_addrs()[0];
    let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
    stranger.set_nonblocking(true).unwrap();
    greet(&stranger, server, 300);
    let publisher = house.client(plain);
    // Whatever the client receives on its way, the stranger is there first with the next.
    let rival = stranger.try_clone().unwrap();
    house.clients[publisher].loses = Box::new(move |_| {
        greet(&rival, server, 50);
        false
    });
    let camera = house.join(publisher, &[Want::Send(MediaKind::Video, CAMERA)])[0];
    house.clients[publisher].loses = Box::new(|_| false);
    let receiver = house.client(plain);
    house.join(receiver, &[Want::Receive(MediaKind::Video, CAMERA)]);
    greet(&stranger, server, 300);
    house.video(publisher, camera, 1, vp8(KEY, 1));
    house.drive("the media", |house| !house.clients[receiver].received.is_empty());
    assert!(!house.seen.iter().any(|event| matches!(event, MediaEvent::Lost { .. })));
    let answered = stranger
        .recv_from(&mut [0; 2048])
        .expect_err("not a byte to whoever has proved nothing");
    assert_eq!(answered.kind(), io::ErrorKind::WouldBlock);
}

#[test]
fn r7_two_publishers_with_the_same_source_are_two() {
    let mut house = House::new();
    let mut cameras = Vec::new();
    for track in [TrackId(1), TrackId(2)] {
        let at = house.client(plain);
        let mid = house.join(at, &[Want::Send(MediaKind::Video, track)])[0];
        let mut api = house.clients[at].rtc.direct_api();
        let own = api
            .stream_tx_by_mid(mid, None)
            .map(|stream| stream.ssrc())
            .expect("its stream");
        api.remove_stream_tx(own);
        api.declare_stream_tx(4711.into(), None, mid, None)
            .set_rtx_cache(1, Duration::from_secs(1), None);
        cameras.push((at, mid));
    }
    let receiver = house.client(plain);
    let wants = [TrackId(1), TrackId(2)].map(|track| Want::Receive(MediaKind::Video, track));
    house.join(receiver, &wants);
    for seq in 1..=20 {
        for (number, (at, mid)) in cameras.iter().enumerate() {
            house.video(*at, *mid, seq, vp8(KEY, seq as u32 + 100 * number as u32));
        }
        house.drive("a moment", |_| true);
    }
    house.drive("both", |house| house.clients[receiver].received.len() >= 40);
    let received = &house.clients[receiver].received;
    for first in [0, 100] {
        let mut of_one = received.iter().filter(|it| number_of(&it.payload) / 100 == first / 100);
        let ssrc = of_one.next().map(|it| it.header.ssrc).expect("some");
        assert!(of_one.all(|it| it.header.ssrc == ssrc), "each on its own line");
    }
}
