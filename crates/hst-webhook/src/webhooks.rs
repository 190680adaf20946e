use std::{
    collections::{HashMap, hash_map::Entry},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use hst_id::AppId;
use tokio::{
    runtime::Handle,
    sync::{Notify, watch},
    time::{Instant, timeout},
};

use crate::{
    AddressGuard, Counters, Endpoint, EventId, WebhooksBuilder,
    builder::Dice,
    http::Http,
    queue::Queue,
    worker::{Life, Worker},
};

/// How long [`Webhooks::shutdown`] lets deliveries go on.
const GRACE: Duration = Duration::from_secs(3);

/// Delivers events to the endpoints of Apps, each App's in order and apart from all others.
///
/// Clones are handles to the same queues. When the last is gone, what waits is still delivered or given up, as long as
/// the runtime lives.
#[derive(Clone)]
pub struct Webhooks {
    shared: Arc<Shared>,
}

impl Webhooks {
    /// Calls endpoints at the addresses that `guard` permits.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn new(guard: AddressGuard) -> Self {
        Self::builder(guard).build()
    }

    /// With another resolver, clock or dice.
    pub fn builder(guard: AddressGuard) -> WebhooksBuilder {
        WebhooksBuilder::new(guard)
    }

    pub(crate) fn with(http: Http, dice: Dice) -> Self {
        let shared = Shared {
            state: Mutex::default(),
            life: watch::Sender::new(Life::Running),
            runtime: Handle::current(),
            http,
            dice,
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Queues an event; `body` is sent as `application/json`, byte for byte.
    ///
    /// Never waits and never fails: what finds no room is dropped and counted. The endpoint counts for everything that
    /// waits for this App, so that one that was mistaken can be set right.
    pub fn send(&self, app: &AppId, endpoint: &Endpoint, id: EventId, body: Bytes) {
        let mut state = self.shared.state();
        let State { lines, counters } = &mut *state;
        if *self.shared.life.borrow() != Life::Running {
            counters.dropped += 1;
            return;
        }
        let line = match lines.entry(app.clone()) {
            Entry::Occupied(line) => {
                let line = line.into_mut();
                if line.queue.set_endpoint(endpoint) {
                    line.changed.notify_one();
                }
                line
            }
            Entry::Vacant(place) => {
                // While the state is locked, so that the worker finds its line.
                let worker = Worker {
                    shared: self.shared.clone(),
                    app: app.clone(),
                    life: self.shared.life.subscribe(),
                };
                self.shared.runtime.spawn(worker.run());
                place.insert(Line {
                    queue: Queue::new(endpoint.clone()),
                    changed: Arc::default(),
                })
            }
        };
        line.queue.push(id, body, Instant::now().into_std(), counters);
    }

    /// What became of the events so far.
    pub fn counters(&self) -> Counters {
        self.shared.state().counters
    }

    /// Takes no more events, delivers those that wait where an endpoint takes them, and drops the others: all of them
    /// after 3 seconds.
    ///
    /// Cancel-safe: it can be called again.
    pub async fn shutdown(&self) {
        self.shared.set_life(Life::Ending);
        if timeout(GRACE, self.shared.life.closed()).await.is_err() {
            self.shared.set_life(Life::Over);
            self.shared.life.closed().await;
        }
    }
}

impl fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhooks")
            .field("counters", &self.counters())
            .finish_non_exhaustive()
    }
}

/// What the handles and the workers have in common.
pub(crate) struct Shared {
    /// Locked for some instructions at a time and never across an `await`: whoever sends an event must not wait, and a
    /// channel could not tell him that it is full without one for each App.
    state: Mutex<State>,
    /// Each worker has a receiver: when there is none, all have ended.
    life: watch::Sender<Life>,
    runtime: Handle,
    pub(crate) http: Http,
    pub(crate) dice: Dice,
}

#[derive(Default)]
pub(crate) struct State {
    /// Of the Apps for which something waits; each has a worker.
    pub(crate) lines: HashMap<AppId, Line>,
    pub(crate) counters: Counters,
}

pub(crate) struct Line {
    pub(crate) queue: Queue,
    /// Ends its worker's pause, because the endpoint is another.
    pub(crate) changed: Arc<Notify>,
}

impl Shared {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// While the state is locked, so that no worker starts unseen.
    fn set_life(&self, life: Life) {
        let _state = self.state();
        self.life.send_replace(life);
    }
}
