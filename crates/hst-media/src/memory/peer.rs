use async_trait::async_trait;
use tokio::sync::watch;

use super::hub::{Gate, Hub, Section};
use crate::{
    Codec, Direction, Frame, FrameWriter, Kind, LineClosed, LineId, LineStats, MediaEngine, MediaError, MediaPeer,
    Negotiation, Offer, PeerConfig, PeerEvent, PeerEvents, PeerState, TrackInfo, peer_events,
};

/// The engine without a network: its peers meet at a [`Hub`], which answers their offers.
#[derive(Debug, Clone)]
pub struct PlainEngine {
    hub: Hub,
}

impl PlainEngine {
    /// An engine whose peers meet at this hub.
    pub fn new(hub: Hub) -> Self {
        Self { hub }
    }
}

#[async_trait]
impl MediaEngine for PlainEngine {
    async fn open(&self, _: PeerConfig) -> Result<(Box<dyn MediaPeer>, PeerEvents), MediaError> {
        let (sender, events) = peer_events();
        let id = self.hub.lock().add_peer(sender);
        let peer = PlainPeer {
            hub: self.hub.clone(),
            id,
            negotiation: Negotiation::new(),
            offers: 0,
            restarts: 0,
            restart_wanted: false,
        };
        Ok((Box::new(peer), events))
    }
}

#[derive(Debug)]
struct PlainPeer {
    hub: Hub,
    id: u64,
    negotiation: Negotiation<Place>,
    offers: u64,
    restarts: u64,
    restart_wanted: bool,
}

/// Where a line has its section in the hub.
#[derive(Debug, Clone, PartialEq)]
struct Place {
    mid: String,
    direction: Direction,
    kind: Kind,
}

impl PlainPeer {
    fn check_open(&self) -> Result<(), MediaError> {
        let is_open = self.hub.lock().peers.contains_key(&self.id);
        is_open.then_some(()).ok_or(MediaError::Closed)
    }

    fn add(&mut self, direction: Direction, kind: Kind) -> (LineId, String, watch::Receiver<Gate>) {
        let idle = self
            .negotiation
            .idle(|place| (place.direction, place.kind) == (direction, kind));
        let mut state = self.hub.lock();
        let sections = state.peers.get_mut(&self.id).map(|peer| &mut peer.sections);
        let sections = sections.expect("a peer stays in the hub until it is closed");
        let place = idle.unwrap_or_else(|| {
            let mid = sections.len().to_string();
            sections.insert(mid.clone(), Section::new(direction, kind));
            self.negotiation.add(Place { mid, direction, kind })
        });
        let (line, place) = self.negotiation.carry(place);
        let section = sections
            .get_mut(&place.mid)
            .expect("a section is made in the hub with its place");
        section.begin(line);
        (line, place.mid.clone(), section.gate.subscribe())
    }
}

#[async_trait]
impl MediaPeer for PlainPeer {
    async fn add_sender(&mut self, info: TrackInfo) -> Result<(LineId, Box<dyn FrameWriter>), MediaError> {
        self.check_open()?;
        let (line, mid, gate) = self.add(Direction::Send, info.kind());
        Ok((
            line,
            Box::new(PlainWriter {
                hub: self.hub.clone(),
                peer: self.id,
                mid,
                codec: info.codec,
                gate,
            }),
        ))
    }

    async fn add_receiver(&mut self, kind: Kind) -> Result<LineId, MediaError> {
        self.check_open()?;
        Ok(self.add(Direction::Receive, kind).0)
    }

    async fn stop_line(&mut self, line: LineId) -> Result<(), MediaError> {
        self.check_open()?;
        let place = self.negotiation.stop(line)?;
        let mut state = self.hub.lock();
        if let Some(section) = state
            .peers
            .get_mut(&self.id)
            .and_then(|peer| peer.sections.get_mut(&place.mid))
        {
            section.end();
        }
        Ok(())
    }

    async fn restart_ice(&mut self) -> Result<(), MediaError> {
        self.check_open()?;
        self.restart_wanted = true;
        Ok(())
    }

    async fn offer(&mut self) -> Result<Offer, MediaError> {
        self.check_open()?;
        self.negotiation.offered()?;
        self.offers += 1;
        let restarting = std::mem::take(&mut self.restart_wanted);
        self.restarts += u64::from(restarting);
        let Self {
            offers, restarts, id, ..
        } = self;
        let sdp = format!("plain offer {offers} of peer {id} with ICE restart {restarts}");
        if let Some(peer) = self.hub.lock().peers.get_mut(id) {
            peer.offer = Some(sdp.clone());
            if restarting {
                (peer.restarting, peer.connected) = (true, false);
            }
            if !peer.connected {
                peer.events.send(PeerEvent::State(PeerState::Connecting));
            }
        }
        let mids = self
            .negotiation
            .lines()
            .map(|(line, place)| (line, place.mid.clone()))
            .collect();
        Ok(Offer { sdp, mids })
    }

    async fn answer(&mut self, sdp: &str) -> Result<(), MediaError> {
        self.check_open()?;
        let live: Vec<String> = self
            .negotiation
            .answered()?
            .map(|(_, place)| place.mid.clone())
            .collect();
        let mut state = self.hub.lock();
        let peer = state.peers.get_mut(&self.id).ok_or(MediaError::Closed)?;
        let expected = peer.offer.take().map(|offer| offer.replace("offer", "answer"));
        let routes = peer.routes.take().filter(|_| expected.as_deref() == Some(sdp));
        let mut routes = routes.ok_or_else(|| MediaError::Answer("the hub did not give this answer".into()))?;
        routes.retain(|mid, _| live.contains(mid));
        state.connect(self.id, routes);
        Ok(())
    }

    async fn stats(&mut self) -> Vec<LineStats> {
        let state = self.hub.lock();
        let sections = state.peers.get(&self.id).map(|peer| &peer.sections);
        let stats = self
            .negotiation
            .lines()
            .filter_map(|(_, place)| Some(sections?.get(&place.mid)?.stats));
        stats.collect()
    }

    async fn close(&mut self) {
        if let Some(mut peer) = self.hub.lock().peers.remove(&self.id) {
            peer.end(Some(PeerState::Closed));
        }
    }
}

impl Drop for PlainPeer {
    fn drop(&mut self) {
        if let Some(mut peer) = self.hub.lock().peers.remove(&self.id) {
            peer.end(None);
        }
    }
}

#[derive(Debug)]
struct PlainWriter {
    hub: Hub,
    peer: u64,
    mid: String,
    codec: Codec,
    gate: watch::Receiver<Gate>,
}

#[async_trait]
impl FrameWriter for PlainWriter {
    async fn write(&mut self, frame: Frame) -> Result<(), LineClosed> {
        let gate = *self
            .gate
            .wait_for(|gate| *gate != Gate::Waiting)
            .await
            .map_err(|_| LineClosed)?;
        if gate == Gate::Shut {
            return Err(LineClosed);
        }
        self.hub.lock().forward(self.peer, &self.mid, self.codec, &frame);
        Ok(())
    }
}
