//! Clients that have no UDP: the same media over a TCP connection.

mod house;

use std::time::{Duration, Instant};

use house::{CAMERA, DELTA, House, KEY, Want, Wire, vp8};
use hst_sfu_worker::{MediaEvent, TrackId};
use str0m::media::MediaKind;

/// A connection that has proved nothing after this long is cut, with what it takes to notice.
const PROOF: Duration = Duration::from_secs(13);
/// How many connections of one address may be unproved.
const STRANGERS: usize = 16;

fn candidates(answer: &str) -> Vec<&str> {
    answer.lines().filter(|line| line.starts_with("a=candidate:")).collect()
}

fn nobody_is_lost(house: &House) {
    let lost = |event: &&MediaEvent| matches!(event, MediaEvent::Lost { .. });
    assert_eq!(house.seen.iter().find(lost), None);
}

#[test]
fn an_answer_has_a_passive_tcp_candidate_behind_each_udp_one() {
    let mut house = House::new();
    let client = house.client(|config| config);
    house.join(client, &[Want::Send(MediaKind::Video, CAMERA)]);
    let port = house.plane.local_addrs()[0].port();
    let answer = &house.clients[client].answer;
    let priority = |line: &str| {
        line.split(' ')
            .nth(3)
            .and_then(|it| it.parse::<u32>().ok())
            .expect("a priority")
    };
    let [udp, tcp] = candidates(answer)[..] else {
        panic!("{answer}")
    };
    assert!(udp.ends_with(&format!("127.0.0.1 {port} typ host")), "{udp}");
    assert!(
        tcp.ends_with(&format!("127.0.0.1 {port} typ host tcptype passive")),
        "{tcp}"
    );
    assert!(udp.contains(" udp ") && tcp.contains(" tcp ") && priority(udp) > priority(tcp));
}

#[test]
fn media_flows_between_udp_and_tcp_both_ways_and_between_tcp_and_tcp() {
    for publishes_over_tcp in [true, false] {
        let mut house = House::new();
        let (over_udp, over_tcp) = (house.client(|config| config), house.client_over_tcp());
        let (publisher, receiver) = if publishes_over_tcp {
            (over_tcp, over_udp)
        } else {
            (over_udp, over_tcp)
        };
        let other = house.client_over_tcp();
        let camera = house.join(publisher, &[Want::Send(MediaKind::Video, CAMERA)])[0];
        for receiver in [receiver, other] {
            house.join(receiver, &[Want::Receive(MediaKind::Video, CAMERA)]);
        }
        for seq in 100..400_u64 {
            let kind = if seq == 100 { KEY } else { DELTA };
            house.video(publisher, camera, seq, vp8(kind, seq as u32));
            if seq % 20 == 0 {
                house.drive("in step", |house| {
                    house.clients[other].received.len() as u64 > seq - 100
                });
            }
        }
        for receiver in [receiver, other] {
            house.drive("all of it", |house| house.clients[receiver].received.len() == 300);
            let one_stream: Vec<_> = (100..400).map(|it| (u64::from(it) - 99, it)).collect();
            assert_eq!(house.numbers(receiver), one_stream);
        }
        nobody_is_lost(&house);
    }
}

#[test]
fn a_client_whose_connection_is_cut_goes_on_over_another() {
    let mut house = House::new();
    let publisher = house.client(|config| config);
    let camera = house.join(publisher, &[Want::Send(MediaKind::Video, CAMERA)])[0];
    let receiver = house.client_over_tcp();
    house.join(receiver, &[Want::Receive(MediaKind::Video, CAMERA)]);
    house.video(publisher, camera, 100, vp8(KEY, 100));
    house.drive("a picture", |house| !house.clients[receiver].received.is_empty());
    house.reconnect(receiver);
    house.restart_ice(receiver);
    let (mut seq, mut due) = (101, Instant::now());
    house.drive("the picture over the new connection", |house| {
        if due <= Instant::now() {
            due += Duration::from_millis(5);
            house.video(publisher, camera, seq, vp8(DELTA, seq as u32));
            seq += 1;
        }
        house.clients[receiver].received.len() > 20
    });
    nobody_is_lost(&house);
}

#[test]
fn n2_whose_first_frame_proves_nothing_is_cut_unanswered() {
    let mut house = House::new();
    let server = house.plane.local_addrs()[0];
    let junk: [&[u8]; 6] = [
        // No STUN at all; a check of nobody; one cut short; a TLS and an HTTP hello; a frame that is too long.
        &[0, 4, 0x80, 1, 2, 3],
        &[
            0, 20, 0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
        ],
        &[0, 3, 0, 1, 0],
        b"\x00\x05\x16\x03\x01\x02\x00 and so on",
        b"GET / HTTP/1.1\r\n\r\n",
        &[0xff, 0xff],
    ];
    for bytes in junk {
        let mut stranger = Wire::connect(server);
        stranger.send_raw(bytes);
        house.drive("cut", |_| {
            assert_eq!(stranger.receive(), Vec::<Vec<u8>>::new());
            stranger.is_closed
        });
    }
}

#[test]
fn n3_of_one_address_few_connections_may_be_unproved_and_none_for_long() {
    let mut house = House::new();
    let server = house.plane.local_addrs()[0];
    let start = Instant::now();
    let mut strangers: Vec<_> = (0..2 * STRANGERS).map(|_| Wire::connect(server)).collect();
    let open = |strangers: &mut Vec<Wire>| {
        strangers.iter_mut().for_each(|it| drop(it.receive()));
        strangers.iter().filter(|it| !it.is_closed).count()
    };
    house.drive("the last of them are cut", |_| open(&mut strangers) == STRANGERS);
    // Half of a frame is no proof.
    strangers.iter_mut().for_each(|it| it.send_raw(&[0, 100, 0]));

    house.drive("their time is over", |_| open(&mut strangers) == 0);
    let took = start.elapsed();
    assert!((Duration::from_secs(9)..PROOF).contains(&took), "{took:?}");

    // Who has proved whose he is takes no place of theirs.
    for track in 0..=STRANGERS as u64 {
        let client = house.client_over_tcp();
        house.join(client, &[Want::Send(MediaKind::Audio, TrackId(track))]);
    }
}

#[test]
fn s9_a_client_that_does_not_read_loses_packets_and_disturbs_nobody() {
    let mut house = House::new();
    let publisher = house.client(|config| config);
    let camera = house.join(publisher, &[Want::Send(MediaKind::Video, CAMERA)])[0];
    let deaf = house.client_over_tcp();
    let reader = house.client_over_tcp();
    for receiver in [deaf, reader] {
        house.join(receiver, &[Want::Receive(MediaKind::Video, CAMERA)]);
    }
    house.video(publisher, camera, 1, vp8(KEY, 1));
    house.drive("the first picture", |house| !house.clients[deaf].received.is_empty());
    house.clients[deaf].wire.as_mut().expect("TCP").is_deaf = true;
    // More than all buffers on the way hold.
    for seq in 2..=20_000_u64 {
        house.video(publisher, camera, seq, vp8(DELTA, seq as u32));
        if seq % 20 == 0 {
            house.drive("in step", |house| {
                house.clients[reader].received.len() as u64 + 40 > seq
            });
        }
    }
    house.drive("all of it", |house| house.clients[reader].received.len() == 20_000);
    house.clients[deaf].wire.as_mut().expect("TCP").is_deaf = false;
    house.drive("what was kept", |house| house.clients[deaf].received.len() > 100);
    assert!(house.clients[deaf].received.len() < 15_000);
}
