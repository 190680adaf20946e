use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use async_nats::{Message, Subscriber};
use futures_util::StreamExt;
use hst_cluster::{Entry, Prefix, Revision, Unavailable, WatchEvent};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval_at, sleep},
};

use crate::{
    link::Link,
    names::Names,
    queue::Queue,
    stream::{Stream, Tail},
};

/// Changes that wait for one watcher. When it is full the watcher begins anew, so it is as long as a busy directory is
/// while what is there is read.
const CHANGES: usize = 8192;
/// How often the stream is asked how far it has come: only by that the loss of the last change shows.
const TAIL: Duration = Duration::from_secs(2);
/// Before the stream is asked again, if it was out of reach.
const PAUSE: Duration = Duration::from_millis(250);

/// All changes of the directory, in order, for all watchers of this node.
///
/// The servers publish each change once it is stored, with its number. There is no consumer on the servers, which could
/// be forgotten or stall: whoever listens counts, and begins anew where a number is missing.
#[derive(Debug)]
pub(crate) struct Feed {
    shared: Arc<Shared>,
    /// One task, which ends with the feed.
    _follower: JoinSet<()>,
}

/// How far a feed has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    /// Grows each time that it begins anew.
    pub(crate) era: u64,
    /// The last change that all watchers have.
    pub(crate) heard: u64,
}

#[derive(Debug)]
struct Shared {
    /// A lock, because watchers come on any thread; held for one change.
    readers: Mutex<Vec<Reader>>,
    position: watch::Sender<Position>,
}

#[derive(Debug)]
struct Reader {
    prefix: Prefix,
    changes: Weak<Queue<WatchEvent>>,
}

impl Feed {
    pub(crate) async fn start(link: &Link, names: &Names, stream: &Stream) -> Result<Self, Unavailable> {
        let losses = link.losses();
        let subscriber = link.subscribe(names.changes()).await?;
        let tail = stream.tail().await?;
        let shared = Arc::new(Shared {
            readers: Mutex::default(),
            position: watch::Sender::new(Position {
                era: 0,
                heard: tail.last,
            }),
        });
        let follower = Follower {
            names: names.clone(),
            stream: stream.clone(),
            subscriber,
            losses,
            shared: shared.clone(),
        };
        Ok(Self {
            shared,
            _follower: [follower.run(tail)].into_iter().collect(),
        })
    }

    /// The changes beneath a prefix from now on, for as long as the queue is held. A hole in it is a beginning anew.
    pub(crate) fn follow(&self, prefix: &Prefix) -> Arc<Queue<WatchEvent>> {
        let changes = Arc::new(Queue::new(CHANGES));
        self.shared.lock().push(Reader {
            prefix: prefix.clone(),
            changes: Arc::downgrade(&changes),
        });
        changes
    }

    pub(crate) fn position(&self) -> watch::Receiver<Position> {
        self.shared.position.subscribe()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Vec<Reader>> {
        // The list is whole whenever the lock is free, so another thread's panic has broken nothing.
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, change: &WatchEvent) {
        let key = match change {
            WatchEvent::Put(entry) => entry.key.as_str(),
            WatchEvent::Deleted { key, .. } => key.as_str(),
            WatchEvent::Synced | WatchEvent::Resync => return,
        };
        self.lock().retain(|reader| match reader.changes.upgrade() {
            Some(changes) => {
                if key.starts_with(reader.prefix.as_str()) {
                    changes.push(change.clone());
                }
                true
            }
            None => false,
        });
    }

    fn spoil(&self) {
        self.lock()
            .iter()
            .filter_map(|reader| reader.changes.upgrade())
            .for_each(|changes| changes.spoil());
    }
}

struct Follower {
    names: Names,
    stream: Stream,
    subscriber: Subscriber,
    losses: watch::Receiver<u64>,
    shared: Arc<Shared>,
}

impl Follower {
    async fn run(mut self, mut tail: Tail) {
        // Ends with the connection, which ends with the node.
        while self.follow(tail).await.is_some() {
            tail = self.tail().await;
            // First the holes, then the place: whoever sees the new place finds the hole.
            self.shared.spoil();
            self.shared.position.send_modify(|position| {
                position.era += 1;
                position.heard = tail.last;
            });
        }
    }

    /// Passes on what comes behind `begun`, until something is missing. `None`: nothing comes any more.
    async fn follow(&mut self, begun: Tail) -> Option<()> {
        let mut heard = begun.last;
        let mut asked = begun.last;
        let mut tick = interval_at(Instant::now() + TAIL, TAIL);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                lost = self.losses.changed() => return lost.ok(),
                message = self.subscriber.next() => {
                    let message = message?;
                    match number(&message) {
                        // Published before we began, and heard behind it.
                        Some(number) if number <= begun.last => continue,
                        Some(number) if number == heard + 1 => heard = number,
                        // A hole; or the stream has lost its end, and counts on from there.
                        _ => return Some(()),
                    }
                    if let Some(change) = self.change(message, heard) {
                        self.shared.tell(&change);
                    }
                    self.shared.position.send_modify(|position| position.heard = heard);
                }
                _ = tick.tick() => {
                    let Ok(tail) = self.stream.tail().await else { continue };
                    // What was stored when it was asked last has had the time to come.
                    if tail.created != begun.created || tail.last < heard || heard < asked {
                        return Some(());
                    }
                    asked = tail.last;
                }
            }
        }
    }

    /// How far the stream has come, as soon as it can be asked.
    async fn tail(&self) -> Tail {
        loop {
            match self.stream.tail().await {
                Ok(tail) => return tail,
                Err(Unavailable) => sleep(PAUSE).await,
            }
        }
    }

    /// `None` for what is no key of ours.
    fn change(&self, message: Message, number: u64) -> Option<WatchEvent> {
        let key = self.names.key(&message.subject)?;
        let revision = Revision::new(number);
        let is_mark = message
            .headers
            .is_some_and(|headers| headers.get("KV-Operation").is_some());
        Some(match is_mark {
            true => WatchEvent::Deleted { key, revision },
            false => WatchEvent::Put(Entry {
                key,
                value: message.payload,
                revision,
            }),
        })
    }
}

fn number(message: &Message) -> Option<u64> {
    message.headers.as_ref()?.get("Nats-Sequence")?.as_str().parse().ok()
}
