//! What happens when, in virtual time.

use std::{
    cmp::Ordering,
    collections::{BinaryHeap, HashMap},
    time::Instant,
};

use bytes::Bytes;
use hst_group::server::{MemberId, ToMember};
use hst_id::GroupId;
use hst_proto::{EventBody, Failure, Reply, RequestId};

use super::{
    network::{Cut, End, LinkId},
    room::ToRoom,
    server::SessionId,
};

/// Something that happens at a moment.
pub enum Act {
    /// A frame arrives at this end of a link.
    Frame(LinkId, End, Bytes),
    /// The other end's good-bye arrives at this end.
    Bye(LinkId, End),
    /// This end of a link notices that the link is broken.
    Broken(LinkId, End),
    /// A slow reader takes a frame.
    Read(LinkId),
    Cut(LinkId, Cut),
    ToRoom(GroupId, u64, ToRoom),
    ToSession(SessionId, Word),
    Timer(Actor),
    /// The server is there again.
    ServerUp,
}

/// What comes to a session from inside the server.
pub enum Word {
    Group(MemberId, ToMember),
    Answer(RequestId, Result<Reply, Failure>),
    Event(EventBody),
}

/// Whoever has a timer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Actor {
    Client(usize),
    Greeting(LinkId),
    Session(SessionId),
    Room(GroupId),
}

#[derive(Default)]
pub struct Agenda {
    due: BinaryHeap<Due>,
    last: u64,
    armed: HashMap<Actor, Instant>,
}

struct Due {
    at: Instant,
    number: u64,
    act: Act,
}

impl Agenda {
    pub fn add(&mut self, at: Instant, act: Act) {
        self.last += 1;
        let number = self.last;
        self.due.push(Due { at, number, act });
    }

    /// The next act up to `end`; of those at one moment the one that was added first.
    pub fn next(&mut self, end: Instant) -> Option<(Instant, Act)> {
        if self.due.peek()?.at > end {
            return None;
        }
        self.due.pop().map(|Due { at, act, .. }| (at, act))
    }

    /// Wakes an actor at `due`. A later moment than before waits until that one has come, because most are put off again.
    pub fn arm(&mut self, actor: Actor, due: Option<Instant>) {
        let Some(due) = due else { return };
        if self.armed.get(&actor).is_none_or(|&before| due < before) {
            self.armed.insert(actor.clone(), due);
            self.add(due, Act::Timer(actor));
        }
    }

    /// Whether this timer is the actor's own, and not one from before it was armed anew.
    pub fn fires(&mut self, actor: &Actor, at: Instant) -> bool {
        let is_own = self.armed.get(actor) == Some(&at);
        if is_own {
            self.armed.remove(actor);
        }
        is_own
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.number).cmp(&(self.at, self.number))
    }
}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Due {}
