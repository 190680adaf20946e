//! The shell of the groups: their queues, their members' sessions, and the media plane behind them.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use hst_group::server::{
    Governance, Group, GroupOutput, GroupRequest, MediaCommand, MemberId, Permissions, Recipients, ToMember,
};
use hst_id::{GroupId, UserId};
use hst_proto::{Class, ErrorCode, Failure, Reply, RequestId, ToGroup};
use rand::Rng;

use super::{
    Actor, World,
    agenda::{Act, Word},
    server::SessionId,
};

/// A group at work.
pub struct Room {
    pub core: Group,
    /// Its incarnation: a number is used once.
    pub number: u64,
    sessions: BTreeMap<MemberId, SessionId>,
    /// When the last message that is on its way comes, and how many are.
    inbox: Instant,
    under_way: usize,
}

/// What comes to a group.
pub enum ToRoom {
    Join(MemberId, SessionId, RequestId, UserId, Permissions),
    Request(MemberId, RequestId, GroupRequest),
    Gone(MemberId),
    Missed(MemberId),
    Answer(MemberId, RequestId),
    Govern(Governance),
}

/// A session's place in a group, from its wish to join until it has left.
pub struct Membership {
    pub id: MemberId,
    pub group: GroupId,
    pub room: u64,
    joining: Option<RequestId>,
    leaving: Option<RequestId>,
}

impl Membership {
    pub fn note(&mut self, re: RequestId, request: &GroupRequest) {
        if *request == GroupRequest::Leave {
            self.leaving = Some(re);
        }
    }

    /// Takes note of a word, and says whether the session is not in the group after it.
    pub fn ends_with(&mut self, word: &ToMember) -> bool {
        match word {
            ToMember::Removed(_) => true,
            ToMember::Reply { re, result } => match self.joining.take_if(|joining| joining == re) {
                Some(_) => result.is_err(),
                None => self.leaving == Some(*re),
            },
            ToMember::Event(_) | ToMember::Lossy(_) => false,
        }
    }
}

impl World {
    pub(super) fn join(&mut self, id: SessionId, group: GroupId, re: RequestId) {
        let user = self.server.sessions[&id].user.clone();
        let banned = self.server.bans.get(&(group.clone(), user.clone()));
        if banned.is_some_and(|until| *until > self.now) {
            return self.refuse(id, re, Failure::new(ErrorCode::Banned, "banned"));
        }
        self.server.last_member += 1;
        let member = MemberId(self.server.last_member);
        let number = match self.server.rooms.get(&group) {
            Some(room) => room.number,
            None => {
                self.server.last_room += 1;
                let room = Room {
                    core: Group::new(group.clone(), self.server.rules),
                    number: self.server.last_room,
                    sessions: BTreeMap::new(),
                    inbox: self.now,
                    under_way: 0,
                };
                self.server.rooms.insert(group.clone(), room);
                self.server.last_room
            }
        };
        self.server.sessions.get_mut(&id).unwrap().membership = Some(Membership {
            id: member,
            group: group.clone(),
            room: number,
            joining: Some(re),
            leaving: None,
        });
        let permissions = Self::permissions(&user);
        self.tell_room((group, number), ToRoom::Join(member, id, re, user, permissions));
    }

    /// Somebody from outside acts on a group.
    pub fn govern(&mut self, group: &str, act: Governance) {
        let group = Self::group(group);
        if let Some(room) = self.server.rooms.get(&group) {
            let number = room.number;
            self.tell_room((group, number), ToRoom::Govern(act));
        }
    }

    /// Puts something into a group's queue.
    pub(super) fn tell_room(&mut self, (group, number): (GroupId, u64), what: ToRoom) {
        let hop = self.hop();
        if let Some(room) = self.server.rooms.get_mut(&group).filter(|room| room.number == number) {
            room.inbox = room.inbox.max(self.now + hop);
            room.under_way += 1;
            let at = room.inbox;
            self.agenda.add(at, Act::ToRoom(group, number, what));
        }
    }

    /// Something comes out of a group's queue.
    pub(super) fn enter_room(&mut self, group: &GroupId, number: u64, what: ToRoom) {
        let now = self.now;
        let Some(room) = self.server.rooms.get_mut(group).filter(|room| room.number == number) else {
            return;
        };
        room.under_way -= 1;
        let mut message = None;
        match what {
            ToRoom::Join(member, session, re, user, permissions) => {
                room.sessions.insert(member, session);
                room.core.handle_join(now, member, re, user, permissions);
            }
            ToRoom::Request(member, re, request) => {
                if let GroupRequest::Message(text) = &request {
                    message = Some((member, re, text.clone()));
                }
                room.core.handle_request(now, member, re, request);
            }
            ToRoom::Gone(member) => room.core.handle_gone(now, member),
            ToRoom::Missed(member) => room.core.handle_missed(member),
            ToRoom::Answer(member, re) => room.core.handle_answer(member, re, Ok("v=0 answer".into())),
            ToRoom::Govern(act) => drop(room.core.handle_governance(now, act)),
        }
        self.drain_room(group, message);
    }

    pub(super) fn fire_room(&mut self, group: &GroupId) {
        if let Some(room) = self.server.rooms.get_mut(group) {
            room.core.handle_timeout(self.now);
            self.drain_room(group, None);
        }
    }

    fn drain_room(&mut self, group: &GroupId, message: Option<(MemberId, RequestId, ToGroup)>) {
        while let Some(room) = self.server.rooms.get_mut(group) {
            let Some(output) = room.core.poll_output() else { break };
            let number = room.number;
            match output {
                GroupOutput::To { member, what } => {
                    if let Some(&session) = room.sessions.get(&member) {
                        self.note(number, member, session, &what, message.as_ref());
                        self.tell_member(group, member, what);
                    }
                }
                GroupOutput::Tell { to, body, class, .. } => {
                    let members: Vec<_> = match to {
                        Recipients::All => room.sessions.keys().copied().collect(),
                        Recipients::AllBut(one) => room.sessions.keys().copied().filter(|m| *m != one).collect(),
                        Recipients::Only(members) => members,
                    };
                    for member in members {
                        let what = match class {
                            Class::Reliable => ToMember::Event(body.clone()),
                            Class::Lossy => ToMember::Lossy(body.clone()),
                        };
                        self.tell_member(group, member, what);
                    }
                }
                GroupOutput::Media(MediaCommand::Offer { member, re, .. }) => {
                    let at = self.now + Duration::from_millis(self.dice.random_range(0..50));
                    room.under_way += 1;
                    self.agenda
                        .add(at, Act::ToRoom(group.clone(), number, ToRoom::Answer(member, re)));
                }
                GroupOutput::Departed(member) => {
                    room.sessions.remove(&member);
                    self.ledger.departed(member);
                }
                GroupOutput::Ban { user, time } => {
                    self.server.bans.insert((group.clone(), user), self.now + time);
                }
                GroupOutput::Media(_) | GroupOutput::Keep(_) | GroupOutput::Happened(_) => {}
            }
        }
        let Some(room) = self.server.rooms.get(group) else {
            return;
        };
        let number = room.number;
        let is_wanted = || {
            let mut seats = self.server.sessions.values();
            seats.any(|seat| seat.membership.as_ref().is_some_and(|own| own.room == number))
        };
        if room.core.is_empty() && room.under_way == 0 && !is_wanted() {
            self.server.rooms.remove(group);
        } else {
            let due = room.core.poll_timeout();
            self.agenda.arm(Actor::Room(group.clone()), due);
        }
    }

    fn tell_member(&mut self, group: &GroupId, member: MemberId, what: ToMember) {
        let Some(room) = self.server.rooms.get_mut(group) else {
            return;
        };
        let Some(&session) = room.sessions.get(&member) else {
            return;
        };
        if self.server.sessions.contains_key(&session) {
            self.tell_session(session, Word::Group(member, what));
        } else {
            room.sessions.remove(&member);
            room.core.handle_gone(self.now, member);
        }
    }

    /// What the ledger has to know of a group's words.
    fn note(
        &mut self,
        room: u64,
        member: MemberId,
        session: SessionId,
        what: &ToMember,
        message: Option<&(MemberId, RequestId, ToGroup)>,
    ) {
        let ToMember::Reply { re, result: Ok(reply) } = what else {
            return;
        };
        match (reply, message) {
            (Reply::Joined(_), _) => {
                // A session that has ended meanwhile is gone from the group in a moment.
                if let Some(seat) = self.server.sessions.get(&session) {
                    let (user, who) = (seat.user.clone(), seat.who);
                    self.ledger.joined(room, member, user, who, session);
                }
            }
            (Reply::Sent { seq }, Some((from, asked, text))) if (from, asked) == (&member, re) => {
                self.ledger.sequenced(room, member, text, *seq);
            }
            _ => {}
        }
    }
}
