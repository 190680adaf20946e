//! A call through a server, behind a wall.

// These are tests: a surprise ends them.
#![allow(clippy::unwrap_used)]
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::{net::SocketAddr, time::Duration};

use hst_media::{
    Codec, FrameReader, FrameWriter, Kind, MediaEngine, MediaPeer, PeerConfig, PeerEvent, PeerEvents, PeerState,
    TrackInfo,
    contract::{Counterpart, frame},
};
use hst_media_str0m::Str0mEngine;
use str0m::media::MediaData;
use tokio::{
    sync::mpsc,
    time::{Instant, timeout},
};

use crate::{
    server::Server,
    wall::{Wall, server_of},
};

/// Longer than anything takes that goes well.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// What the server answers to somebody: where it is.
async fn answer_to_a_stranger(server: &Server) -> String {
    let (mut peer, _events) = Str0mEngine::new().open(PeerConfig::default()).await.unwrap();
    peer.add_receiver(Kind::Audio).await.unwrap();
    let offer = peer.offer().await.unwrap();
    server.answer(9, &offer.sdp, Vec::new()).await
}

/// A server, and a wall in front of it.
pub(crate) struct Place {
    server: Server,
    heard: mpsc::Receiver<MediaData>,
    pub(crate) wall: Wall,
    /// Where the server is.
    pub(crate) address: SocketAddr,
}

impl Place {
    pub(crate) async fn open() -> Self {
        let (server, heard) = Server::start_with_frames().await;
        let address = server_of(&answer_to_a_stranger(&server).await);
        let wall = Wall::before(address).await;
        Self {
            server,
            heard,
            wall,
            address,
        }
    }

    /// A call in which the answer has come.
    pub(crate) async fn call(self, engine: Str0mEngine, config: PeerConfig, has_tcp: bool) -> Call {
        let Self {
            server, heard, wall, ..
        } = self;
        let (mut peer, events) = engine.open(config).await.unwrap();
        let (_, writer) = peer.add_sender(TrackInfo::new(Codec::Opus)).await.unwrap();
        peer.add_receiver(Kind::Audio).await.unwrap();
        let offer = peer.offer().await.unwrap();
        let ear = offer.mids[1].1.clone();
        let answer = server.answer(0, &offer.sdp, Vec::new()).await;
        peer.answer(&wall.seen(&answer, has_tcp)).await.unwrap();
        Call {
            server,
            heard,
            wall,
            peer,
            events,
            has_tcp,
            writer,
            ear,
            reader: None,
            said: 0,
        }
    }
}

/// A peer behind a wall, with a voice and an ear.
pub(crate) struct Call {
    pub(crate) server: Server,
    heard: mpsc::Receiver<MediaData>,
    pub(crate) wall: Wall,
    pub(crate) peer: Box<dyn MediaPeer>,
    pub(crate) events: PeerEvents,
    has_tcp: bool,
    writer: Box<dyn FrameWriter>,
    /// The section that receives.
    ear: String,
    reader: Option<Box<dyn FrameReader>>,
    said: u32,
}

impl Call {
    /// One in which the answer has come, and the wall was made like this before.
    pub(crate) async fn begin(prepare: impl FnOnce(&Wall)) -> Self {
        let place = Place::open().await;
        prepare(&place.wall);
        place.call(Str0mEngine::new(), PeerConfig::default(), true).await
    }

    pub(crate) async fn state(&mut self) -> PeerState {
        loop {
            if let PeerEvent::State(state) = self.event().await {
                return state;
            }
        }
    }

    pub(crate) async fn event(&mut self) -> PeerEvent {
        let event = timeout(DEADLINE, self.events.next()).await;
        event.expect("an event in time").expect("a peer that lives")
    }

    pub(crate) async fn connected(&mut self) {
        while self.state().await != PeerState::Connected {}
    }

    pub(crate) async fn restart_ice(&mut self) {
        self.peer.restart_ice().await.unwrap();
        let offer = self.peer.offer().await.unwrap();
        let answer = self.server.answer(0, &offer.sdp, Vec::new()).await;
        self.peer.answer(&self.wall.seen(&answer, self.has_tcp)).await.unwrap();
    }

    /// Says something until it is heard.
    pub(crate) async fn say(&mut self) {
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
    pub(crate) async fn hear(&mut self) {
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
