use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use bytes::Bytes;

use super::{
    MemoryCluster,
    queue::{Popped, Queue},
    routes::Routes,
};
use crate::{Directory, Entry, Key, Prefix, Revision, Unavailable, Watch, WatchEvent, WriteError};

/// Changes that wait for one watcher. When it is full, the watcher starts anew with what is there.
const CHANGES: usize = 1024;

/// A lock, because all connections of a node, on all threads, write here; held for one write or one snapshot.
#[derive(Default)]
pub(super) struct SharedStore(Mutex<Store>);

#[derive(Default)]
struct Store {
    entries: BTreeMap<Key, Entry>,
    last: u64,
    watches: Routes<WatchEvent>,
}

impl SharedStore {
    fn lock(&self) -> MutexGuard<'_, Store> {
        // Every entry is whole whenever the lock is free, so another thread's panic has broken nothing.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    fn stands(&self, key: &Key) -> Option<Revision> {
        self.entries.get(key).map(|entry| entry.revision)
    }

    fn next_revision(&mut self) -> Revision {
        self.last += 1;
        Revision::new(self.last)
    }

    /// Writes, if what `stands` is what the writer expected.
    fn put(&mut self, key: &Key, value: Bytes, expected: Option<Revision>) -> Result<Revision, WriteError> {
        if self.stands(key) != expected {
            return Err(WriteError::Conflict);
        }
        let revision = self.next_revision();
        let entry = Entry {
            key: key.clone(),
            value,
            revision,
        };
        self.watches.send(key.as_str(), &WatchEvent::Put(entry.clone()));
        self.entries.insert(key.clone(), entry);
        Ok(revision)
    }

    fn delete(&mut self, key: &Key, expected: Revision) -> Result<(), WriteError> {
        if self.stands(key) != Some(expected) {
            return Err(WriteError::Conflict);
        }
        self.entries.remove(key);
        let deleted = WatchEvent::Deleted {
            key: key.clone(),
            revision: self.next_revision(),
        };
        self.watches.send(key.as_str(), &deleted);
        Ok(())
    }

    fn beneath(&self, prefix: &Prefix) -> impl Iterator<Item = &Entry> {
        let from = Bound::Included(prefix.as_str());
        let rest = self.entries.range::<str, _>((from, Bound::Unbounded));
        rest.map(|(_, entry)| entry)
            .take_while(|entry| entry.key.as_str().starts_with(prefix.as_str()))
    }

    /// What a watcher hears first. It holds as much as stands there, but shares the bytes.
    fn snapshot(&self, prefix: &Prefix) -> VecDeque<WatchEvent> {
        let entries = self.beneath(prefix).cloned().map(WatchEvent::Put);
        entries.chain([WatchEvent::Synced]).collect()
    }
}

#[async_trait]
impl Directory for MemoryCluster {
    async fn create(&self, key: &Key, value: Bytes) -> Result<Revision, WriteError> {
        self.directory.lock().put(key, value, None)
    }

    async fn update(&self, key: &Key, value: Bytes, expected: Revision) -> Result<Revision, WriteError> {
        self.directory.lock().put(key, value, Some(expected))
    }

    async fn delete(&self, key: &Key, expected: Revision) -> Result<(), WriteError> {
        self.directory.lock().delete(key, expected)
    }

    async fn get(&self, key: &Key) -> Result<Option<Entry>, Unavailable> {
        Ok(self.directory.lock().entries.get(key).cloned())
    }

    async fn list(&self, prefix: &Prefix) -> Result<Vec<Entry>, Unavailable> {
        Ok(self.directory.lock().beneath(prefix).cloned().collect())
    }

    async fn watch(&self, prefix: &Prefix) -> Result<Box<dyn Watch>, Unavailable> {
        let mut store = self.directory.lock();
        let changes = store.watches.open(prefix.as_str(), CHANGES);
        Ok(Box::new(MemoryWatch {
            prefix: prefix.clone(),
            present: store.snapshot(prefix),
            changes,
            store: self.directory.clone(),
        }))
    }
}

struct MemoryWatch {
    prefix: Prefix,
    /// What stood there when the watch began, or began anew, as far as it is not yet told.
    present: VecDeque<WatchEvent>,
    changes: Arc<Queue<WatchEvent>>,
    store: Arc<SharedStore>,
}

#[async_trait]
impl Watch for MemoryWatch {
    async fn next(&mut self) -> WatchEvent {
        if let Some(event) = self.present.pop_front() {
            return event;
        }
        match self.changes.pop().await {
            Popped::Item(change) => change,
            Popped::Gap => {
                // Nobody writes meanwhile, so the changes that are forgotten are those that the snapshot has.
                let store = self.store.lock();
                self.changes.clear();
                self.present = store.snapshot(&self.prefix);
                WatchEvent::Resync
            }
        }
    }
}

impl Drop for MemoryWatch {
    fn drop(&mut self) {
        self.store.lock().watches.close(self.prefix.as_str(), &self.changes);
    }
}

impl fmt::Debug for MemoryWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryWatch")
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}
