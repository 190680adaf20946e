//! Links that delay, break, fall silent, and end at clients that read slowly.

use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, Instant},
};

use bytes::Bytes;
use rand::Rng;

use super::{Act, World, server::SessionId};

/// What may wait for a client to read; the world's server is less patient than a real one, so that it comes to that.
const FRAMES: usize = 128;
const BYTES: usize = 16 * 1024;

pub type LinkId = u64;

/// One of a link's two ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Client,
    Server,
}

/// How a link is harmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// What is under way is lost or not, and both ends notice, each after a while of its own.
    Reset,
    /// Nothing arrives at these ends any more, and nobody is told.
    Silence { client: bool, server: bool },
    /// The client takes a frame now and then only.
    SlowReader,
    /// The next connection breaks while the client comes back.
    AndWhileReturning,
}

impl Cut {
    pub const ALL: [Self; 6] = [
        Self::Reset,
        Self::Silence {
            client: true,
            server: true,
        },
        Self::Silence {
            client: true,
            server: false,
        },
        Self::Silence {
            client: false,
            server: true,
        },
        Self::SlowReader,
        Self::AndWhileReturning,
    ];
}

#[derive(Default)]
pub struct Network {
    pub links: HashMap<LinkId, Link>,
    last: LinkId,
}

pub struct Link {
    pub who: usize,
    /// The session that it belongs, or belonged, to.
    pub session: Option<SessionId>,
    /// Whether the server still holds its end.
    pub is_held: bool,
    up: Way,
    down: Way,
    /// A slow reader's pause, and what waits for him.
    reads_every: Option<Duration>,
    waiting: VecDeque<Bytes>,
    waiting_bytes: usize,
    /// What may wait beyond the usual: what was kept for a client who comes back.
    allowance: (usize, usize),
}

/// One direction of a link.
struct Way {
    /// When the last frame arrives, so that none overtakes another.
    last: Instant,
    /// From when on nothing arrives.
    dead_from: Option<Instant>,
}

impl World {
    /// A client makes a connection in place of the one that it has.
    pub(super) fn connect(&mut self, who: usize) {
        self.hang_up(who);
        self.network.last += 1;
        let id = self.network.last;
        let way = || Way {
            last: self.now,
            dead_from: None,
        };
        let link = Link {
            who,
            session: None,
            is_held: true,
            up: way(),
            down: way(),
            reads_every: None,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            allowance: (0, 0),
        };
        self.network.links.insert(id, link);
        self.clients[who].link = Some(id);
        if self.server.is_down {
            self.network.links.get_mut(&id).unwrap().is_held = false;
            return self.tell_end(id, End::Client);
        }
        self.accept(id);
        if self.clients[who].breaks > 0 {
            self.clients[who].breaks -= 1;
            let at = self.now + Duration::from_millis(self.dice.random_range(0..400));
            let cut = match self.dice.random_bool(0.8) {
                true => Cut::Reset,
                false => Cut::ALL[1],
            };
            self.agenda.add(at, Act::Cut(id, cut));
        }
    }

    /// A client closes its connection. What it has sent still arrives before the end does.
    pub(super) fn hang_up(&mut self, who: usize) {
        if let Some(link) = self.clients[who].link.take() {
            self.tell_end(link, End::Server);
        }
    }

    /// The server closes its end of a link. What it has sent still arrives, except at a slow reader.
    pub(super) fn let_go(&mut self, id: LinkId) {
        let Some(link) = self.network.links.get_mut(&id).filter(|link| link.is_held) else {
            return;
        };
        link.is_held = false;
        link.waiting.clear();
        self.tell_end(id, End::Client);
    }

    /// A frame leaves from the other end towards `to`.
    pub(super) fn transmit(&mut self, id: LinkId, to: End, frame: Bytes) {
        let at = self.arrival(id, to);
        self.agenda.add(at, Act::Frame(id, to, frame));
    }

    /// The server sends a frame, and says whether the client reads well enough for it.
    pub(super) fn push(&mut self, id: LinkId, frame: Bytes) -> bool {
        let Some(link) = self.network.links.get_mut(&id).filter(|link| link.is_held) else {
            return true;
        };
        if link.reads_every.is_none() {
            self.transmit(id, End::Client, frame);
            return true;
        }
        link.waiting_bytes += frame.len();
        link.waiting.push_back(frame);
        let (frames, bytes) = link.allowance;
        link.waiting.len() <= FRAMES + frames && link.waiting_bytes <= BYTES + bytes
    }

    /// The same for a frame that may be left out.
    pub(super) fn push_lossy(&mut self, id: LinkId, frame: Bytes) {
        let has_room = |link: &Link| link.waiting.len() < FRAMES / 2 && link.waiting_bytes < BYTES / 2;
        if self.network.links.get(&id).is_some_and(has_room) {
            self.push(id, frame);
        }
    }

    pub(super) fn allow(&mut self, id: LinkId, frames_and_bytes: (usize, usize)) {
        if let Some(link) = self.network.links.get_mut(&id) {
            link.allowance = frames_and_bytes;
        }
    }

    /// A slow reader takes one frame.
    pub(super) fn read_slowly(&mut self, id: LinkId) {
        let Some(link) = self.network.links.get_mut(&id).filter(|link| link.is_held) else {
            return;
        };
        let pause = link.reads_every.unwrap_or(Duration::ZERO);
        if let Some(frame) = link.waiting.pop_front() {
            link.waiting_bytes -= frame.len();
            self.transmit(id, End::Client, frame);
        }
        self.agenda.add(self.now + pause, Act::Read(id));
    }

    /// Nobody reads slowly any more.
    pub fn hurry(&mut self) {
        for link in self
            .network
            .links
            .values_mut()
            .filter(|link| link.reads_every.is_some())
        {
            link.reads_every = Some(Duration::from_millis(1));
        }
    }

    /// Harms a link in one of the ways there are.
    pub(super) fn harm(&mut self, id: LinkId, cut: Cut) {
        let Some(link) = self.network.links.get_mut(&id) else {
            return;
        };
        let now = self.now;
        match cut {
            Cut::Reset | Cut::AndWhileReturning => {
                for way in [&mut link.up, &mut link.down] {
                    let dead = now + Duration::from_millis(self.dice.random_range(0..100));
                    way.dead_from = Some(way.dead_from.map_or(dead, |before| before.min(dead)));
                }
                for end in [End::Client, End::Server] {
                    let at = now + Duration::from_millis(self.dice.random_range(0..600));
                    self.agenda.add(at, Act::Broken(id, end));
                }
                let who = self.network.links[&id].who;
                self.clients[who].breaks += u32::from(cut == Cut::AndWhileReturning);
            }
            Cut::Silence { client, server } => {
                for (way, dies) in [(&mut link.down, client), (&mut link.up, server)] {
                    if dies {
                        way.dead_from.get_or_insert(now);
                    }
                }
            }
            Cut::SlowReader => {
                if link.reads_every.is_none() {
                    link.reads_every = Some(Duration::from_millis(self.dice.random_range(100..1500)));
                    self.agenda.add(now, Act::Read(id));
                }
            }
        }
    }

    /// Whether something may still arrive here.
    pub(super) fn is_alive(&self, id: LinkId, end: End) -> bool {
        let Some(link) = self.network.links.get(&id) else {
            return false;
        };
        let way = match end {
            End::Client => &link.down,
            End::Server => &link.up,
        };
        way.dead_from.is_none_or(|dead| self.now < dead)
    }

    fn tell_end(&mut self, id: LinkId, to: End) {
        let at = self.arrival(id, to);
        if self.network.links.contains_key(&id) {
            self.agenda.add(at, Act::Bye(id, to));
        }
    }

    fn arrival(&mut self, id: LinkId, to: End) -> Instant {
        let at = self.now + Duration::from_micros(self.dice.random_range(100..80_000));
        let Some(link) = self.network.links.get_mut(&id) else {
            return at;
        };
        let way = match to {
            End::Client => &mut link.down,
            End::Server => &mut link.up,
        };
        way.last = way.last.max(at);
        way.last
    }
}
