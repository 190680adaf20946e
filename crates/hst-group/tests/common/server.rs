//! The shell of the server: who is at the door, whose session is where, and what each of them asks.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    time::{Duration, Instant},
};

use bytes::Bytes;
use hst_group::server::{LOGIN_DEADLINE, Rules, Session, SessionOutput, SignIn, SignedIn, ToMember, UserRequest};
use hst_id::{GroupId, UserId};
use hst_proto::{ErrorCode, EventBody, Failure, Online, RESUME_WINDOW, Reply, RequestId, Resume, ServerFrame, decode_server};
use rand::Rng;

use super::{
    Actor, World,
    agenda::{Act, Word},
    network::LinkId,
    room::{Membership, Room, ToRoom},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u64);

pub struct Server {
    pub rules: Rules,
    /// How long every token is good.
    pub token_lasts: Option<Duration>,
    /// While it is, nobody gets a connection.
    pub is_down: bool,
    pub online: HashMap<UserId, SessionId>,
    pub rooms: BTreeMap<GroupId, Room>,
    pub bans: HashMap<(GroupId, UserId), Instant>,
    pub(super) sessions: BTreeMap<SessionId, Seat>,
    pub(super) last_member: u64,
    pub(super) last_room: u64,
    greetings: BTreeMap<LinkId, Greeting>,
    /// Sessions that were ended by the server, for who comes back to them.
    ended: Vec<(SessionId, Failure, Instant)>,
    last_session: u64,
}

/// A connection before login.
struct Greeting {
    core: Session,
    unread: VecDeque<Bytes>,
}

/// A session and all that belongs to it.
pub(super) struct Seat {
    pub(super) core: Session,
    pub(super) who: usize,
    pub(super) user: UserId,
    pub(super) membership: Option<Membership>,
    /// When the last word that is on its way comes.
    pub(super) inbox: Instant,
    link: Option<LinkId>,
    /// Whether it has asked who is online.
    is_watching: bool,
    /// Frames that have to wait until the session has its answer.
    unread: VecDeque<Bytes>,
    why: Option<Failure>,
}

impl Server {
    pub fn new(rules: Rules) -> Self {
        Self {
            rules,
            token_lasts: None,
            is_down: false,
            online: HashMap::new(),
            rooms: BTreeMap::new(),
            bans: HashMap::new(),
            sessions: BTreeMap::new(),
            last_member: 0,
            last_room: 0,
            greetings: BTreeMap::new(),
            ended: Vec::new(),
            last_session: 0,
        }
    }

    /// How many sessions there are, with a connection or without.
    pub fn session_count(&self) -> usize {
        self.sessions.len()
    }

    /// Whether this user has asked who is online.
    pub fn is_watching(&self, user: &str) -> bool {
        self.session_of(user).is_some_and(|id| self.sessions[&id].is_watching)
    }

    pub fn session_of(&self, user: &str) -> Option<SessionId> {
        self.online.get(&UserId::parse(user).unwrap()).copied()
    }
}

impl World {
    /// Everything that the server knows is gone, and it is away for a while.
    pub fn restart_server(&mut self, away: Duration) {
        for link in std::mem::take(&mut self.server.greetings).into_keys() {
            self.let_go(link);
        }
        for seat in std::mem::take(&mut self.server.sessions).into_values() {
            if let Some(link) = seat.link {
                self.let_go(link);
            }
        }
        self.server.online.clear();
        self.server.rooms.clear();
        self.server.ended.clear();
        self.ledger.restarted();
        self.server.is_down = true;
        self.agenda.add(self.now + away, Act::ServerUp);
    }

    /// The server ends somebody's session.
    pub fn evict(&mut self, user: &str, why: Failure) {
        if let Some(id) = self.server.session_of(user) {
            self.end_session(id, why);
        }
    }

    /// Something happens that concerns this user.
    pub fn tell_user(&mut self, user: &str, body: EventBody) {
        if let Some(id) = self.server.session_of(user) {
            self.tell_session(id, Word::Event(body));
        }
    }

    pub(super) fn accept(&mut self, link: LinkId) {
        let core = Session::new(self.now, self.now + LOGIN_DEADLINE);
        let unread = VecDeque::new();
        self.server.greetings.insert(link, Greeting { core, unread });
        self.drain_greeting(link);
    }

    /// A frame has come over a link.
    pub(super) fn receive(&mut self, link: LinkId, frame: Bytes) {
        if !self.network.links.get(&link).is_some_and(|link| link.is_held) {
            return;
        }
        if let Some(greeting) = self.server.greetings.get_mut(&link) {
            greeting.unread.push_back(frame);
            self.drain_greeting(link);
        } else if let Some(id) = self.seat_of(link) {
            self.server.sessions.get_mut(&id).unwrap().unread.push_back(frame);
            self.drain_session(id);
        }
    }

    /// The server notices that a connection is gone.
    pub(super) fn link_lost(&mut self, link: LinkId) {
        self.server.greetings.remove(&link);
        if let Some(id) = self.seat_of(link) {
            self.detach(id);
            self.drain_session(id);
        }
        self.let_go(link);
    }

    pub(super) fn fire_greeting(&mut self, link: LinkId) {
        if let Some(greeting) = self.server.greetings.get_mut(&link) {
            if greeting.core.poll_timeout().is_some_and(|due| due <= self.now) {
                greeting.core.handle_timeout(self.now);
            }
            self.drain_greeting(link);
        }
    }

    pub(super) fn fire_session(&mut self, id: SessionId) {
        if let Some(seat) = self.server.sessions.get_mut(&id) {
            if seat.core.poll_timeout().is_some_and(|due| due <= self.now) {
                seat.core.handle_timeout(self.now);
            }
            self.drain_session(id);
        }
    }

    /// A word for a session comes out of its queue.
    pub(super) fn hear(&mut self, id: SessionId, word: Word) {
        let Some(seat) = self.server.sessions.get_mut(&id) else {
            return;
        };
        match word {
            Word::Group(member, what) => {
                // Words for a membership of before are of no concern any more.
                let Some(own) = seat.membership.as_mut().filter(|own| own.id == member) else {
                    return;
                };
                if own.ends_with(&what) {
                    seat.membership = None;
                }
                seat.core.handle_group(what);
            }
            Word::Answer(re, result) => seat.core.handle_answer(re, result),
            Word::Event(body) => seat.core.handle_event(body),
        }
        self.drain_session(id);
    }

    /// Puts a word into a session's queue.
    pub(super) fn tell_session(&mut self, id: SessionId, word: Word) {
        let hop = self.hop();
        if let Some(seat) = self.server.sessions.get_mut(&id) {
            seat.inbox = seat.inbox.max(self.now + hop);
            let at = seat.inbox;
            self.agenda.add(at, Act::ToSession(id, word));
        }
    }

    /// How long one task of the server waits for another.
    pub(super) fn hop(&mut self) -> Duration {
        Duration::from_micros(self.dice.random_range(0..2_000))
    }

    fn seat_of(&self, link: LinkId) -> Option<SessionId> {
        let id = self.network.links.get(&link)?.session?;
        let seat = self.server.sessions.get(&id)?;
        (seat.link == Some(link)).then_some(id)
    }

    fn drain_greeting(&mut self, link: LinkId) {
        while let Some(greeting) = self.server.greetings.get_mut(&link) {
            let Some(output) = greeting.core.poll_output() else {
                if !greeting.core.is_busy()
                    && let Some(frame) = greeting.unread.pop_front()
                {
                    greeting.core.handle_frame(self.now, &frame);
                    continue;
                }
                let due = greeting.core.poll_timeout();
                return self.agenda.arm(Actor::Greeting(link), due);
            };
            match output {
                SessionOutput::Send(frame) => drop(self.push(link, frame)),
                SessionOutput::SignIn(who) => match self.sign_in(&who, link) {
                    Ok(signed_in) => return self.begin(link, who.user, signed_in),
                    Err(failure) => {
                        let greeting = self.server.greetings.get_mut(&link).unwrap();
                        greeting.core.handle_signed_in(self.now, Err(failure));
                    }
                },
                SessionOutput::Resume { re, resume } => match self.find(&resume) {
                    Ok(id) => {
                        let greeting = self.server.greetings.remove(&link).unwrap();
                        return self.attach(id, link, re, resume.got, greeting.unread);
                    }
                    Err(failure) => greeting_of(&mut self.server, link).handle_not_resumed(failure),
                },
                SessionOutput::Close(_) | SessionOutput::HangUp(_) => {
                    self.server.greetings.remove(&link);
                    self.let_go(link);
                }
                other => panic!("a session asks too early: {other:?}"),
            }
        }
    }

    fn sign_in(&mut self, who: &SignIn, link: LinkId) -> Result<SignedIn, Failure> {
        if who.login.token == "bad" {
            return Err(Failure::new(ErrorCode::TokenRefused, "no"));
        }
        if let Some(previous) = &who.login.previous {
            let (session, secret) = (previous.session.clone(), previous.secret.clone());
            let resume = Resume {
                protocol: 1,
                session,
                secret,
                got: 0,
            };
            if let Ok(id) = self.find(&resume) {
                self.end_session(id, Failure::new(ErrorCode::SessionGone, "another session was begun"));
            }
        }
        match self.server.online.get(&who.user) {
            Some(&id) if who.login.force => {
                self.end_session(id, Failure::new(ErrorCode::LoginConflict, "logged in elsewhere"));
            }
            Some(_) => return Err(Failure::new(ErrorCode::LoginConflict, "online already")),
            None => {}
        }
        self.server.last_session += 1;
        let id = SessionId(self.server.last_session);
        self.server.online.insert(who.user.clone(), id);
        self.network.links.get_mut(&link).unwrap().session = Some(id);
        Ok(SignedIn {
            session: format!("s{}", id.0),
            secret: secret(id),
            token_lasts: self.server.token_lasts,
            max_message: self.server.rules.max_message,
        })
    }

    fn begin(&mut self, link: LinkId, user: UserId, signed_in: SignedIn) {
        let Greeting { mut core, unread } = self.server.greetings.remove(&link).unwrap();
        core.handle_signed_in(self.now, Ok(signed_in));
        let of = &self.network.links[&link];
        let id = of.session.unwrap();
        let seat = Seat {
            core,
            who: of.who,
            user,
            membership: None,
            inbox: self.now,
            link: Some(link),
            is_watching: false,
            unread,
            why: None,
        };
        self.server.sessions.insert(id, seat);
        self.drain_session(id);
    }

    fn find(&self, resume: &Resume) -> Result<SessionId, Failure> {
        let gone = Failure::new(ErrorCode::SessionGone, "log in");
        let number = resume.session.strip_prefix('s').and_then(|number| number.parse().ok());
        let Some(id) = number.map(SessionId).filter(|&id| secret(id) == resume.secret) else {
            return Err(gone);
        };
        if self.server.sessions.contains_key(&id) {
            return Ok(id);
        }
        let ended = self
            .server
            .ended
            .iter()
            .find(|(of, _, until)| *of == id && *until > self.now);
        Err(ended.map_or(gone, |(_, why, _)| why.clone()))
    }

    fn attach(&mut self, id: SessionId, link: LinkId, re: RequestId, got: u64, unread: VecDeque<Bytes>) {
        self.detach(id);
        self.network.links.get_mut(&link).unwrap().session = Some(id);
        let seat = self.server.sessions.get_mut(&id).unwrap();
        (seat.link, seat.unread) = (Some(link), unread);
        let kept = seat.core.unconfirmed();
        seat.core.handle_attached(self.now, re, got);
        self.allow(link, kept);
        self.drain_session(id);
    }

    fn detach(&mut self, id: SessionId) {
        let seat = self.server.sessions.get_mut(&id).unwrap();
        seat.unread.clear();
        if let Some(link) = seat.link.take() {
            seat.core.handle_detached(self.now);
            self.let_go(link);
        }
    }

    pub(super) fn drain_session(&mut self, id: SessionId) {
        while let Some(seat) = self.server.sessions.get_mut(&id) {
            let Some(output) = seat.core.poll_output() else {
                if !seat.core.is_busy()
                    && let Some(frame) = seat.unread.pop_front()
                {
                    seat.core.handle_frame(self.now, &frame);
                    continue;
                }
                let due = seat.core.poll_timeout();
                return self.agenda.arm(Actor::Session(id), due);
            };
            let link = seat.link;
            match output {
                SessionOutput::Send(frame) => {
                    let link = link.expect("without a connection nothing is sent");
                    self.note_missed(id, &frame);
                    if !self.push(link, frame) {
                        self.detach(id);
                    }
                }
                SessionOutput::SendLossy(frame) => {
                    self.push_lossy(link.expect("without a connection nothing is sent"), frame);
                }
                SessionOutput::Join { group, re } => self.join(id, group, re),
                SessionOutput::Group { re, request } => {
                    // One who was put out a moment ago is told so by a word under way.
                    if let Some(own) = &mut seat.membership {
                        own.note(re, &request);
                        let (member, room) = (own.id, (own.group.clone(), own.room));
                        self.tell_room(room, ToRoom::Request(member, re, request));
                    }
                }
                SessionOutput::Ask { re, request } => self.ask(id, re, request),
                SessionOutput::Missed => {
                    if let Some(own) = &seat.membership {
                        let (member, room) = (own.id, (own.group.clone(), own.room));
                        self.tell_room(room, ToRoom::Missed(member));
                    }
                }
                SessionOutput::HangUp(_) => self.detach(id),
                SessionOutput::Close(_) => return self.over(id),
                SessionOutput::SignIn(_) | SessionOutput::Resume { .. } => panic!("asked by who is logged in"),
            }
        }
    }

    /// The ledger has to know from when on frames may be missing.
    fn note_missed(&mut self, id: SessionId, frame: &Bytes) {
        if frame.starts_with(b"{\"re\":0,\"ok\":{\"resumed\"")
            && let Ok(ServerFrame::Reply {
                result: Ok(Reply::Resumed(resumed)),
                ..
            }) = decode_server(frame)
            && resumed.missed
        {
            self.ledger.missed(id);
        }
    }

    fn ask(&mut self, id: SessionId, re: RequestId, request: UserRequest) {
        let seat = self.server.sessions.get_mut(&id).unwrap();
        let result = match request {
            UserRequest::Renew(token) => {
                let outcome = match token.as_str() {
                    "bad" => Err(Failure::new(ErrorCode::TokenRefused, "no")),
                    _ => Ok(self.server.token_lasts),
                };
                return seat.core.handle_renewed(self.now, re, outcome);
            }
            UserRequest::Online(_) => {
                seat.is_watching = true;
                Ok(Reply::Online(Online {
                    users: Vec::new(),
                    total: 0,
                    more: false,
                }))
            }
            _ => Ok(Reply::Done {}),
        };
        self.tell_session(id, Word::Answer(re, result));
    }

    pub(super) fn end_session(&mut self, id: SessionId, why: Failure) {
        if let Some(seat) = self.server.sessions.get_mut(&id) {
            seat.why = Some(why.clone());
            seat.core.handle_end(why);
            self.drain_session(id);
        }
    }

    /// First the group, then the login: who logs in again finds himself gone from the group.
    fn over(&mut self, id: SessionId) {
        let seat = self.server.sessions.remove(&id).unwrap();
        if let Some(own) = seat.membership {
            self.tell_room((own.group, own.room), ToRoom::Gone(own.id));
        }
        if let Some(why) = seat.why {
            self.server.ended.push((id, why, self.now + RESUME_WINDOW));
        }
        self.server.online.remove(&seat.user);
        if let Some(link) = seat.link {
            self.let_go(link);
        }
    }

    pub(super) fn refuse(&mut self, id: SessionId, re: RequestId, failure: Failure) {
        if let Some(seat) = self.server.sessions.get_mut(&id) {
            let result = Err(failure);
            seat.core.handle_group(ToMember::Reply { re, result });
        }
    }
}

fn greeting_of(server: &mut Server, link: LinkId) -> &mut Session {
    &mut server.greetings.get_mut(&link).expect("it is at the door still").core
}

fn secret(id: SessionId) -> String {
    format!(
        "{:032x}",
        u128::from(id.0).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
    )
}
