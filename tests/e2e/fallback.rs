//! Where UDP does not get through.

use std::sync::Arc;

use hst_access::{AccessPoints, StaticAccess};
use hst_rtc::{Preset, RtcEngine, presets};
use hst_tests::house::{Door, House, login, within};
use tokio::net::UdpSocket;

#[tokio::test(flavor = "multi_thread")]
async fn access_names_quic_before_a_web_socket() {
    let house = House::open(Door::Preset).await;
    let urls = house.signal_urls();
    let schemes: Vec<_> = urls.iter().map(|url| url.split_once("://").unwrap().0).collect();
    assert_eq!(schemes, ["quic", "ws"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_quic_address_gives_way_to_the_web_socket() {
    let house = House::open(Door::WebSocket).await;
    // It takes every packet and answers none.
    let silence = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let dead = format!("quic://{}", silence.local_addr().unwrap());
    let points = AccessPoints::new([&dead, &house.signal_urls()[0]]).unwrap();
    let engine = RtcEngine::with(Preset::new(
        Arc::new(StaticAccess::new(points)),
        presets::local().client,
    ));
    engine.init(None).await.unwrap();
    within("login", engine.login(login("ann"))).await.unwrap();
    engine.join_group("g").await.unwrap();
    // It was tried first.
    let mut packet = [0; 2048];
    assert!(silence.try_recv(&mut packet).unwrap() >= 1200);
}
