//! Peers that reach nothing but a relay (RFC 8656): the same media through it.

// These are tests: a surprise ends them.
#![allow(clippy::unwrap_used)]
#![allow(clippy::print_stdout, reason = "it shows how long things take")]

mod call;
mod relay;
#[path = "../../hst-media-webrtc/tests/server/mod.rs"]
mod server;
mod wall;

use std::time::Duration;

use call::{Call, DEADLINE, Place};
use hst_media::{PeerConfig, PeerState};
use hst_media_str0m::Str0mEngine;
use relay::TestRelay;
use tokio::time::{Instant, timeout};
use wall::Wall;

/// A call of somebody who was given these addresses of a relay, where there is no TCP.
async fn call(prepare: impl FnOnce(&Wall), urls: impl FnOnce(&TestRelay) -> Vec<String>) -> (Call, TestRelay) {
    let place = Place::open().await;
    prepare(&place.wall);
    let relay = TestRelay::to(place.wall.address(), place.address).await;
    let config = PeerConfig {
        ice_servers: urls(&relay).iter().map(|url| relay.server(url)).collect(),
        ..PeerConfig::default()
    };
    let engine = Str0mEngine::new().with_tls(relay.trust.clone());
    (place.call(engine, config, false).await, relay)
}

#[tokio::test]
async fn media_flow_both_ways_through_a_relay_over_udp_tcp_and_tls() {
    let ways: [fn(&TestRelay) -> &String; 3] = [|it| &it.udp, |it| &it.tcp, |it| &it.tls];
    for of in ways {
        let begun = Instant::now();
        let (mut call, relay) = call(|_| {}, |relay| vec![of(relay).clone()]).await;
        call.connected().await;
        println!("connected through {} after {:?}", of(&relay), begun.elapsed());
        call.say().await;
        call.hear().await;
        relay.has(1).await;
        call.peer.close().await;
        timeout(DEADLINE, relay.has(0)).await.expect("it is given back");
    }
}

#[tokio::test]
async fn where_udp_works_no_relay_is_asked() {
    let (mut call, relay) = call(Wall::let_udp, |relay| vec![relay.udp.clone()]).await;
    call.connected().await;
    // Longer than it would take until a relay is asked.
    let until = Instant::now() + Duration::from_millis(600);
    while Instant::now() < until {
        call.say().await;
    }
    relay.has(0).await;
}

#[tokio::test]
async fn a_relay_that_leads_nowhere_is_passed_over_for_the_next() {
    let dead = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let silent = format!("turn:{}", dead.local_addr().unwrap());
    // No certificate is good for this name.
    let urls = |relay: &TestRelay| {
        let stranger = relay.tls.replace("127.0.0.1", "localhost");
        vec![
            silent,
            "turn:127.0.0.1:1?transport=tcp".to_owned(),
            stranger,
            relay.tls.clone(),
        ]
    };
    let (mut call, relay) = call(|_| {}, urls).await;
    call.connected().await;
    call.say().await;
    call.hear().await;
    relay.has(1).await;
}

#[tokio::test]
async fn a_call_through_a_relay_goes_over_to_udp_once_that_works() {
    let (mut call, relay) = call(|_| {}, |relay| vec![relay.tcp.clone()]).await;
    call.connected().await;
    call.say().await;
    call.wall.let_udp();
    timeout(DEADLINE, relay.has(0)).await.expect("the relay is given up");
    call.say().await;
    call.hear().await;
}

#[tokio::test]
async fn an_ice_restart_finds_the_way_through_a_relay_anew() {
    let (mut call, relay) = call(|_| {}, |relay| vec![relay.udp.clone()]).await;
    call.connected().await;
    call.say().await;
    call.restart_ice().await;
    call.connected().await;
    call.say().await;
    call.hear().await;
    timeout(DEADLINE, relay.has(1)).await.expect("one allocation");
}

#[tokio::test]
async fn the_end_of_a_relay_is_told_at_once() {
    let (mut call, relay) = call(|_| {}, |relay| vec![relay.tcp.clone()]).await;
    call.connected().await;
    call.say().await;
    relay.cut();
    assert_eq!(call.state().await, PeerState::Failed);
}
