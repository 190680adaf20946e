use std::collections::BTreeMap;

use bytes::Bytes;
use hst_cascade::Joined;
use hst_cluster::{
    Owner,
    pipe::{News, Pipe},
};
use hst_group::server::{Filling, Group, Keep, MemberId, Recipients};
use hst_proto::{Class, EventBody};
use tokio::sync::mpsc;

use super::{
    GOING, Message,
    copying::Copying,
    words::{Strange, ToBranch, ToHome, encode},
};
use crate::life::Life;

/// Words that wait for a branch beside those that are on their way to it. Nobody waits for a branch: when it is full, the
/// branch is ended like a slow reader, and comes again.
const WORDS: usize = 4096;
/// How many of its lower bits a member's number has for the number that his own node gave him.
const LOCAL_BITS: u32 = 40;

/// Which branch, counted from 1 in the life of a site; 0 stands for the home's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct BranchId(u64);

/// The branches of a group on other nodes, seen from its home.
#[derive(Debug)]
pub(crate) struct Branches {
    life: Life,
    ports: BTreeMap<BranchId, Port>,
}

/// The way to one branch.
#[derive(Debug)]
struct Port {
    at: Owner,
    /// Joins the home's room to the one there.
    joined: Option<Joined>,
    /// Whether all have been named who come back by it.
    has_returned: bool,
    words: mpsc::Sender<Bytes>,
    /// How many words went there, and how many of them have come.
    said: u64,
    heard: u64,
    /// Its copy of what the group keeps, if it has one.
    copy: Option<Copying>,
}

/// What several members are told.
pub(crate) struct Told<'a> {
    pub(crate) body: &'a EventBody,
    pub(crate) class: Class,
    /// The number of the last message by then.
    pub(crate) last_message: u64,
    /// Whether it changes what the group keeps.
    pub(crate) is_kept: bool,
}

/// Where each branch stands: those that have something to hear before something else may be said.
pub(crate) type Unheard = Vec<(BranchId, u64)>;

impl BranchId {
    pub(crate) const HOME: Self = Self(0);

    pub(crate) fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// By which way somebody came, and what his node calls him.
    pub(crate) fn of(member: MemberId) -> (Self, MemberId) {
        let local = member.0 & ((1 << LOCAL_BITS) - 1);
        (Self(member.0 >> LOCAL_BITS), MemberId(local))
    }

    /// What the home calls somebody.
    pub(crate) fn member(self, local: MemberId) -> MemberId {
        MemberId(self.0 << LOCAL_BITS | Self::of(local).1.0)
    }
}

impl Branches {
    pub(crate) fn new(life: Life) -> Self {
        Self {
            life,
            ports: BTreeMap::new(),
        }
    }

    /// A branch has introduced itself, which has named all who come back by it, or will say when it has. Its copy of what the
    /// group keeps is to be filled so, if it has one.
    pub(crate) fn enter(
        &mut self,
        id: BranchId,
        (at, joined): (Owner, Option<Joined>),
        has_returned: bool,
        filling: Option<Filling>,
        pipe: Pipe,
        home: mpsc::Sender<Message>,
    ) {
        let (words, said) = mpsc::channel(WORDS);
        let port = Port {
            at,
            joined,
            has_returned,
            words,
            said: 0,
            heard: 0,
            copy: filling.map(Copying::new),
        };
        self.ports.insert(id, port);
        self.life.spawn(serve(id, pipe, said, home));
    }

    /// A branch has named all who come back by it.
    pub(crate) fn returned(&mut self, id: BranchId) {
        if let Some(port) = self.ports.get_mut(&id) {
            port.has_returned = true;
        }
    }

    /// Whether all that there are have named all who come back by them.
    pub(crate) fn have_returned(&self) -> bool {
        self.ports.values().all(|port| port.has_returned)
    }

    /// A branch is gone.
    pub(crate) fn leave(&mut self, id: BranchId) {
        self.ports.remove(&id);
    }

    /// The group goes on elsewhere, and the branch has gone there, or all have: media follow.
    pub(crate) fn go(&mut self, branch: Option<BranchId>) {
        let gone = self
            .ports
            .extract_if(.., |id, _| branch.is_none_or(|branch| branch == *id));
        for joined in gone.filter_map(|(_, port)| port.joined) {
            joined.go(GOING);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ports.is_empty()
    }

    /// All that there are.
    pub(crate) fn all(&self) -> impl Iterator<Item = BranchId> {
        self.ports.keys().copied()
    }

    /// The branches that a process has.
    pub(crate) fn of(&self, process: &Owner) -> Vec<BranchId> {
        let own = self.ports.iter().filter(|(_, port)| port.at.boot == process.boot);
        own.map(|(&id, _)| id).collect()
    }

    /// By which node somebody came, if it was another.
    pub(crate) fn node_of(&self, id: BranchId) -> Option<&Owner> {
        self.ports.get(&id).map(|port| &port.at)
    }

    /// Tells one branch something, and says whether it takes nothing any more.
    #[must_use]
    pub(crate) fn tell(&mut self, id: BranchId, word: &ToBranch) -> Option<BranchId> {
        let port = self.ports.get_mut(&id)?;
        (!port.tell(encode(word))).then_some(id)
    }

    /// Tells all of them something, and says which take nothing any more.
    #[must_use]
    pub(crate) fn tell_each(&mut self, word: &ToBranch) -> Vec<BranchId> {
        if self.is_empty() {
            return Vec::new();
        }
        let word = encode(word);
        let told = self.ports.iter_mut().map(|(&id, port)| (id, port.tell(word.clone())));
        told.filter(|(_, takes)| !takes).map(|(id, _)| id).collect()
    }

    /// Tells several members something, once a branch, and says which take nothing any more.
    #[must_use]
    pub(crate) fn tell_all(&mut self, to: &Recipients, what: &Told) -> Vec<BranchId> {
        let mut stuck = Vec::new();
        for (&id, port) in &mut self.ports {
            let is_kept = what.is_kept && port.copy.is_some();
            // A copy follows also where nobody is told.
            let nobody = is_kept.then(|| Recipients::Only(Vec::new()));
            let Some(to) = id.own(to).or(nobody) else { continue };
            let word = ToBranch::Tell {
                to,
                body: what.body.clone(),
                class: what.class,
                last_message: what.last_message,
                is_kept,
            };
            if !port.tell(encode(&word)) {
                stuck.push(id);
            }
        }
        stuck
    }

    /// Has all copies of what the group keeps do this, and says which branches take nothing any more.
    #[must_use]
    pub(crate) fn keep(&mut self, said: Keep) -> Vec<BranchId> {
        let mut keepers = self.ports.iter_mut().filter(|(_, port)| port.copy.is_some()).peekable();
        if keepers.peek().is_none() {
            return Vec::new();
        }
        let word = encode(&ToBranch::Keep(said));
        let told = keepers.map(|(&id, port)| (id, port.tell(word.clone())));
        told.filter(|(_, takes)| !takes).map(|(id, _)| id).collect()
    }

    /// Sends a branch what its copy of what the group keeps may have by now, and says whether it takes nothing any more.
    #[must_use]
    pub(crate) fn fill(&mut self, id: BranchId, original: &Group) -> Option<BranchId> {
        let port = self.ports.get_mut(&id)?;
        while let Some(piece) = port.copy.as_mut().and_then(|copy| copy.next(original, port.heard)) {
            if !port.tell(encode(&ToBranch::Keep(piece))) {
                return Some(id);
            }
            if let Some(copy) = &mut port.copy {
                copy.sent(port.said);
            }
        }
        None
    }

    /// Whether the copies that branches have of what the group keeps are whole.
    pub(crate) fn are_filled(&self) -> bool {
        let copies = self
            .ports
            .values()
            .filter_map(|port| Some((port.copy.as_ref()?, port.heard)));
        copies.into_iter().all(|(copy, heard)| copy.is_whole(heard))
    }

    /// Whether all branches have a whole copy of it.
    pub(crate) fn have_copies(&self) -> bool {
        self.ports.values().all(|port| port.copy.is_some()) && self.are_filled()
    }

    /// So much of what was said has come to a branch.
    pub(crate) fn heard(&mut self, id: BranchId, count: u64) {
        if let Some(port) = self.ports.get_mut(&id) {
            port.heard = count;
        }
    }

    /// What was said by now and has not come yet.
    pub(crate) fn unheard(&self) -> Unheard {
        let behind = self.ports.iter().filter(|(_, port)| port.heard < port.said);
        behind.map(|(&id, port)| (id, port.said)).collect()
    }

    /// Whether all of this has come by now, as far as there is anybody still to whom it could come.
    pub(crate) fn have_heard(&self, unheard: &Unheard) -> bool {
        let has_heard = |&(id, count): &(BranchId, u64)| self.ports.get(&id).is_none_or(|port| port.heard >= count);
        unheard.iter().all(has_heard)
    }
}

impl BranchId {
    /// Those of the recipients that came by this branch, by its own names; `None` if there are none.
    fn own(self, to: &Recipients) -> Option<Recipients> {
        let own = |&member: &MemberId| {
            let (branch, local) = Self::of(member);
            (branch == self).then_some(local)
        };
        match to {
            Recipients::All => Some(Recipients::All),
            Recipients::AllBut(one) => Some(own(one).map_or(Recipients::All, Recipients::AllBut)),
            Recipients::Only(members) => {
                let members: Vec<_> = members.iter().filter_map(own).collect();
                (!members.is_empty()).then_some(Recipients::Only(members))
            }
        }
    }
}

impl Port {
    /// Whether the branch takes it.
    fn tell(&mut self, word: Bytes) -> bool {
        self.said += 1;
        self.words.try_send(word).is_ok()
    }
}

/// Carries words between a home and one branch, until either is gone.
async fn serve(id: BranchId, mut pipe: Pipe, mut words: mpsc::Receiver<Bytes>, home: mpsc::Sender<Message>) {
    loop {
        tokio::select! {
            word = words.recv(), if pipe.has_room() => match word {
                Some(word) => _ = pipe.push(word),
                // The home has given it up.
                None => break,
            },
            news = pipe.next() => {
                let message = match news {
                    News::Message(bytes) => match ToHome::read(&bytes) {
                        Ok(word) => Message::Said(id, word),
                        Err(Strange { error, asked }) => {
                            tracing::warn!(%error, "a branch of a group said what is not understood");
                            match asked {
                                Some((member, re)) => Message::Strange(id, member, re),
                                None => continue,
                            }
                        }
                    },
                    News::Delivered(count) => Message::Heard(id, count),
                    News::Ended => break,
                };
                if home.send(message).await.is_err() {
                    break;
                }
            }
        }
    }
    pipe.close().await;
    let _ = home.send(Message::BranchGone(id)).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_found_again_by_the_way_he_came() {
        let (one, other) = (BranchId(1), BranchId(2));
        let members = [BranchId::HOME, one, other].map(|branch| branch.member(MemberId(7)));
        assert_eq!(members[0], MemberId(7));
        assert_eq!(members.map(|member| BranchId::of(member).1), [MemberId(7); 3]);
        // A number that is none of a node's own leads to nobody else.
        assert_eq!(BranchId::of(one.member(members[2])).0, one);
    }

    #[test]
    fn each_branch_is_told_of_its_own_members_alone() {
        let (one, other) = (BranchId(1), BranchId(2));
        let [ann, bob] = [one, other].map(|branch| branch.member(MemberId(3)));
        assert_eq!(one.own(&Recipients::AllBut(ann)), Some(Recipients::AllBut(MemberId(3))));
        assert_eq!(one.own(&Recipients::AllBut(bob)), Some(Recipients::All));
        let only = Recipients::Only(vec![bob, MemberId(3)]);
        assert_eq!(one.own(&only), None);
        assert_eq!(other.own(&only), Some(Recipients::Only(vec![MemberId(3)])));
    }
}
