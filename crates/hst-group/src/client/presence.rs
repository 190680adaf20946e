use std::{
    collections::{BTreeMap, btree_map::Entry},
    ops::Bound,
};

use hst_id::{TerminalType, UserId};
use hst_proto::{Online, OnlinePage, OnlineTerminal, PresenceChange};

/// Who is online, as far as this client was told: what it takes to tell the application exactly the difference after
/// something was missed.
#[derive(Debug, Default)]
pub(super) struct PresenceBook {
    terminals: BTreeMap<UserId, BTreeMap<TerminalType, OnlineTerminal>>,
}

impl PresenceBook {
    /// Takes a page for the users that it is about, and says what is different from what was known.
    pub(super) fn adopt(&mut self, asked: &OnlinePage, page: Online) -> Vec<PresenceChange> {
        let behind = asked.after.clone().map_or(Bound::Unbounded, Bound::Excluded);
        let last = page.users.last().filter(|_| page.more).map(|last| last.user.clone());
        let mut gone: BTreeMap<UserId, _> = self
            .terminals
            .range((behind, Bound::Unbounded))
            .take_while(|&(user, _)| last.as_ref().is_none_or(|last| user <= last))
            .map(|(user, terminals)| (user.clone(), terminals.clone()))
            .collect();
        let mut changes = Vec::new();
        for user in page.users {
            for terminal in user.terminals {
                if let Some(known) = gone.get_mut(&user.user) {
                    known.remove(&terminal.terminal);
                }
                changes.extend(self.set(user.user.clone(), terminal));
            }
        }
        for (user, terminals) in gone {
            let ended = terminals
                .into_values()
                .filter_map(|terminal| self.remove(user.clone(), terminal));
            changes.extend(ended);
        }
        changes
    }

    /// Takes a change, and says whether it is one.
    pub(super) fn change(&mut self, change: PresenceChange) -> Option<PresenceChange> {
        match change.online {
            true => self.set(change.user, change.terminal),
            false => self.remove(change.user, change.terminal),
        }
    }

    fn set(&mut self, user: UserId, terminal: OnlineTerminal) -> Option<PresenceChange> {
        let terminals = self.terminals.entry(user.clone()).or_default();
        match terminals.entry(terminal.terminal.clone()) {
            Entry::Occupied(known) if *known.get() == terminal => return None,
            Entry::Occupied(mut known) => drop(known.insert(terminal.clone())),
            Entry::Vacant(free) => drop(free.insert(terminal.clone())),
        }
        Some(PresenceChange {
            user,
            online: true,
            terminal,
        })
    }

    fn remove(&mut self, user: UserId, terminal: OnlineTerminal) -> Option<PresenceChange> {
        let terminals = self.terminals.get_mut(&user)?;
        let known = terminals.remove(&terminal.terminal);
        if terminals.is_empty() {
            self.terminals.remove(&user);
        }
        known.map(|_| PresenceChange {
            user,
            online: false,
            terminal,
        })
    }
}

#[cfg(test)]
mod tests {
    use hst_proto::OnlineUser;

    use super::*;

    fn terminal(state: &str) -> OnlineTerminal {
        OnlineTerminal {
            terminal: TerminalType::default(),
            state: state.to_owned(),
            extend_info: String::new(),
        }
    }

    fn page(users: &[&str], more: bool) -> Online {
        let users = users.iter().map(|name| OnlineUser {
            user: UserId::parse(name).unwrap(),
            terminals: vec![terminal("")],
        });
        Online {
            users: users.collect(),
            total: 0,
            more,
        }
    }

    fn asked(after: Option<&str>) -> OnlinePage {
        OnlinePage {
            after: after.map(|name| UserId::parse(name).unwrap()),
            limit: 2,
        }
    }

    fn told(changes: Vec<PresenceChange>) -> Vec<(String, bool)> {
        let told = changes.into_iter().map(|c| (c.user.as_str().to_owned(), c.online));
        told.collect()
    }

    #[test]
    fn pages_tell_what_is_different_in_their_part_alone() {
        let mut book = PresenceBook::default();
        assert_eq!(told(book.adopt(&asked(None), page(&["a", "c"], true))).len(), 2);
        assert_eq!(told(book.adopt(&asked(Some("c")), page(&["e"], false))).len(), 1);

        let again = told(book.adopt(&asked(None), page(&["a", "b"], true)));
        assert_eq!(again, [("b".to_owned(), true)], "c is behind this page");
        let rest = told(book.adopt(&asked(Some("b")), page(&["d"], false)));
        let expected = [("d", true), ("c", false), ("e", false)].map(|(name, is)| (name.to_owned(), is));
        assert_eq!(rest, expected);
    }

    #[test]
    fn a_page_that_ends_before_it_begins_says_only_who_is_in_it() {
        let mut book = PresenceBook::default();
        book.adopt(&asked(None), page(&["a", "c"], false));
        let told = told(book.adopt(&asked(Some("m")), page(&["b"], true)));
        assert_eq!(told, [("b".to_owned(), true)]);
    }

    #[test]
    fn what_is_known_is_not_told_again() {
        let mut book = PresenceBook::default();
        let change = |state: &str, online| PresenceChange {
            user: UserId::parse("a").unwrap(),
            online,
            terminal: terminal(state),
        };
        assert!(book.change(change("", true)).is_some());
        assert!(book.change(change("", true)).is_none());
        assert!(book.change(change("busy", true)).is_some());
        assert!(book.change(change("", false)).is_some());
        assert!(book.change(change("", false)).is_none());
    }
}
