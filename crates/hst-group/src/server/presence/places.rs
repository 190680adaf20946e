use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use hst_id::{TerminalType, UserId};
use hst_proto::{Event, OnlineTerminal, PresenceChange, encode_event};

/// The most classes of terminal by which one user is shown; further ones are passed over. So a page of a single user
/// fits into a frame, whatever his texts are.
const MAX_TERMINALS: usize = 16;

/// The terminals of one user.
pub(super) type Terminals = BTreeMap<TerminalType, Arc<Shown>>;

/// A terminal as others see it.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) terminal: OnlineTerminal,
    /// The most bytes that it takes in a frame.
    pub(super) size: usize,
}

/// Where each user is online at this moment.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// Of each terminal its places, never none, the one whose texts were set last behind the others.
    users: HashMap<UserId, BTreeMap<TerminalType, Vec<Place>>>,
}

#[derive(Debug)]
struct Place {
    id: u64,
    shown: Arc<Shown>,
}

impl Places {
    pub(super) fn put(&mut self, user: UserId, id: u64, terminal: OnlineTerminal) {
        let terminals = self.users.entry(user.clone()).or_default();
        if terminals.len() == MAX_TERMINALS && !terminals.contains_key(&terminal.terminal) {
            return;
        }
        let places = terminals.entry(terminal.terminal.clone()).or_default();
        match places.iter().position(|place| place.id == id) {
            Some(at) if places[at].shown.terminal == terminal => return,
            Some(at) => drop(places.remove(at)),
            None => {}
        }
        let shown = Arc::new(Shown::new(user, terminal));
        places.push(Place { id, shown });
    }

    pub(super) fn remove(&mut self, user: &UserId, id: u64, terminal: &TerminalType) {
        let Some(terminals) = self.users.get_mut(user) else {
            return;
        };
        let Some(places) = terminals.get_mut(terminal) else {
            return;
        };
        places.retain(|place| place.id != id);
        if places.is_empty() {
            terminals.remove(terminal);
        }
        if terminals.is_empty() {
            self.users.remove(user);
        }
    }

    pub(super) fn shown(&self, user: &UserId, terminal: &TerminalType) -> Option<&Arc<Shown>> {
        self.users.get(user)?.get(terminal).map(|places| shown(places))
    }

    /// Of one user.
    pub(super) fn of(&self, user: &UserId) -> Terminals {
        let terminals = self.users.get(user).into_iter().flatten();
        terminals
            .map(|(class, places)| (class.clone(), shown(places).clone()))
            .collect()
    }

    /// Of everybody.
    pub(super) fn terminals(&self) -> impl Iterator<Item = (UserId, TerminalType)> {
        let users = self.users.iter();
        users.flat_map(|(user, terminals)| terminals.keys().map(|class| (user.clone(), class.clone())))
    }
}

fn shown(places: &[Place]) -> &Arc<Shown> {
    &places.last().expect("a terminal without a place is removed").shown
}

impl Shown {
    fn new(user: UserId, terminal: OnlineTerminal) -> Self {
        // An event of its own is larger than its share of any page or batch.
        let alone = PresenceChange {
            user,
            online: false,
            terminal: terminal.clone(),
        };
        let size = encode_event(&Event::Presence { changes: vec![alone] }).size();
        Self { terminal, size }
    }
}
