//! IPv4 and IPv6 at one port, over UDP and over TCP.

mod house;

use std::{
    net::{Ipv4Addr, Ipv6Addr},
    num::NonZero,
};

use house::{CAMERA, DELTA, House, KEY, Want, plain, vp8};
use hst_sfu_worker::Config;
use str0m::media::MediaKind;

#[test]
fn clients_of_both_families_are_in_one_room_over_udp_and_over_tcp() {
    let (v4, v6) = (Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into());
    let mut house = House::with(Config {
        bind: Ipv6Addr::UNSPECIFIED.into(),
        advertise: vec![v4, v6],
        workers: NonZero::<usize>::MIN,
        ..Config::default()
    });
    let publisher = house.client_at(v6, plain);
    let camera = house.join(publisher, &[Want::Send(MediaKind::Video, CAMERA)])[0];
    let receivers = [
        house.client_at(v4, plain),
        house.client_at(v6, plain),
        house.client_over_tcp_at(v4),
        house.client_over_tcp_at(v6),
    ];
    for receiver in receivers {
        house.join(receiver, &[Want::Receive(MediaKind::Video, CAMERA)]);
    }
    house.video(publisher, camera, 1, vp8(KEY, 1));
    house.video(publisher, camera, 2, vp8(DELTA, 2));
    house.drive("a picture for everybody", |house| {
        receivers.iter().all(|&at| house.clients[at].received.len() == 2)
    });
}
