use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use tokio::sync::{mpsc, watch};

use super::{HubError, PlainEngine};
use crate::{
    Codec, Direction, Frame, FrameReader, Kind, LineId, LineStats, PeerEvent, PeerEventSender, PeerState, size::size_of,
};

/// Frames between a line and its reader; when full the newest is dropped, and video goes on with a keyframe.
const UNREAD_FRAMES: usize = 128;

/// Stands for the media server: it answers the offers of [`PlainEngine`]s and passes frames on from the lines that
/// send under a key to those that receive under it. Clones are the same hub.
#[derive(Debug, Clone, Default)]
pub struct Hub {
    /// A lock, because every writer of every peer passes frames on by itself; nothing waits while holding it.
    state: Arc<Mutex<State>>,
}

/// What the server does with a section of an offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// It takes media from there and knows it under this key.
    Send(String),
    /// It sends there what it knows under this key, now or later.
    Receive(String),
}

impl Hub {
    /// A hub without peers.
    pub fn new() -> Self {
        Self::default()
    }

    /// An engine whose peers meet at this hub.
    pub fn engine(&self) -> PlainEngine {
        PlainEngine::new(self.clone())
    }

    /// Answers an offer: says what becomes of each of its sections, by `mid`. Those without a route stay silent. It
    /// takes effect when the peer gets the answer, and replaces every route that the peer had.
    ///
    /// # Errors
    /// [`HubError::UnknownOffer`] or [`HubError::UnknownSection`].
    pub fn answer<'a>(
        &self,
        offer: &str,
        routes: impl IntoIterator<Item = (&'a str, Route)>,
    ) -> Result<String, HubError> {
        let mut state = self.lock();
        let peer = state
            .peers
            .values_mut()
            .find(|peer| peer.offer.as_deref() == Some(offer));
        let peer = peer.ok_or(HubError::UnknownOffer)?;
        let mut answer = BTreeMap::new();
        for (mid, route) in routes {
            let fits = peer.sections.get(mid).is_some_and(|section| {
                section.line.is_some()
                    && match route {
                        Route::Send(_) => section.direction == Direction::Send,
                        Route::Receive(_) => section.direction == Direction::Receive,
                    }
            });
            if !fits {
                return Err(HubError::UnknownSection(mid.to_owned()));
            }
            answer.insert(mid.to_owned(), route);
        }
        peer.routes = Some(answer);
        Ok(offer.replace("offer", "answer"))
    }

    /// Cuts every peer off, as a network does: no frame passes any more, and they are in this state,
    /// [`Disconnected`](PeerState::Disconnected) or [`Failed`](PeerState::Failed). Restarting ICE helps.
    pub fn cut_off(&self, state: PeerState) {
        for peer in self.lock().peers.values_mut() {
            peer.cut_off = true;
            peer.connected = false;
            peer.events.send(PeerEvent::State(state));
        }
    }

    /// Takes [`cut_off`](Self::cut_off) back, as a network does that comes back by itself.
    pub fn let_through(&self) {
        let mut state = self.lock();
        state.peers.values_mut().filter(|it| it.cut_off).for_each(Peer::reach);
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // Whoever panicked while holding it left a usable state behind: a test that fails, not one that hangs.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) peers: BTreeMap<u64, Peer>,
    next_peer: u64,
}

/// What the hub knows of a peer.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) events: PeerEventSender,
    pub(super) sections: BTreeMap<String, Section>,
    pub(super) offer: Option<String>,
    pub(super) routes: Option<BTreeMap<String, Route>>,
    /// Whether the offer restarts ICE.
    pub(super) restarting: bool,
    pub(super) connected: bool,
    cut_off: bool,
}

#[derive(Debug)]
pub(super) struct Section {
    pub(super) direction: Direction,
    /// The line that it carries now.
    pub(super) line: Option<LineId>,
    pub(super) gate: watch::Sender<Gate>,
    pub(super) stats: LineStats,
    route: Option<Route>,
    out: Option<(Codec, mpsc::Sender<Frame>)>,
    starved: bool,
}

/// Whether a line may be written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gate {
    Waiting,
    Open,
    Shut,
}

impl Section {
    pub(super) fn new(direction: Direction, kind: Kind) -> Self {
        Self {
            direction,
            line: None,
            gate: watch::Sender::new(Gate::Shut),
            stats: LineStats::new(LineId(0), direction, kind),
            route: None,
            out: None,
            starved: false,
        }
    }

    pub(super) fn begin(&mut self, line: LineId) {
        self.line = Some(line);
        self.gate = watch::Sender::new(Gate::Waiting);
        self.stats = LineStats::new(line, self.direction, self.stats.kind);
    }

    pub(super) fn end(&mut self) {
        self.line = None;
        self.gate.send_replace(Gate::Shut);
        self.route = None;
        self.out = None;
    }
}

impl Peer {
    /// There is a way to the peer.
    fn reach(&mut self) {
        self.cut_off = false;
        if !std::mem::replace(&mut self.connected, true) {
            self.events.send(PeerEvent::State(PeerState::Connected));
        }
    }

    pub(super) fn end(&mut self, state: Option<PeerState>) {
        self.sections.values_mut().for_each(Section::end);
        if let Some(state) = state {
            self.events.send(PeerEvent::State(state));
        }
    }
}

impl State {
    pub(super) fn add_peer(&mut self, events: PeerEventSender) -> u64 {
        let id = self.next_peer;
        self.next_peer += 1;
        let (sections, routes) = Default::default();
        self.peers.insert(
            id,
            Peer {
                events,
                sections,
                offer: None,
                routes,
                restarting: false,
                connected: false,
                cut_off: false,
            },
        );
        id
    }

    /// The answer has reached the peer: its routes are as the hub said, and keyframes are asked for where someone
    /// begins to receive.
    pub(super) fn connect(&mut self, id: u64, routes: BTreeMap<String, Route>) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        if std::mem::take(&mut peer.restarting) || !peer.cut_off {
            peer.reach();
        }
        let mut wanted = Vec::new();
        for (mid, section) in &mut peer.sections {
            let route = routes.get(mid).cloned();
            if section.route == route || section.line.is_none() {
                continue;
            }
            match &route {
                Some(Route::Send(_)) => _ = section.gate.send_replace(Gate::Open),
                Some(Route::Receive(key)) => wanted.push(key.clone()),
                None => {}
            }
            section.out = None;
            section.route = route;
        }
        for key in wanted {
            self.request_keyframe(&key);
        }
    }

    fn request_keyframe(&self, key: &str) {
        for peer in self.peers.values() {
            for section in peer
                .sections
                .values()
                .filter(|section| section.stats.kind == Kind::Video)
            {
                if let (Some(Route::Send(of)), Some(line)) = (&section.route, section.line)
                    && of == key
                {
                    peer.events.send(PeerEvent::KeyframeRequested { line });
                }
            }
        }
    }

    /// Passes a frame on from a section that sends.
    pub(super) fn forward(&mut self, id: u64, mid: &str, codec: Codec, frame: &Frame) {
        let peer = self.peers.get_mut(&id).filter(|peer| !peer.cut_off);
        let Some(section) = peer.and_then(|peer| peer.sections.get_mut(mid)) else {
            return;
        };
        count(&mut section.stats, codec, frame);
        let Some(Route::Send(key)) = section.route.clone() else {
            return;
        };
        let mut starved = false;
        for peer in self.peers.values_mut().filter(|peer| !peer.cut_off) {
            for section in peer.sections.values_mut() {
                if section
                    .route
                    .as_ref()
                    .is_some_and(|route| matches!(route, Route::Receive(of) if *of == key))
                {
                    starved |= section.deliver(&peer.events, codec, frame);
                }
            }
        }
        if starved {
            self.request_keyframe(&key);
        }
    }
}

impl Section {
    /// Puts a frame into a section that receives; returns whether it needs a keyframe.
    fn deliver(&mut self, events: &PeerEventSender, codec: Codec, frame: &Frame) -> bool {
        let Some(line) = self.line else { return false };
        if self.out.as_ref().is_none_or(|(of, _)| *of != codec) {
            let (out, frames) = mpsc::channel(UNREAD_FRAMES);
            self.out = Some((codec, out));
            self.starved = codec.kind() == Kind::Video;
            events.send(PeerEvent::Track {
                line,
                codec,
                reader: Box::new(PlainReader { frames }),
            });
        }
        if self.starved && !frame.keyframe {
            return true;
        }
        let taken = self
            .out
            .as_ref()
            .is_some_and(|(_, out)| out.try_send(frame.clone()).is_ok());
        self.starved = !taken && codec.kind() == Kind::Video;
        if taken {
            count(&mut self.stats, codec, frame);
        }
        self.starved
    }
}

fn count(stats: &mut LineStats, codec: Codec, frame: &Frame) {
    stats.codec = Some(codec);
    stats.packets += 1;
    stats.frames += 1;
    stats.bytes += frame.data.len() as u64;
    stats.size = size_of(codec, frame).or(stats.size);
    stats.level = frame.level.or(stats.level);
}

#[derive(Debug)]
struct PlainReader {
    frames: mpsc::Receiver<Frame>,
}

#[async_trait]
impl FrameReader for PlainReader {
    async fn read(&mut self) -> Option<Frame> {
        self.frames.recv().await
    }
}
