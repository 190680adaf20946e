use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
    time::Instant,
};

use hst_id::{AppId, UserId};

/// The open invites, to be found by each who has to do with them.
#[derive(Debug, Default)]
pub(super) struct Book {
    /// By their numbers towards the invited, and so in the order in which they time out.
    open: BTreeMap<u64, Open>,
    /// Of each inviter's session and his number there, the invites.
    by_inviter: BTreeSet<(u64, u64, u64)>,
    /// Of each user at whom they ring, the invites.
    by_invited: BTreeSet<(AppId, UserId, u64)>,
}

/// One invite that rings somewhere.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) app: AppId,
    pub(super) inviter: Origin,
    pub(super) ends: Instant,
    /// Who has been invited and has not answered; never none.
    pub(super) ringing: BTreeSet<UserId>,
}

/// Where an invite comes from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin {
    pub(super) session: u64,
    /// The inviter's number for it.
    pub(super) number: u64,
}

impl Book {
    pub(super) fn insert(&mut self, id: u64, open: Open) {
        let to = |user: &UserId| (open.app.clone(), user.clone(), id);
        self.by_invited.extend(open.ringing.iter().map(to));
        self.by_inviter.insert((open.inviter.session, open.inviter.number, id));
        self.open.insert(id, open);
    }

    /// Ends the invitation of one user, if it rings.
    pub(super) fn stop(&mut self, id: u64, app: &AppId, user: &UserId) -> Option<Origin> {
        if !self.by_invited.remove(&(app.clone(), user.clone(), id)) {
            return None;
        }
        let open = self.open.get_mut(&id).expect("an invite that rings is open");
        let inviter = open.inviter;
        open.ringing.remove(user);
        if open.ringing.is_empty() {
            self.open.remove(&id);
            self.by_inviter.remove(&(inviter.session, inviter.number, id));
        }
        Some(inviter)
    }

    /// The invites of a session, of those numbers of its own.
    pub(super) fn of_inviter(&self, session: u64, numbers: RangeInclusive<u64>) -> Vec<u64> {
        let (first, last) = numbers.into_inner();
        let invites = self.by_inviter.range((session, first, 0)..=(session, last, u64::MAX));
        invites.map(|(_, _, id)| *id).collect()
    }

    /// The invites that ring at a user.
    pub(super) fn of_invited(&self, app: &AppId, user: &UserId) -> Vec<u64> {
        let to_him = |id| (app.clone(), user.clone(), id);
        let invites = self.by_invited.range(to_him(0)..=to_him(u64::MAX));
        invites.map(|(_, _, id)| *id).collect()
    }

    pub(super) fn open(&self, id: u64) -> Option<&Open> {
        self.open.get(&id)
    }

    /// The one that times out first.
    pub(super) fn first(&self) -> Option<(u64, &Open)> {
        self.open.first_key_value().map(|(&id, open)| (id, open))
    }
}
