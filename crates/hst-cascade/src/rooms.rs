use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use hst_link::Link;
use hst_sfu_worker::{Room, RoomId};
use tokio::sync::Notify;

/// The most channels that a peer may have open: far more than a node has groups.
const MAX_CHANNELS: usize = 1 << 20;

/// The rooms that have branches at one other node, and what is new about them. A lock, held for one look-up: who joins, who
/// sends, and who receives need them.
#[derive(Debug, Default)]
pub(crate) struct Rooms {
    inner: Mutex<Inner>,
    has_news: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    next: u32,
    by_name: HashMap<Arc<str>, u32>,
    by_channel: HashMap<u32, Named>,
    channels: HashMap<RoomId, u32>,
    /// The channels that have come or gone since somebody looked.
    changed: BTreeSet<u32>,
    /// The newest link that the other node has dialled.
    arrived: Option<Box<Link>>,
}

/// A room and the name by which both nodes know it.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    pub(crate) name: Arc<str>,
    pub(crate) room: Room,
    /// Whether what crosses here is going to come from elsewhere.
    pub(crate) is_going: bool,
}

/// What is new.
#[derive(Debug)]
pub(crate) enum News {
    /// The other node has dialled this link.
    Arrived(Box<Link>),
    /// These channels have come or gone.
    Changed(BTreeSet<u32>),
}

impl Rooms {
    /// Gives a room its channel; `None` if there is one of this name already that is not going.
    pub(crate) fn add(&self, name: &str, room: &Room) -> Option<u32> {
        let mut inner = self.lock();
        if let Some(&before) = inner.by_name.get(name) {
            if !inner.by_channel.get(&before)?.is_going {
                return None;
            }
            inner.remove(before);
        }
        let (channel, name): (_, Arc<str>) = (inner.next, name.into());
        inner.next = channel.wrapping_add(1);
        inner.by_name.insert(name.clone(), channel);
        inner.channels.insert(room.id(), channel);
        let named = Named {
            name,
            room: room.clone(),
            is_going: false,
        };
        inner.by_channel.insert(channel, named);
        inner.changed.insert(channel);
        drop(inner);
        self.has_news.notify_one();
        Some(channel)
    }

    /// The room is going to be removed.
    pub(crate) fn fade(&self, channel: u32) {
        let mut inner = self.lock();
        if let Some(named) = inner.by_channel.get_mut(&channel) {
            named.is_going = true;
            inner.changed.insert(channel);
        }
        drop(inner);
        self.has_news.notify_one();
    }

    pub(crate) fn remove(&self, channel: u32) {
        self.lock().remove(channel);
        self.has_news.notify_one();
    }

    /// The other node has dialled a link. One that nobody has looked at yet is replaced.
    pub(crate) fn arrive(&self, link: Box<Link>) {
        self.lock().arrived = Some(link);
        self.has_news.notify_one();
    }

    /// What is new, when anything is. For one caller at a time. Cancel-safe.
    pub(crate) async fn news(&self) -> News {
        loop {
            if let Some(news) = self.take_news() {
                return news;
            }
            self.has_news.notified().await;
        }
    }

    fn take_news(&self) -> Option<News> {
        let mut inner = self.lock();
        if let Some(link) = inner.arrived.take() {
            return Some(News::Arrived(link));
        }
        let changed = std::mem::take(&mut inner.changed);
        (!changed.is_empty()).then_some(News::Changed(changed))
    }

    pub(crate) fn at(&self, channel: u32) -> Option<Named> {
        self.lock().by_channel.get(&channel).cloned()
    }

    pub(crate) fn channel_of(&self, room: RoomId) -> Option<u32> {
        self.lock().channels.get(&room).copied()
    }

    pub(crate) fn of_name(&self, name: &str) -> Option<Room> {
        let inner = self.lock();
        let channel = inner.by_name.get(name)?;
        Some(inner.by_channel.get(channel)?.room.clone())
    }

    pub(crate) fn all(&self) -> BTreeSet<u32> {
        self.lock().by_channel.keys().copied().collect()
    }

    pub(crate) fn count(&self) -> usize {
        self.lock().by_channel.len()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn remove(&mut self, channel: u32) {
        if let Some(Named { name, room, .. }) = self.by_channel.remove(&channel) {
            self.by_name.remove(&name);
            self.channels.remove(&room.id());
            self.changed.insert(channel);
        }
    }
}

/// Which rooms the peer's channels are.
#[derive(Debug, Default)]
pub(crate) struct Channels {
    names: HashMap<u32, Arc<str>>,
}

impl Channels {
    /// Says whether there is room for it.
    pub(crate) fn open(&mut self, channel: u32, name: &str) -> bool {
        let has_room = self.names.len() < MAX_CHANNELS || self.names.contains_key(&channel);
        if has_room {
            self.names.insert(channel, name.into());
        }
        has_room
    }

    pub(crate) fn close(&mut self, channel: u32) {
        self.names.remove(&channel);
    }

    /// The room here that is that one.
    pub(crate) fn room(&self, channel: u32, rooms: &Rooms) -> Option<Room> {
        rooms.of_name(self.names.get(&channel)?)
    }
}
