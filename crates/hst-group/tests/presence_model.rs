//! Presence against a naive model: whatever happens in which order, pages and events together are the truth.

#![allow(clippy::unwrap_used, reason = "a failing unwrap fails the test")]

use std::{
    collections::{BTreeMap, BTreeSet},
    iter,
    time::{Duration, Instant},
};

use hst_group::server::{Presence, WatcherId};
use hst_id::{TerminalType, UserId};
use hst_proto::{Event, Online, OnlinePage, OnlineTerminal, PresenceChange, ServerFrame, decode_server, frame_event};
use rand::{Rng, SeedableRng, rngs::StdRng};

const USERS: u32 = 12;
const CLIENTS: u64 = 6;

type Picture = BTreeMap<(UserId, TerminalType), OnlineTerminal>;

/// What one client makes of what it gets.
struct Client {
    own: UserId,
    known: Picture,
    watch: Watch,
}

#[derive(Clone, PartialEq)]
enum Watch {
    Off,
    UpTo(UserId),
    Everybody,
}

impl Client {
    fn reaches(&self, user: &UserId) -> bool {
        match &self.watch {
            Watch::Off => false,
            Watch::UpTo(last) => user <= last,
            Watch::Everybody => true,
        }
    }

    fn others(&self) -> Picture {
        let mut known = self.known.clone();
        known.retain(|(user, _), _| *user != self.own);
        known
    }

    fn handle_page(&mut self, after: Option<&UserId>, page: &Online) {
        if after.is_none() {
            self.known.clear();
        }
        let mut last = after;
        for entry in &page.users {
            assert!(last.is_none_or(|last| *last < entry.user), "pages are in order");
            assert!(!entry.terminals.is_empty(), "who is listed is online");
            last = Some(&entry.user);
            for terminal in &entry.terminals {
                let key = (entry.user.clone(), terminal.terminal.clone());
                let before = self.known.insert(key, terminal.clone());
                assert_eq!(before, None, "nobody is told of twice");
            }
        }
        self.watch = match last {
            Some(last) if page.more => Watch::UpTo(last.clone()),
            _ => Watch::Everybody,
        };
    }

    fn handle_changes(&mut self, changes: Vec<PresenceChange>) {
        let keys = changes.iter().map(|c| (c.user.clone(), c.terminal.terminal.clone()));
        assert_eq!(
            keys.collect::<BTreeSet<_>>().len(),
            changes.len(),
            "a batch says one thing of a terminal"
        );
        for PresenceChange { user, online, terminal } in changes {
            assert_ne!(user, self.own, "nobody is told of himself");
            assert!(self.reaches(&user), "a page to come has {user}");
            let key = (user, terminal.terminal.clone());
            if online {
                let before = self.known.insert(key, terminal.clone());
                assert_ne!(before, Some(terminal), "nothing is told twice in a row");
            } else {
                assert_eq!(self.known.remove(&key), Some(terminal), "who goes was there like this");
            }
        }
    }
}

struct World {
    rng: StdRng,
    now: Instant,
    presence: Presence,
    /// Each place, the one that was set last behind the others.
    places: Vec<(UserId, u64, OnlineTerminal)>,
    clients: Vec<Client>,
}

impl World {
    fn new(seed: u64) -> Self {
        let client = |own| Client {
            own: user(own),
            known: Picture::new(),
            watch: Watch::Off,
        };
        Self {
            rng: StdRng::seed_from_u64(seed),
            now: Instant::now(),
            presence: Presence::new(),
            places: Vec::new(),
            // The first users watch, and one of them twice.
            clients: (0..CLIENTS)
                .map(|id| client(u32::try_from(id / 2 * 3).unwrap()))
                .collect(),
        }
    }

    fn truth(&self) -> Picture {
        let places = self.places.iter();
        places
            .map(|(user, _, terminal)| ((user.clone(), terminal.terminal.clone()), terminal.clone()))
            .collect()
    }

    fn step(&mut self) {
        match self.rng.random_range(0..100) {
            0..30 => self.online(),
            30..50 => self.offline(),
            50..75 => self.page(),
            75..78 => self.unwatch(),
            78..80 => self.resync(),
            _ => self.wait(),
        }
        self.drain();
        self.check();
    }

    fn online(&mut self) {
        let (user, place) = (user(self.rng.random_range(0..USERS)), self.rng.random_range(0..2));
        let terminal = OnlineTerminal {
            terminal: TerminalType::parse(["web", "phone"][self.rng.random_range(0..2)]).unwrap(),
            state: ["", "busy"][self.rng.random_range(0..2)].to_owned(),
            extend_info: "nick".to_owned(),
        };
        let same =
            |(u, p, t): &(UserId, u64, OnlineTerminal)| *u == user && *p == place && t.terminal == terminal.terminal;
        if self
            .places
            .iter()
            .find(|entry| same(entry))
            .is_none_or(|(_, _, t)| *t != terminal)
        {
            self.places.retain(|entry| !same(entry));
            self.places.push((user.clone(), place, terminal.clone()));
        }
        self.presence.handle_online(self.now, user, place, terminal);
    }

    fn offline(&mut self) {
        if self.places.is_empty() {
            let web = TerminalType::default();
            return self.presence.handle_offline(self.now, &user(0), 0, &web);
        }
        let at = self.rng.random_range(0..self.places.len());
        let (user, place, terminal) = self.places.remove(at);
        self.presence.handle_offline(self.now, &user, place, &terminal.terminal);
    }

    fn page(&mut self) {
        let id = self.rng.random_range(0..CLIENTS);
        let truth = self.truth();
        let client = &mut self.clients[usize::try_from(id).unwrap()];
        let after = match &client.watch {
            Watch::UpTo(last) if self.rng.random_bool(0.9) => Some(last.clone()),
            _ => None,
        };
        let limit = self.rng.random_range(0..6);
        let asked = OnlinePage { after, limit };
        let page = self.presence.handle_page(WatcherId(id), &client.own, &asked);
        let after = asked.after.as_ref();
        client.handle_page(after, &page);

        assert!(page.users.len() <= usize::try_from(limit.max(1)).unwrap());
        let own: Picture = truth.into_iter().filter(|((user, _), _)| *user == client.own).collect();
        if client.reaches(&client.own) && after.is_none_or(|after| *after < client.own) {
            let known: Picture = client
                .known
                .clone()
                .into_iter()
                .filter(|((u, _), _)| *u == client.own)
                .collect();
            assert_eq!(known, own, "one's own terminals are there as they are now");
        }
        if client.watch == Watch::Everybody {
            let others: BTreeSet<_> = client.others().into_keys().map(|(user, _)| user).collect();
            assert_eq!(
                usize::try_from(page.total).unwrap(),
                others.len() + usize::from(!own.is_empty())
            );
        }
    }

    fn unwatch(&mut self) {
        let id = self.rng.random_range(0..CLIENTS);
        self.clients[usize::try_from(id).unwrap()].watch = Watch::Off;
        self.presence.handle_unwatch(WatcherId(id));
    }

    /// All places are named anew, one of which is gone since, while time goes on and things happen.
    fn resync(&mut self) {
        if !self.places.is_empty() {
            self.places.remove(self.rng.random_range(0..self.places.len()));
        }
        let named = self.places.clone();
        self.presence.handle_resync();
        for (user, place, terminal) in named {
            self.presence.handle_online(self.now, user, place, terminal);
            if self.rng.random_bool(0.2) {
                self.wait();
                self.drain();
            }
        }
        if self.rng.random_bool(0.5) {
            self.online();
            self.offline();
        }
        self.presence.handle_synced(self.now);
    }

    fn wait(&mut self) {
        self.now += Duration::from_millis(self.rng.random_range(0..150));
        self.presence.handle_timeout(self.now);
    }

    fn drain(&mut self) {
        for tell in iter::from_fn(|| self.presence.poll_output()) {
            let ServerFrame::Event {
                event: Event::Presence { changes },
                ..
            } = decode_server(&frame_event(Some(1), &tell.body)).unwrap()
            else {
                panic!("presence tells nothing else");
            };
            assert!(!changes.is_empty());
            for WatcherId(id) in tell.watchers {
                self.clients[usize::try_from(id).unwrap()].handle_changes(changes.clone());
            }
        }
    }

    fn check(&self) {
        if self.presence.poll_timeout().is_some() {
            return;
        }
        let truth = self.truth();
        for client in self.clients.iter().filter(|client| client.watch != Watch::Off) {
            let mut expected = truth.clone();
            expected.retain(|(user, _), _| *user != client.own && client.reaches(user));
            assert_eq!(client.others(), expected);
        }
    }
}

fn user(number: u32) -> UserId {
    UserId::parse(&format!("user{number:02}")).unwrap()
}

#[test]
fn pages_and_events_together_are_the_truth_whatever_happens_in_which_order() {
    for seed in 0..300 {
        // Shown when the test fails.
        println!("seed {seed}");
        let mut world = World::new(seed);
        for _ in 0..400 {
            world.step();
        }
        world.now += Duration::from_secs(1);
        world.presence.handle_timeout(world.now);
        world.drain();
        assert_eq!(world.presence.poll_timeout(), None, "everything has been told");
        world.check();
    }
}
