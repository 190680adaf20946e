use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
    time::{Duration, Instant},
};

use hst_id::UserId;
use hst_proto::{Event, Failure, MAX_PAGE, Members, Reply, Roster as RosterReply, RosterPage};

use super::Group;
use crate::server::{MemberId, Recipients};

/// In a group of more members than this, joining and leaving is told in batches.
const LARGE: usize = 256;
/// How often, then.
const BATCH_EVERY: Duration = Duration::from_secs(1);
/// The most users that one batch names as come, and as gone.
const BATCH_NAMES: usize = 64;
/// The most members that a snapshot names.
const SNAPSHOT_NAMES: usize = 200;

/// Who is in the group by name, and what of it the members have not been told.
#[derive(Debug, Default)]
pub(super) struct Roster {
    users: BTreeMap<UserId, MemberId>,
    joined: BTreeSet<UserId>,
    left: BTreeSet<UserId>,
    due: Option<Instant>,
}

impl Roster {
    pub(super) fn contains(&self, user: &UserId) -> bool {
        self.users.contains_key(user)
    }

    pub(super) fn member(&self, user: &UserId) -> Option<MemberId> {
        self.users.get(user).copied()
    }

    pub(super) fn users(&self) -> impl Iterator<Item = &UserId> {
        self.users.keys()
    }

    /// Somebody is in it again, of which nobody is told here.
    pub(super) fn seat(&mut self, id: MemberId, user: &UserId) {
        self.users.insert(user.clone(), id);
    }

    /// When the members are to be told of changes.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// The first members but `own`, and how many there are.
    pub(super) fn first_page(&self, own: Option<&UserId>) -> (Vec<UserId>, u32) {
        let others = self.users().filter(|&user| Some(user) != own);
        (others.take(SNAPSHOT_NAMES).cloned().collect(), self.others(own))
    }

    fn others(&self, own: Option<&UserId>) -> u32 {
        let own = own.is_some_and(|own| self.contains(own));
        (self.users.len() - usize::from(own)).try_into().unwrap_or(u32::MAX)
    }

    /// Takes note of a change to be told in the next batch. The last one of each user counts, and is told even when it
    /// undoes another: who joined between the two has seen what is undone.
    fn note(&mut self, now: Instant, user: &UserId, is_here: bool) {
        let (done, undone) = match is_here {
            true => (&mut self.joined, &mut self.left),
            false => (&mut self.left, &mut self.joined),
        };
        undone.remove(user);
        done.insert(user.clone());
        self.due.get_or_insert(now + BATCH_EVERY);
    }

    fn take_batch(&mut self) -> Option<Members> {
        self.due = None;
        let (joined, left) = (std::mem::take(&mut self.joined), std::mem::take(&mut self.left));
        let complete = joined.len().max(left.len()) <= BATCH_NAMES;
        if joined.is_empty() && left.is_empty() {
            return None;
        }
        Some(Members {
            joined: joined.into_iter().take(BATCH_NAMES).collect(),
            left: left.into_iter().take(BATCH_NAMES).collect(),
            total: self.others(None),
            complete,
        })
    }
}

impl Group {
    /// Before the member is among the others.
    pub(super) fn member_joined(&mut self, now: Instant, id: MemberId, user: &UserId) {
        self.roster.users.insert(user.clone(), id);
        self.membership_changed(now, id, user, true);
    }

    /// When the member is no more among the others.
    pub(super) fn member_left(&mut self, now: Instant, id: MemberId, user: &UserId) {
        // What was held back comes first, and counts as it was then.
        if self.roster.users.len() <= LARGE + 1 {
            self.tell_changes();
        }
        self.roster.users.remove(user);
        self.membership_changed(now, id, user, false);
    }

    fn membership_changed(&mut self, now: Instant, id: MemberId, user: &UserId, is_here: bool) {
        if self.roster.users.len() > LARGE {
            return self.roster.note(now, user, is_here);
        }
        let user = user.clone();
        let event = match is_here {
            true => Event::MemberJoined { user },
            false => Event::MemberLeft { user },
        };
        if !self.members.is_empty() {
            self.tell(Recipients::AllBut(id), &event);
        }
    }

    /// Tells everybody what was held back.
    pub(super) fn tell_changes(&mut self) {
        if let Some(batch) = self.roster.take_batch() {
            self.tell(Recipients::All, &Event::Members(batch));
        }
    }

    pub(super) fn page(&self, id: MemberId, page: &RosterPage) -> Result<Reply, Failure> {
        let own = &self.member(id)?.user;
        let behind = match &page.after {
            Some(after) => Bound::Excluded(after),
            None => Bound::Unbounded,
        };
        let limit = (page.limit as usize).clamp(1, MAX_PAGE);
        let mut others = self
            .roster
            .users
            .range::<UserId, _>((behind, Bound::Unbounded))
            .map(|(user, _)| user)
            .filter(|&user| user != own);
        let members = others.by_ref().take(limit).cloned().collect();
        Ok(Reply::Roster(RosterReply {
            members,
            total: self.roster.others(Some(own)),
            more: others.next().is_some(),
        }))
    }
}
