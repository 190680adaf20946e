//! Peers in networks that let no UDP through: the same media over TCP (RFC 6544).

// These are tests: a surprise ends them.
#![allow(clippy::unwrap_used)]
#![allow(clippy::print_stdout, reason = "it shows how long things take")]

mod call;
#[path = "../../hst-media-webrtc/tests/server/mod.rs"]
mod server;
mod wall;

use std::time::Duration;

use call::{Call, DEADLINE, Place};
use hst_media::{Foretold, PeerConfig, PeerState};
use hst_media_str0m::Str0mEngine;
use tokio::time::{Instant, timeout};
use wall::{Manner, Wall};

#[tokio::test]
async fn media_flow_both_ways_over_tcp_where_udp_is_swallowed() {
    let begun = Instant::now();
    let mut call = Call::begin(|_| {}).await;
    call.connected().await;
    println!("connected over TCP after {:?}", begun.elapsed());
    call.say().await;
    call.hear().await;
    assert_eq!(call.wall.came(), 1);
}

#[tokio::test]
async fn who_has_begun_to_connect_before_the_answer_connects_over_tcp_too() {
    let place = Place::open().await;
    let config = PeerConfig {
        foretold: Some(Foretold {
            ufrag: "n".repeat(32),
            password: "p".repeat(32),
            addresses: vec![place.wall.address()],
        }),
        ..PeerConfig::default()
    };
    let mut call = place.call(Str0mEngine::new(), config, true).await;
    call.connected().await;
    call.say().await;
    call.hear().await;
    assert_eq!(call.wall.came(), 1);
}

#[tokio::test]
async fn where_udp_works_nobody_connects_over_tcp() {
    let mut call = Call::begin(Wall::let_udp).await;
    call.connected().await;
    call.say().await;
    // Longer than it would take until TCP is tried.
    let until = Instant::now() + Duration::from_millis(600);
    while Instant::now() < until {
        call.say().await;
    }
    assert_eq!(call.wall.came(), 0);
}

#[tokio::test]
async fn a_call_over_tcp_goes_over_to_udp_once_that_works() {
    let mut call = Call::begin(|_| {}).await;
    call.connected().await;
    call.say().await;
    call.wall.let_udp();
    timeout(DEADLINE, call.wall.stand(0)).await.expect("TCP is given up");
    call.say().await;
    call.hear().await;
    assert_eq!(call.wall.came(), 1);
}

#[tokio::test]
async fn a_connection_that_is_cut_in_the_middle_of_a_frame_is_told_of_at_once_and_an_ice_restart_brings_another() {
    let mut call = Call::begin(|_| {}).await;
    call.connected().await;
    call.say().await;
    call.hear().await;
    call.wall.turn(Manner::Honest);
    let cut = Instant::now();
    assert_eq!(call.state().await, PeerState::Failed);
    assert!(cut.elapsed() < Duration::from_secs(2), "{:?}", cut.elapsed());
    call.restart_ice().await;
    call.connected().await;
    call.say().await;
    call.hear().await;
    println!("interrupted for {:?}", cut.elapsed());
    assert_eq!(call.wall.came(), 2);
}

#[tokio::test]
async fn an_ice_restart_of_a_call_that_goes_well_leaves_the_connection_for_another() {
    let mut call = Call::begin(|_| {}).await;
    call.connected().await;
    call.say().await;
    call.restart_ice().await;
    call.connected().await;
    call.say().await;
    call.hear().await;
    call.wall.stand(1).await;
    assert_eq!(call.wall.came(), 2);
}

#[tokio::test]
async fn what_no_server_would_send_over_tcp_ends_that_connection_and_nothing_else() {
    let empty = vec![0; 60_000];
    let junk = b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec();
    let short = [[0, 1, 22].repeat(1_000), [0, 20, 1, 1, 0, 0].to_vec()].concat();
    for hostile in [vec![0xff; 70_000], junk, empty, short] {
        let mut call = Call::begin(|wall| wall.turn(Manner::Hostile(hostile))).await;
        assert_eq!(call.state().await, PeerState::Connecting);
        timeout(DEADLINE, call.wall.first_comes()).await.expect("TCP is tried");
        call.wall.turn(Manner::Honest);
        call.connected().await;
        call.say().await;
    }
}
