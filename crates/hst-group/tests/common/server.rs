//! The shell of the server: whose session is where, and what each of them asks.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    time::{Duration, Instant},
};

use bytes::Bytes;
use hst_group::server::{Rules, Session, SessionOutput, ToMember, UserRequest};
use hst_id::{GroupId, UserId};
use hst_proto::{ErrorCode, EventBody, Failure, Online, RESUME_WINDOW, Reply, RequestId, ServerFrame, decode_server};
use rand::Rng;

use super::{
    Actor, World,
    agenda::{Act, Word},
    door::Greeting,
    network::LinkId,
    room::{Membership, Room, ToRoom},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u64);

pub struct Server {
    pub rules: Rules,
    /// How long every token is good.
    pub token_lasts: Option<Duration>,
    /// The only token that opens the door; without it all but `bad` do.
    pub accepts_only: Option<String>,
    /// Why nobody is let in at present, and how often that was said.
    pub refuses: Option<Failure>,
    pub refused: usize,
    /// While it is, nobody gets a connection.
    pub is_down: bool,
    pub online: HashMap<UserId, SessionId>,
    pub rooms: BTreeMap<GroupId, Room>,
    pub bans: HashMap<(GroupId, UserId), Instant>,
    pub(super) sessions: BTreeMap<SessionId, Seat>,
    pub(super) last_member: u64,
    pub(super) last_room: u64,
    pub(super) greetings: BTreeMap<LinkId, Greeting>,
    /// Sessions that were ended by the server, for who comes back to them.
    pub(super) ended: Vec<(SessionId, Failure, Instant)>,
    pub(super) last_session: u64,
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
    shown: String,
    /// Frames that have to wait until the session has its answer.
    unread: VecDeque<Bytes>,
}

impl Server {
    pub fn new(rules: Rules) -> Self {
        Self {
            rules,
            token_lasts: None,
            accepts_only: None,
            refuses: None,
            refused: 0,
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

    /// The text that others see beside this user.
    pub fn shown_by(&self, user: &str) -> &str {
        self.session_of(user).map_or("", |id| &self.sessions[&id].shown)
    }

    pub fn session_of(&self, user: &str) -> Option<SessionId> {
        self.online.get(&UserId::parse(user).unwrap()).copied()
    }
}

impl Seat {
    pub(super) fn new(
        core: Session,
        who: usize,
        user: UserId,
        link: LinkId,
        unread: VecDeque<Bytes>,
        now: Instant,
    ) -> Self {
        Self {
            core,
            who,
            user,
            membership: None,
            inbox: now,
            link: Some(link),
            is_watching: false,
            shown: String::new(),
            unread,
        }
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

    /// A frame has come over a link.
    pub(super) fn receive(&mut self, link: LinkId, frame: Bytes) {
        if !self.network.links.get(&link).is_some_and(|link| link.is_held) {
            return;
        }
        if self.server.greetings.contains_key(&link) {
            self.greet(link, frame);
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

    pub(super) fn attach(&mut self, id: SessionId, link: LinkId, re: RequestId, got: u64, unread: VecDeque<Bytes>) {
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
                SessionOutput::Prepare { .. } => panic!("nobody prepares here"),
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
            UserRequest::SetState(state) => {
                seat.shown = state;
                Ok(Reply::Done {})
            }
            _ => Ok(Reply::Done {}),
        };
        self.tell_session(id, Word::Answer(re, result));
    }

    pub(super) fn end_session(&mut self, id: SessionId, why: Failure) {
        if let Some(seat) = self.server.sessions.get_mut(&id) {
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
        if let Some(why) = seat.core.ended() {
            self.server.ended.push((id, why.clone(), self.now + RESUME_WINDOW));
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
