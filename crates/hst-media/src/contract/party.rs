use super::{Counterpart, Route};
use crate::{
    Codec, FrameReader, FrameWriter, Kind, LineId, MediaEngine, MediaPeer, PeerConfig, PeerEvent, PeerEvents,
    PeerState, TrackInfo,
};

/// A peer with its number, its events, and what its lines are to the server.
pub(super) struct Party<'a> {
    number: u32,
    other: &'a dyn Counterpart,
    pub(super) peer: Box<dyn MediaPeer>,
    pub(super) events: PeerEvents,
    routes: Vec<(LineId, Route)>,
}

impl<'a> Party<'a> {
    pub(super) async fn open(engine: &dyn MediaEngine, other: &'a dyn Counterpart, number: u32) -> Self {
        let (peer, events) = engine.open(PeerConfig::default()).await.unwrap();
        Self {
            number,
            other,
            peer,
            events,
            routes: vec![],
        }
    }

    pub(super) async fn send(&mut self, codec: Codec, key: &str) -> (LineId, Box<dyn FrameWriter>) {
        let (line, writer) = self.peer.add_sender(TrackInfo::new(codec)).await.unwrap();
        self.routes.push((line, Route::Send(key.into())));
        (line, writer)
    }

    pub(super) async fn receive(&mut self, kind: Kind, key: &str) -> LineId {
        let line = self.peer.add_receiver(kind).await.unwrap();
        self.routes.push((line, Route::Receive(key.into())));
        line
    }

    pub(super) async fn stop(&mut self, line: LineId) {
        self.peer.stop_line(line).await.unwrap();
        self.routes.retain(|(of, _)| *of != line);
    }

    /// Offers and takes the answer; returns the section of each line.
    pub(super) async fn negotiate(&mut self) -> Vec<(LineId, String)> {
        let offer = self.peer.offer().await.unwrap();
        let route = |line: LineId| {
            self.routes
                .iter()
                .find(|(of, _)| *of == line)
                .map(|(_, route)| route.clone())
        };
        let routes = offer
            .mids
            .iter()
            .map(|(line, mid)| (mid.clone(), route(*line).unwrap()))
            .collect();
        let answer = self.other.answer(self.number, &offer.sdp, routes).await;
        self.peer.answer(&answer).await.unwrap();
        offer.mids
    }

    pub(super) async fn connect(&mut self) {
        self.negotiate().await;
        self.connected().await;
    }

    pub(super) async fn connected(&mut self) {
        self.event(|event| matches!(event, PeerEvent::State(PeerState::Connected)).then_some(()))
            .await;
    }

    pub(super) async fn event<T>(&mut self, mut wanted: impl FnMut(PeerEvent) -> Option<T>) -> T {
        loop {
            let event = self.events.next().await.expect("the peer still lives");
            if let Some(found) = wanted(event) {
                return found;
            }
        }
    }

    pub(super) async fn track(&mut self, line: LineId) -> (Codec, Box<dyn FrameReader>) {
        self.event(|event| match event {
            PeerEvent::Track {
                line: of,
                codec,
                reader,
            } if of == line => Some((codec, reader)),
            _ => None,
        })
        .await
    }
}
