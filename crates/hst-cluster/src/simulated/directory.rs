use std::{collections::VecDeque, fmt};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::{
    sync::watch,
    time::{Duration, Instant, sleep, sleep_until},
};

use super::{
    SimulatedNode,
    network::{Road, Way},
};
use crate::{
    Directory, Entry, Key, Prefix, Revision, Unavailable, Watch, WatchEvent, WriteError, memory::MemoryCluster,
};

/// Changes that are on their way to one watcher.
const CHANGES: usize = 1024;

/// A write on its way.
#[derive(Debug, Clone)]
enum Write {
    Create(Key, Bytes),
    Update(Key, Bytes, Revision),
    Delete(Key, Revision),
}

impl Write {
    /// A deletion has no revision of which its writer is told.
    async fn arrive(self, truth: &MemoryCluster) -> Result<Option<Revision>, WriteError> {
        match self {
            Self::Create(key, value) => truth.create(&key, value).await.map(Some),
            Self::Update(key, value, expected) => truth.update(&key, value, expected).await.map(Some),
            Self::Delete(key, expected) => truth.delete(&key, expected).await.map(|()| None),
        }
    }
}

impl SimulatedNode {
    async fn write(&self, write: Write) -> Result<Option<Revision>, WriteError> {
        if !self.can_reach_directory() {
            let notices = self.shared.network().notices();
            self.lose_patience().await;
            // Both are true: nothing is written.
            return Err(if notices {
                WriteError::Unavailable
            } else {
                WriteError::Unknown
            });
        }
        self.travel().await;
        let way = self.shared.network().request(self.number);
        match way {
            Way::Arrives => {}
            Way::Lost => {
                self.lose_patience().await;
                return Err(WriteError::Unknown);
            }
            Way::Late(lateness) => {
                self.arrive_late(write, lateness);
                self.lose_patience().await;
                return Err(WriteError::Unknown);
            }
        }
        let written = write.arrive(&self.shared.truth).await;
        match self.answer().await {
            true => written,
            false => Err(WriteError::Unknown),
        }
    }

    fn arrive_late(&self, write: Write, lateness: Duration) {
        let shared = self.shared.clone();
        tokio::spawn(async move {
            sleep(lateness).await;
            let has_leader = shared.network().has_leader();
            if has_leader {
                // Nobody waits for the answer.
                let _ = write.arrive(&shared.truth).await;
            }
        });
    }

    /// The way there and back of something that changes nothing.
    async fn read<T>(&self, read: impl Future<Output = T> + Send) -> Result<T, Unavailable> {
        self.travel().await;
        let way = self.shared.network().request(self.number);
        if way != Way::Arrives {
            self.lose_patience().await;
            return Err(Unavailable);
        }
        let read = read.await;
        match self.answer().await {
            true => Ok(read),
            false => Err(Unavailable),
        }
    }

    /// The way back, and whether the answer comes.
    async fn answer(&self) -> bool {
        let arrives = self.shared.network().answer_arrives(self.number);
        match arrives {
            true => self.travel().await,
            false => self.lose_patience().await,
        }
        arrives
    }

    fn can_reach_directory(&self) -> bool {
        let network = self.shared.network();
        network.is_open(Road::ToDirectory(self.number)) && network.has_leader()
    }

    pub(super) async fn travel(&self) {
        let delay = self.shared.network().delay();
        if !delay.is_zero() {
            sleep(delay).await;
        }
    }

    async fn lose_patience(&self) {
        let patience = self.shared.network().patience();
        sleep(patience).await;
    }
}

#[async_trait]
impl Directory for SimulatedNode {
    async fn create(&self, key: &Key, value: Bytes) -> Result<Revision, WriteError> {
        let written = self.write(Write::Create(key.clone(), value)).await?;
        Ok(written.expect("a write has a revision"))
    }

    async fn update(&self, key: &Key, value: Bytes, expected: Revision) -> Result<Revision, WriteError> {
        let written = self.write(Write::Update(key.clone(), value, expected)).await?;
        Ok(written.expect("a write has a revision"))
    }

    async fn delete(&self, key: &Key, expected: Revision) -> Result<(), WriteError> {
        self.write(Write::Delete(key.clone(), expected)).await.map(|_| ())
    }

    async fn get(&self, key: &Key) -> Result<Option<Entry>, Unavailable> {
        self.read(self.shared.truth.get(key)).await?
    }

    async fn list(&self, prefix: &Prefix) -> Result<Vec<Entry>, Unavailable> {
        self.read(self.shared.truth.list(prefix)).await?
    }

    async fn watch(&self, prefix: &Prefix) -> Result<Box<dyn Watch>, Unavailable> {
        let outages = self.shared.network().changes(self.number).1;
        let changes = self.read(self.shared.truth.watch(prefix)).await??;
        Ok(Box::new(SimulatedWatch {
            node: self.clone(),
            prefix: prefix.clone(),
            changes,
            under_way: VecDeque::new(),
            outages,
            roads: self.shared.roads.subscribe(),
        }))
    }
}

struct SimulatedWatch {
    node: SimulatedNode,
    prefix: Prefix,
    changes: Box<dyn Watch>,
    /// Changes that are on their way, and when they arrive: none overtakes another. When it is full, the others wait in
    /// `changes`.
    under_way: VecDeque<(Instant, WatchEvent)>,
    /// The node's, when `changes` began.
    outages: u64,
    roads: watch::Receiver<()>,
}

impl SimulatedWatch {
    async fn begin_anew(&mut self) -> WatchEvent {
        let (_, outages) = self.node.shared.network().changes(self.node.number);
        let watch = self.node.shared.truth.watch(&self.prefix).await;
        self.changes = watch.expect("what is in memory is never away");
        self.outages = outages;
        self.under_way.clear();
        WatchEvent::Resync
    }

    /// Sends a change on its way, and says whether everything comes anew instead.
    fn send(&mut self, change: WatchEvent) -> bool {
        let mut network = self.node.shared.network();
        let last = self.under_way.back().map(|(due, _)| *due);
        let due = (Instant::now() + network.delay()).max(last.unwrap_or_else(Instant::now));
        self.under_way.push_back((due, change));
        network.resyncs()
    }
}

#[async_trait]
impl Watch for SimulatedWatch {
    async fn next(&mut self) -> WatchEvent {
        loop {
            self.roads.mark_unchanged();
            let (is_open, outages) = self.node.shared.network().changes(self.node.number);
            if !is_open {
                // The cluster lives as long as this node's handle of it.
                let _ = self.roads.changed().await;
                continue;
            }
            if outages != self.outages {
                return self.begin_anew().await;
            }
            let due = self.under_way.front().map(|(due, _)| *due);
            if due.is_some_and(|due| due <= Instant::now())
                && let Some((_, event)) = self.under_way.pop_front()
            {
                return event;
            }
            tokio::select! {
                biased;
                _ = self.roads.changed() => {}
                change = self.changes.next(), if self.under_way.len() < CHANGES => {
                    if self.send(change) {
                        return self.begin_anew().await;
                    }
                }
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {}
            }
        }
    }
}

impl fmt::Debug for SimulatedWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimulatedWatch")
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}
