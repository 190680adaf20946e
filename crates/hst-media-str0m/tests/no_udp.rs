//! Peers in networks that let no UDP through: the same media over TCP (RFC 6544).

// These are tests: a surprise ends them.
#![allow(clippy::unwrap_used)]
#![allow(clippy::print_stdout, reason = "it shows how long things take")]

#[path = "../../hst-media-webrtc/tests/server/mod.rs"]
mod server;
mod wall;

use std::time::Duration;

use hst_media::{
    Codec, Foretold, FrameReader, FrameWriter, Kind, MediaEngine, MediaPeer, PeerConfig, PeerEvent, PeerEvents,
    PeerState, TrackInfo,
    contract::{Counterpart, frame},
};
use hst_media_str0m::Str0mEngine;
use server::Server;
use str0m::media::MediaData;
use tokio::{
    sync::mpsc,
    time::{Instant, timeout},
};
use wall::{Manner, Wall};

/// Longer than anything takes that goes well.
const DEADLINE: Duration = Duration::from_secs(20);

/// What the server answers to somebody: where it is.
async fn answer_to_a_stranger(server: &Server) -> String {
    let (mut peer, _events) = Str0mEngine::new().open(PeerConfig::default()).await.unwrap();
    peer.add_receiver(Kind::Audio).await.unwrap();
    let offer = peer.offer().await.unwrap();
    server.answer(9, &offer.sdp, Vec::new()).await
}

/// A peer behind a wall, with a voice and an ear.
struct Call {
    server: Server,
    heard: mpsc::Receiver<MediaData>,
    wall: Wall,
    peer: Box<dyn MediaPeer>,
    events: PeerEvents,
    writer: Box<dyn FrameWriter>,
    /// The section that receives.
    ear: String,
    reader: Option<Box<dyn FrameReader>>,
    said: u32,
}

impl Call {
    /// One in which the answer has come, and the wall was made like this before.
    async fn begin(prepare: impl FnOnce(&Wall)) -> Self {
        Self::begin_with(prepare, |_| None).await
    }

    /// One that was foretold this of the server, too.
    async fn begin_with(prepare: impl FnOnce(&Wall), foretell: impl FnOnce(&Wall) -> Option<Foretold>) -> Self {
        let (server, heard) = Server::start_with_frames().await;
        let wall = Wall::before(&answer_to_a_stranger(&server).await).await;
        prepare(&wall);
        let config = PeerConfig {
            foretold: foretell(&wall),
            ..PeerConfig::default()
        };
        let (mut peer, events) = Str0mEngine::new().open(config).await.unwrap();
        let (_, writer) = peer.add_sender(TrackInfo::new(Codec::Opus)).await.unwrap();
        peer.add_receiver(Kind::Audio).await.unwrap();
        let offer = peer.offer().await.unwrap();
        let ear = offer.mids[1].1.clone();
        let answer = server.answer(0, &offer.sdp, Vec::new()).await;
        peer.answer(&wall.seen(&answer)).await.unwrap();
        Self {
            server,
            heard,
            wall,
            peer,
            events,
            writer,
            ear,
            reader: None,
            said: 0,
        }
    }

    async fn state(&mut self) -> PeerState {
        loop {
            if let PeerEvent::State(state) = self.event().await {
                return state;
            }
        }
    }

    async fn event(&mut self) -> PeerEvent {
        let event = timeout(DEADLINE, self.events.next()).await;
        event.expect("an event in time").expect("a peer that lives")
    }

    async fn connected(&mut self) {
        while self.state().await != PeerState::Connected {}
    }

    async fn restart_ice(&mut self) {
        self.peer.restart_ice().await.unwrap();
        let offer = self.peer.offer().await.unwrap();
        let answer = self.server.answer(0, &offer.sdp, Vec::new()).await;
        self.peer.answer(&self.wall.seen(&answer)).await.unwrap();
    }

    /// Says something until it is heard.
    async fn say(&mut self) {
        let heard = async {
            loop {
                self.said += 1;
                self.writer
                    .write(frame(Codec::Opus, self.said, 50, true))
                    .await
                    .unwrap();
                // What was sent into a connection that has ended is lost, as a datagram may be.
                let wait = timeout(Duration::from_millis(20), self.heard.recv()).await;
                if wait.is_ok_and(|it| it.is_some()) {
                    return;
                }
            }
        };
        timeout(DEADLINE, heard).await.expect("it is heard");
    }

    /// Hears something that the server says until then.
    async fn hear(&mut self) {
        let until = Instant::now() + DEADLINE;
        loop {
            assert!(Instant::now() < until, "nothing is heard");
            self.said += 1;
            let said = frame(Codec::Opus, self.said, 50, true);
            self.server.write(0, &self.ear, 111, said).await;
            if let Some(reader) = &mut self.reader {
                if timeout(Duration::from_millis(20), reader.read()).await.is_ok() {
                    return;
                }
            } else if let Ok(Some(PeerEvent::Track { reader, .. })) =
                timeout(Duration::from_millis(20), self.events.next()).await
            {
                self.reader = Some(reader);
            }
        }
    }
}

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
    let foretell = |wall: &Wall| {
        Some(Foretold {
            ufrag: "n".repeat(32),
            password: "p".repeat(32),
            addresses: vec![wall.address()],
        })
    };
    let mut call = Call::begin_with(|_| {}, foretell).await;
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
