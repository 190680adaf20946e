use std::{
    collections::BTreeMap,
    ops::Bound::{Excluded, Unbounded},
    sync::Arc,
};

use hst_id::{TerminalType, UserId};
use hst_proto::{MAX_PAGE, Online, OnlinePage, OnlineUser, PresenceChange};

use super::places::{Shown, Terminals};

/// The most bytes of a page of several users.
const MAX_PAGE_SIZE: usize = 128 * 1024;

/// Who is online as far as it has been told.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// None without a terminal.
    users: BTreeMap<UserId, Terminals>,
}

/// A terminal is not any more what was told of it.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) user: UserId,
    online: bool,
    /// As it is now or was last.
    pub(super) shown: Arc<Shown>,
}

impl Told {
    /// Brings one terminal up to the present, if there is a difference.
    pub(super) fn update(&mut self, user: UserId, class: TerminalType, now: Option<&Arc<Shown>>) -> Option<Change> {
        let before = self.users.get(&user).and_then(|terminals| terminals.get(&class));
        if before.map(|shown| &shown.terminal) == now.map(|shown| &shown.terminal) {
            return None;
        }
        let terminals = self.users.entry(user.clone()).or_default();
        let shown = match now {
            Some(shown) => {
                terminals.insert(class, shown.clone());
                shown.clone()
            }
            None => terminals.remove(&class)?,
        };
        if terminals.is_empty() {
            self.users.remove(&user);
        }
        let online = now.is_some();
        Some(Change { user, online, shown })
    }

    /// A page for the user `own`, who is there as he is now: he is not told of his own changes, so he would miss those
    /// that are still to be told.
    pub(super) fn page(&self, own: &UserId, own_terminals: Terminals, asked: &OnlinePage) -> Online {
        let limit = usize::try_from(asked.limit).unwrap_or(MAX_PAGE).clamp(1, MAX_PAGE);
        let behind = match &asked.after {
            Some(after) => (Excluded(after), Unbounded),
            None => (Unbounded, Unbounded),
        };
        let others = self.users.range::<UserId, _>(behind).filter(|(user, _)| *user != own);
        // One more than wanted shows whether there are more.
        let mut users: Vec<(&UserId, &Terminals)> = others.take(limit + 1).collect();
        if !own_terminals.is_empty() && asked.after.as_ref().is_none_or(|after| after < own) {
            users.insert(users.partition_point(|(user, _)| *user < own), (own, &own_terminals));
        }

        let mut size = 0;
        let fits = |(_, terminals): &&(&UserId, &Terminals)| {
            size += terminals.values().map(|shown| shown.size).sum::<usize>();
            size <= MAX_PAGE_SIZE
        };
        let count = users.iter().take(limit).take_while(fits).count().max(1);
        let total =
            self.users.len() - usize::from(self.users.contains_key(own)) + usize::from(!own_terminals.is_empty());
        Online {
            users: users.iter().take(count).map(to_wire).collect(),
            total: u32::try_from(total).unwrap_or(u32::MAX),
            more: users.len() > count,
        }
    }
}

impl Change {
    pub(super) fn to_wire(&self) -> PresenceChange {
        PresenceChange {
            user: self.user.clone(),
            online: self.online,
            terminal: self.shown.terminal.clone(),
        }
    }
}

fn to_wire(&(user, terminals): &(&UserId, &Terminals)) -> OnlineUser {
    OnlineUser {
        user: user.clone(),
        terminals: terminals.values().map(|shown| shown.terminal.clone()).collect(),
    }
}
