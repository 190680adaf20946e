//! A whole signalling house in virtual time: client and server cores joined by links that delay, cut and fall silent.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "each test binary uses a part; a failing unwrap fails the test"
)]

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap},
    time::{Duration, Instant},
};

use bytes::Bytes;
use hst_group::{
    client::{self, GroupEvent, LoginOptions, Refusal, State},
    server::{self, Group, GroupOutput, MediaCommand, MemberId, Permissions, SessionOutput, ToMember},
};
use hst_id::{GroupId, MediaRef, UserId};
use hst_proto::{ErrorCode, Failure, Reply, RequestId};
use rand::{Rng, SeedableRng, rngs::StdRng};

pub type LinkId = u64;

/// Something that happens at a time.
enum Act {
    ToServer(LinkId, Bytes),
    ToClient(LinkId, Bytes),
    ServerSees(LinkId),
    Answer(GroupId, MemberId, RequestId),
}

pub struct World {
    pub now: Instant,
    pub start: Instant,
    pub rng: StdRng,
    pub clients: Vec<Client>,
    pub groups: HashMap<GroupId, Group>,
    pub online: HashMap<UserId, LinkId>,
    connections: HashMap<LinkId, Connection>,
    queue: BinaryHeap<Reverse<(Instant, u64)>>,
    acts: HashMap<u64, Act>,
    last_act: u64,
    last_link: LinkId,
    /// Links on which nothing arrives any more, in either direction.
    silent: BTreeSet<LinkId>,
    /// When the last frame of each direction of a link arrives, so that none overtakes another.
    arrivals: HashMap<(LinkId, bool), Instant>,
}

pub struct Client {
    pub session: client::Session,
    pub link: Option<LinkId>,
    pub asked: BTreeSet<RequestId>,
    pub answers: BTreeMap<RequestId, Result<Reply, Refusal>>,
    pub members: BTreeSet<UserId>,
    pub media: BTreeSet<MediaRef>,
    pub messages: Vec<(UserId, u64, String)>,
    pub lost: Vec<Refusal>,
    pub media_closed: usize,
}

struct Connection {
    session: server::Session,
    member: MemberId,
    user: Option<UserId>,
    group: Option<GroupId>,
}

impl World {
    pub fn new(seed: u64, clients: usize) -> Self {
        let now = Instant::now();
        let client = || Client {
            session: client::Session::new(),
            link: None,
            asked: BTreeSet::new(),
            answers: BTreeMap::new(),
            members: BTreeSet::new(),
            media: BTreeSet::new(),
            messages: Vec::new(),
            lost: Vec::new(),
            media_closed: 0,
        };
        Self {
            now,
            start: now,
            rng: StdRng::seed_from_u64(seed),
            clients: std::iter::repeat_with(client).take(clients).collect(),
            groups: HashMap::new(),
            online: HashMap::new(),
            connections: HashMap::new(),
            queue: BinaryHeap::new(),
            acts: HashMap::new(),
            last_act: 0,
            last_link: 0,
            silent: BTreeSet::new(),
            arrivals: HashMap::new(),
        }
    }

    pub fn init(&mut self, who: usize) {
        self.clients[who].session.init().unwrap();
        self.clients[who].session.handle_inited(true);
    }

    pub fn login(&mut self, who: usize, user: &str) -> Result<RequestId, Refusal> {
        let now = self.now;
        let sent = self.clients[who]
            .session
            .login(now, LoginOptions::new("app", "token", user));
        if sent.is_ok() {
            self.last_link += 1;
            let link = self.last_link;
            self.clients[who].link = Some(link);
            let session = server::Session::new(now);
            self.connections.insert(
                link,
                Connection {
                    session,
                    member: MemberId(link),
                    user: None,
                    group: None,
                },
            );
        }
        self.asked(who, sent)
    }

    /// Calls a verb, carries out what it wants, and keeps its number.
    pub fn call(
        &mut self,
        who: usize,
        verb: impl FnOnce(&mut client::Session, Instant) -> Result<RequestId, Refusal>,
    ) -> Result<RequestId, Refusal> {
        let sent = verb(&mut self.clients[who].session, self.now);
        self.asked(who, sent)
    }

    pub fn destroy(&mut self, who: usize) {
        self.clients[who].session.destroy(self.now);
        self.drain_client(who);
    }

    fn asked(&mut self, who: usize, sent: Result<RequestId, Refusal>) -> Result<RequestId, Refusal> {
        if let Ok(id) = &sent {
            self.clients[who].asked.insert(*id);
        }
        self.drain_client(who);
        sent
    }

    /// The connection breaks and both ends notice, the server a little later; what is under way is lost.
    pub fn cut(&mut self, who: usize) {
        let Some(link) = self.clients[who].link.take() else {
            return;
        };
        self.silent.insert(link);
        let at = self.now + Duration::from_millis(self.rng.random_range(0..500));
        self.at(at, Act::ServerSees(link));
        self.clients[who].session.handle_disconnected("cut");
        self.drain_client(who);
    }

    /// Nothing arrives any more, and nobody is told.
    pub fn silence(&mut self, who: usize) {
        if let Some(link) = self.clients[who].link {
            self.silent.insert(link);
        }
    }

    /// Lets virtual time pass; everything that is due happens in its order.
    pub fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            let due = self.queue.peek().map(|Reverse((at, _))| *at);
            let timer = self.next_timeout();
            let Some(next) = [due, timer].into_iter().flatten().min().filter(|at| *at <= end) else {
                break;
            };
            self.now = self.now.max(next);
            if due.is_some_and(|at| at <= self.now) {
                let Reverse((_, id)) = self.queue.pop().unwrap();
                let act = self.acts.remove(&id).unwrap();
                self.perform(act);
            } else {
                self.fire_timeouts();
            }
        }
        self.now = end;
    }

    fn next_timeout(&self) -> Option<Instant> {
        let clients = self.clients.iter().filter_map(|c| c.session.poll_timeout());
        let servers = self.connections.values().filter_map(|c| c.session.poll_timeout());
        clients.chain(servers).min()
    }

    fn fire_timeouts(&mut self) {
        for who in 0..self.clients.len() {
            self.clients[who].session.handle_timeout(self.now);
            self.drain_client(who);
        }
        let mut links: Vec<_> = self.connections.keys().copied().collect();
        links.sort_unstable();
        for link in links {
            if let Some(connection) = self.connections.get_mut(&link) {
                connection.session.handle_timeout(self.now);
            }
            self.drain_server(link);
        }
    }

    fn perform(&mut self, act: Act) {
        match act {
            Act::ToServer(link, frame) => {
                if self.silent.contains(&link) {
                    return;
                }
                let Some(connection) = self.connections.get_mut(&link) else {
                    return;
                };
                assert!(!connection.session.is_busy(), "this world answers at once");
                connection.session.handle_frame(self.now, &frame);
                self.drain_server(link);
            }
            Act::ToClient(link, frame) => {
                let Some(who) = self.clients.iter().position(|c| c.link == Some(link)) else {
                    return;
                };
                if self.silent.contains(&link) {
                    return;
                }
                self.clients[who].session.handle_frame(self.now, &frame);
                self.drain_client(who);
            }
            Act::ServerSees(link) => self.end_connection(link),
            Act::Answer(group, member, re) => {
                if let Some(room) = self.groups.get_mut(&group) {
                    room.handle_answer(member, re, Ok("v=0 answer".into()));
                    self.drain_group(&group);
                }
            }
        }
    }

    fn at(&mut self, at: Instant, act: Act) {
        self.last_act += 1;
        self.queue.push(Reverse((at, self.last_act)));
        self.acts.insert(self.last_act, act);
    }

    fn transmit(&mut self, link: LinkId, to_server: bool, frame: Bytes) {
        let at = self.now + Duration::from_micros(self.rng.random_range(100..80_000));
        let last = self.arrivals.entry((link, to_server)).or_insert(at);
        *last = at.max(*last);
        let at = *last;
        self.at(
            at,
            if to_server {
                Act::ToServer(link, frame)
            } else {
                Act::ToClient(link, frame)
            },
        );
    }

    fn drain_client(&mut self, who: usize) {
        while let Some(output) = self.clients[who].session.poll_output() {
            let client = &mut self.clients[who];
            match output {
                client::Output::Send(frame) => {
                    if let Some(link) = client.link {
                        self.transmit(link, true, frame);
                    }
                }
                client::Output::Answered { id, result } => {
                    assert!(client.asked.contains(&id), "an answer to what was not asked");
                    assert!(client.answers.insert(id, result).is_none(), "answered twice");
                }
                client::Output::Event(event) => {
                    assert_eq!(client.session.state(), State::Joined, "{event:?} outside a group");
                    client.take(event);
                }
                client::Output::TransportLost(_) => {}
                client::Output::CloseMedia => client.media_closed += 1,
                client::Output::Disconnect => {
                    // What was sent before still arrives, then the server sees the end.
                    if let Some(link) = client.link.take() {
                        let at = self
                            .arrivals
                            .get(&(link, true))
                            .copied()
                            .unwrap_or(self.now)
                            .max(self.now);
                        self.at(at, Act::ServerSees(link));
                    }
                }
                client::Output::Lost(why) => client.lost.push(why),
            }
        }
    }

    fn drain_server(&mut self, link: LinkId) {
        loop {
            let Some(connection) = self.connections.get_mut(&link) else {
                return;
            };
            let Some(output) = connection.session.poll_output() else {
                return;
            };
            let member = connection.member;
            match output {
                SessionOutput::Send(frame) => self.transmit(link, false, frame),
                SessionOutput::SignIn(sign_in) => {
                    let outcome = if self.online.contains_key(&sign_in.user) {
                        Err(Failure::new(ErrorCode::LoginConflict, "online already"))
                    } else {
                        self.online.insert(sign_in.user.clone(), link);
                        connection.user = Some(sign_in.user);
                        Ok(format!("s{link}"))
                    };
                    connection.session.handle_signed_in(outcome);
                }
                SessionOutput::Join { group, re } => {
                    connection.group = Some(group.clone());
                    let user = connection.user.clone().unwrap();
                    let room = self
                        .groups
                        .entry(group.clone())
                        .or_insert_with(|| Group::new(group.clone()));
                    room.handle_join(member, re, user, Permissions::all());
                    self.drain_group(&group);
                }
                SessionOutput::Group { re, request } => {
                    let group = connection.group.clone().unwrap();
                    self.groups.get_mut(&group).unwrap().handle_request(member, re, request);
                    self.drain_group(&group);
                }
                SessionOutput::Close(_) => {
                    self.end_connection(link);
                    return;
                }
            }
        }
    }

    fn end_connection(&mut self, link: LinkId) {
        let Some(connection) = self.connections.remove(&link) else {
            return;
        };
        if let Some(group) = connection.group {
            if let Some(room) = self.groups.get_mut(&group) {
                room.handle_gone(connection.member);
            }
            self.drain_group(&group);
        }
        if let Some(user) = connection.user {
            self.online.remove(&user);
        }
    }

    fn drain_group(&mut self, id: &GroupId) {
        let mut touched = BTreeSet::new();
        while let Some(output) = self.groups.get_mut(id).and_then(Group::poll_output) {
            match output {
                GroupOutput::To { member, what } => {
                    self.hand(member, what);
                    touched.insert(member.0);
                }
                GroupOutput::Tell { members, body } => {
                    for member in members {
                        self.hand(member, ToMember::Event(body.clone()));
                        touched.insert(member.0);
                    }
                }
                GroupOutput::Media(MediaCommand::Offer { member, re, .. }) => {
                    let at = self.now + Duration::from_millis(self.rng.random_range(0..50));
                    self.at(at, Act::Answer(id.clone(), member, re));
                }
                GroupOutput::Media(_) => {}
                GroupOutput::Departed(member) => {
                    if let Some(connection) = self.connections.get_mut(&member.0) {
                        connection.group = None;
                    }
                }
            }
        }
        for link in touched {
            self.drain_server(link);
        }
        if self.groups.get(id).is_some_and(Group::is_empty) {
            self.groups.remove(id);
        }
    }

    fn hand(&mut self, member: MemberId, what: ToMember) {
        if let Some(connection) = self.connections.get_mut(&member.0) {
            connection.session.handle_group(what);
        }
    }

    /// How many connections the server holds.
    pub fn connections(&self) -> usize {
        self.connections.len()
    }

    /// What the server says is in a group: users and their media, as a newcomer is told.
    pub fn roster(&mut self, group: &GroupId) -> (BTreeSet<UserId>, BTreeSet<MediaRef>) {
        let probe = MemberId(u64::MAX);
        let Some(room) = self.groups.get_mut(group) else {
            return Default::default();
        };
        room.handle_join(probe, 0, UserId::parse("probe").unwrap(), Permissions::all());
        room.handle_gone(probe);
        let mut found = Default::default();
        while let Some(output) = room.poll_output() {
            if let GroupOutput::To {
                what:
                    ToMember::Reply {
                        result: Ok(Reply::Joined(joined)),
                        ..
                    },
                ..
            } = output
            {
                let media = joined.media.into_iter().map(|m| m.key).collect();
                found = (joined.members.into_iter().collect(), media);
            }
        }
        found
    }
}

impl Client {
    pub fn result(&self, id: RequestId) -> &Result<Reply, Refusal> {
        &self.answers[&id]
    }

    fn take(&mut self, event: GroupEvent) {
        match event {
            GroupEvent::Members(members) => {
                self.members = members.into_iter().collect();
                self.media.clear();
                self.messages.clear();
            }
            GroupEvent::MemberJoined(user) => assert!(self.members.insert(user), "joined twice"),
            GroupEvent::MemberLeft(user) => {
                assert!(self.members.remove(&user), "left without being there");
                assert!(
                    !self.media.iter().any(|m| m.user == user),
                    "left before his media ended"
                );
            }
            GroupEvent::Published(media) => {
                assert!(self.members.contains(&media.key.user), "published by nobody");
                assert!(self.media.insert(media.key), "published twice");
            }
            GroupEvent::Unpublished(media) => assert!(self.media.remove(&media.key), "ended without being there"),
            GroupEvent::Message { from, seq, body } => {
                assert!(
                    self.messages.last().is_none_or(|(_, last, _)| *last < seq),
                    "out of order or twice"
                );
                self.messages.push((from, seq, body.as_text().unwrap()));
            }
            _ => {}
        }
    }
}
