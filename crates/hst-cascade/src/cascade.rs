use std::{
    collections::HashMap,
    fmt,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hst_link::{Arrivals, Links, NodeName};
use hst_sfu_worker::{MediaPlane, Room};
use tokio::{runtime::Handle, sync::watch, task::JoinSet, time::sleep};

use crate::{
    peer::{Peer, Standing},
    rooms::Rooms,
};

/// Joins rooms of this node to their branches at others. Clones are the same; when the last is dropped, all links end.
#[derive(Clone)]
pub struct Cascade {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    runtime: Handle,
    tasks: Mutex<JoinSet<()>>,
    peers: Mutex<HashMap<NodeName, Known>>,
}

/// What all peers share.
pub(crate) struct Shared {
    pub(crate) plane: Arc<MediaPlane>,
    pub(crate) name: NodeName,
    pub(crate) links: Links,
    pub(crate) find: Find,
}

/// Says where another node is reached, if that is known.
type Find = Box<dyn Fn(&NodeName) -> Option<SocketAddr> + Send + Sync>;

/// Another node, and its task.
#[derive(Debug, Clone)]
struct Known {
    rooms: Arc<Rooms>,
    standing: watch::Receiver<Standing>,
}

/// What joins this node to another.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Figures {
    /// The other node.
    pub node: NodeName,
    /// How many rooms are joined.
    pub rooms: usize,
    /// What the link has carried since it stands, if one does.
    pub link: Option<hst_link::Figures>,
    /// What each room may send over it, in bits in a second, because it carries less than all want to send: the largest pictures
    /// are left out. `None` is everything.
    pub bound: Option<u64>,
}

/// A room that is joined to its branch at another node until this is dropped, or until it has [gone](Self::go).
#[derive(Debug)]
pub struct Joined {
    channel: Option<u32>,
    known: Known,
    runtime: Handle,
}

impl Cascade {
    /// Begins with nothing joined. `name` is this node's, and `find` says where another is reached, if it is known. Runs on
    /// the tokio runtime that it is called in.
    pub fn start(
        plane: Arc<MediaPlane>,
        name: NodeName,
        (links, arrivals): (Links, Arrivals),
        find: impl Fn(&NodeName) -> Option<SocketAddr> + Send + Sync + 'static,
    ) -> Self {
        let shared = Shared {
            plane,
            name,
            links,
            find: Box::new(find),
        };
        let cascade = Self {
            inner: Arc::new(Inner {
                shared: Arc::new(shared),
                runtime: Handle::current(),
                tasks: Mutex::default(),
                peers: Mutex::default(),
            }),
        };
        let receptionist = receive(Arc::downgrade(&cascade.inner), arrivals);
        lock(&cascade.inner.tasks).spawn_on(receptionist, &cascade.inner.runtime);
        cascade
    }

    /// The room is the one that the other node has under this name, for as long as what this gives is not dropped. At most
    /// one room of a name is joined to a node at a time: of a second one nothing crosses. May be called anywhere.
    pub fn join(&self, node: &NodeName, name: &str, room: &Room) -> Joined {
        let known = self.inner.known(node);
        let channel = known.rooms.add(name, room);
        if channel.is_none() {
            tracing::warn!(%node, %name, "a room of this name is joined to the node already");
        }
        Joined {
            channel,
            known,
            runtime: self.inner.runtime.clone(),
        }
    }

    /// What joins this node to others.
    pub fn figures(&self) -> Vec<Figures> {
        let peers = lock(&self.inner.peers);
        let figures = peers.iter().map(|(node, known)| {
            let standing = known.standing.borrow();
            Figures {
                node: node.clone(),
                rooms: known.rooms.count(),
                link: standing.as_ref().map(|stands| stands.handle.figures()),
                bound: standing.as_ref().and_then(|stands| stands.bound),
            }
        });
        figures.collect()
    }
}

impl Inner {
    /// The other node, whose task begins if it is new.
    fn known(&self, node: &NodeName) -> Known {
        let mut peers = lock(&self.peers);
        let begin = || {
            let rooms = Arc::new(Rooms::default());
            let (stands, standing) = watch::channel(None);
            let peer = Peer::new(node.clone(), self.shared.clone(), rooms.clone(), stands);
            lock(&self.tasks).spawn_on(peer.run(), &self.runtime);
            Known { rooms, standing }
        };
        peers.entry(node.clone()).or_insert_with(begin).clone()
    }
}

/// Hands links that others have dialled to whom they concern.
async fn receive(cascade: std::sync::Weak<Inner>, mut arrivals: Arrivals) {
    while let Some(link) = arrivals.accept().await {
        let Some(cascade) = cascade.upgrade() else { return };
        let node = link.handle.peer().name.clone();
        cascade.known(&node).rooms.arrive(Box::new(link));
    }
}

impl Joined {
    /// Waits until there is a link to the other node. Cancel-safe.
    pub async fn stands(&self) {
        let mut standing = self.known.standing.clone();
        // An error is the end of the cascade.
        let _ = standing.wait_for(Option::is_some).await;
    }

    /// Lets go of the other node without a gap: the group has another middle, and what crosses here is to come from there. It
    /// goes on crossing here for so long, or until the room is joined to the node anew; meanwhile each packet counts from
    /// wherever it is there first.
    pub fn go(mut self, after: Duration) {
        let Some(channel) = self.channel.take() else { return };
        let rooms = self.known.rooms.clone();
        rooms.fade(channel);
        self.runtime.spawn(async move {
            sleep(after).await;
            rooms.remove(channel);
        });
    }
}

impl Drop for Joined {
    fn drop(&mut self) {
        if let Some(channel) = self.channel {
            self.known.rooms.remove(channel);
        }
    }
}

impl fmt::Debug for Cascade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cascade")
            .field("name", &self.inner.shared.name)
            .finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
