mod batch;
mod places;
mod told;
mod watcher;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    mem,
    time::{Duration, Instant},
};

use hst_id::{TerminalType, UserId};
use hst_proto::{EventBody, Online, OnlinePage, OnlineTerminal};

use self::{
    places::Places,
    told::{Change, Told},
    watcher::{Horizon, Watcher},
};

/// After a batch of changes the next one waits for so long. A change in quiet times is told at once.
const BATCH: Duration = Duration::from_millis(200);

/// One session that watches who is online, named by the shell; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WatcherId(pub u64);

/// An event for several watchers' sessions.
#[derive(Debug)]
pub struct Tell {
    /// Whose.
    pub watchers: Vec<WatcherId>,
    /// The event, encoded once.
    pub body: EventBody,
}

/// Who is online in one App and company, and who watches it.
///
/// It keeps two pictures: the places as they are, and what has been told of them. Pages show the second, so that a page
/// and the changes after it always fit together, and what is undone before it was told leaves no trace.
///
/// Call a `handle_*`, then [`poll_output`](Self::poll_output) until it is empty, and [`handle_timeout`] at
/// [`poll_timeout`]. Pages and events have to reach a watcher in the order in which they come out.
///
/// [`handle_timeout`]: Self::handle_timeout
/// [`poll_timeout`]: Self::poll_timeout
#[derive(Debug, Default)]
pub struct Presence {
    places: Places,
    /// The places that were named since a resync began.
    arriving: Option<Places>,
    told: Told,
    /// Where something may be different from what was told.
    changed: BTreeSet<(UserId, TerminalType)>,
    watchers: BTreeMap<WatcherId, Watcher>,
    /// Before this no batch is told.
    next_batch: Option<Instant>,
    /// Drained by the shell after every call, so it holds what one call gives rise to.
    outputs: VecDeque<Tell>,
}

impl Presence {
    /// Nobody online, and nobody who watches.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether somebody watches.
    pub fn is_watched(&self) -> bool {
        !self.watchers.is_empty()
    }

    /// A user is online at a place, or it has other texts now.
    ///
    /// A place is one login among those of the same user and class of terminal. The terminal is online while one of
    /// them is, and shows the texts of the place where they were set last.
    pub fn handle_online(&mut self, now: Instant, user: UserId, place: u64, terminal: OnlineTerminal) {
        if let Some(arriving) = &mut self.arriving {
            return arriving.put(user, place, terminal);
        }
        let key = (user.clone(), terminal.terminal.clone());
        self.places.put(user, place, terminal);
        self.note_changed(now, key);
    }

    /// A user is not online at a place any more.
    pub fn handle_offline(&mut self, now: Instant, user: &UserId, place: u64, terminal: &TerminalType) {
        if let Some(arriving) = &mut self.arriving {
            return arriving.remove(user, place, terminal);
        }
        self.places.remove(user, place, terminal);
        self.note_changed(now, (user.clone(), terminal.clone()));
    }

    /// Changes may be missing: all places are named anew from here to [`handle_synced`](Self::handle_synced). Until
    /// then everything stays as it is, because not to know of a user does not mean that he has gone.
    pub fn handle_resync(&mut self) {
        self.arriving = Some(Places::default());
    }

    /// All places have been named. Only what is different from before is told.
    pub fn handle_synced(&mut self, now: Instant) {
        if let Some(arrived) = self.arriving.take() {
            let before = mem::replace(&mut self.places, arrived);
            self.changed.extend(before.terminals().chain(self.places.terminals()));
            self.flush(now);
        }
    }

    /// A session of the user `own` asks for a page.
    ///
    /// A page from the beginning begins a watch, and one behind that carries it on; one behind a name without a watch
    /// is only a look. A limit of 0 counts as 1.
    pub fn handle_page(&mut self, id: WatcherId, own: &UserId, asked: &OnlinePage) -> Online {
        let page = self.told.page(own, self.places.of(own), asked);
        let horizon = match page.users.last() {
            Some(last) if page.more => Horizon::User(last.user.clone()),
            _ => Horizon::Everybody,
        };
        if asked.after.is_none() {
            let user = own.clone();
            self.watchers.insert(id, Watcher { user, horizon });
        } else if let Some(watcher) = self.watchers.get_mut(&id)
            && watcher.horizon < horizon
        {
            watcher.horizon = horizon;
        }
        page
    }

    /// A session goes on with a watch that it began elsewhere: of the users up to this name, or of everybody. What has changed
    /// before is not told.
    pub fn handle_watch(&mut self, id: WatcherId, own: UserId, up_to: Option<UserId>) {
        let horizon = up_to.map_or(Horizon::Everybody, Horizon::User);
        self.watchers.insert(id, Watcher { user: own, horizon });
    }

    /// A session does not watch any more, or is gone.
    pub fn handle_unwatch(&mut self, id: WatcherId) {
        self.watchers.remove(&id);
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.next_batch.filter(|_| !self.changed.is_empty())
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_some_and(|at| at <= now) {
            self.flush(now);
        }
    }

    /// The next event to hand out.
    pub fn poll_output(&mut self) -> Option<Tell> {
        self.outputs.pop_front()
    }

    fn note_changed(&mut self, now: Instant, terminal: (UserId, TerminalType)) {
        self.changed.insert(terminal);
        if self.next_batch.is_none_or(|at| at <= now) {
            self.flush(now);
        }
    }

    fn flush(&mut self, now: Instant) {
        let changes: Vec<Change> = mem::take(&mut self.changed)
            .into_iter()
            .filter_map(|(user, terminal)| {
                let shown = self.places.shown(&user, &terminal);
                self.told.update(user, terminal, shown)
            })
            .collect();
        // When nothing is told, nothing has to wait: so the first page of the first watcher is complete.
        if changes.is_empty() || self.watchers.is_empty() {
            return;
        }
        self.next_batch = Some(now + BATCH);
        self.outputs.extend(batch::tells(&changes, &self.watchers));
    }
}
