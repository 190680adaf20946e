//! A whole signalling house in virtual time: the client's and the server's cores, joined by links that delay, break and
//! fall silent, around a server that may restart. Everything comes from one seed.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "each test binary uses a part; a failing unwrap fails the test"
)]

mod agenda;
mod client;
mod door;
pub mod ledger;
mod network;
mod room;
pub mod server;

use std::time::{Duration, Instant};

use hst_group::{
    client::{LoginOptions, Refusal, Session},
    server::{Permissions, Rules},
};
use hst_id::{GroupId, UserId};
use hst_proto::{Audience, Class, RequestId, ToGroup};
use rand::{Rng, SeedableRng, rngs::StdRng};

pub use self::network::{Cut, End};
use self::{
    agenda::{Act, Actor, Agenda},
    client::Client,
    ledger::Ledger,
    network::Network,
    server::Server,
};

pub struct World {
    pub now: Instant,
    pub start: Instant,
    pub dice: StdRng,
    pub clients: Vec<Client>,
    pub server: Server,
    pub ledger: Ledger,
    agenda: Agenda,
    network: Network,
}

impl World {
    pub fn new(seed: u64, clients: usize) -> Self {
        Self::with_rules(seed, clients, Rules::default())
    }

    pub fn with_rules(seed: u64, clients: usize, rules: Rules) -> Self {
        let now = Instant::now();
        Self {
            now,
            start: now,
            dice: StdRng::seed_from_u64(seed),
            clients: (0..clients).map(|who| Client::new(seed << 16 | who as u64)).collect(),
            server: Server::new(rules),
            ledger: Ledger::default(),
            agenda: Agenda::default(),
            network: Network::default(),
        }
    }

    pub fn init(&mut self, who: usize) {
        self.clients[who].session.init().unwrap();
        self.clients[who].session.handle_inited(true);
    }

    pub fn login(&mut self, who: usize, user: &str) -> Result<RequestId, Refusal> {
        self.call(who, |s, now| s.login(now, LoginOptions::new("app", "token", user)))
    }

    /// Calls a verb, carries out what it wants, and keeps its number.
    pub fn call(
        &mut self,
        who: usize,
        verb: impl FnOnce(&mut Session, Instant) -> Result<RequestId, Refusal>,
    ) -> Result<RequestId, Refusal> {
        let sent = verb(&mut self.clients[who].session, self.now);
        if let Ok(id) = &sent {
            assert!(self.clients[who].asked.insert(*id), "a number that was used before");
        }
        self.drain_client(who);
        sent
    }

    /// Logs somebody in and lets him join a group.
    pub fn enter(&mut self, who: usize, user: &str, group: &str) {
        self.init(who);
        self.login(who, user).unwrap();
        self.run_for(Duration::from_secs(1));
        self.call(who, |s, now| s.join(now, group)).unwrap();
        self.run_for(Duration::from_secs(1));
    }

    /// Sends a message that the ledger follows; nothing when the engine refuses it at once.
    pub fn send(&mut self, who: usize, to: Audience, class: Class) -> Option<RequestId> {
        self.send_large(who, to, class, 0)
    }

    /// The same for a message with so many bytes of no meaning.
    pub fn send_large(&mut self, who: usize, to: Audience, class: Class, bytes: usize) -> Option<RequestId> {
        let (number, body) = self.ledger.next_message(who, bytes);
        let sent = self.call(who, |s, now| s.message(now, ToGroup { body, to, class }));
        if let Ok(id) = sent {
            self.clients[who].messages_due.insert(id, number);
        }
        sent.ok()
    }

    pub fn leave(&mut self, who: usize) -> Result<RequestId, Refusal> {
        let sent = self.call(who, |s, now| s.leave(now));
        if sent.is_ok() {
            self.ledger.client_left(who);
        }
        sent
    }

    pub fn exit(&mut self, who: usize) -> Result<RequestId, Refusal> {
        let sent = self.call(who, |s, now| s.exit(now));
        if sent.is_ok() {
            self.ledger.client_left(who);
        }
        sent
    }

    pub fn destroy(&mut self, who: usize) {
        self.clients[who].session.destroy(self.now);
        self.ledger.client_left(who);
        self.drain_client(who);
    }

    /// A client's device is gone, and another takes its place.
    pub fn lose_device(&mut self, who: usize) {
        self.silence(who);
        self.ledger.client_left(who);
        self.clients[who] = Client::new(self.dice.random());
    }

    /// Harms the present connection of a client.
    pub fn cut(&mut self, who: usize, cut: Cut) {
        if let Some(link) = self.clients[who].link {
            self.harm(link, cut);
        }
    }

    pub fn silence(&mut self, who: usize) {
        let (client, server) = (true, true);
        self.cut(who, Cut::Silence { client, server });
    }

    /// Lets virtual time pass; everything that is due happens in its order.
    pub fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some((at, act)) = self.agenda.next(end) {
            self.now = self.now.max(at);
            self.perform(at, act);
        }
        self.now = end;
    }

    fn perform(&mut self, at: Instant, act: Act) {
        match act {
            Act::Frame(link, End::Client, frame) if self.is_alive(link, End::Client) => {
                if let Some(who) = self.client_of(link) {
                    self.clients[who].session.handle_frame(self.now, &frame);
                    self.drain_client(who);
                }
            }
            Act::Frame(link, End::Server, frame) if self.is_alive(link, End::Server) => self.receive(link, frame),
            Act::Bye(link, end) if self.is_alive(link, end) => self.ended(link, end),
            Act::Frame(..) | Act::Bye(..) => {}
            Act::Broken(link, end) => self.ended(link, end),
            Act::Read(link) => self.read_slowly(link),
            Act::Cut(link, cut) => self.harm(link, cut),
            Act::ToRoom(group, number, what) => self.enter_room(&group, number, what),
            Act::ToSession(session, word) => self.hear(session, word),
            Act::ServerUp => self.server.is_down = false,
            Act::Timer(actor) => {
                if self.agenda.fires(&actor, at) {
                    self.fire(actor);
                }
            }
        }
    }

    /// A frame comes to a client that no server of this world has sent.
    pub fn deliver(&mut self, who: usize, frame: &str) {
        self.clients[who].session.handle_frame(self.now, frame.as_bytes());
        self.drain_client(who);
    }

    fn ended(&mut self, link: u64, end: End) {
        match end {
            End::Client => {
                if let Some(who) = self.client_of(link) {
                    self.clients[who].link = None;
                    self.clients[who].session.handle_disconnected(self.now, "cut");
                    self.drain_client(who);
                }
            }
            End::Server => self.link_lost(link),
        }
    }

    fn client_of(&self, link: u64) -> Option<usize> {
        let who = self.network.links.get(&link)?.who;
        (self.clients[who].link == Some(link)).then_some(who)
    }

    fn fire(&mut self, actor: Actor) {
        match actor {
            Actor::Client(who) => {
                let session = &mut self.clients[who].session;
                if session.poll_timeout().is_some_and(|due| due <= self.now) {
                    session.handle_timeout(self.now);
                }
                self.drain_client(who);
            }
            Actor::Greeting(link) => self.fire_greeting(link),
            Actor::Session(id) => self.fire_session(id),
            Actor::Room(group) => self.fire_room(&group),
        }
    }

    pub fn permissions(user: &UserId) -> Permissions {
        match user.as_str().starts_with("guest") {
            true => Permissions::ordinary(),
            false => Permissions::all(),
        }
    }

    pub fn group(name: &str) -> GroupId {
        GroupId::parse(name).unwrap()
    }
}
