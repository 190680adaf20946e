//! Where a server may be, and what happens when it goes away.

// These are tests: a surprise ends them.
#![allow(clippy::unwrap_used)]

use std::{net::IpAddr, time::Duration};

use hst_media::{
    Codec, MediaEngine, PeerConfig, PeerEvent, PeerEvents, PeerState, TrackInfo,
    contract::{Counterpart, Route, frame},
};
use tokio::time::{Instant, timeout};

use crate::{Engine, server::Server};

/// An address of this host that is not 127.0.0.1: that of an interface if there is one. Nothing is sent.
fn other_address() -> IpAddr {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
    let routed = socket.connect("203.0.113.1:9").and_then(|()| socket.local_addr());
    routed.map_or([127, 0, 0, 2].into(), |address| address.ip())
}

async fn state(events: &mut PeerEvents) -> PeerState {
    loop {
        if let PeerEvent::State(state) = events.next().await.unwrap() {
            return state;
        }
    }
}

#[tokio::test]
async fn a_server_is_reached_at_whichever_address_it_has() {
    for address in [[127, 0, 0, 1].into(), other_address()] {
        let server = Server::start_at(address).await;
        let (mut peer, mut events) = Engine::new().open(PeerConfig::default()).await.unwrap();
        let (_, mut writer) = peer.add_sender(TrackInfo::new(Codec::Opus)).await.unwrap();
        let offer = peer.offer().await.unwrap();
        assert!(!offer.sdp.contains("a=candidate"), "an offer waits for no candidate");
        let route = (offer.mids[0].1.clone(), Route::Send("voice".into()));
        peer.answer(&server.answer(0, &offer.sdp, vec![route]).await)
            .await
            .unwrap();
        let writing = writer.write(frame(Codec::Opus, 0, 50, true));
        timeout(Duration::from_secs(30), writing)
            .await
            .expect("it connects")
            .unwrap();
        while state(&mut events).await != PeerState::Connected {}
    }
}

#[tokio::test]
async fn a_server_that_goes_away_is_noticed_within_15_seconds() {
    let server = Server::start().await;
    let (mut peer, mut events) = Engine::new().open(PeerConfig::default()).await.unwrap();
    let (_, mut writer) = peer.add_sender(TrackInfo::new(Codec::Opus)).await.unwrap();
    let offer = peer.offer().await.unwrap();
    let route = (offer.mids[0].1.clone(), Route::Send("voice".into()));
    peer.answer(&server.answer(0, &offer.sdp, vec![route]).await)
        .await
        .unwrap();
    while state(&mut events).await != PeerState::Connected {}
    drop(server);
    let gone = Instant::now();
    assert_eq!(state(&mut events).await, PeerState::Disconnected);
    assert!(gone.elapsed() < Duration::from_secs(7), "{:?}", gone.elapsed());
    assert_eq!(state(&mut events).await, PeerState::Failed);
    assert!(gone.elapsed() < Duration::from_secs(17), "{:?}", gone.elapsed());
    writer
        .write(frame(Codec::Opus, 1, 50, true))
        .await
        .expect("an ICE restart may still help");
}

#[tokio::test]
async fn a_failed_peer_comes_back_by_an_ice_restart() {
    let (server, mut received) = Server::start_with_frames().await;
    let (mut peer, mut events) = Engine::new().open(PeerConfig::default()).await.unwrap();
    let (_, mut writer) = peer.add_sender(TrackInfo::new(Codec::Opus)).await.unwrap();
    let offer = peer.offer().await.unwrap();
    let route = (offer.mids[0].1.clone(), Route::Send("voice".into()));
    let answer = server.answer(0, &offer.sdp, vec![route.clone()]).await;
    peer.answer(&answer).await.unwrap();
    while state(&mut events).await != PeerState::Connected {}
    server.deafen(true).await;
    while state(&mut events).await != PeerState::Failed {}

    server.deafen(false).await;
    peer.restart_ice().await.unwrap();
    let offer = peer.offer().await.unwrap();
    peer.answer(&server.answer(0, &offer.sdp, vec![route]).await)
        .await
        .unwrap();
    while state(&mut events).await != PeerState::Connected {}
    let sent = frame(Codec::Opus, 1, 50, true);
    writer.write(sent.clone()).await.unwrap();
    let heard = timeout(Duration::from_secs(30), received.recv())
        .await
        .unwrap()
        .unwrap();
    assert!(heard.data[..] == sent.data[..]);
}
