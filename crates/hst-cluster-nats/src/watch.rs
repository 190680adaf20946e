use std::{collections::VecDeque, fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use hst_cluster::{Prefix, Revision, Unavailable, Watch, WatchEvent};
use tokio::{sync::watch, task::JoinSet, time::sleep};

use crate::{Nats, feed::Position, queue::Queue};

/// Before what is there is read again, if it was out of reach.
const PAUSE: Duration = Duration::from_millis(250);

/// What happens beneath a prefix: what is there is read, and put together with the changes that the feed brings.
pub(crate) struct NatsWatch {
    source: Source,
    /// What was there when the watch began, or began anew, as far as it is not yet told.
    present: VecDeque<WatchEvent>,
    /// Reads it, if it is not yet read. A task, so that whoever drops `next` half-way does not begin again.
    reading: JoinSet<VecDeque<WatchEvent>>,
}

#[derive(Clone)]
struct Source {
    /// Whole, because the feed ends with it.
    nats: Nats,
    prefix: Prefix,
    changes: Arc<Queue<WatchEvent>>,
    position: watch::Receiver<Position>,
}

impl NatsWatch {
    pub(crate) async fn open(nats: &Nats, prefix: &Prefix) -> Result<Self, Unavailable> {
        let feed = nats.feed().await?;
        let mut source = Source {
            nats: nats.clone(),
            prefix: prefix.clone(),
            changes: feed.follow(prefix),
            position: feed.position(),
        };
        Ok(Self {
            present: source.read().await?,
            source,
            reading: JoinSet::new(),
        })
    }
}

#[async_trait]
impl Watch for NatsWatch {
    async fn next(&mut self) -> WatchEvent {
        if let Some(present) = self.reading.join_next().await {
            self.present = present.expect("reading does not panic, and nobody else aborts it");
        }
        if let Some(event) = self.present.pop_front() {
            return event;
        }
        match self.source.changes.pop().await {
            Some(change) => change,
            None => {
                self.reading.spawn(self.source.clone().read_at_last());
                WatchEvent::Resync
            }
        }
    }
}

impl fmt::Debug for NatsWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsWatch")
            .field("prefix", &self.source.prefix)
            .finish_non_exhaustive()
    }
}

impl Source {
    async fn read_at_last(mut self) -> VecDeque<WatchEvent> {
        loop {
            match self.read().await {
                Ok(present) => return present,
                Err(Unavailable) => sleep(PAUSE).await,
            }
        }
    }

    /// What stands there at one moment, and then the changes since, as far as they have come.
    ///
    /// While the entries are read others are written. So the changes are gathered from before the first is read until
    /// behind the last, and those that had happened by then are made good.
    async fn read(&mut self) -> Result<VecDeque<WatchEvent>, Unavailable> {
        loop {
            self.changes.clear();
            let era = self.position.borrow_and_update().era;
            let mut entries = self.nats.bucket().entries(&self.prefix).await?;
            let moment = self.nats.bucket().last().await?;
            let arrived = move |position: &Position| position.era != era || position.heard >= moment;
            self.position.wait_for(arrived).await.map_err(|_| Unavailable)?;
            let Some(changes) = self.changes.drain() else {
                // Some are missing, so that nobody knows what stands there.
                continue;
            };
            let mut later = Vec::new();
            for change in changes {
                match change {
                    change if revision(&change).is_none_or(|revision| revision.number() > moment) => later.push(change),
                    WatchEvent::Put(entry) => {
                        if entries
                            .get(&entry.key)
                            .is_none_or(|known| known.revision < entry.revision)
                        {
                            entries.insert(entry.key.clone(), entry);
                        }
                    }
                    WatchEvent::Deleted { key, revision } => {
                        if entries.get(&key).is_some_and(|known| known.revision < revision) {
                            entries.remove(&key);
                        }
                    }
                    WatchEvent::Synced | WatchEvent::Resync => {}
                }
            }
            let present = entries.into_values().map(WatchEvent::Put);
            return Ok(present.chain([WatchEvent::Synced]).chain(later).collect());
        }
    }
}

fn revision(change: &WatchEvent) -> Option<Revision> {
    match change {
        WatchEvent::Put(entry) => Some(entry.revision),
        WatchEvent::Deleted { revision, .. } => Some(*revision),
        WatchEvent::Synced | WatchEvent::Resync => None,
    }
}
