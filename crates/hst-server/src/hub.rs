use std::{
    net::IpAddr,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use hst_id::AppId;
use hst_proto::{ErrorCode, Failure};
use hst_signal::{AcceptError, CloseCode, SignalConnection, SignalListener};
use tokio::time::{Duration, sleep};

use crate::{
    admission::{Admission, FRAME_BEFORE_LOGIN, Place},
    apps::Apps,
    failures::{Failures, Source},
    fleet::Fleet,
    greeting,
    groups::Groups,
    hooks::Hooks,
    life::Life,
    metrics::Metrics,
    node::Node,
    people::People,
    registry::Registry,
    relay::RelayDoor,
    ringing::Ringing,
    sessions::Sessions,
};

/// The pause after the system could not hand over a connection, for example because too many files are open.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How often a developer's backend may show wrong credentials in a minute, from one address.
const DEVELOPER_FAILURES: u32 = 10;
/// How many wrong tokens of one App may come from one address in a minute.
const WRONG_TOKENS: u32 = 20;

/// Where all connections meet.
#[derive(Debug)]
pub(crate) struct Hub {
    pub(crate) node: Node,
    pub(crate) fleet: Arc<Fleet>,
    pub(crate) apps: Arc<Apps>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) groups: Arc<Groups>,
    pub(crate) people: Arc<People>,
    pub(crate) ringing: Ringing,
    /// Of developers.
    pub(crate) failures: Failures,
    /// Of users: tokens of an App that were none.
    pub(crate) wrong_tokens: Failures<(Source, AppId)>,
    pub(crate) hooks: Arc<Hooks>,
    pub(crate) life: Life,
    pub(crate) admission: Arc<Admission>,
    /// Empty where there is no relay. It is set once, before anybody is let in: the relay asks for sessions here.
    pub(crate) relay: OnceLock<RelayDoor>,
    pub(crate) metrics: Metrics,
    /// Held while this node gives away what it has.
    pub(crate) drains: tokio::sync::Mutex<()>,
    last_session: AtomicU64,
}

impl Hub {
    pub(crate) fn new(
        node: Node,
        fleet: Arc<Fleet>,
        (registry, sessions): (Arc<Registry>, Arc<Sessions>),
        groups: Arc<Groups>,
        hooks: Arc<Hooks>,
        admission: Arc<Admission>,
        life: Life,
    ) -> Arc<Self> {
        let people = People::new(node.clone(), life.clone());
        let ringing = Ringing::new(node.boot);
        Arc::new(Self {
            node,
            fleet,
            apps: registry.apps.clone(),
            registry,
            sessions,
            groups,
            people,
            ringing,
            failures: Failures::new(DEVELOPER_FAILURES),
            wrong_tokens: Failures::new(WRONG_TOKENS),
            hooks,
            life,
            admission,
            relay: OnceLock::new(),
            metrics: Metrics::default(),
            drains: tokio::sync::Mutex::default(),
            last_session: AtomicU64::new(0),
        })
    }

    /// When the server is ending, the sessions end. One waits for all: each waiting by itself, they would all wait for
    /// each other at that place, at every message.
    pub(crate) async fn close_sessions(self: Arc<Self>) {
        self.life.draining().await;
        let why = Failure::new(ErrorCode::Connect, "the server is going away: connect again");
        self.sessions.close(why.retry_after(1_000));
    }

    /// A place for one more connection of this client, if there is one.
    pub(crate) fn place(&self, client: Option<IpAddr>) -> Option<Arc<Place>> {
        self.admission.admit(client)
    }

    /// The server's name for the next session.
    pub(crate) fn next_session(&self) -> u64 {
        1 + self.last_session.fetch_add(1, Ordering::Relaxed)
    }

    /// Serves a connection in a task of its own.
    pub(crate) fn serve(self: &Arc<Self>, mut connection: SignalConnection, place: Arc<Place>) {
        connection.receiver.limit_frames(FRAME_BEFORE_LOGIN);
        self.life.spawn(greeting::serve(self.clone(), connection, place));
    }

    /// Serves whoever a listener accepts, until the server ends.
    pub(crate) async fn listen(self: Arc<Self>, mut listener: Box<dyn SignalListener>) {
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = self.life.draining() => return,
            };
            match accepted {
                Ok(connection) => match self.place(connection.peer.map(|peer| peer.ip())) {
                    Some(place) => self.serve(connection, place),
                    None => self.refuse(connection),
                },
                Err(error @ AcceptError::Io(_)) => {
                    tracing::warn!(%error);
                    sleep(ACCEPT_PAUSE).await;
                }
                Err(error) => return tracing::error!(%error, ?listener, "a listener has ended"),
            }
        }
    }

    fn refuse(&self, mut connection: SignalConnection) {
        self.life
            .spawn(async move { connection.sender.close(CloseCode::Overloaded.into()).await });
    }
}

#[cfg(test)]
impl Hub {
    /// One of a server without sockets and media.
    pub(crate) async fn in_memory(
        apps: Vec<crate::App>,
        store: hst_store::Store,
    ) -> (crate::life::Lifeline, Arc<Self>) {
        Self::in_memory_as(Node::alone().await.unwrap(), apps, store)
    }

    /// The same as a node of a cluster.
    pub(crate) fn in_memory_as(
        node: Node,
        apps: Vec<crate::App>,
        store: hst_store::Store,
    ) -> (crate::life::Lifeline, Arc<Self>) {
        let (lifeline, life) = crate::life::begin();
        let apps = Arc::new(Apps::open(apps, Arc::new(store), None).unwrap());
        let hooks = Hooks::new(hst_webhook::AddressGuard::public_only(), apps.clone());
        let sessions = Arc::new(Sessions::default());
        let registry = Registry::new(node.clone(), apps, sessions.clone(), life.clone());
        let feed = crate::follow::Feed::new(node.clone(), registry.clone(), hooks.clone());
        let holdings = crate::holdings::Holdings::new(node.clone(), life.clone());
        let fleet = Fleet::new(&node, holdings, 100, Vec::new());
        let placement = crate::placement::Placement::new(node.clone(), fleet.clone());
        let media = crate::media::Media::off(life.clone());
        let groups = Groups::new(node.clone(), placement, media, feed, life.clone());
        let admission = Admission::new(crate::Connections::default());
        (
            lifeline,
            Self::new(node, fleet, (registry, sessions), groups, hooks, admission, life),
        )
    }
}
